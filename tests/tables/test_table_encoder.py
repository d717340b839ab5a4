"""TableEncoder beside scikit-learn's scalers and encoders, and on tables nobody should give."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import OneHotEncoder, RobustScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import TableEncoder
from striate.tables.category_codes import MAX_CATEGORIES, N_CODES
from striate.tables.table_columns import read_columns

RNG = np.random.default_rng(0)
TABLE = {
    "age": [31.0, np.nan, 58.0, 40.0, 22.5],
    "color": ["red", "blue", None, "green", "red"],
    "member": [True, False, True, True, False],
    "visits": [0, 3, 1, 1, 250],
}


@parametrize_with_checks([TableEncoder(), TableEncoder([0])])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_numbers_are_those_of_robust_scaler_clipped_smoothly():
    X = RNG.normal(size=(101, 4)) * [1, 1e6, 1e-6, 3] + [0, 5, 0, -100]
    u = RobustScaler().fit_transform(X)
    np.testing.assert_allclose(
        TableEncoder().fit_transform(X), u / np.sqrt(1 + (u / 3) ** 2), rtol=1e-6, atol=1e-7
    )


def test_categories_are_those_of_one_hot_encoder():
    X = np.array(["c", "a", "b", "a", "d"], dtype=object)[RNG.integers(5, size=(60, 3))]
    expected = OneHotEncoder(sparse_output=False)
    got = TableEncoder().fit(X)
    np.testing.assert_array_equal(got.transform(X), expected.fit_transform(X))
    assert list(got.get_feature_names_out()) == list(expected.get_feature_names_out())


def frames():
    """The same table from several libraries, and in several types of pandas."""
    yield pd.DataFrame(TABLE)
    yield pd.DataFrame(TABLE).astype({"color": "category", "age": "float32", "visits": "Int64"})
    yield pd.DataFrame(TABLE).astype({"color": object, "member": "boolean", "visits": object})
    yield pl.DataFrame(TABLE | {"age": [None if x != x else x for x in TABLE["age"]]})
    yield pl.DataFrame(TABLE).with_columns(pl.col("color").cast(pl.Categorical))


@pytest.mark.parametrize("frame", list(frames()), ids=lambda frame: type(frame).__module__[:6])
def test_the_library_of_a_frame_does_not_matter(frame):
    encoder = TableEncoder().fit(pd.DataFrame(TABLE))
    names = [
        "age",
        "age_missing",
        "color_blue",
        "color_green",
        "color_red",
        "member_True",
        "visits",
    ]
    assert list(encoder.get_feature_names_out()) == names
    again = TableEncoder().fit(frame)
    assert list(again.get_feature_names_out()) == names
    for each in (encoder, again):
        np.testing.assert_array_equal(each.transform(frame), encoder.transform(pd.DataFrame(TABLE)))


def test_frames_of_pyarrow():
    pa = pytest.importorskip("pyarrow")
    encoder = TableEncoder().fit(pa.table(TABLE))
    np.testing.assert_array_equal(
        encoder.transform(pa.table(TABLE)), encoder.transform(pd.DataFrame(TABLE))
    )


def test_columns_without_scikit_learns_names_are_compared_too():
    encoder = TableEncoder().fit(pd.DataFrame(TABLE))
    columns = read_columns(pd.DataFrame(TABLE)[["color", "age", "member", "visits"]])
    with pytest.raises(ValueError, match="in the same order; now there are color, age"):
        encoder.encode(columns)


@pytest.mark.parametrize("names", [range(2), ["a", "b"]])
def test_frames_are_encoded_by_position_after_a_fit_on_an_array(names):
    X = RNG.normal(size=(6, 2))
    encoder = TableEncoder().fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, that X has names
        found = encoder.transform(pd.DataFrame(X, columns=list(names)))
    np.testing.assert_array_equal(found, encoder.transform(X))


def test_set_output():
    encoder = TableEncoder().set_output(transform="pandas").fit(pd.DataFrame(TABLE))
    encoded = encoder.transform(pd.DataFrame(TABLE))
    assert list(encoded.columns) == list(encoder.get_feature_names_out())
    assert encoded.loc[1, "age_missing"] == 1


def test_unknown_and_missing_values_are_zero():
    encoder = TableEncoder().fit(pd.DataFrame(TABLE))
    rows = pd.DataFrame({"age": [np.nan], "color": ["pink"], "member": [None], "visits": [np.nan]})
    encoded = dict(zip(encoder.get_feature_names_out(), encoder.transform(rows)[0], strict=True))
    assert encoded.pop("age_missing") == 1
    assert set(encoded.values()) == {0}


def test_constant_and_empty_columns_are_zero():
    X = np.column_stack([np.full(30, 7.0), np.full(30, np.nan), np.full(30, 1e300), RNG.random(30)])
    encoder = TableEncoder().fit(X)
    encoded = encoder.transform(X)
    assert list(encoder.get_feature_names_out()) == ["x0", "x1", "x1_missing", "x2", "x3"]
    assert not encoded[:, [0, 1, 3]].any()
    assert np.isfinite(encoder.transform(np.full((1, 4), np.inf))).all()


def test_a_number_that_is_nearly_always_the_same_is_scaled_by_its_range():
    x = np.zeros((100, 1))
    x[0], x[1] = -1, 3
    u = x / 2
    np.testing.assert_allclose(TableEncoder().fit_transform(x), u / np.sqrt(1 + (u / 3) ** 2))


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float64, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.floats()
    ),
    arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(3)), elements=st.floats()),
)
def test_any_floats_are_encoded_within_the_limits(X, others):
    encoder = TableEncoder().fit(X)
    for rows in (X, others[:, : X.shape[1]]):
        if rows.shape[1] == X.shape[1]:
            encoded = encoder.transform(rows)
            assert np.isfinite(encoded).all()
            assert np.abs(encoded).max() <= 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=2, max_size=15), st.randoms())
def test_the_order_of_rows_does_not_matter(labels, random):
    frame = pd.DataFrame({"a": np.array([*labels, "z"], dtype=object), "b": 1.0})
    order = list(range(len(frame)))
    random.shuffle(order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        encoded = TableEncoder(max_one_hot=3).fit_transform(frame)
        shuffled = TableEncoder(max_one_hot=3).fit_transform(frame.iloc[order])
    np.testing.assert_array_equal(encoded[order], shuffled)


def test_many_categories_have_codes_of_their_own():
    labels = np.repeat([f"c{k}" for k in range(200)], np.r_[np.arange(202, 2, -1)])
    encoder = TableEncoder(max_one_hot=10).fit(pd.DataFrame({"x": labels}))
    table = encoder.transform(pd.DataFrame({"x": [f"c{k}" for k in range(200)] + ["new"]}))
    assert table.shape[1] == encoder.n_encoded_ == 10 + N_CODES
    np.testing.assert_array_equal(table[:10, :10], np.eye(10))  # the most frequent
    assert not table[10:, :10].any()
    np.testing.assert_allclose(np.linalg.norm(table[:-1], axis=1), 1)
    assert not table[-1].any()
    assert len(np.unique(table[:-1], axis=0)) > 195


def test_categories_beyond_the_limit_are_missing():
    labels = np.repeat(np.arange(MAX_CATEGORIES + 5), 2).astype(str)
    labels = np.r_[labels, labels[10:]]
    with pytest.warns(UserWarning, match="10,005 categories: the 10,000 most frequent"):
        encoder = TableEncoder(max_one_hot=4).fit(pd.DataFrame({"x": labels}))
    assert len(encoder.categories_[0]) == MAX_CATEGORIES
    assert "0" not in encoder.categories_[0]


def test_identifiers_and_text_are_left_out():
    n = 50
    frame = pd.DataFrame(
        {
            "key": [f"k{i}" for i in range(n)],
            "note": [f"the customer called {i} times" for i in range(n)],
            "x": np.arange(n) % 7,
        }
    )
    with pytest.warns(UserWarning, match="is left out") as caught:
        encoder = TableEncoder().fit(frame)
    messages = " ".join(str(each.message) for each in caught)
    assert "'key' is left out, since it has another value in each row: an identifier?" in messages
    assert "'note' is left out, since it seems to be free text" in messages
    assert list(encoder.get_feature_names_out()) == ["x"]
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="all are left out"),
    ):
        TableEncoder().fit(frame[["key", "note"]])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([True], "a mask of 1 columns, but X has 4"),
        ([4], "indices from 0 to 3"),
        (["agee"], "has agee, which X has not"),
        ([1.5], "must be 'from_dtype'"),
        ([[1], [1, 2]], "must be 'from_dtype'"),
        (["age"], "column 'color' holds text, but is not among"),
    ],
)
def test_wrong_categorical_features_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TableEncoder(given).fit(pd.DataFrame(TABLE))


@pytest.mark.parametrize(
    "given", [[1, 2, 3], ["color", "member", "visits"], [False, True, True, True]]
)
def test_numbers_may_be_categories(given):
    encoder = TableEncoder(given).fit(pd.DataFrame(TABLE))
    assert "visits_250" in encoder.get_feature_names_out()
    as_float = pd.DataFrame(TABLE).astype({"visits": float})
    np.testing.assert_array_equal(
        encoder.transform(as_float), encoder.transform(pd.DataFrame(TABLE))
    )


DAY = datetime.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"sold": pd.to_datetime(["2026-01-02"] * 3)}), "'sold' holds dates"),
        (pd.DataFrame({"sold": [DAY, None]}, dtype=object), "'sold' holds dates"),
        (pl.DataFrame({"sold": [DAY]}), "'sold' holds dates"),
        (pd.DataFrame({"wait": pd.to_timedelta([1, 2], unit="h")}), "'wait' holds dates or times"),
        (np.array([["2026-01-02"]], dtype="M8[D]"), "holds dates"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns named 'a'"),
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), "'a' mixes numbers and text"),
        (pd.DataFrame({"a": []}), "0 sample"),
        (pl.DataFrame({"a": []}), "0 sample"),
        (pd.DataFrame(index=range(3)), "0 feature"),
        (pl.DataFrame({"a": [[1, 2], [3]]}), "'a' holds"),
    ],
)
def test_wrong_tables_are_refused(X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TableEncoder().fit(X)


def test_other_columns_in_transform_are_named():
    encoder = TableEncoder().fit(pd.DataFrame(TABLE))
    table = pd.DataFrame(TABLE)
    with pytest.raises(ValueError, match="seen at fit time, yet now missing:\n- color"):
        encoder.transform(table.drop(columns="color"))
    with pytest.raises(ValueError, match="must be in the same order"):
        encoder.transform(table[["color", "age", "member", "visits"]])
    with pytest.raises(ValueError, match="'visits' held numbers in fit, and does not now"):
        encoder.transform(table.astype({"visits": str}))


def test_derivatives_are_the_numerical_ones():
    X = RNG.normal(size=(40, 3)) * [1, 10, 0.1]
    X[0, 0], X[1, 1] = np.nan, 1e9
    frame = pd.DataFrame(X, columns=list("abc")).assign(d=["x", "y"] * 20)
    encoder = TableEncoder().fit(frame)
    derivatives, at = encoder.derivatives(read_columns(frame))
    assert at.tolist() == [0, 2, 3, -1]
    assert np.isnan(derivatives[:, 3]).all()
    for j, column in enumerate("abc"):
        epsilon = 1e-3 * np.nanstd(X[2:, j])
        above, below = (
            encoder.transform(frame.assign(**{column: frame[column] + s * epsilon}))
            for s in (1, -1)
        )
        numerical = (above - below)[:, at[j]] / (2 * epsilon)
        np.testing.assert_allclose(
            derivatives[:, j], numerical, rtol=2e-2, atol=1e-3 / epsilon * 1e-3
        )
