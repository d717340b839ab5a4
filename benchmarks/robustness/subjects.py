"""Estimators that the campaign tries, in small, and what is asked of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn import neural_network

from striate import (
    DictionaryEncoder,
    KernelClassifier,
    KernelRegressor,
    LinearClassifier,
    MLPClassifier,
    MLPRegressor,
    PatchScaler,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    TableEncoder,
    TabularClassifier,
    TabularRegressor,
    WhitenedComponents,
    ZCAWhitening,
)

N_ROWS, N_FEATURES = 30, 5
_METHODS = (
    "transform",
    "predict",
    "predict_proba",
    "decision_function",
    "reconstruction_error",
    "score_samples",
)


@dataclass(frozen=True)
class Subject:
    """An estimator: a function that makes it, the kind of its y, and what it takes."""

    make: Callable[[], Any]
    target: str = ""  # "classes", "some classes" (-1 where unknown) or "numbers"
    sparse: bool = False
    weights: bool = False
    table: bool = False  # takes missing values, infinities and text
    peer: Callable[..., Any] | None = None  # scikit-learn's

    def fit(self, X: Any, y: Any = None, weights: Any = None, **params: Any) -> Any:
        """Return a fitted estimator; y is the plain one unless given."""
        model = self.make().set_params(**params)
        return self.fit_model(model, X, y, weights)

    def fit_model(self, model: Any, X: Any, y: Any = None, weights: Any = None) -> Any:
        """Fit; without y, to the plain target."""
        if not self.target:
            return model.fit(X)
        y = plain_target(self.target) if y is None else y
        return model.fit(X, y) if weights is None else model.fit(X, y, sample_weight=weights)


def _mlp(kind: Any, solver: str, **more: Any) -> Callable[[], Any]:
    settings = {"max_iter": 3, "tol": 1e-3, "random_state": 0, "batch_size": 8} | more
    return lambda: kind(hidden_layer_sizes=(4,), solver=solver, **settings)


def _table(kind: Any, **more: Any) -> Callable[[], Any]:
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0} | more
    return lambda: kind(2, **settings)


SUBJECTS = {
    "SparseAutoencoder": Subject(
        lambda: SparseAutoencoder(3, max_iter=3, random_state=0), sparse=True
    ),
    "SparseAutoencoder by Adam": Subject(
        lambda: SparseAutoencoder(
            3, solver="adam", max_iter=2, batch_size=8, noise=0.2, random_state=0
        ),
        sparse=True,
    ),
    "StackedAutoencoder": Subject(
        lambda: StackedAutoencoder((4, 3), autoencoder=SparseAutoencoder(max_iter=2)).set_params(
            random_state=0
        ),
        sparse=True,
    ),
    "MLPClassifier": Subject(
        _mlp(MLPClassifier, "adam"),
        "classes",
        sparse=True,
        weights=True,
        peer=_mlp(neural_network.MLPClassifier, "adam"),
    ),
    "MLPClassifier by SGD": Subject(
        _mlp(MLPClassifier, "sgd", early_stopping=True),
        "classes",
        sparse=True,
        weights=True,
        peer=_mlp(neural_network.MLPClassifier, "sgd", early_stopping=True),
    ),
    "MLPClassifier by L-BFGS": Subject(
        _mlp(MLPClassifier, "lbfgs"),
        "classes",
        sparse=True,
        weights=True,
        peer=_mlp(neural_network.MLPClassifier, "lbfgs"),
    ),
    "MLPRegressor": Subject(
        _mlp(MLPRegressor, "adam"),
        "numbers",
        sparse=True,
        weights=True,
        peer=_mlp(neural_network.MLPRegressor, "adam"),
    ),
    "MLPRegressor by L-BFGS": Subject(
        _mlp(MLPRegressor, "lbfgs", activation="tanh"),
        "numbers",
        sparse=True,
        weights=True,
        peer=_mlp(neural_network.MLPRegressor, "lbfgs", activation="tanh"),
    ),
    "MLPClassifier with dropout and focal loss": Subject(
        _mlp(
            MLPClassifier,
            "adam",
            activation=["silu"],
            weight_decay=0.1,
            dropout=0.2,
            focal_gamma=2.0,
            learning_rate="cosine",
            weight_averaging=0.5,
            class_weight="balanced",
        ),
        "classes",
        sparse=True,
        weights=True,
    ),
    "MLPRegressor of quantiles": Subject(
        _mlp(MLPRegressor, "adam", loss="quantile", quantile=[0.1, 0.9], max_grad_norm=1.0),
        "numbers",
        sparse=True,
        weights=True,
    ),
    "TabularClassifier": Subject(_table(TabularClassifier), "classes", weights=True, table=True),
    "TabularRegressor": Subject(_table(TabularRegressor), "numbers", weights=True, table=True),
    "TableEncoder": Subject(TableEncoder, table=True),
    "KernelClassifier": Subject(
        lambda: KernelClassifier(alphas=(0.1, 1.0), n_centers=10, random_state=0),
        "classes",
        weights=True,
    ),
    "KernelRegressor": Subject(
        lambda: KernelRegressor(alphas=0.1, n_centers=10, random_state=0), "numbers", weights=True
    ),
    "WhitenedComponents": Subject(lambda: WhitenedComponents(3, random_state=0)),
    "LinearClassifier": Subject(
        lambda: LinearClassifier(alphas=(0.1, 1.0), random_state=0), "classes"
    ),
    "LinearClassifier of squared hinge": Subject(
        lambda: LinearClassifier("squared_hinge", alphas=0.1, max_iter=3), "classes"
    ),
    "LinearClassifier of likelihood": Subject(
        lambda: LinearClassifier(
            "log_loss", alphas=(0.1, 1.0), validation_folds=2, max_iter=3, random_state=0
        ),
        "classes",
    ),
    "SelfTaughtClassifier": Subject(
        lambda: SelfTaughtClassifier(
            SparseAutoencoder(3, max_iter=2, random_state=0),
            LinearClassifier(alphas=0.1),
        ),
        "some classes",
        sparse=True,
    ),
    "DictionaryEncoder": Subject(lambda: DictionaryEncoder(4, max_iter=2, random_state=0)),
    "DictionaryEncoder of OMP-1": Subject(
        lambda: DictionaryEncoder(
            4, dictionary="omp1", encoding="soft_threshold", max_iter=2, random_state=0
        )
    ),
    "ZCAWhitening": Subject(ZCAWhitening),
    "PatchScaler": Subject(PatchScaler),
}


def pick(rng: np.random.Generator, names: Any) -> Any:
    """Return one of some things."""
    names = list(names)
    return names[int(rng.integers(len(names)))]


@cache
def plain_rows() -> Any:
    """Return X (N_ROWS, N_FEATURES), which no one may write to."""
    X = np.random.default_rng(0).normal(size=(N_ROWS, N_FEATURES))
    X[:, 1] = X[:, 0] * 2 + 0.1 * X[:, 1]
    X.flags.writeable = False
    return X


@cache
def plain_target(kind: str) -> Any:
    """Return the y of a kind."""
    X = plain_rows()
    if kind == "numbers":
        return X[:, 0] - X[:, 2] ** 2
    classes = np.arange(N_ROWS) % 3
    return np.where(np.arange(N_ROWS) % 5, classes, -1) if kind == "some classes" else classes


@cache
def fitted(name: str) -> Any:
    """Return an estimator that was fitted to plain data."""
    return SUBJECTS[name].fit(plain_rows())


def outputs(model: Any, X: Any) -> dict[str, Any]:
    """Return all that a fitted estimator computes from X, by the names of its methods."""
    return {name: getattr(model, name)(X) for name in _METHODS if hasattr(model, name)}
