"""Encoders of patches by a dictionary: how it is learned, and how a patch is described by it."""

import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from striate.core.activations import CODES
from striate.core.blas import product
from striate.core.compile import as_kernel_input, jit, kernel, larger, like
from striate.core.threads import team
from striate.estimators.sklearn_private import Interval, StrOptions, fit_context

from .encoding import (
    NEAREST,
    TRIANGLE,
    DistanceEncoding,
    Encoding,
    encoded,
    n_features,
)

# Rows that are encoded at a time, and groups of rows whose sums are added in a fixed order.
_BLOCK_ROWS = 1024
_N_GROUPS = 8
_DISTANCES = {"triangle": TRIANGLE, "hard": NEAREST}
_SIGNS = {"triangle": (-1,), "soft_threshold": (1, -1), "hard": ()}


class DictionaryEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Describes patches by a dictionary of typical patches, the atoms.

    How the atoms are found and how a patch is described by them are two choices, any two of which
    go together.

    Parameters
    ----------
    n_components : int, default=1600
        Number of atoms.
    dictionary : {"kmeans", "omp1", "patches", "random"}, default="kmeans"
        Where the atoms come from:

        - "kmeans": centres of clusters of patches;
        - "omp1": unit vectors such that each patch is near a multiple of one of them (orthogonal
          matching pursuit with one coefficient, also called gain-shape vector quantization);
        - "patches": patches drawn at random;
        - "random": normal random numbers, which know nothing of the patches.

        With "soft_threshold" atoms are scaled to unit length.
    encoding : {"triangle", "soft_threshold", "hard"}, default="triangle"
        What becomes of a patch x:

        - "triangle": max(0, μ − ‖x − w_j‖), μ the mean distance to all atoms: nothing for atoms
          that are further away, about half of them;
        - "soft_threshold": two features for each atom, max(0, w_j·x − θ) and max(0, −w_j·x − θ);
        - "hard": 1 for the nearest atom, 0 for all others.
    threshold : float, default=0.25
        θ of "soft_threshold".
    max_iter : int, default=10
        Passes of "kmeans" and "omp1" over the patches.
    random_state : int, RandomState instance or None, default=None
        Draws atoms, or first ones.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The atoms.
    n_iter_ : int
        Passes over the patches that were made, and drawing some counts as one.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    PatchFeatures : Encodes the patches of images, and pools what comes out.
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

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "dictionary": [StrOptions({"kmeans", "omp1", "patches", "random"})],
        "encoding": [StrOptions({"triangle", "soft_threshold", "hard"})],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=1600,
        *,
        dictionary="kmeans",
        encoding="triangle",
        threshold=0.25,
        max_iter=10,
        random_state=None,
    ):
        self.n_components = n_components
        self.dictionary = dictionary
        self.encoding = encoding
        self.threshold = threshold
        self.max_iter = max_iter
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Patches, as a rule normalized and whitened.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinite values, or fewer rows than there shall be atoms.
        """
        X = as_kernel_input(validate_data(self, X, dtype=[np.float64, np.float32], order="C"))
        if len(X) < self.n_components and self.dictionary != "random":
            raise ValueError(
                f"n_components={self.n_components} atoms cannot be learned from n_samples={len(X)} "
                "patches: choose fewer atoms or more patches."
            )
        random_state = check_random_state(self.random_state)
        self.n_iter_ = 1
        learn = getattr(self, f"_learn_{self.dictionary}")
        self.components_ = np.ascontiguousarray(learn(X, random_state), dtype=X.dtype)
        return self

    def _learn_kmeans(self, X, random_state):
        # From random patches: the k-means++ start takes longer than the iterations.
        kmeans = KMeans(
            self.n_components,
            init="random",
            n_init=1,
            max_iter=self.max_iter,
            random_state=random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of fewer clusters than asked for
            kmeans.fit(X)
        self.n_iter_ = kmeans.n_iter_
        return kmeans.cluster_centers_

    def _learn_patches(self, X, random_state):
        return X[random_state.permutation(len(X))[: self.n_components]]

    def _learn_random(self, X, random_state):
        return _unit_rows(random_state.normal(size=(self.n_components, X.shape[1])))

    def _learn_omp1(self, X, random_state):
        """w_j ← Σ (w_j·x) x over the patches x of which w_j is the best atom, to unit length."""
        W = _unit_rows(self._learn_patches(X, random_state))
        bounds = np.linspace(0, len(X), _N_GROUPS + 1).astype(np.int64)
        sums = np.empty((_N_GROUPS, *W.shape), dtype=X.dtype)
        self.n_iter_ = self.max_iter
        with team() as run:
            for _ in range(self.max_iter):
                run(_sum_of_best, X, W, bounds, sums)
                W = np.add.reduce(sums, axis=0)
                unused = np.flatnonzero(~W.any(axis=1))
                W[unused] = X[random_state.randint(len(X), size=len(unused))]
                W = _unit_rows(W)
        return W

    def as_encoding(self):
        """What compiled code needs of it.

        Returns
        -------
        Encoding or DistanceEncoding
        """
        check_is_fitted(self)
        W, signs = self.components_, np.array(_SIGNS[self.encoding], dtype=self.components_.dtype)
        if self.encoding == "soft_threshold":
            zeros = np.zeros(len(W), dtype=W.dtype)
            return Encoding(_unit_rows(W).T, zeros, CODES["identity"], signs, float(self.threshold))
        b = np.einsum("ij,ij->i", W, W) / -2
        return DistanceEncoding(W.T, b, _DISTANCES[self.encoding], signs)

    def transform(self, X):
        """Describe patches by the atoms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components), twice as many columns for "soft_threshold"
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        how = self.as_encoding()
        W, b, signs = (
            as_kernel_input(part.astype(X.dtype, copy=False)) for part in (how.W, how.b, how.signs)
        )
        how = how._replace(W=W, b=b, signs=signs)
        codes = np.empty((len(X), n_features(how)), dtype=X.dtype)
        with team() as run:
            for rows in gen_batches(len(X), _BLOCK_ROWS):
                x = as_kernel_input(X[rows])
                Z = np.empty((len(x), b.size), dtype=X.dtype)
                theta = np.full(len(x), how.threshold, dtype=X.dtype)
                run(encoded, how, x, Z, theta)
                if len(how.signs):
                    signed = [Z if sign > 0 else -Z for sign in how.signs]
                    Z = np.maximum(np.hstack(signed) - theta[:, np.newaxis], 0)
                codes[rows] = Z
        return codes

    @property
    def _n_features_out(self):
        return len(self.components_) * (2 if self.encoding == "soft_threshold" else 1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _unit_rows(W):
    lengths = np.sqrt(np.einsum("ij,ij->i", W, W))
    return W / np.where(lengths > 0, lengths, 1)[:, np.newaxis]


@kernel
def _sum_of_best(t, T, X, W, bounds, sums):
    """Σ (w_j·x) x over the rows whose largest |w_j·x| is that of atom j, for groups of rows."""
    Z = np.empty((_BLOCK_ROWS, len(W)), dtype=X.dtype)
    for g in range(t, len(sums), T):
        sums[g] = 0
        for lo in range(bounds[g], bounds[g + 1], _BLOCK_ROWS):
            n = min(_BLOCK_ROWS, bounds[g + 1] - lo)
            product(X[lo : lo + n], False, W, True, Z[:n], 0.0)
            for i in range(n):
                best = largest(Z, i)
                for j in range(X.shape[1]):
                    sums[g, best, j] += Z[i, best] * X[lo + i, j]


@jit
def largest(Z, i):
    """Index of the largest |z| of row i: how large, then where."""
    top = like(0, Z[0, 0])
    for j in range(Z.shape[1]):
        top = larger(abs(Z[i, j]), top)
    for j in range(Z.shape[1]):
        if abs(Z[i, j]) == top:
            return j
    return 0
