"""Trees of scikit-learn's forests whose nodes fit each other.

scikit-learn's compiled code follows the nodes of a tree without checks, and a file may hold any
numbers.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.tree import BaseDecisionTree

_FORESTS = (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
# They read more of their trees than is checked here.
_OTHERS = (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomTreesEmbedding,
)


def check_trees(estimators: Iterable[Any]) -> None:
    """Raise a ValueError if a tree would be read out of bounds, or cannot be checked.

    Parameters
    ----------
    estimators : iterable of estimators
        All of a model, also those inside others.
    """
    for each in estimators:
        if isinstance(each, _OTHERS):
            raise ValueError(f"the trees of {type(each).__name__} cannot be checked")
        if isinstance(each, _FORESTS):
            n, trees = getattr(each, "n_features_in_", None), getattr(each, "estimators_", [])
            if not all(isinstance(tree, BaseDecisionTree) for tree in trees) or any(
                tree.n_features_in_ != n for tree in trees
            ):
                raise ValueError("the trees of a forest are of other data")
        if isinstance(each, BaseDecisionTree) and not _is_sound(each):
            raise ValueError("the nodes of a tree do not fit each other")


def _is_sound(model: BaseDecisionTree) -> bool:
    """Return whether each row of `n_features_in_` features comes to a leaf."""
    tree: Any = getattr(model, "tree_", None)
    if tree is None:
        return True
    if tree.node_count < 1 or tree.n_features != model.n_features_in_:
        return False
    nodes = tree.__getstate__()["nodes"]
    inner = np.flatnonzero(nodes["left_child"] != -1)
    feature = nodes["feature"][inner]
    # Children come after their parents, so that every way ends.
    children = np.stack([nodes[name][inner] for name in ("left_child", "right_child")])
    return bool(
        (children > inner).all()
        and (children < len(nodes)).all()
        and (feature >= 0).all()
        and (feature < tree.n_features).all()
    )
