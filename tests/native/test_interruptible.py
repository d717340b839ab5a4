"""Ctrl-C does not wait for a long call; results, errors and limits of threads are as without it."""

import _thread
import signal
import threading

import numpy as np
import pytest
from scipy import linalg
from threadpoolctl import threadpool_info, threadpool_limits

from striate import KernelRegressor, LinearClassifier, ZCAWhitening
from striate.estimators import kernel_ridge, linear_problem
from striate.images import zca_whitening
from striate.native.interruptible import interruptible

X = np.random.default_rng(0).normal(size=(40, 5))
Y = np.arange(40) % 2


@pytest.fixture(autouse=True)
def heeds_ctrl_c():
    """Also where the shell that began the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_waiting_and_not_the_call():
    may_end, ended = threading.Event(), threading.Event()

    def long_call():
        threading.Timer(0.05, _thread.interrupt_main).start()
        may_end.wait(timeout=60)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        interruptible(long_call)
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(timeout=60)


@pytest.mark.parametrize(
    ("estimator", "module", "name"),
    [
        (KernelRegressor(), kernel_ridge, "eigh"),
        (KernelRegressor(), kernel_ridge, "cholesky"),
        (LinearClassifier(alphas=0.1), linear_problem, "cholesky"),
        (ZCAWhitening(), zca_whitening, "eigh"),
    ],
)
def test_fits_end_while_a_matrix_is_decomposed(estimator, module, name, monkeypatch):
    may_end = threading.Event()

    def long_call(*_, **__):
        _thread.interrupt_main()
        may_end.wait(timeout=60)

    monkeypatch.setattr(module.linalg, name, long_call)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    may_end.set()
    assert [each for each in vars(estimator) if each.endswith("_")] == []


def test_errors_are_those_of_the_call():
    with pytest.raises(linalg.LinAlgError):
        interruptible(linalg.cholesky, -np.eye(3))


def test_it_has_the_limits_of_the_thread_that_calls():
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            found = interruptible(threadpool_info)
            assert {each["num_threads"] for each in found if each["user_api"] == "blas"} == {
                n_threads
            }


def test_other_threads_call_it_themselves():
    """Ctrl-C does not reach them."""
    found = []
    other = threading.Thread(target=lambda: found.append(interruptible(threading.get_ident)))
    other.start()
    other.join()
    assert found == [other.ident]


def test_it_is_called_where_no_thread_can_start(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert interruptible(threading.get_ident) == threading.get_ident()
