"""The problem that a solver is given: a network, its loss, the data, and the terms of J."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.compile import as_kernel_input

from .design_matrix import Noisy, as_input, dtype_of, n_rows
from .losses import LOSSES, LossCall, loss_call
from .network import Network
from .noise import seed_at_row
from .penalties import Terms
from .row_blocks import RowBlocks


class Data(NamedTuple):
    """The data of a problem for compiled code: loss, inputs, targets and weights of the rows.

    `seed` is that of dropout.
    """

    loss: LossCall
    X: Any
    Y: Any
    w: npt.NDArray[Any]
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise J(θ) = Σ_i w_i loss_i + λ/2 Σ W² + μ Σ |W| + β Σ_j KL(ρ ‖ ρ̂_j).

    Attributes
    ----------
    network : Network
        Layer sizes, activations and sparsity patterns.
    loss : str
        A name from `striate.core.losses.LOSSES`.
    X : ndarray of shape (m, n_inputs), or what `striate.core.design_matrix.as_input` returns
        Inputs; perhaps a `RowBlocks`, whose rows are not in memory.
    Y : ndarray of shape (m, n_outputs), or another input
        Targets, float32 or float64: X and the arithmetic have the same type. For an autoencoder:
        X itself, without noise.
    sample_weight : ndarray of shape (m,), default=None
        Weights of the rows; J is the mean of their losses with these weights.
    weight_decay : float, default=0.0
        λ of the ridge.
    decay_over_n : float, default=0.0
        Further ridge whose λ is this divided by the total weight of the rows (of the batch, for
        minibatches), as in scikit-learn's perceptrons.
    l1_weight : float, default=0.0
        μ. ∇J leaves this term out, which has no derivative at 0: solvers take its proximal step.
    sparsity_target, sparsity_weight : float, default=0.05, 0.0
        ρ and β, for the first hidden layer.
    loss_constants : sequence of float, default=()
        What the loss needs, such as the levels of quantiles.
    dropout : sequence of float, default=()
        Probability for each hidden layer that a unit is dropped; minibatch solvers alone do so.
    seed : int, default=0
        Decides which units are dropped; where X has noise, its seed does.

    Raises
    ------
    ValueError
        If there is a sparsity term but no hidden layer.
    """

    network: Network
    loss: str
    X: Any
    Y: Any
    sample_weight: npt.NDArray[Any] | None = None
    weight_decay: float = 0.0
    decay_over_n: float = 0.0
    l1_weight: float = 0.0
    sparsity_target: float = 0.05
    sparsity_weight: float = 0.0
    loss_constants: Sequence[float] = ()
    dropout: Sequence[float] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss={self.loss!r} is not one of {sorted(LOSSES)}")
        if self.sparsity_weight and len(self.network.sizes) < 3:
            raise ValueError("sparsity is of hidden units, and this network has none")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(n_rows(self.X))

    @property
    def blocks(self) -> RowBlocks | None:
        """The rows of X, without noise, if they are read by blocks; else None."""
        X = self.X.clean if isinstance(self.X, Noisy) else self.X
        return X if isinstance(X, RowBlocks) else None

    def without_rows(self) -> "Problem":
        """Return the problem without X, Y and weights, to be given some rows by `with_rows`."""
        X = self.X._replace(clean=None) if isinstance(self.X, Noisy) else None
        return replace(self, X=X, Y=None, sample_weight=None)

    def with_rows(self, x: Any, Y: Any, w: Any, first: int = 0) -> "Problem":
        """Return the problem of some rows, which have been read.

        Parameters
        ----------
        x : {ndarray, CSR matrix} of shape (n, n_inputs)
            Without noise, which is added if X has some.
        Y : ndarray of shape (n, n_outputs) or None
            None for an autoencoder, whose targets are x.
        w : ndarray of shape (n,) or None
        first : int, default=0
            Which row of X the first one is: it has the same noise there.
        """
        X = clean = as_input(x)
        if isinstance(self.X, Noisy):
            X = self.X._replace(clean=clean, seed=seed_at_row(self.X.seed, first))
        return replace(self, X=X, Y=clean if Y is None else Y, sample_weight=w)

    @property
    def by_row(self) -> tuple[Any, Any]:
        """Y and the weights, as `with_rows` takes them."""
        return None if isinstance(self.Y, RowBlocks) else self.Y, self.sample_weight

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the arithmetic."""
        return np.dtype(dtype_of(self.Y))

    @property
    def total_weight(self) -> float:
        """Sum of the sample weights, or the number of rows."""
        if self.sample_weight is None:
            return float(self.n_rows)
        return float(np.sum(self.sample_weight, dtype=np.float64))

    def data(self, *, normalized: bool) -> Data:
        """Return the data for compiled code; `normalized` weights of the rows add up to 1."""
        w = np.ones(self.n_rows) if self.sample_weight is None else self.sample_weight
        if normalized:
            w = w / np.sum(w, dtype=np.float64)
        n_outputs = self.network.sizes[-1]
        loss = loss_call(self.loss, self.dtype, n_outputs, self.loss_constants)
        X, Y = (as_kernel_input(Z) if isinstance(Z, np.ndarray) else Z for Z in (self.X, self.Y))
        seed = X.seed if isinstance(X, Noisy) else self.seed
        return Data(loss, X, Y, w.astype(self.dtype), seed)

    def penalties(self, total_weight: float) -> Terms:
        """Return the terms of J beside the data, for rows with this total weight."""
        ridge = self.weight_decay + self.decay_over_n / total_weight
        return Terms(
            float(ridge),
            float(self.l1_weight),
            float(self.sparsity_target),
            float(self.sparsity_weight),
        )
