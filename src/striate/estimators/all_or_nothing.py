"""A fit succeeds as a whole, or leaves the estimator as it was."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from .default_parameters import plain_numbers
from .estimator_state import state_of
from .fitted_attributes import check_finite

# Number of fits of Striate's estimators under way, one inside the other.
_depth: ContextVar[int] = ContextVar("depth", default=0)


def all_or_nothing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate `fit` or `partial_fit`: undo it if it ends with an error or with Ctrl-C.

    A `fit` whose result is not finite ends with an error.

    An estimator that was fitted before stays usable with what it had learned; another one stays
    unfitted. Fits append to lists, such as loss curves, and replace all other attributes.
    """

    @functools.wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = state_of(self)
        lengths = {name: len(value) for name, value in before.items() if isinstance(value, list)}
        token = _depth.set(_depth.get() + 1)
        try:
            with plain_numbers(self):
                result = method(self, *args, **kwargs)
            if method.__name__ == "fit":
                check_finite(self)
            return result
        except BaseException:
            for name in state_of(self):
                delattr(self, name)
            vars(self).update(before)
            for name, n in lengths.items():
                del before[name][n:]
            raise
        finally:
            _depth.reset(token)

    return fit


def is_part_of_a_fit() -> bool:
    """Return whether the fit under way is a step of another estimator's fit."""
    return _depth.get() > 1
