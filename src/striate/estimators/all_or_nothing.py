"""A fit succeeds as a whole, or leaves the estimator as it was."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

# Names of attributes that belong to scikit-learn's callbacks, which tidies them up itself.
_CALLBACKS = "callback"
# Number of fits of Striate's estimators under way, one inside the other.
_depth: ContextVar[int] = ContextVar("depth", default=0)


def all_or_nothing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate `fit` or `partial_fit`: undo it if it ends with an error or with Ctrl-C.

    An estimator that was fitted before stays usable with what it had learned; another one stays
    unfitted. Fits append to lists, such as loss curves, and replace all other attributes.
    """

    @functools.wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = state_of(self)
        lengths = {name: len(value) for name, value in before.items() if isinstance(value, list)}
        token = _depth.set(_depth.get() + 1)
        try:
            return method(self, *args, **kwargs)
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


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters and fitted attributes by name."""
    return {name: value for name, value in vars(estimator).items() if _CALLBACKS not in name}
