"""Progress of a fit: the loss curve, the terminal, and scikit-learn's callbacks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


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
        self._context: Any = None

    def begin(self, context: Any) -> None:
        """Open the fit for callbacks, in a context that the estimator has made for it."""
        self._context = context
        context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def __call__(self, theta: npt.NDArray[Any], terms: dict[str, float]) -> bool:
        """Report an iteration that ended at θ; return whether a callback asks to stop."""
        loss = self.loss(terms)
        self.losses.append(loss)
        self.say(f"Iteration {len(self.losses)}, loss = {loss:.8f}")
        if self._context is None:
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

    def say(self, message: str) -> None:
        """Print a message if the estimator is verbose."""
        if self.estimator.verbose:
            print(message)

    def end(self) -> None:
        """Close the fit for callbacks."""
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self.estimator, **self.data)
