"""What an estimator holds: its parameters and fitted attributes."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

# Names of attributes that belong to scikit-learn's callbacks, which tidies them up itself.
_CALLBACKS = "callback"


def require_fitted(estimator: Any) -> None:
    """Raise a TypeError for what is no estimator, and a NotFittedError for one that is not fitted.

    scikit-learn's check writes what is no estimator into its message, and the text that SciPy makes
    of a damaged sparse matrix overruns memory.
    """
    if not hasattr(estimator, "fit"):
        raise TypeError(f"a {type(estimator).__name__} is not an estimator instance")
    check_is_fitted(estimator)


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters and fitted attributes by name."""
    return {name: value for name, value in vars(estimator).items() if _CALLBACKS not in name}
