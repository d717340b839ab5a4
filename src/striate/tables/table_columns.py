"""Columns of a table as numbers or categories: data frames of any library, arrays and lists."""

from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from numbers import Number
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array

Array = npt.NDArray[Any]

NUMBER, CATEGORY = "number", "category"

_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_DATE_TYPES = (nw.Date, nw.Datetime, nw.Time, nw.Duration)
_CATEGORY_TYPES = (nw.Categorical, nw.Enum, nw.String, nw.Boolean)


class Column(NamedTuple):
    """A column: its name, its kind by its data type, and its values.

    Attributes
    ----------
    name : str
        As messages and output columns call it.
    kind : str
        `NUMBER` or `CATEGORY`.
    values : ndarray of shape (n_samples,)
        Numbers as float64, with NaN where they are missing; or objects, None where missing.
    is_text : bool
        Whether the values are text, not the categories of a type that has a list of them.
    """

    name: str
    kind: str
    values: Array
    is_text: bool = False


def read_columns(X: Any) -> list[Column]:
    """Return the columns of a data frame (pandas, polars, pyarrow), an array or a list of rows.

    Raises
    ------
    ValueError
        If X is empty or has no columns, if names of columns repeat, or if a column holds dates or
        something else that is neither numbers nor categories.
    TypeError
        If X is a sparse matrix.
    """
    frame = nw.from_native(X, eager_only=True, pass_through=True) if _is_frame(X) else None
    if not isinstance(frame, nw.DataFrame):
        return _columns_of_array(X)
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        what = "sample(s)" if frame.shape[0] == 0 else "feature(s)"
        raise ValueError(
            f"Found array with 0 {what} (shape={frame.shape}) while a minimum of 1 is required."
        )
    return [_column_of_frame(series) for series in frame.iter_columns()]


def _is_frame(X: Any) -> bool:
    """Return whether X may be a data frame; raise a ValueError if names of its columns repeat."""
    if isinstance(X, np.ndarray) or not hasattr(X, "columns"):
        return hasattr(X, "column_names")  # pyarrow
    names = [str(name) for name in X.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"X has several columns named {', '.join(map(repr, repeated))}: rename or drop them."
        )
    return True


def _column_of_frame(series: Any) -> Column:
    name, dtype = str(series.name), series.dtype
    if dtype.is_numeric():
        return Column(name, NUMBER, series.cast(nw.Float64).to_numpy().astype(np.float64))
    if isinstance(dtype, _DATE_TYPES):
        raise _dates(name)
    values = np.array([None] * len(series), dtype=object)
    present = ~series.is_null().to_numpy().astype(bool)
    values[present] = np.array([*series.to_list(), None], dtype=object)[:-1][present]
    if isinstance(dtype, _CATEGORY_TYPES):
        return Column(name, CATEGORY, values, isinstance(dtype, nw.String))
    return _column_of_objects(name, values)


def _columns_of_array(X: Any) -> list[Column]:
    X = check_array(X, dtype=None, ensure_all_finite=False)
    names = default_names(X.shape[1])
    if X.dtype.kind in "mM":
        raise _dates(names[0])
    if X.dtype.kind in "OUS":
        is_text = X.dtype.kind != "O"  # of a list with numbers and text, NumPy makes text
        columns = [np.array([*column, None], dtype=object)[:-1] for column in X.T]
        return [
            _column_of_objects(*each, maybe_numbers=is_text)
            for each in zip(names, columns, strict=True)
        ]
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold numbers or categories, got dtype {X.dtype}.")
    return [
        Column(name, NUMBER, column.astype(np.float64))
        for name, column in zip(names, X.T, strict=True)
    ]


def default_names(n: int) -> list[str]:
    """Return the names of the columns of an array."""
    return [f"x{j}" for j in range(n)]


def _column_of_objects(name: str, values: Array, maybe_numbers: bool = False) -> Column:
    """Return a column of Python's objects by what they are."""
    values = values.copy()
    values[[is_missing(value) for value in values]] = None
    kinds = {type(value) for value in values if value is not None}
    if maybe_numbers:
        try:
            return Column(name, NUMBER, _as_floats(values))
        except ValueError:
            pass
    if kinds and all(issubclass(kind, str | bytes) for kind in kinds):
        return Column(name, CATEGORY, values, is_text=True)
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return Column(name, CATEGORY, values)
    if any(issubclass(kind, _DATES) for kind in kinds):
        raise _dates(name)
    if all(issubclass(kind, Number) or kind.__name__ == "Decimal" for kind in kinds):
        return Column(name, NUMBER, _as_floats(values))
    if all(issubclass(kind, Number | str | bool) for kind in kinds):
        raise ValueError(
            f"column {name!r} mixes numbers and text: turn it into one of them, with astype(str) "
            "or pandas.to_numeric, for instance."
        )
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TypeError(
        f"column {name!r} holds {found}: the argument must be a string or a real number in each "
        "cell."
    )


def _as_floats(values: Array) -> Array:
    try:
        return np.array([np.nan if value is None else float(value) for value in values])
    except OverflowError:
        raise ValueError("a number of X is beyond the range of float64") from None


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _dates(name: str) -> ValueError:
    return ValueError(
        f"column {name!r} holds dates or times, which have no scale of their own: give numbers, "
        "such as the year, the month or the days since a first one."
    )


def chosen_categories(
    columns: Sequence[Column], categorical_features: Any, names: Any
) -> list[str]:
    """Return the kind of each column by the parameter `categorical_features`.

    Raises
    ------
    ValueError
        If the parameter does not fit the columns, or if text is not among the categories.
    """
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return [column.kind for column in columns]
    chosen = np.zeros(len(columns), dtype=bool)
    if categorical_features is not None:
        _choose(chosen, _as_array(categorical_features), names)
    for column, is_category in zip(columns, chosen, strict=True):
        if column.kind == CATEGORY and not is_category and column.is_text:
            raise ValueError(
                f"column {column.name!r} holds text, but is not among the categorical_features. "
                "Add it, or leave categorical_features='from_dtype'."
            )
    return [CATEGORY if is_category else NUMBER for is_category in chosen]


def _as_array(given: Any) -> Array:
    try:
        return np.asarray(given)
    except ValueError:  # lists of unequal lengths, which _choose refuses
        return np.array(None)


def _choose(chosen: Array, given: Array, names: Any) -> None:
    """Mark the columns that are given by a mask, by indices or by names."""
    if given.size == 0:
        return
    problem = None
    if given.ndim != 1 or given.dtype.kind not in "biuUO":
        problem = "must be 'from_dtype', None, a mask, indices, or names of columns"
    elif given.dtype.kind == "b":
        if len(given) != len(chosen):
            problem = f"is a mask of {len(given)} columns, but X has {len(chosen)}"
        else:
            chosen[:] = given
    elif given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= len(chosen):
            problem = f"must be indices from 0 to {len(chosen) - 1}"
        else:
            chosen[given] = True
    elif names is None:
        problem = "has names, but the columns of X have none"
    else:
        unknown = [str(name) for name in given if name not in list(names)]
        problem = f"has {', '.join(unknown)}, which X has not" if unknown else None
        chosen[np.isin(names, given)] = True
    if problem:
        raise ValueError(f"categorical_features {problem}.")


def checked_names(encoder: Any, given: Any, names: Sequence[str]) -> list[str]:
    """Return the names that `get_feature_names_out` was given, or those of the columns.

    Raises
    ------
    ValueError
        If their number differs, or if they are not those of `fit`.
    """
    if given is None:
        return list(names)
    given = [str(name) for name in np.asarray(given, dtype=object)]
    if hasattr(encoder, "feature_names_in_") and given != list(names):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(given) != len(names):
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({len(names)}), got {len(given)}"
        )
    return given


def numbers_of(column: Column) -> Array:
    """Return the values of a column that was one of numbers in `fit`, missing ones as NaN.

    Raises
    ------
    ValueError
        If it holds text.
    """
    if column.kind == NUMBER:
        return column.values
    _refuse(column, column.is_text)
    try:
        return _as_floats(column.values)
    except (TypeError, ValueError):
        raise _other_kind(column) from None


def _refuse(column: Column, is_wrong: bool) -> None:
    if is_wrong and any(value is not None for value in column.values):
        raise _other_kind(column)


def _other_kind(column: Column) -> ValueError:
    return ValueError(f"column {column.name!r} held numbers in fit, and does not now.")


def labels_of(column: Column) -> Array:
    """Return the values of a column of categories as objects, None where they are missing."""
    if column.kind == CATEGORY:
        return column.values
    labels = [None if x != x else int(x) if x.is_integer() else x for x in column.values.tolist()]
    return np.array([*labels, None], dtype=object)[:-1]


#: What turns a column into values, by its kind in `fit`.
VALUES: dict[str, Callable[[Column], Array]] = {NUMBER: numbers_of, CATEGORY: labels_of}
