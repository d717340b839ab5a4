"""Records of trainings: what a fit keeps while it goes on, so that it can be continued.

A fit asks `record_of` for its record. Without a `Checkpoint` among the callbacks of the estimator
the record is empty and keeps nothing. The fits inside a fit, such as those of the layers of a
stack, have records of their own, which are kept at the same place: see `TrainingRecord.recording`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from striate.solvers.result import Result, Status
from striate.solvers.saved_state import Changing, RandomNumbers

from .sklearn_private import CALLBACKS_ATTRIBUTE
from .training_identity import differences, identity_of, text_of


class OtherTrainingError(ValueError):
    """A record belongs to another training."""


class Store(ABC):
    """Where the records of a fit, and of the fits inside it, are kept by name.

    Attributes
    ----------
    every_n_epochs : int
        How often the state of a training is kept.
    """

    every_n_epochs: int

    @abstractmethod
    def read(self, name: str) -> dict[str, Any] | None:
        """Return a record, or None if there is none."""

    @abstractmethod
    def write(self, name: str, record: dict[str, Any]) -> None:
        """Keep a record; the one that it replaces is there until this one is complete."""

    @abstractmethod
    def refuse(self, reasons: list[str]) -> OtherTrainingError:
        """Return the error that says why a record does not belong to this training."""

    @abstractmethod
    def damaged(self, reason: str) -> ValueError:
        """Return the error that says that a record makes no sense."""


class Recorder(ABC):
    """A callback of scikit-learn's convention that gives fits a place for their records."""

    @abstractmethod
    def store(self, identity: dict[str, str]) -> tuple[Store, str]:
        """Return where the record of a training is kept, and its name there."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the estimator has records; called at the beginning of `fit`."""
        if not getattr(estimator, "_has_records", False):
            raise TypeError(
                f"{type(self).__name__} is for estimators that train by iterations, not for "
                f"{type(estimator).__name__}. Inside a pipeline or a search, set it on the network "
                "itself."
            )

    def teardown(self, estimator: Any, context: Any) -> None:  # noqa: B027, nothing to do
        """Do nothing at the end of `fit`."""

    # Static, since scikit-learn keeps references to the methods of callbacks.
    @staticmethod  # noqa: B027, estimators ask for their records themselves
    def on_fit_task_begin(estimator: Any, context: Any) -> None:
        """Do nothing."""

    @staticmethod
    def on_fit_task_end(estimator: Any, context: Any) -> bool:
        """Do not ask a fit to stop."""
        return False


class _Step(Recorder):
    """Gives a fit inside another one its place beside it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def store(self, identity: dict[str, str]) -> tuple[Store, str]:
        return self._store, self._name


class TrainingRecord:
    """What is kept of one fit, and what was kept of it before it was interrupted.

    Parameters
    ----------
    store : Store or None
        None to keep nothing.
    name : str
        Name of the record in the store.
    identity : dict
        See `striate.estimators.training_identity`.

    Raises
    ------
    ValueError
        If the store has the record of another training.
    """

    def __init__(
        self, store: Store | None = None, name: str = "", identity: dict[str, str] | None = None
    ) -> None:
        self._store, self._name = store, name
        self._record: dict[str, Any] = {"identity": identity or {}}
        self._written: tuple[int, str] | None = None
        stored = None if store is None else store.read(name)
        self._is_stored = stored is not None
        if store is not None and stored is not None:
            with self._reading():
                found = differences(self._record["identity"], stored["identity"])
            if found:
                raise store.refuse(found)
            self._record = {**stored, **self._record}

    @property
    def is_kept(self) -> bool:
        """Whether there is a `Checkpoint`."""
        return self._store is not None

    def random_state(self, given: Any) -> np.random.RandomState:
        """Return the random state of the fit, as it was when the fit began for the first time."""
        random_state = check_random_state(given)
        if "random_state" in self._record:
            if given is None:  # leave NumPy's global one to others
                random_state = np.random.RandomState()
            with self._reading():
                RandomNumbers(random_state).resume(self._record["random_state"])
        elif self._store is not None:
            self._record["random_state"] = RandomNumbers(random_state).state
        return random_state

    @contextmanager
    def recording(self, estimator: Any, name: str) -> Iterator[None]:
        """Have the fit of an estimator inside this fit recorded under a name, if this one is."""
        if self._store is None or not getattr(estimator, "_has_records", False):
            yield
            return
        self._write_first()
        before = list(getattr(estimator, CALLBACKS_ATTRIBUTE, []))
        estimator.set_callbacks(*before, _Step(self._store, f"{self._name}/{name}"))
        try:
            yield
        finally:
            estimator.set_callbacks(*before)

    def inner(self, name: str) -> "TrainingRecord":
        """Return the record of a part of this fit that trains with the same parameters and data."""
        if self._store is None:
            return self
        self._write_first()
        return TrainingRecord(self._store, f"{self._name}/{name}", self._record["identity"])

    def _write_first(self) -> None:
        """Write the record before the first state, so that no other fit takes its place."""
        if self._store is not None and not self._is_stored:
            self._store.write(self._name, self._record)
            self._is_stored = True

    def resume(self, result: Result, changing: Mapping[str, Changing]) -> Result:
        """Set everything back to the last state that was kept; return the result there.

        `result` is that of the beginning: θ, filled in place, are the initial weights.
        """
        store, start = self._store, text_of(result.theta)
        if store is None:
            return result
        before = self._record.setdefault("start", start)
        if before != start:
            raise store.refuse([f"the initial weights were {before}, and are {start}"])
        self._write_first()
        if "training" not in self._record:
            return result
        with self._reading():
            training = self._record["training"]
            _fill(result.theta, training["theta"])
            for name, each in changing.items():
                if each.resume(training[name]) is False:
                    raise ValueError(f"{name} is of another kind")
            n_iter, status = int(training["n_iter"]), str(training["status"])
            value, message = float(training["value"]), str(training["message"])
            self._written = n_iter, status
            return Result(result.theta, value, n_iter, Status(status), message, result.state)

    def keep(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after an iteration, if it is time to."""
        due = self._store is not None and result.n_iter % self._store.every_n_epochs == 0
        if due and result.status is not Status.DIVERGED:
            self._write(result, changing)

    def finish(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after the last iteration, unless that was interrupted or diverged."""
        if result.status not in (Status.INTERRUPTED, Status.DIVERGED):
            self._write(result, changing)

    def _write(self, result: Result, changing: Mapping[str, Changing]) -> None:
        now = result.n_iter, result.status.value
        if self._store is None or self._written == now:
            return
        self._record["training"] = {
            "theta": result.theta,
            "value": float(result.value),
            "n_iter": result.n_iter,
            "status": result.status.value,
            "message": result.message,
            **{name: each.state for name, each in changing.items()},
        }
        self._store.write(self._name, self._record)
        self._written = now

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what goes wrong with a record into one error."""
        try:
            yield
        except Exception as error:  # KeyError, TypeError and others
            assert self._store is not None
            reason = " ".join(str(error).split()) or type(error).__name__
            raise self._store.damaged(reason) from error


def record_of(estimator: Any, **data: Any) -> TrainingRecord:
    """Return the record of a fit, given the data that it trains on.

    Raises
    ------
    ValueError
        If there are several `Checkpoint` callbacks, or if the one that there is has the record of
        another training.
    """
    callbacks = getattr(estimator, CALLBACKS_ATTRIBUTE, [])
    recorders = [each for each in callbacks if isinstance(each, Recorder)]
    if not recorders:
        return TrainingRecord()
    if len(recorders) > 1:
        raise ValueError(f"{type(estimator).__name__} has several checkpoints: give it one.")
    identity = identity_of(estimator, data)
    return TrainingRecord(*recorders[0].store(identity), identity)


def _fill(theta: npt.NDArray[Any], given: Any) -> None:
    if given.dtype != theta.dtype or given.shape != theta.shape:
        raise ValueError("theta: of another type or shape")
    theta[...] = given
