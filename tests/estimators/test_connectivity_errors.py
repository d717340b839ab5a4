"""Errors and warnings for unsuitable values of `connectivity`."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits

from striate import (
    LocalReceptiveFields,
    MLPClassifier,
    MLPRegressor,
    SparseAutoencoder,
    StackedAutoencoder,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2)  # 18 units
MASK = FIELDS.mask().toarray()
SECOND = np.random.default_rng(0).random((18, 6)) < 0.5
QUICK = {"max_iter": 4, "random_state": 0}
ESTIMATORS = [MLPClassifier, MLPRegressor]
STACK = StackedAutoencoder(
    connectivity=[FIELDS, SECOND], autoencoder=SparseAutoencoder(sparsity_weight=0.3, max_iter=4)
)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:120] / 16, y[:120]


NO_UNIT_5 = MASK.copy()
NO_UNIT_5[:, 5] = False
NO_UNITS = NO_UNIT_5.copy()
NO_UNITS[:, 7:9] = False
HOLES = MASK.astype(float)
HOLES[2, 3] = np.nan
NOT_A_MATRIX = "connectivity of layer 0 must be a LocalReceptiveFields or a matrix"


@pytest.mark.parametrize("Estimator", [*ESTIMATORS, SparseAutoencoder, StackedAutoencoder])
@pytest.mark.parametrize(
    ("connectivity", "message"),
    [
        (NO_UNIT_5, "layer 0: unit 5 has no connections. Give each unit, a column of the mask"),
        (NO_UNITS, "layer 0: 3 units have no connections, for example unit 5"),
        (MASK[1:], r"layer 0 has shape \(63, 18\), but must have \(64, 18\)"),
        (MASK.T, r"layer 0 has shape \(18, 64\), but must have \(64, 64\)"),
        (np.empty((64, 0)), r"layer 0 has no units: its shape is \(64, 0\)"),
        (LocalReceptiveFields((8, 9), 4), r"has shape \(72, 30\), but must have \(64, 30\)"),
        (LocalReceptiveFields((8, 8), 9), "field_size=9 is larger than image_shape"),
        (HOLES, "layer 0 has NaN: give 0 for no connection"),
        (np.ones((64, 3, 2)), f"{NOT_A_MATRIX}.*not float64 of shape"),
        (np.array([["a", "b"]]), f"{NOT_A_MATRIX}.*booleans or numbers"),
        (np.ones((64, 3), dtype=complex), f"{NOT_A_MATRIX}.*not complex128"),
        (sparse.coo_array(np.ones(3)), rf"{NOT_A_MATRIX}.*of shape \(3,\)"),
        ([1, 0, 1], f"{NOT_A_MATRIX}.*A list has one entry per layer: give a single matrix as"),
        (3, "'connectivity' parameter"),
        ("windows", "'connectivity' parameter"),
        (LocalReceptiveFields, "'connectivity' parameter"),
    ],
)
def test_wrong_connectivity(Estimator, connectivity, message, data):
    X, y = data
    estimator = Estimator(connectivity=connectivity)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


@pytest.mark.parametrize(
    ("connectivity", "message"),
    [
        (
            [[1, 0], [1]],
            rf"{NOT_A_MATRIX}.*not int64 of shape \(2,\).*give a single matrix as an array",
        ),
        ([[[1, 0], [1]]], f"{NOT_A_MATRIX}.*not rows of different lengths"),
        (
            MASK.tolist(),
            rf"{NOT_A_MATRIX}.*not bool of shape \(18,\).*give a single matrix as an array",
        ),
        ([MASK, np.ones((17, 6))], r"layer 1 has shape \(17, 6\), but must have \(18, 6\)"),
        ([None, SECOND, None], "connectivity has a dense layer of unknown size: give hidden_"),
        (
            [MASK, NO_UNIT_5[:18] * 0],
            "connectivity of layer 1: 18 units have no connections, for example unit 0",
        ),
    ],
)
def test_wrong_connectivity_of_several_layers(connectivity, message, data):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(connectivity=connectivity).fit(*data)


def test_masks_that_contradict_hidden_layer_sizes(data):
    for sizes, connectivity, message in [
        (20, FIELDS, r"layer 0 has shape \(64, 18\), but must have \(64, 20\) to match X"),
        ((18, 7), [MASK, SECOND], r"layer 1 has shape \(18, 6\), but must have \(18, 7\)"),
        ((18,), [MASK, SECOND], r"layer 1 has shape \(18, 6\), but must have \(18, 10\)"),
        ((18,), [MASK, SECOND, None], r"has 3 layers, but hidden_layer_sizes=\(18,\) has 1 and"),
        ((), FIELDS, r"layer 0 has shape \(64, 18\), but must have \(64, 10\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            MLPClassifier(sizes, connectivity=connectivity).fit(*data)
    with pytest.raises(ValueError, match=r"shape \(64, 18\), but must have \(64, 20\).*n_comp"):
        SparseAutoencoder(20, connectivity=FIELDS).fit(data[0])
    with pytest.raises(ValueError, match=r"layer 1 has shape \(18, 6\), but must have \(18, 7\)"):
        clone(STACK).set_params(hidden_layer_sizes=(18, 7)).fit(data[0])
    with pytest.raises(ValueError, match="connectivity has 2 layers, but the network has 1"):
        StackedAutoencoder(connectivity=[FIELDS, None]).fit(data[0])


@pytest.mark.parametrize("Estimator", [*ESTIMATORS, SparseAutoencoder, StackedAutoencoder])
def test_inputs_without_connections(Estimator, data):
    X, y = data
    quick = {"max_iter": 2}
    if Estimator is StackedAutoencoder:
        quick = {"autoencoder": SparseAutoencoder(max_iter=2)}
    few = MASK.copy()
    few[[3, 60]] = False
    with pytest.warns(UserWarning, match=r"layer 0: 2 of 64 inputs have no connections.*or conn"):
        Estimator(connectivity=few, **quick).fit(X, y)
    gaps = LocalReceptiveFields((8, 8), 3, stride=4)
    with pytest.warns(UserWarning, match=r"layer 0: 28 of 64 inputs .* stride and a field_size"):
        Estimator(connectivity=gaps, **quick).fit(X, y)
    edge = LocalReceptiveFields((8, 8), 3, stride=3)
    with pytest.warns(UserWarning, match="28 of 64"):
        Estimator(connectivity=edge, **quick).fit(X, y)


def test_an_input_without_connections_has_no_effect(data):
    X, y = data
    few = MASK.copy()
    few[30] = False
    with pytest.warns(UserWarning, match="1 of 64"):
        mlp = MLPClassifier(connectivity=few, **QUICK).fit(X, y)
    other = X.copy()
    other[:, 30] = 7.0
    np.testing.assert_array_equal(mlp.predict_proba(other), mlp.predict_proba(X))
