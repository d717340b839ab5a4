"""Training of the members: networks from different weights, each with held-out rows of its own.

All members train on the same arrays; each has its own row indices. Small changes of the hot
learning rate and of the rows make members that err differently, so that their mean is better
than each. The weights of the epoch with the best held-out loss are kept.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.core.inference import network_output
from striate.estimators.all_or_nothing import is_part_of_a_fit
from striate.estimators.restarts import Training, run_all
from striate.estimators.stopping import LossPlateau, ScorePlateau, StoppingRule
from striate.estimators.training import Epochs
from striate.estimators.validation import Validation
from striate.native.threads import available_threads, team
from striate.solvers.minibatch import Steps
from striate.solvers.result import Result, Status
from striate.solvers.schedules import OfShare, four_cycles
from striate.solvers.update_rules import Adam

from .member_network import MemberNetwork

Array = npt.NDArray[Any]

#: β₁ and β₂ of Adam: of the squared gradient, the last 20 steps count.
ADAM = Adam(0.9, 0.95)
#: Smaller batches for fewer rows: (fewer rows than this, rows per batch).
BATCHES = ((500, 64), (5_000, 128), (np.inf, 256))
#: Epochs for up to `FEW_ROWS` rows; beyond, 1 / √n as many, and at least `MIN_STEPS` steps.
MAX_EPOCHS, FEW_ROWS, MIN_STEPS = 80, 5_000, 240
# Rows that pass through a network at a time when held-out rows are measured.
_BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Recipe:
    """What the parameters of the estimator mean for the training of its members."""

    learning_rate: float
    weight_decay: float
    batch_size: int | str
    max_iter: int | str
    patience: float

    def rows_per_batch(self, n_rows: int) -> int:
        """Return the number of rows per batch: batches of an epoch are alike."""
        if self.batch_size == "auto":
            B = next(size for limit, size in BATCHES if n_rows < limit)
        else:
            B = int(self.batch_size)
        return -(-n_rows // -(-n_rows // B))

    def n_epochs(self, n_rows: int) -> int:
        """Return the number of epochs that a training may have."""
        if self.max_iter != "auto":
            return int(self.max_iter)
        n_batches = -(-n_rows // self.rows_per_batch(n_rows))
        n = MAX_EPOCHS * min(1.0, np.sqrt(FEW_ROWS / n_rows))
        return max(int(np.ceil(n)), -(-MIN_STEPS // n_batches))


class TableRows(NamedTuple):
    """Encoded rows with their targets as the network's outputs, and their weights.

    Attributes
    ----------
    X : ndarray of float32 of shape (n_samples, n_encoded)
    Y : ndarray of float32 of shape (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,)
    """

    X: Array
    Y: Array
    weights: Array


class HeldOut:
    """Rows that a member is not trained on, and its outputs for them.

    Parameters
    ----------
    net : MemberNetwork
    activations : sequence of str
        Those of the hidden layers and of the outputs; "identity" for logits.
    data : TableRows
    rows : ndarray of int
        Which of them.
    """

    def __init__(
        self, net: MemberNetwork, activations: Sequence[str], data: TableRows, rows: Array
    ) -> None:
        self._net, self._activations, self._X, self._rows = net, activations, data.X, rows
        self.Y, self.weights = data.Y[rows], data.weights[rows]

    def outputs(self, theta: Array) -> Array:
        """Return the outputs at θ, (n_rows, n_outputs)."""
        pairs = zip(self._net.layers(theta), self._activations, strict=True)
        layers = [(W, b, f) for (W, b), f in pairs]
        blocks = [
            network_output(self._X[self._rows[lo : lo + _BLOCK_ROWS]], layers)
            for lo in range(0, len(self._rows), _BLOCK_ROWS)
        ]
        return np.concatenate(blocks)

    def validation(
        self, measure: Callable[[Array, Array, Array], float], theta: Array
    ) -> Validation:
        """Return what measures the loss after each epoch, given outputs, targets and weights."""

        def score_and_loss(theta: Array) -> tuple[float, float]:
            outputs = self.outputs(theta)
            finite = bool(np.isfinite(outputs).all())
            loss = measure(outputs, self.Y, self.weights) if finite else np.nan
            return -loss, loss

        return Validation(score_and_loss, theta, [], [], -np.inf)


@dataclass(eq=False)
class Member(Training):
    """A training with the problem and the rows that are its own."""

    problem: Any = None
    held_out: HeldOut | None = None

    @property
    def has_weights(self) -> bool:
        """Whether there are weights to keep, of the best epoch if rows are held out."""
        validation = self.solver.stopping.validation
        return self.result.n_iter > 0 and (validation is None or bool(validation.has_best))

    @property
    def has_failed(self) -> bool:
        """Whether a loss was not finite."""
        result = self.result
        began = result.n_iter > 0
        return began and not (np.isfinite(result.value) and np.isfinite(result.theta).all())


def solver_of(
    recipe: Recipe,
    net: MemberNetwork,
    rows: Array,
    validation: Validation | None,
    random_state: np.random.RandomState,
    one_thread: bool,
) -> Epochs:
    """Return how a member is trained on some rows; on one thread, if there are other members."""
    n_epochs = recipe.n_epochs(len(rows))
    if validation is not None:
        stopping: StoppingRule = ScorePlateau(
            0.0, recipe.patience, best=-np.inf, validation=validation
        )
    else:
        stopping = LossPlateau(0.0, np.inf, best=np.inf)
    return Epochs(
        rule=ADAM,
        batch_size=recipe.rows_per_batch(len(rows)),
        max_iter=n_epochs,
        schedule=OfShare(recipe.learning_rate, four_cycles, n_epochs),
        stopping=stopping,
        random_state=random_state,
        rows=rows,
        steps=Steps(net.decays(recipe.weight_decay)),
        factors=net.rates(),
        one_thread=one_thread,
    )


def run_members(members: Sequence[Member]) -> None:
    """Train all members, each on one thread if there are several; the results are the same.

    Raises
    ------
    KeyboardInterrupt
        If one was interrupted (Ctrl-C) before the end of its first epoch, or within another fit.

    Warns
    -----
    UserWarning
        If one was interrupted later: the best weights until then are kept.
    """
    in_threads = len(members) > 1 and available_threads() > 1

    def run_one(training: Any) -> Result:
        with team(1 if in_threads else None) as run:
            return training.solver.minimize(
                training.problem, training.theta, run, training.progress
            )

    run_all(run_one, members, in_threads=in_threads)
    if any(member.result.status is Status.INTERRUPTED for member in members):
        if is_part_of_a_fit() or not all(member.has_weights for member in members):
            raise KeyboardInterrupt
        warnings.warn("Training interrupted by user.", stacklevel=6)
