"""What an estimator holds: its parameters and fitted attributes."""

from typing import Any

# Names of attributes that belong to scikit-learn's callbacks, which tidies them up itself.
_CALLBACKS = "callback"


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters and fitted attributes by name."""
    return {name: value for name, value in vars(estimator).items() if _CALLBACKS not in name}
