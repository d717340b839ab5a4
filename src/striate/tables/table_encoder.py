"""TableEncoder: a table of numbers and categories, with anything missing, as numbers near 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.estimators.fitted_attributes import (
    INPUT,
    Attribute,
    Each,
    Floats,
    Labels,
    OneOf,
    Text,
    Whole,
)
from striate.estimators.sklearn_private import Interval, StrOptions, fit_context

from .category_codes import code_names, code_table, codes_of, found_categories
from .robust_numbers import center_and_scale, clipped, clipped_derivative
from .table_columns import (
    CATEGORY,
    NUMBER,
    VALUES,
    Column,
    checked_names,
    chosen_categories,
    default_names,
    labels_of,
    numbers_of,
    read_columns,
)

Array = npt.NDArray[Any]

#: A column of categories without any in the training data.
LEFT_OUT = "left out"


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a table of numbers and categories into numbers near 0, whatever the table has in it.

    A number x becomes u / √(1 + (u / 3)²) with u = (x − median) / (interquartile range): outliers
    and infinite values end at ±3. A missing number becomes 0, and a column of its own says so where
    `fit` saw missing ones. Two categories become −1 and 1, and more of them a column each; unknown
    and missing categories are 0.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like of bool, int or str, \
            default="from_dtype"
        Columns of categories: those of text, categorical or boolean type in a data frame (pandas,
        polars, pyarrow); none; or a mask, indices or names.
    max_one_hot : int, default=64
        Number of categories up to which each has a column. Where there are more, this number of the
        most frequent ones have; each of the others has fixed random signs in 16 further columns.

    Attributes
    ----------
    kinds_ : list of str
        "number", "category" or "left out" for each column. An identifier, with another value in
        each row, and free text are left out, with a warning.
    center_, scale_ : ndarray of shape (n_features,)
        Median, and reciprocal of the interquartile range, of numbers; where that is 0, of half the
        range. 0 for a constant column, and for categories.
    has_missing_ : ndarray of shape (n_features,)
        1 for columns of numbers that had missing ones.
    categories_ : list of ndarray
        The categories of each column of kind "category".
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
    n_encoded_ : int
        Number of columns of the output.

    See Also
    --------
    TabularClassifier, TabularRegressor : Networks that use it.
    sklearn.preprocessing.OneHotEncoder, sklearn.preprocessing.RobustScaler : Parts of it.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS (2024).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from striate import TableEncoder
    >>> table = pd.DataFrame(
    ...     {"age": [31.0, np.nan, 58.0, 40.0], "color": ["red", "blue", "red", "green"]}
    ... )
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.get_feature_names_out()
    array(['age', 'age_missing', 'color_blue', 'color_green', 'color_red'],
          dtype=object)
    >>> encoder.transform(pd.DataFrame({"age": [40.0, np.inf], "color": ["pink", "red"]}))
    array([[0., 0., 0., 0., 0.],
           [3., 0., 0., 0., 1.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_one_hot": [Interval(Integral, 2, None, closed="left")],
    }
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "kinds_": Each(OneOf({NUMBER, CATEGORY, LEFT_OUT}), size="n_features_in_"),
        "center_": Floats(("n_features_in_",)),
        "scale_": Floats(("n_features_in_",)),
        "has_missing_": Floats(("n_features_in_",)),
        "categories_": Each(Labels()),
        "n_encoded_": Whole("n_encoded_"),
        "_n_own": Whole(),
        "_names": Each(Text(), size="n_features_in_"),
    }

    def __init__(self, categorical_features: Any = "from_dtype", *, max_one_hot: int = 64) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scales and categories.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If names of columns repeat, if a column holds dates or mixes numbers and text, or if
            `categorical_features` does not fit.
        """
        self.fit_transform(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Learn scales and categories, and return the encoded table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_encoded)
        """
        columns = read_columns(X)
        self.fit_columns(columns, X)
        return self.encode(columns)

    def fit_columns(self, columns: Sequence[Column], X: Any) -> None:
        """Learn from rows of the columns that `read_columns` returned for X."""
        validate_data(self, X, skip_check_array=True, reset=True)
        names = getattr(self, "feature_names_in_", None)
        self.kinds_ = chosen_categories(columns, self.categorical_features, names)
        self._n_own = int(self.max_one_hot)
        n = len(columns)
        self.center_, self.scale_, self.has_missing_ = np.zeros(n), np.zeros(n), np.zeros(n)
        self.categories_: list[Array] = []
        for j, column in enumerate(columns):
            if self.kinds_[j] == NUMBER:
                x = numbers_of(column)
                self.center_[j], self.scale_[j] = center_and_scale(x)
                self.has_missing_[j] = np.isnan(x).any()
                continue
            categories = found_categories(column, labels_of(column), self._n_own)
            if len(categories):
                self.categories_.append(categories)
            else:
                self.kinds_[j] = LEFT_OUT
        self._names = [column.name for column in columns]
        self.n_encoded_ = len(self.get_feature_names_out())
        if not self.n_encoded_:
            raise ValueError("X has no column to learn from: all are left out.")

    def transform(self, X: Any) -> Array:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_encoded)

        Raises
        ------
        ValueError
            If columns are missing, unknown or in another order, or if a column that held numbers
            in `fit` holds something else.
        """
        check_is_fitted(self)
        columns = read_columns(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return self.encode(columns)

    def encode(self, columns: Sequence[Column]) -> Array:
        """Encode columns that `read_columns` returned, which must be those of `fit`."""
        names, without = [column.name for column in columns], default_names(len(columns))
        # Names of data frames were compared before; tables of pyarrow are compared here.
        if names != self._names and without not in (names, self._names):
            others = [name for name in names if name not in self._names] or names
            raise ValueError(
                "The columns must be those of fit, in the same order; now there are "
                f"{', '.join(others)}."
            )
        encoded = np.zeros((len(columns[0].values), self.n_encoded_), dtype=np.float32)
        for part in self._parts():
            values = VALUES[part.kind](columns[part.column])
            encoded[:, part.at : part.at + part.width] = part.encode(values)
        return encoded

    def derivatives(self, columns: Sequence[Column]) -> tuple[Array, Array]:
        """Return by how much the output changes with each column of numbers.

        Parameters
        ----------
        columns : list of Column
            What `read_columns` returned.

        Returns
        -------
        derivatives : ndarray of shape (n_samples, n_features)
            0 for missing numbers, NaN for columns of categories.
        at : ndarray of int of shape (n_features,)
            The column of the output that each column of numbers becomes; -1 for categories.
        """
        derivatives = np.full((len(columns[0].values), len(columns)), np.nan)
        at = np.full(len(columns), -1)
        for part in self._parts():
            if isinstance(part, _Numbers):
                at[part.column], x = part.at, numbers_of(columns[part.column])
                derivatives[:, part.column] = clipped_derivative(x, part.center, part.scale)
        return derivatives, at

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns of the output.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, if it had none in `fit`.

        Returns
        -------
        ndarray of str objects of shape (n_encoded,)
        """
        check_is_fitted(self, "_names")
        names = checked_names(self, input_features, self._names)
        return np.array(
            [each for part in self._parts() for each in part.names(names)], dtype=object
        )

    def _parts(self) -> list["_Part"]:
        """Return what each column becomes, in order."""
        parts: list[_Part] = []
        categories, at = iter(self.categories_), 0
        for j, kind in enumerate(self.kinds_):
            if kind == NUMBER:
                scaling = float(self.center_[j]), float(self.scale_[j]), bool(self.has_missing_[j])
                parts.append(_Numbers(j, at, *scaling))
            elif kind == CATEGORY:
                parts.append(_Categories(j, at, next(categories), self._n_own))
            else:
                continue
            at += parts[-1].width
        return parts

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers: where its part of the output begins, and how it is scaled."""

    column: int
    at: int
    center: float
    scale: float
    had_missing: bool
    kind: ClassVar[str] = NUMBER

    @property
    def width(self) -> int:
        return 1 + self.had_missing

    def encode(self, x: Array) -> Array:
        z = clipped(x, self.center, self.scale)
        return np.column_stack([z, np.isnan(x)] if self.had_missing else [z])

    def names(self, names: Sequence[str]) -> list[str]:
        name = names[self.column]
        return [name, f"{name}_missing"][: self.width]


@dataclass(frozen=True)
class _Categories:
    """A column of categories: where its part of the output begins, and which ones there are."""

    column: int
    at: int
    categories: Array
    n_own: int
    kind: ClassVar[str] = CATEGORY

    @property
    def width(self) -> int:
        return len(self.names([""] * (self.column + 1)))

    def encode(self, labels: Array) -> Array:
        table = code_table(len(self.categories), self.n_own, seed=self.column)
        return table[codes_of(labels, self.categories)]

    def names(self, names: Sequence[str]) -> list[str]:
        return code_names(names[self.column], self.categories, self.n_own)


_Part = _Numbers | _Categories
