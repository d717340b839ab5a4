"""Encoders of patches by a dictionary: its atoms, and the description of a patch by them."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from striate.core.block_sums import through_blocks, value_range
from striate.core.row_blocks import RowBlocks
from striate.estimators.fitted_attributes import INPUT, Attribute, Floats, Whole
from striate.estimators.sklearn_private import Interval, StrOptions, fit_context
from striate.estimators.training_record import record_of
from striate.estimators.validated_input import FLOATS, validated
from striate.native.compile import as_kernel_input
from striate.native.threads import team

from .dictionary_learning import LEARNERS, unit_rows
from .encoding import (
    NEAREST,
    TRIANGLE,
    DistanceEncoding,
    Encoding,
    encode_rows,
    for_kernels,
    n_features,
)

# Rows that are encoded at a time.
_BLOCK_ROWS = 1024
_DISTANCES = {"triangle": TRIANGLE, "hard": NEAREST}
_SIGNS = {"triangle": (-1,), "soft_threshold": (1, -1), "hard": ()}


class DictionaryEncoder(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Describe patches by a dictionary of typical patches, the atoms.

    How the atoms are found and how a patch is described by them are independent choices.

    Parameters
    ----------
    n_components : int, default=1600
        Number of atoms.
    dictionary : {"kmeans", "omp1", "patches", "random"}, default="kmeans"
        How the atoms are found:

        - "kmeans": centres of clusters of patches;
        - "omp1": unit vectors such that each patch is near a multiple of one of them (orthogonal
          matching pursuit with one coefficient, also called gain-shape vector quantization);
        - "patches": patches drawn at random;
        - "random": normal random numbers, independent of the patches.

        With "soft_threshold", atoms are scaled to unit length.
    encoding : {"triangle", "soft_threshold", "hard"}, default="triangle"
        Description of a patch x:

        - "triangle": max(0, μ − ‖x − w_j‖), with μ the mean distance to all atoms: zero for atoms
          further away than that, about half of them;
        - "soft_threshold": two features for each atom, max(0, w_j·x − θ) and max(0, −w_j·x − θ);
        - "hard": 1 for the nearest atom, 0 for all others.
    threshold : float, default=0.25
        θ of "soft_threshold".
    max_iter : int, default=10
        Maximum number of passes of "kmeans" and "omp1" over the patches.
    random_state : int, RandomState instance or None, default=None
        Determines which atoms are drawn, or where "kmeans" and "omp1" start.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The atoms.
    n_iter_ : int
        Number of passes over the patches; 1 for "patches" and "random".
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    PatchFeatures : Encode the patches of images, and pool the codes.
    SparseAutoencoder : An encoder that is a layer of a network.

    References
    ----------
    .. [1] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised
       feature learning", AISTATS (2011): k-means, "triangle" and "hard".
    .. [2] A. Coates and A. Y. Ng, "The importance of encoding versus training with sparse coding
       and vector quantization", ICML (2011): OMP-1, random patches and the soft threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from striate import DictionaryEncoder
    >>> patches = np.random.default_rng(0).normal(size=(500, 36))
    >>> encoder = DictionaryEncoder(20, random_state=0).fit(patches)
    >>> encoder.transform(patches).shape
    (500, 20)
    >>> encoder.set_params(encoding="soft_threshold").transform(patches).shape
    (500, 40)
    """

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "components_": Floats(("n_components", "n_features_in_")),
        "n_iter_": Whole(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "dictionary": [StrOptions(set(LEARNERS))],
        "encoding": [StrOptions({"triangle", "soft_threshold", "hard"})],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 1600,
        *,
        dictionary: str = "kmeans",
        encoding: str = "triangle",
        threshold: float = 0.25,
        max_iter: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.dictionary = dictionary
        self.encoding = encoding
        self.threshold = threshold
        self.max_iter = max_iter
        self.random_state = random_state

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Patches, usually normalized and whitened.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values, or fewer rows than `n_components`.

        Warns
        -----
        ConvergenceWarning
            From "kmeans", if X has fewer distinct rows than `n_components`.
        """
        X = self._validated(X, reset=True)
        X = X if isinstance(X, RowBlocks) else as_kernel_input(X)
        if len(X) < self.n_components and self.dictionary != "random":
            raise ValueError(
                f"n_components={self.n_components} atoms cannot be learned from n_samples={len(X)} "
                "patches: choose fewer atoms or more patches."
            )
        learn = LEARNERS[self.dictionary]
        record = record_of(self, X=X)
        random_state = record.random_state(self.random_state)
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X)
        atoms, self.n_iter_ = learn(X, self.n_components, self.max_iter, random_state, record)
        self.components_ = np.ascontiguousarray(atoms, dtype=X.dtype)
        context.call_on_fit_task_end(estimator=self, X=X)
        return self

    def as_encoding(self) -> Encoding | DistanceEncoding:
        """Return what compiled code needs to encode patches.

        Returns
        -------
        Encoding or DistanceEncoding
        """
        check_is_fitted(self)
        W, signs = self.components_, np.array(_SIGNS[self.encoding], dtype=self.components_.dtype)
        if self.encoding == "soft_threshold":
            zeros = np.zeros(len(W), dtype=W.dtype)
            return Encoding(unit_rows(W).T, zeros, "identity", signs, float(self.threshold))
        b = np.einsum("ij,ij->i", W, W) / -2
        return DistanceEncoding(W.T, b, _DISTANCES[self.encoding], signs)

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Describe patches by the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components), twice as many columns for "soft_threshold"
        """
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        if isinstance(X, RowBlocks):
            return through_blocks(X, self._codes, self._n_features_out)
        return self._codes(X)

    def _codes(self, X: Any) -> npt.NDArray[Any]:
        encoding = self.as_encoding()
        encoding = for_kernels(encoding, encoding.W, encoding.b, X.dtype)
        codes = np.empty((len(X), n_features(encoding)), dtype=X.dtype)
        with team() as run:
            for rows in gen_batches(len(X), _BLOCK_ROWS):
                x = as_kernel_input(X[rows])
                Z = np.empty((len(x), encoding.b.size), dtype=X.dtype)
                theta = np.full(len(x), encoding.threshold, dtype=X.dtype)
                run(encode_rows, encoding, x, Z, theta, codes[rows])
        return codes

    def _validated(self, X: Any, reset: bool) -> Any:
        X = validated(self, X, by_blocks=True, dtype=FLOATS, order="C", reset=reset)
        if isinstance(X, RowBlocks) and not reset:
            return X  # without another pass over the rows
        largest = max(abs(float(value)) for value in value_range(X))
        limit = float(np.sqrt(np.finfo(X.dtype).max / (X.shape[0] * X.shape[1])))
        if largest > limit:
            raise ValueError(
                f"X has values up to {largest:.2g}, whose distances are beyond {X.dtype}. Scale X, "
                "with StandardScaler for instance."
            )
        return X if isinstance(X, RowBlocks) else np.asarray(X)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_) * (2 if self.encoding == "soft_threshold" else 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
