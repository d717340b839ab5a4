"""The wall to scikit-learn: every private name that Striate uses, and what each is for.

Private names may change in any release of scikit-learn. They are imported here and nowhere else,
so an upgrade is one file to read. `tests/test_imports.py` keeps private names out of all other
files.

============================  ===========================================  =====================
name here                     what it does                                 without it
============================  ===========================================  =====================
fit_context                   checks parameters before `fit`, which is     `_validate_params()`
                              undone if it fails
Interval, Options, …          state what a parameter may be                checks by hand
validate_params               the same for a function                      `check_scalar`
check_sample_weight           weights as floats of the right length        `check_array`
check_method_params           takes the rows of a part from metadata       `safe_indexing` on each
num_samples                   number of rows of anything                   `len` or `shape[0]`
safe_indexing                 rows of arrays, frames and lists             narwhals and NumPy
routing_enabled               whether metadata routing is on               `sklearn.get_config()`
check_partial_fit_first_call  classes at the first `partial_fit`           eight lines
SCORER_TYPES                  full names of scorers, to load searches      no saved searches
TREE_TYPE                     full name of trees, to load forests          no saved forests
score_function                the metric that a scorer calls               a list of metrics
CALLBACKS_ATTRIBUTE           where estimators store their callbacks       removal by the user
optimizer_types               the moments of minibatch training, which     `partial_fit` that
                              `to_sklearn` and `from_sklearn` take along   begins anew
============================  ===========================================  =====================
"""

from collections.abc import Callable
from typing import Any

import sklearn

from .all_or_nothing import all_or_nothing

# scikit-learn's releases that Striate was tested with.
TESTED = "1.9"

try:
    from sklearn.base import _fit_context
    from sklearn.utils import _safe_indexing as safe_indexing
    from sklearn.utils._param_validation import (
        HasMethods,
        Interval,
        Options,
        StrOptions,
        validate_params,
    )
    from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
    from sklearn.utils.multiclass import (
        _check_partial_fit_first_call as check_partial_fit_first_call,
    )
    from sklearn.utils.validation import _check_method_params as check_method_params
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
    from sklearn.utils.validation import _num_samples as num_samples
except ImportError as error:
    raise ImportError(
        f"Striate was tested with scikit-learn {TESTED}; {sklearn.__version__} is installed, which "
        f"lacks something that Striate uses ({error}). Install a tested version: "
        f"pip install 'scikit-learn=={TESTED}.*'"
    ) from error

SCORER_TYPES = (
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
)
TREE_TYPE = "sklearn.tree._tree.Tree"
CALLBACKS_ATTRIBUTE = "_skl_callbacks"

__all__ = [
    "CALLBACKS_ATTRIBUTE",
    "SCORER_TYPES",
    "TREE_TYPE",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_method_params",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "num_samples",
    "optimizer_types",
    "routing_enabled",
    "safe_indexing",
    "score_function",
    "validate_params",
]


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Any], Any]:
    """Decorate `fit` or `partial_fit`: check the parameters, and undo a fit that fails."""
    checked = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
    return lambda method: checked(all_or_nothing(method))


def optimizer_types() -> tuple[Any, Any]:
    """Return scikit-learn's classes for Adam and for SGD, whose import takes a while."""
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    return AdamOptimizer, SGDOptimizer


def score_function(scorer: Any) -> Callable[..., float]:
    """Return the metric that a scorer of scikit-learn calls."""
    function: Callable[..., float] = scorer._score_func
    return function
