"""Ctrl-C does not wait for a long call; results, errors and limits of threads are as without it."""

import _thread
import signal
import threading

import numpy as np
import pytest
from scipy import linalg
from threadpoolctl import threadpool_info, threadpool_limits

from striate import (
    DictionaryEncoder,
    ImageWhitening,
    KernelRegressor,
    LinearClassifier,
    WhitenedComponents,
    ZCAWhitening,
)
from striate.estimators import base_kernel, linear_maps, linear_problem, whitened_components
from striate.files import filled_pixels
from striate.images import dictionary_learning, image_whitening, zca_whitening
from striate.native import interruptible as module_of_it
from striate.native.interruptible import interruptible

X = np.random.default_rng(0).normal(size=(40, 5))
Y = np.arange(40) % 2


@pytest.fixture
def long_call():
    """A call that goes on after Ctrl-C; not in the main thread, where it would end at once."""
    may_end, callers = threading.Event(), []

    def call(*_, **__):
        callers.append(threading.current_thread())
        _thread.interrupt_main()
        may_end.wait(timeout=60)

    yield call
    may_end.set()
    assert callers
    assert threading.main_thread() not in callers


@pytest.fixture(autouse=True)
def heeds_ctrl_c():
    """Also where the shell that began the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def goes_on_at_once(monkeypatch):
    monkeypatch.setattr(module_of_it, "_GRACE", 0)


def test_ctrl_c_ends_the_waiting_and_not_the_call():
    may_end, callers, steps = threading.Event(), [], []

    def long_call():
        callers.append(threading.current_thread())
        threading.Timer(0.05, _thread.interrupt_main).start()
        may_end.wait(timeout=60)
        steps.append("after the call that Ctrl-C does not end, nothing more is done")

    with pytest.raises(KeyboardInterrupt):
        interruptible(long_call)
    assert callers[0].is_alive()
    may_end.set()
    callers[0].join(timeout=60)
    assert not callers[0].is_alive()
    assert steps == []


def test_no_other_thread_is_ended():
    """A number of a thread that has ended may be that of another one."""
    done, ending = threading.Thread(target=lambda: None), threading.Lock()
    done.start()
    done.join()
    ending.acquire()  # as a thread does at its end
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module_of_it.ctypes, "pythonapi", None)
        module_of_it._end(done, ending)


@pytest.mark.parametrize(
    ("estimator", "module", "name"),
    [
        (KernelRegressor(), base_kernel, "scale_of"),
        (KernelRegressor(), base_kernel, "solve"),
        (KernelRegressor(alphas=0.1), base_kernel, "solve_for_all"),
        (LinearClassifier(alphas=0.1), linear_problem, "cholesky"),
        (LinearClassifier(alphas=0.1), linear_problem, "cholesky_solution"),
        (LinearClassifier(alphas=0.1, loss="log_loss"), linear_maps, "triangular_solution"),
        (ZCAWhitening(), zca_whitening, "eigh"),
        (WhitenedComponents(3), whitened_components, "_principal_components"),
        (DictionaryEncoder(3), dictionary_learning.KMeans, "fit"),
    ],
)
def test_fits_end_while_a_long_call_goes_on(estimator, module, name, long_call, monkeypatch):
    monkeypatch.setattr(module, name, long_call)
    monkeypatch.setattr(base_kernel, "SPECTRAL_ROWS", 30 if name == "solve_for_all" else 4000)
    monkeypatch.setattr(linear_maps, "_PRODUCT_WORK", 1)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert [each for each in vars(estimator) if each.endswith("_")] == []


@pytest.mark.parametrize(
    ("call", "module", "name"),
    [
        (ImageWhitening().transform, image_whitening.ImageWhitening, "_whiten"),
        (lambda images: filled_pixels.filled(images[0]), filled_pixels, "distance_transform_edt"),
    ],
)
def test_large_images_are_not_waited_for(call, module, name, long_call, monkeypatch):
    monkeypatch.setattr(module, name, long_call)
    monkeypatch.setattr(image_whitening, "_LARGE", 10)
    image = np.ones((8, 8, 1))
    if module is filled_pixels:
        image[0, 0] = np.nan
    with pytest.raises(KeyboardInterrupt):
        call([image])


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


def test_it_has_the_context_of_the_thread_that_calls():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        interruptible(np.exp, np.array([1e4]))


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
