"""Scales of columns against NumPy, and the faults that each rule finds or leaves alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from striate import MLPRegressor
from striate.estimators import column_faults
from striate.estimators.column_faults import (
    column_scales,
    duplicate_finding,
    scale_findings,
    target_finding,
)

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3))


def subjects(X, names=None):
    found = scale_findings(column_scales(X), names, sparse.issparse(X))
    return [each.subject for each in found if each is not None]


def duplicates(X, names=None, seed=0):
    random = np.random.RandomState(seed)
    return duplicate_finding(X, column_scales(X), names, random)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 5)), elements=NUMBERS))
def test_scales_are_those_of_numpy_dense_and_sparse(X):
    size = [np.sqrt(np.mean(x[x != 0] ** 2)) if x.any() else 0.0 for x in X.T]
    for each in (X, sparse.csr_array(X)):
        scales = column_scales(each)
        tolerance = 1e-12 * np.abs(X).max(initial=0, axis=0) + 1e-300
        assert np.all(np.abs(scales.mean - X.mean(axis=0)) <= tolerance)
        assert np.all(np.abs(scales.std - X.std(axis=0)) <= 1e3 * tolerance)
        np.testing.assert_allclose(scales.size, size, rtol=1e-12)
        np.testing.assert_array_equal(scales.varied, X.min(axis=0) < X.max(axis=0))


def test_blocks_of_rows_make_no_difference(monkeypatch):
    X = np.random.default_rng(0).normal(size=(50, 7)) + 5
    whole = column_scales(X)
    monkeypatch.setattr(column_faults, "_BLOCK_NUMBERS", 21)
    for name in ("mean", "std", "size"):
        np.testing.assert_allclose(getattr(column_scales(X), name), getattr(whole, name), 1e-12)
    assert duplicates(np.c_[X, X[:, 2] * 3]).evidence.endswith("column 7 is column 2 again")


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_numbers_have_finite_scales(scale):
    X = np.array([[1.0, -1.0], [2.0, 0.5]]) * scale
    scales = column_scales(X)
    assert np.isfinite(scales.std).all()
    assert (scales.std > 0).all()
    assert len(subjects(X)) == 1
    assert "columns of very different scale" in subjects(
        np.c_[np.tile(X, (10, 1)), np.tile([1.0, 2.0], 10)]
    )


def test_stored_zeros_count_as_zeros():
    X = sparse.csr_array(np.array([[1.0, 2.0], [3.0, 2.0], [3.0, 2.0]]))
    X.data[0] = 0.0
    for stored, dense in zip(column_scales(X), column_scales(X.toarray()), strict=True):
        np.testing.assert_allclose(stored, dense)


@pytest.mark.parametrize(("ratio", "found"), [(50, False), (200, True)])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_scales_that_differ_a_hundredfold(ratio, found, convert):
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[:, 2] *= ratio
    assert ("columns of very different scale" in subjects(convert(X))) == found


def test_the_two_columns_are_named():
    X = np.random.default_rng(0).normal(size=(300, 3)) * [1, 2000, 3]
    (found,) = filter(None, scale_findings(column_scales(X), np.array(["a", "b", "c"]), False))
    assert found.severity == "high"
    assert "of 'b' is 1.95e+03" in found.evidence
    assert "of 'a' 0.976" in found.evidence


def test_rare_entries_are_not_small_columns():
    """Neither as they are, nor divided by their standard deviation."""
    rng = np.random.default_rng(0)
    X = (rng.random((20_000, 3)) < [0.5, 0.01, 0.00005]).astype(float)
    assert X.any(axis=0).all()
    assert subjects(X) == []
    X = StandardScaler(with_mean=False).fit_transform(sparse.csr_array(X))
    assert subjects(X) == []


def test_a_few_small_entries_do_not_make_a_small_column():
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[:, 2] = 0
    X[:9, 2] = 1e-5
    assert subjects(sparse.csr_array(X)) == []
    X[9, 2] = 1e-5
    assert subjects(sparse.csr_array(X)) == ["columns of very different scale"]


def test_a_mean_far_from_zero():
    years = np.random.default_rng(0).integers(1990, 2020, (100, 1)).astype(float)
    X = np.c_[years / 100, years % 7]
    assert subjects(X) == ["columns far from zero"]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(100, ["large numbers in X"]), (1e-3, ["small numbers in X"]), (0.05, []), (10, [])],
)
def test_large_and_small_numbers(scale, expected):
    assert subjects(scale * np.random.default_rng(0).normal(size=(100, 5))) == expected


def test_constants_are_found_unless_they_are_zero():
    X = np.random.default_rng(0).normal(size=(100, 4))
    X[:, 1], X[:, 3] = 7, 0
    (found,) = filter(None, scale_findings(column_scales(X), None, False))
    assert (found.severity, found.subject) == ("low", "constant columns")
    assert found.evidence == "column 1 is always 7"
    assert subjects(sparse.csr_array(X)) == ["constant columns"]
    assert subjects(np.zeros((10, 3))) == []


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_copies_are_found_whatever_their_unit(dtype, convert):
    X = np.random.default_rng(0).normal(size=(200, 6)) + 3
    X[:, 5] = 2.54 * X[:, 1]
    X[:, 3] = X[:, 1] - 2
    found = duplicates(convert(X.astype(dtype)))
    assert "column 3 is column 1 again, and 1 more repeat another" in found.evidence


def test_opposite_and_similar_columns_are_no_copies():
    rng = np.random.default_rng(0)
    X = (rng.random((200, 1)) < 0.3).astype(float)
    assert duplicates(np.c_[X, 1 - X]) is None  # a binary category as two columns
    X = rng.normal(size=(200, 3))
    assert duplicates(np.c_[X, X[:, 0] + 1e-3 * rng.normal(size=200)]) is None


def test_rare_words_that_agree_by_chance_are_no_copies():
    X = np.zeros((500, 40))
    X[np.arange(40) // 2, np.arange(40)] = 1  # two words in each of 20 documents, and nowhere else
    assert duplicates(sparse.csr_array(X)) is None
    assert duplicates(StandardScaler().fit_transform(X)) is None


@given(seed=st.integers(0, 50), n=st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_every_copy_is_found_and_nothing_else(seed, n):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 8))
    original = np.arange(8)
    original[rng.choice(np.arange(1, 8), n - 1, replace=False)] = 0
    X = X[:, original] * rng.uniform(0.1, 10, 8)
    found = column_faults._originals(X, column_scales(X), np.random.RandomState(seed))
    np.testing.assert_array_equal(found, original)


@pytest.mark.parametrize(
    ("y", "severity"),
    [
        (np.linspace(25, 346, 50), "high"),
        (np.linspace(270, 275, 50), "high"),
        (np.linspace(-30, 30, 50), "medium"),
        (np.linspace(0, 1e-3, 50), "medium"),
        (np.linspace(-2, 8, 50), None),
        (np.zeros(50), None),
        (np.linspace(-1, 1, 50) * 1e300, "high"),
        (np.c_[np.linspace(-1, 1, 50), np.linspace(0, 500, 50)], "high"),
    ],
)
def test_targets(y, severity):
    regressor = MLPRegressor()
    regressor.out_activation_ = "identity"
    found = target_finding(y, regressor)
    assert (found and found.severity) == severity
    if severity:
        assert ("output 1 of y" in found.evidence) == (y.ndim == 2)
        regressor.solver = "lbfgs"  # has no learning rate
        assert target_finding(y, regressor).severity == "low"
        regressor.out_activation_ = "tanh"  # scales the targets itself
        assert target_finding(y, regressor) is None
