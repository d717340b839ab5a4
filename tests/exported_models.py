"""Fitted models of each kind that can be exported, and how the exports are run."""

import ctypes
import functools
import shutil
import subprocess
import types
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import is_outlier_detector
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

from striate import (
    KernelClassifier,
    KernelRegressor,
    LinearClassifier,
    MLPClassifier,
    MLPRegressor,
    PatchScaler,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    WhitenedComponents,
    ZCAWhitening,
)

N_FEATURES = 7


def rows(n=60, seed=0):
    """Correlated features of several scales, none of them centred."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(N_FEATURES, N_FEATURES))
    return rng.normal(size=(n, N_FEATURES)) @ mixing * [1, 2, 3, 0.1, 1, 1, 5] + 0.5


def targets(task, X):
    signal = X @ np.random.default_rng(1).normal(size=(N_FEATURES, 3))
    signal = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    return {
        "binary": np.array(["no", "yes"])[(signal[:, 0] > 0).astype(int)],
        "bool": signal[:, 0] > 0,
        "multiclass": 10 * signal.argmax(axis=1),
        "text": np.array(["a", "è", "*/ 'c\"\n"], dtype=object)[signal.argmax(axis=1)],
        "multilabel": (signal > 0).astype(int),
        "regression": signal[:, 0],
        "outputs": signal,
        "counts": np.round(np.exp(signal[:, 0])),
    }[task]


def mlp(**settings):
    kind = MLPRegressor if settings.pop("regressor", False) else MLPClassifier
    settings = {"hidden_layer_sizes": (6, 5), "max_iter": 8, "random_state": 0} | settings
    return kind(learning_rate_init=0.05, **settings)


def regressor(**settings):
    return mlp(regressor=True, **settings)


MASK = np.arange(N_FEATURES * 6).reshape(N_FEATURES, 6) % 5 == 0
AUTOENCODER = SparseAutoencoder(5, max_iter=5, random_state=0)
#: Name: model, and task. They are small, since a few steps make weights that differ.
MODELS = {
    "mlp binary": (mlp(activation="tanh"), "binary"),
    "mlp bool": (mlp(activation="silu"), "bool"),
    "mlp multiclass": (mlp(), "multiclass"),
    "mlp text": (mlp(activation="identity", hidden_layer_sizes=(20,)), "text"),
    "mlp multilabel": (mlp(activation="logistic"), "multilabel"),
    "mlp no hidden layers": (mlp(hidden_layer_sizes=()), "multiclass"),
    "mlp squared error": (mlp(loss="squared_error"), "multiclass"),
    "mlp tanh outputs": (mlp(loss="squared_error", output_activation="tanh"), "text"),
    "mlp tanh binary": (mlp(loss="squared_error", output_activation="tanh"), "binary"),
    "mlp squared multilabel": (mlp(loss="squared_error"), "multilabel"),
    "mlp masked": (mlp(connectivity=MASK, hidden_layer_sizes=(6, 4)), "multiclass"),
    "regressor": (regressor(), "regression"),
    "regressor outputs": (regressor(activation="tanh"), "outputs"),
    "regressor counts": (regressor(loss="poisson", activation="logistic"), "counts"),
    "regressor bounded": (regressor(output_activation="tanh"), "outputs"),
    "autoencoder": (AUTOENCODER, None),
    "stack": (StackedAutoencoder((6, 3), autoencoder=AUTOENCODER, random_state=0), None),
    "linear": (LinearClassifier(alphas=1e-2), "multiclass"),
    "linear binary": (LinearClassifier(alphas=1e-2, loss="squared_hinge"), "binary"),
    "linear log loss": (LinearClassifier(alphas=1e-2, loss="log_loss"), "text"),
    "linear log loss binary": (LinearClassifier(alphas=1e-2, loss="log_loss"), "bool"),
    "logistic regression": (LogisticRegression(), "multiclass"),
    "logistic regression binary": (LogisticRegression(fit_intercept=False), "binary"),
    "svm": (LinearSVC(fit_intercept=False), "multiclass"),
    "scikit-learn's mlp": (sklearn.neural_network.MLPClassifier((4,), max_iter=5), "multiclass"),
    "scikit-learn's regressor": (
        sklearn.neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=5),
        "outputs",
    ),
    "standardized": (make_pipeline(StandardScaler(), "passthrough", mlp()), "multiclass"),
    "not centred": (make_pipeline(StandardScaler(with_mean=False), mlp()), "binary"),
    "not scaled": (make_pipeline(RobustScaler(with_scaling=False), mlp()), "binary"),
    "robust scaler": (make_pipeline(RobustScaler(), LinearClassifier(alphas=1.0)), "binary"),
    "min and max": (make_pipeline(MinMaxScaler((-1, 3)), regressor()), "regression"),
    "clipped": (make_pipeline(MinMaxScaler((-1, 3), clip=True), regressor()), "regression"),
    "clipped last": (make_pipeline(StandardScaler(), MaxAbsScaler(clip=True)), None),
    "patch scaler": (make_pipeline(StandardScaler(), PatchScaler((0, 1)), AUTOENCODER), None),
    "pca": (make_pipeline(PCA(4, whiten=True), mlp(hidden_layer_sizes=(5,))), "multiclass"),
    "few components": (make_pipeline(PCA(1), mlp(hidden_layer_sizes=(50,))), "multiclass"),
    "zca": (make_pipeline(MaxAbsScaler(), ZCAWhitening(0.1), AUTOENCODER), None),
    "scaler alone": (StandardScaler(), None),
    "scalers alone": (make_pipeline(MinMaxScaler(), StandardScaler()), None),
    "nested": (make_pipeline(make_pipeline(StandardScaler(), PCA(5)), mlp()), "text"),
    "kernel": (make_pipeline(StandardScaler(), KernelClassifier()), "text"),
    "kernel binary": (KernelClassifier(n_centers=30, random_state=0), "bool"),
    "kernel regressor": (make_pipeline(RobustScaler(), KernelRegressor()), "outputs"),
    "components": (WhitenedComponents(5), None),
    "kernel of components": (
        make_pipeline(WhitenedComponents(5), KernelClassifier(n_centers=20, random_state=0)),
        "multiclass",
    ),
    "self-taught": (
        SelfTaughtClassifier(make_pipeline(StandardScaler(), AUTOENCODER), LogisticRegression()),
        "multiclass",
    ),
    "search": (GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2), "multiclass"),
    "frozen": (make_pipeline(FrozenEstimator(StandardScaler().fit(rows())), mlp()), "binary"),
}  # fmt: skip


@functools.cache
def fitted(name):
    model, task = MODELS[name]
    X = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, None if task is None else targets(task, X))


def has_method(model, method):
    """Whether a model has what its export may have: of outlier detectors, the features alone."""
    if is_outlier_detector(model):
        return method == "transform"
    return hasattr(model, method)


def expected(model, X):
    """Labels, None where there are none, and values (n, n_outputs)."""
    if has_method(model, "predict_proba"):
        return model.predict(X), model.predict_proba(X)
    if has_method(model, "decision_function"):
        z = model.decision_function(X)
        return model.predict(X), np.column_stack([-z, z]) if z.ndim == 1 else z
    if has_method(model, "predict"):
        return None, model.predict(X).reshape(len(X), -1)
    return None, model.transform(X)


def run_onnx(proto, X):
    """The outputs by name, of a model that is checked in full."""
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def compiled(source, folder):
    """The function `predict` of a C file, compiled without a warning."""
    compiler = shutil.which("cc") or pytest.skip("there is no C compiler")
    (folder / "model.c").write_text(source, encoding="utf-8")
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"]
    command = [compiler, *strict, "-shared", "-fPIC", "model.c", "-o", "model.so", "-lm"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return ctypes.CDLL(str(folder / "model.so")).predict


def run_c(predict, X, n_outputs):
    """What `predict` returns for each row, and what it writes."""
    out, returned = np.full((len(X), n_outputs + 1), 1e9, dtype=np.float32), []
    for x, y in zip(np.ascontiguousarray(X, dtype=np.float32), out, strict=True):
        returned.append(
            predict(x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
        )
    assert (out[:, -1] == 1e9).all()  # nothing is written beyond the outputs
    return np.array(returned), out[:, :-1]


def imported(source):
    """A module from its source, which imports nothing but NumPy and the standard library."""
    module = types.ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    return module
