"""Trainings from several initial weights; the best is kept."""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.native.threads import available_threads
from striate.solvers.result import Result, Status

from .estimator_state import state_of
from .progress import Progress
from .training_record import TrainingRecord

#: Seeds are below this number, as those that scikit-learn draws.
SEED_LIMIT = np.iinfo(np.int32).max

_NOT_BEGUN = Result(np.empty(0), np.nan, 0, Status.INTERRUPTED)


@dataclass(eq=False)
class Training:
    """A training: where it starts, how it goes on, and how it ended.

    Attributes
    ----------
    model : estimator
        The estimator that is fitted, or a copy of it with another random state.
    theta : ndarray of shape (n_parameters,)
        Where it starts.
    solver : Solver
    progress : Progress
    result : Result
        Set by the training.
    """

    model: Any
    theta: npt.NDArray[Any]
    solver: Any
    progress: Progress
    result: Result = _NOT_BEGUN

    @property
    def quality(self) -> float:
        """The validation score if there is one, and −J otherwise: the larger, the better."""
        result = self.result
        if result.status is Status.DIVERGED or not np.isfinite(result.theta).all():
            return -np.inf
        score = getattr(self.solver, "validation_score", None)
        quality = -result.value if score is None else score
        return -np.inf if result.n_iter == 0 or np.isnan(quality) else float(quality)


def restarted(model: Any, n_restarts: int) -> list[Any]:
    """Return the estimator, and copies of it that draw other random numbers.

    Their seeds come from a copy of the estimator's random state: its own training is the same with
    and without restarts.
    """
    if n_restarts == 1:  # a copy of the random state takes a while
        return [model]
    seeds = copy.deepcopy(model._random_state).randint(SEED_LIMIT, size=n_restarts - 1)
    copies = [copy.copy(model) for _ in seeds]
    for each, seed in zip(copies, seeds, strict=True):
        each._random_state = np.random.RandomState(seed)
    return [model, *copies]


def adopt(model: Any, best: Any) -> None:
    """Give the estimator what the copy of it that is kept holds."""
    for name, value in state_of(best).items():
        setattr(model, name, value)


@contextmanager
def reporting(
    estimator: Any, trainings: Sequence[Training], record: TrainingRecord, name: str = "restart"
) -> Iterator[None]:
    """Open a fit for callbacks and checkpoints, and close it if it succeeds.

    Several trainings are tasks within the fit, of the given name.
    """
    if len(trainings) == 1:
        progress, n_epochs = trainings[0].progress, trainings[0].solver.max_iter
        progress.begin(estimator._init_callback_context(max_subtasks=n_epochs), record)
        yield
        progress.end()
        return
    context = estimator._init_callback_context(max_subtasks=len(trainings))
    context.call_on_fit_task_begin(estimator=estimator)
    for i, training in enumerate(trainings):
        task = context.subcontext(task_name=name, max_subtasks=training.solver.max_iter)
        training.progress.begin(task, record.inner(f"{name} {i}"))
    yield
    for training in trainings:
        training.progress.end()
    context.call_on_fit_task_end(estimator=estimator)


def run_all(
    run_one: Callable[[Training], Result], trainings: Sequence[Training], *, in_threads: bool
) -> Training:
    """Run all trainings, and return the first of the best ones.

    Parameters
    ----------
    run_one : callable
        Takes a training, and returns its result.
    trainings : sequence of Training
    in_threads : bool
        Whether several may run at the same time, each on one thread. The results are the same.

    Returns
    -------
    Training
        Its status is INTERRUPTED if Ctrl-C ended any of them.
    """
    n_threads = min(len(trainings), available_threads()) if in_threads else 1
    if n_threads == 1:
        interrupted = _run_in_turn(run_one, trainings)
    else:
        interrupted = _run_side_by_side(run_one, trainings, n_threads)
    best = max(trainings, key=lambda training: training.quality)
    if interrupted:
        best.result = best.result._replace(status=Status.INTERRUPTED)
    return best


def _run_in_turn(run_one: Callable[[Training], Result], trainings: Sequence[Training]) -> bool:
    for training in trainings:
        training.result = run_one(training)
        if training.result.status is Status.INTERRUPTED:
            return True
    return False


def _run_side_by_side(
    run_one: Callable[[Training], Result], trainings: Sequence[Training], n_threads: int
) -> bool:
    stop = threading.Event()

    def run(training: Training) -> None:
        training.progress.interrupted = stop
        if not stop.is_set():
            training.result = run_one(training)

    with ThreadPoolExecutor(n_threads, "striate") as pool:
        futures = [pool.submit(run, training) for training in trainings]
        try:
            wait(futures, return_when="FIRST_EXCEPTION")
        except KeyboardInterrupt:  # reaches the main thread only
            stop.set()
        for future in futures:
            if future.done() and future.exception() is not None:
                stop.set()  # the others need not go on
    for future in futures:
        future.result()
    return stop.is_set() or any(each.result.status is Status.INTERRUPTED for each in trainings)
