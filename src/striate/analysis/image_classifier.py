"""The classifier and the regressor that are trained on features of images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from striate.estimators.linear_classifier import LinearClassifier

# Up to 100, a strong penalty: few images have many correlated features.
_ALPHAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# With more images, training on one half selects α as well as training on four fifths.
_MANY_IMAGES = 2000
_FOLDS = 5
_FEW_IMAGES = 3
# Penalties of the regression, per image: features are standardized.
_RIDGE_ALPHAS = np.geomspace(1e-4, 1e3, 15)


def new_image_classifier(n_images: int, class_weight: str | None = None) -> Pipeline:
    """Return an unfitted classifier on features, calibrated on folds of its training images.

    Parameters
    ----------
    n_images : int
        Number of images to train on.
    class_weight : {"balanced"} or None
        Whether classes count equally, however many images each has.
    """
    classifier = LinearClassifier(
        "log_loss",
        alphas=_ALPHAS,
        validation_folds=2 if n_images > _MANY_IMAGES else _FOLDS,
        class_weight=class_weight,
        calibrate=True,
        random_state=0,
    )
    return Pipeline([("classifier", classifier)])


def fit_image_regressor(
    X: NDArray[Any], y: NDArray[np.float64], groups: NDArray[Any] | None = None
) -> Pipeline:
    """Fit ridge regression on standardized features.

    The penalty is the one with the least squared error of images that are left out: each alone, or
    with groups, in five folds that keep groups together.
    """
    scaler = StandardScaler()
    # In float32, the products of many features of few images are ill-conditioned.
    S = scaler.fit_transform(np.asarray(X, dtype=np.float64))
    if len(y) <= _FEW_IMAGES:  # too few to choose by
        return make_pipeline(scaler, Ridge(_RIDGE_ALPHAS[-1] * len(y)).fit(S, y))
    cv = None
    if groups is not None:
        n_folds = min(_FOLDS, len(np.unique(groups)))
        cv = list(GroupKFold(n_folds).split(S, groups=groups)) if n_folds > 1 else None
    search = RidgeCV(_RIDGE_ALPHAS * len(y), cv=cv, scoring="neg_mean_squared_error")
    alpha = search.fit(S, y).alpha_
    return make_pipeline(scaler, Ridge(alpha).fit(S, y))


def group_parameter(classifier: Any, groups: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    """Return the parameter of `fit` that hands groups to a classifier, if it takes them."""
    if groups is None:
        return {}
    prefix, step = "", classifier
    if isinstance(classifier, Pipeline):
        name, step = classifier.steps[-1]
        prefix = f"{name}__"
    return {f"{prefix}groups": groups} if has_fit_parameter(step, "groups") else {}
