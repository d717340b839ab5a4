"""Conversion of fitted perceptrons to scikit-learn's, and back."""

import copy
import warnings
from collections.abc import Iterator
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn import neural_network
from sklearn.base import ClassifierMixin

from striate.core.network import Network
from striate.core.sparse_matrices import dense

from .connectivity_masks import patterns_of
from .default_parameters import has_default, whole_sizes
from .estimator_state import require_fitted
from .fitted_attributes import check_fitted
from .sklearn_private import optimizer_types
from .training import MINIBATCH_SOLVERS

# What scikit-learn's perceptrons have: activations of hidden units, the output activations of each
# loss, and the values of parameters that have more of them here.
_HIDDEN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
_OUTPUT_ACTIVATIONS = {
    "log_loss": ("softmax", "logistic"),
    "squared_error": ("identity",),
    "poisson": ("exp",),
}
_VALUES = {
    "solver": ("lbfgs", "sgd", "adam"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
}
# Parameters that have no effect on further training, or are checked by themselves.
_NO_MATTER = ("initialization", "pretraining", "loss", "output_activation")

# Attributes with the same meaning in both libraries.
_SHARED = (
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "_label_binarizer",
    "n_outputs_",
    "n_layers_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "_random_state",
)
_OF_MINIBATCHES = (
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)


class SklearnConversion:
    """Methods of perceptrons that convert them to scikit-learn's, and back."""

    def to_sklearn(self) -> Any:
        """Return the equal fitted object of scikit-learn.

        It has the same parameters, as far as scikit-learn has them, and makes the same
        predictions; `partial_fit`, and `fit` with `warm_start`, continue from its weights.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            With dense weights: those that `connectivity` excluded are 0, and trained from now on.

        Raises
        ------
        ValueError
            If scikit-learn cannot hold the network: it has the activations "identity", "logistic",
            "tanh" and "relu", one for all hidden layers, and the losses "log_loss",
            "squared_error" (of regressors, with the identity as output activation) and "poisson".

        Warns
        -----
        UserWarning
            If a parameter of further training is left out, since scikit-learn does not have it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from striate import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> ours = MLPClassifier((5,), solver="lbfgs", tol=0.05, random_state=0).fit(X, y)
        >>> theirs = ours.to_sklearn()
        >>> theirs
        MLPClassifier(hidden_layer_sizes=(5,), random_state=0, solver='lbfgs', tol=0.05)
        >>> bool((theirs.predict(X) == ours.predict(X)).all())
        True
        """
        return _to_sklearn(self)

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Return the equal fitted object of this library.

        Parameters
        ----------
        model : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            A fitted perceptron.

        Returns
        -------
        self
            With the same parameters and predictions; `partial_fit`, and `fit` with `warm_start`,
            continue from the weights of the model.

        Raises
        ------
        TypeError
            If the model is not the class of scikit-learn with the same name.
        ValueError
            If the model is not fitted, or if its attributes do not fit together.

        Examples
        --------
        >>> import sklearn.neural_network
        >>> from sklearn.datasets import load_iris
        >>> from striate import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> theirs = sklearn.neural_network.MLPClassifier(
        ...     (5,), solver="lbfgs", tol=0.05, random_state=0
        ... )
        >>> ours = MLPClassifier.from_sklearn(theirs.fit(X, y))
        >>> bool((theirs.predict(X) == ours.predict(X)).all())
        True
        """
        converted: Self = _from_sklearn(cls, model)
        return converted


def _peer(kind: type) -> Any:
    """Return the class of scikit-learn for one of ours."""
    classifies = issubclass(kind, ClassifierMixin)
    return neural_network.MLPClassifier if classifies else neural_network.MLPRegressor


def _to_sklearn(mlp: Any) -> Any:
    require_fitted(mlp)
    peer = _peer(type(mlp))
    _check_outputs(mlp)
    sizes = [W.shape[1] for W in mlp.coefs_[:-1]]
    parameters = mlp.get_params(deep=False)
    shared = {name: parameters[name] for name in peer().get_params() if name in parameters}
    for name, values in _VALUES.items():
        if shared[name] not in values:
            del shared[name]
    shared["activation"] = _hidden_activation(mlp)
    if whole_sizes(mlp.hidden_layer_sizes, "hidden_layer_sizes") != sizes:
        shared["hidden_layer_sizes"] = tuple(sizes)  # a mask or a pretraining decided them
    _warn_of_others(mlp, shared, peer.__name__)
    theirs = peer(**copy.deepcopy(shared))
    takes_minibatches = theirs.solver in MINIBATCH_SOLVERS
    _copy_attributes(mlp, theirs, [*_SHARED, *(_OF_MINIBATCHES if takes_minibatches else ())])
    theirs.coefs_, theirs.intercepts_ = _arrays(mlp.coefs_), _arrays(mlp.intercepts_)
    theirs._best_coefs = _arrays(mlp.coefs_)  # those that early stopping goes back to
    theirs._best_intercepts = _arrays(mlp.intercepts_)
    if takes_minibatches and mlp._optimizer.get("rule") == _rule_of(theirs):
        theirs._optimizer = _their_optimizer(mlp, theirs)
    return theirs


def _check_outputs(mlp: Any) -> None:
    """Raise a ValueError if scikit-learn has no such loss, or not with these outputs."""
    if mlp.out_activation_ not in _OUTPUT_ACTIVATIONS.get(mlp.loss, ()):
        has = "log_loss" if isinstance(mlp, ClassifierMixin) else "squared_error and poisson"
        raise ValueError(
            f"scikit-learn's {type(mlp).__name__} cannot hold this network: of losses it has "
            f"{has}, and not loss={mlp.loss!r} with the output activation {mlp.out_activation_!r}."
        )


def _hidden_activation(mlp: Any) -> str:
    """Return the activation of all hidden layers; raise a ValueError if there are others."""
    found: list[str] = list(dict.fromkeys(mlp._activations[:-1]))
    others = [name for name in found if name not in _HIDDEN_ACTIVATIONS]
    if others:
        raise ValueError(
            f"scikit-learn's {type(mlp).__name__} cannot hold this network: it has the "
            f"activations {', '.join(_HIDDEN_ACTIVATIONS)}, and not {', '.join(others)}."
        )
    if len(found) > 1:
        raise ValueError(
            f"scikit-learn's {type(mlp).__name__} cannot hold this network: it has one activation "
            f"for all hidden layers, and not {', '.join(found)}."
        )
    if found:
        return found[0]
    return str(mlp.activation) if mlp.activation in _HIDDEN_ACTIVATIONS else "identity"


def _warn_of_others(mlp: Any, shared: dict[str, Any], peer: str) -> None:
    """Warn of parameters that were given, would matter in training, and are left out."""
    others = [
        f"{name}={value!r}" if isinstance(value, str | float) else name
        for name, value in mlp.get_params(deep=False).items()
        if name not in shared and name not in _NO_MATTER and not _is_default(mlp, name)
    ]
    if others:
        warnings.warn(
            f"scikit-learn's {peer} has no {', '.join(others)}: the network is the same, but "
            "further training is without",
            stacklevel=4,
        )


def _is_default(mlp: Any, name: str) -> bool:
    scalar = isinstance(getattr(mlp, name), str | Real | None)
    return scalar and has_default(mlp, name)


def _from_sklearn(kind: Any, model: Any) -> Any:
    peer = _peer(kind)
    if not isinstance(model, peer):
        raise TypeError(
            f"{kind.__name__}.from_sklearn needs a fitted sklearn.neural_network.{peer.__name__}, "
            f"got {model if isinstance(model, type) else type(model)}"
        )
    require_fitted(model)
    mlp = kind(**copy.deepcopy(model.get_params(deep=False)))
    mlp._activations = [model.activation] * (len(model.coefs_) - 1) + [model.out_activation_]
    sizes = [len(model.coefs_[0]), *(W.shape[1] for W in model.coefs_)]
    mlp._begin_record(Network(sizes, mlp._activations))
    mlp._begin_watch(first=True, validates=model.early_stopping)
    if model.solver not in MINIBATCH_SOLVERS and not model.early_stopping:
        mlp.best_loss_ = model.loss_
    _copy_attributes(model, mlp, [*_SHARED, *_OF_MINIBATCHES])
    mlp.coefs_, mlp.intercepts_ = _arrays(model.coefs_), _arrays(model.intercepts_)
    mlp._optimizer = _our_optimizer(model, sizes[1])
    check_fitted(mlp)
    return mlp


def _copy_attributes(source: Any, target: Any, names: list[str]) -> None:
    for name in names:
        if name in vars(source):
            setattr(target, name, copy.deepcopy(getattr(source, name)))


def _arrays(weights: list[Any]) -> list[npt.NDArray[Any]]:
    """Return dense copies, which training may change."""
    return [np.array(dense(each), order="C") for each in weights]


# The moments are in the same order in both: of all weights first, then of the biases. Only the
# container differs.


def _rule_of(peer: Any) -> str:
    """Return our name for the update rule of a perceptron of scikit-learn."""
    if peer.solver == "adam":
        return "Adam"
    return "Nesterov" if peer.nesterovs_momentum else "Momentum"


def _their_optimizer(mlp: Any, theirs: Any) -> Any:
    """Return scikit-learn's optimizer with the moments of ours."""
    state, shapes = mlp._optimizer, [*theirs.coefs_, *theirs.intercepts_]
    network = Network(
        [len(theirs.coefs_[0]), *map(len, theirs.intercepts_)],
        mlp._activations,
        patterns=patterns_of(mlp.coefs_),
    )
    first, second = (list(_moments(network, flat)) for flat in state["moments"])
    AdamOptimizer, SGDOptimizer = optimizer_types()
    if theirs.solver == "adam":
        adam = AdamOptimizer(
            shapes, theirs.learning_rate_init, theirs.beta_1, theirs.beta_2, theirs.epsilon
        )
        adam.ms, adam.vs, adam.t = first, second, state["n_steps"]
        return adam
    sgd = SGDOptimizer(
        shapes,
        theirs.learning_rate_init,
        theirs.learning_rate,
        theirs.momentum,
        theirs.nesterovs_momentum,
        theirs.power_t,
    )
    sgd.velocities, sgd.learning_rate = first, state["rate"]
    return sgd


def _moments(network: Network, flat: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield the moments of each W and each b, none if the rule has no such moments."""
    if flat.size:
        W, b = network.unpack(flat)
        yield from _arrays([*W, *b])


def _our_optimizer(model: Any, n_first: int) -> dict[str, Any]:
    """Return what our minibatch training continues from; nothing if the model has no moments."""
    optimizer = vars(model).get("_optimizer")
    if model.solver not in MINIBATCH_SOLVERS or optimizer is None:
        return {}
    adam = isinstance(optimizer, optimizer_types()[0])
    moments = [optimizer.ms, optimizer.vs] if adam else [optimizer.velocities, []]
    dtype = model.coefs_[0].dtype
    return {
        "rule": _rule_of(model),
        "moments": tuple(
            np.concatenate([np.zeros(0, dtype), *map(np.ravel, each)]) for each in moments
        ),
        "means": np.zeros(n_first),
        "theta": np.zeros(0, dtype),  # no average of the weights
        "n_steps": int(optimizer.t) if adam else 0,
        "seed": 0,
        # That of Adam in scikit-learn has the correction of the moments' bias in it.
        "rate": float(model.learning_rate_init if adam else optimizer.learning_rate),
    }
