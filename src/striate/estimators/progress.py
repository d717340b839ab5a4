"""Progress of a fit: the loss curve, the terminal, scikit-learn's callbacks, and checkpoints."""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.solvers.result import Result
from striate.solvers.saved_state import NOTHING_KEPT, Attributes, Changing, Keeper

from .sklearn_private import CALLBACKS_ATTRIBUTE


class Progress:
    """Record the loss of each iteration, and report it to callbacks and to the terminal.

    Parameters
    ----------
    estimator : estimator
        With `verbose`, and scikit-learn's callback support.
    losses : list of float
        Loss curve; each iteration appends its loss.
    data : dict
        The training data, as callbacks receive it: X, y, metadata.
    attributes : callable
        θ ↦ dict of the fitted attributes that make a copy of the estimator ready for use.
    loss : callable
        Terms of J ↦ the loss that the estimator reports; by default their sum.
    """

    def __init__(
        self,
        estimator: Any,
        losses: list[float],
        data: dict[str, Any],
        attributes: Callable[[npt.NDArray[Any]], dict[str, Any]],
        loss: Callable[[dict[str, float]], float] = lambda terms: sum(terms.values()),
    ) -> None:
        self.estimator, self.losses, self.data = estimator, losses, data
        self.attributes, self.loss = attributes, loss
        self.interrupted: Event | None = None  # set where the training shall end as by Ctrl-C
        self._context: Any = None
        self._has_callbacks = False
        self.keeper: Keeper = NOTHING_KEPT

    def begin(self, context: Any, keeper: Keeper) -> None:
        """Open the fit for callbacks, in a context that the estimator has made for it."""
        self._context, self.keeper = context, keeper
        self._has_callbacks = bool(getattr(self.estimator, CALLBACKS_ATTRIBUTE, ()))
        context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def __call__(self, theta: npt.NDArray[Any], loss: float) -> bool:
        """Report an iteration that ended at θ; return whether a callback asks to stop."""
        self.losses.append(loss)
        if self.estimator.verbose:
            print(f"Iteration {len(self.losses)}, loss = {loss:.8f}")
        if self.interrupted is not None and self.interrupted.is_set():
            raise KeyboardInterrupt
        if not self._has_callbacks:  # a task for each epoch would take time and memory
            return False
        task = self._context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        stop = task.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self.attributes(np.array(theta)),
        )
        return bool(stop)

    @property
    def has_begun(self) -> bool:
        """Whether `begin` was called: by `fit`, not by `partial_fit`."""
        return self._context is not None

    @property
    def is_kept(self) -> bool:
        """Whether there is a checkpoint."""
        return self.keeper.is_kept

    def resume(self, result: Result, changing: Mapping[str, Changing]) -> Result:
        """Continue from the state that a checkpoint holds, if there is one."""
        return self.keeper.resume(result, self._with_losses(changing))

    def keep(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after an iteration, if there is a checkpoint."""
        if self.is_kept:
            self.keeper.keep(result, self._with_losses(changing))

    def finish(self, result: Result, changing: Mapping[str, Changing]) -> None:
        """Keep the state after the last iteration, if there is a checkpoint."""
        self.keeper.finish(result, self._with_losses(changing))

    def _with_losses(self, changing: Mapping[str, Changing]) -> Mapping[str, Changing]:
        return {**changing, "losses": Attributes(self, "losses")}

    def say(self, message: str) -> None:
        """Print a message if the estimator is verbose."""
        if self.estimator.verbose:
            print(message)

    def end(self) -> None:
        """Close the fit for callbacks."""
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self.estimator, **self.data)
