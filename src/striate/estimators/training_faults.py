"""Faults that show in a training itself: in its loss curve, its number of steps and its weights.

The perceptrons and the autoencoder print the most serious one at the end of a verbose fit, and
`striate.diagnose` lists all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier, is_regressor

from .autoencoder_problem import learning_rate_of
from .column_faults import column_scales, scale_findings, target_finding
from .finding import Finding, most_serious_first
from .progress import Progress
from .reconstruction import Layer
from .training import MINIBATCH_SOLVERS

Array = NDArray[np.float64]

# Epochs from which on a curve has a shape.
_FEWEST_EPOCHS = 8
# The loss jumps if, in the second half of the curve, it rises at least in every fourth epoch, and a
# typical rise is at least 3% of the loss then and 2% of the loss in the beginning. Noise of batches
# is smaller, and the ups and downs of a loss that is almost zero do not matter.
_OFTEN, _JUMP, _JUMP_OF_START = 0.25, 0.03, 0.02
# The loss ended high if it is half as large again as its minimum, and a tenth of the loss in the
# beginning was lost.
_END_RATIO, _END_OF_START = 1.5, 0.1
# The loss shot up if it was twice that of outputs of 0, near which networks begin, and did not
# recover if it ended above half of that.
_SHOT_UP, _RECOVERED = 2.0, 0.5
# A loss that falls along a line loses half of its whole fall in the second half of the epochs; one
# that converges, far less.
_LATE_FALL, _STEADY = 0.3, 0.1
# A loss that falls by less than this share of it is stuck (all units are dead, say), not slow.
_STUCK = 1e-6
# Share of the whole fall that the last tenth of the epochs still had when max_iter ended them:
# training twice as long would lower the loss by up to 20% of what it has fallen so far.
_LAST_FALL = 0.02
# Shares of the loss in the beginning below which a fall is hardly any, and none beside noise.
_HARDLY, _NOTHING = 0.1, 0.01
# Steps in all that are too few for any learning rate, and steps per epoch that are few if the loss
# still falls when training ends.
_FEW_STEPS, _FEW_PER_EPOCH = 100, 10
# Largest batch that is not called large, whatever the data.
_SMALL_BATCH = 32
# Root mean square of the weights of a layer relative to that of its initial values below which it
# has vanished; the ridge λ/2 Σ W² is held responsible from this λ on.
_VANISHED, _STRONG_RIDGE = 0.05, 1e-3
# Subjects of findings that say that the loss still fell.
_UNFINISHED = ("learning rate too low", "training ended too early")
# Rows that the last line of a verbose fit looks at.
_VERBOSE_ROWS = 2000


def losses_of(estimator: Any) -> Array:
    """Return the loss after each epoch or iteration; an empty array if none is known."""
    losses = getattr(estimator, "loss_curve_", None)
    return np.asarray([] if losses is None else losses, dtype=np.float64)


def loss_findings(estimator: Any, y: Any = None, scaled: bool = False) -> list[Finding | None]:
    """Return what the loss curve of a fitted estimator says about the training.

    Parameters
    ----------
    estimator : fitted estimator
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Targets of a regressor.
    scaled : bool, default=False
        Whether X is known to be scaled, and the ridge to be weak, so that a high loss in the
        beginning comes from the steps.
    """
    losses = losses_of(estimator)
    if estimator.solver != "lbfgs" and not np.isfinite(losses).all():
        step = int(np.argmin(np.isfinite(losses))) + 1
        evidence = f"the loss was no longer finite after {_step(estimator)} {step}"
        return [_too_high(estimator, evidence)]
    if len(losses) < _FEWEST_EPOCHS or not np.isfinite(losses).all() or losses.min() < 0:
        return []
    if estimator.solver == "lbfgs":  # which chooses the length of its steps
        return [_stopped_early(estimator, losses)]
    too_high = _jumps(estimator, losses) or (_shot_up(estimator, losses, y) if scaled else None)
    if too_high is not None:
        return [too_high]
    return [_too_low(estimator, losses) or _stopped_early(estimator, losses)]


def _start(losses: Array) -> float:
    """Return the loss in the beginning, without that of the very first steps."""
    return float(losses[:3].min())


def _too_high(estimator: Any, evidence: str) -> Finding:
    name, rate = _learning_rate(estimator)
    advice = f"Lower {name} (now {rate:g}), for example to {rate / 10:g}."
    return Finding("high", "learning rate too high", evidence, advice)


def _shot_up(estimator: Any, losses: Array, y: Any) -> Finding | None:
    nothing = _loss_of_zeros(estimator, y)
    peak = int(np.argmax(losses))
    if losses[peak] < _SHOT_UP * nothing or losses[-1] < _RECOVERED * nothing:
        return None
    evidence = (
        f"the loss was {losses[peak]:.3g} after {_step(estimator)} {peak + 1} and {losses[-1]:.3g} "
        f"at the end; outputs of 0 have {nothing:.3g}"
    )
    return _too_high(estimator, evidence)


def _loss_of_zeros(estimator: Any, y: Any) -> float:
    """Return the loss of a network whose weights are 0; infinity if it is not known."""
    loss = getattr(estimator, "loss", None)
    if is_classifier(estimator) and loss == "log_loss":
        n = estimator.n_outputs_
        return float(np.log(n) if estimator.out_activation_ == "softmax" else n * np.log(2))
    if is_regressor(estimator) and y is not None and loss == "squared_error":
        known = estimator.out_activation_ == "identity"
        return float(np.mean(np.square(y, dtype=np.float64)) / 2) if known else np.inf
    return np.inf


def _jumps(estimator: Any, losses: Array) -> Finding | None:
    late, start, step = losses[len(losses) // 2 :], _start(losses), _step(estimator)
    best = int(np.argmin(losses))
    lost = losses[-1] - losses[best]
    if losses[-1] > _END_RATIO * losses[best] and lost > _END_OF_START * start:
        evidence = (
            f"the loss was {losses[best]:.3g} after {step} {best + 1}, and ended at "
            f"{losses[-1]:.3g}"
        )
        return _too_high(estimator, evidence)
    changes = np.diff(late)
    rises = changes[changes > 0]
    if len(rises) < _OFTEN * len(changes):
        return None
    typical, level = float(np.median(rises)), float(np.median(late))
    if typical < max(_JUMP * level, _JUMP_OF_START * start):
        return None
    evidence = (
        f"in {len(rises)} of the last {len(changes)} {step}s the loss rose, by {typical:.2g} at a "
        f"time, at a loss of {level:.2g}"
    )
    return _too_high(estimator, evidence)


def _too_low(estimator: Any, losses: Array) -> Finding | None:
    n, start = len(losses), _start(losses)
    fall = start - losses[-1]
    if fall <= _STUCK * start or np.mean(np.diff(losses) > 0) > _STEADY:
        return None
    if _early_stopped(estimator) and fall > _HARDLY * start:
        return None
    late = (losses[n // 2] - losses[-1]) / fall
    if late < _LATE_FALL:
        return None
    name, rate = _learning_rate(estimator)
    step = _step(estimator)
    return Finding(
        "high" if fall < _HARDLY * start else "medium",
        "learning rate too low",
        f"the loss fell evenly, from {losses[0]:.3g} to {losses[-1]:.3g} in {n} {step}s, and "
        f"{late:.0%} of it in the second half",
        f"Raise {name} (now {rate:g}), for example to {10 * rate:g}.",
    )


def _stopped_early(estimator: Any, losses: Array) -> Finding | None:
    if estimator.n_iter_ < estimator.max_iter:
        return None
    tenth = max(1, len(losses) // 10)
    start = _start(losses)
    fall = start - losses[-1]
    last = losses[-2 * tenth : -tenth].mean() - losses[-tenth:].mean()
    if fall <= _NOTHING * start or last < _LAST_FALL * fall:
        return None
    step = _step(estimator)
    return Finding(
        "medium",
        "training ended too early",
        f"max_iter={estimator.max_iter} ended it while the loss still fell, by {last:.2g} to "
        f"{losses[-1]:.3g} in the last {tenth} {step}{'s' if tenth > 1 else ''}",
        f"Raise max_iter, for example to {5 * estimator.max_iter}.",
    )


def _early_stopped(estimator: Any) -> bool:
    """Return whether a validation score ended the training."""
    scored = getattr(estimator, "validation_scores_", None) is not None
    return scored and estimator.n_iter_ < estimator.max_iter


def _step(estimator: Any) -> str:
    return "epoch" if estimator.solver in MINIBATCH_SOLVERS else "iteration"


def _learning_rate(estimator: Any) -> tuple[str, float]:
    """Return the name of the parameter that is the learning rate, and its value."""
    if hasattr(estimator, "learning_rate_init"):
        return "learning_rate_init", float(estimator.learning_rate_init)
    return "learning_rate", learning_rate_of(estimator)


def batch_rows(estimator: Any, n_rows: int) -> int:
    """Return the number of rows of a batch."""
    if estimator.solver not in MINIBATCH_SOLVERS:
        return n_rows
    given = 200 if estimator.batch_size == "auto" else int(estimator.batch_size)
    return min(given, n_rows)


def step_finding(estimator: Any, n_rows: int, unfinished: bool) -> Finding | None:
    """Return whether batches are so large that there were too few steps.

    Parameters
    ----------
    estimator : fitted estimator
    n_rows : int
        Number of rows that it was fitted on.
    unfinished : bool
        Whether the loss still fell when training ended.
    """
    n_epochs, batch = len(losses_of(estimator)), batch_rows(estimator, n_rows)
    by_parts = estimator.n_iter_ == 1 < n_epochs  # partial_fit, whose rows nobody knows
    if estimator.solver not in MINIBATCH_SOLVERS or batch <= _SMALL_BATCH or by_parts:
        return None
    per_epoch = -(-n_rows // batch)
    n_steps = per_epoch * n_epochs
    if n_steps >= _FEW_STEPS and not (unfinished and per_epoch < _FEW_PER_EPOCH):
        return None
    steps = "step" if per_epoch == 1 else "steps"
    return Finding(
        "medium",
        "batches too large",
        f"batches of {batch} of {n_rows:,} rows make {per_epoch} {steps} per epoch, {n_steps:,} in "
        f"all {n_epochs} epochs",
        f"Lower batch_size, for example to {_SMALL_BATCH}, or raise max_iter.",
    )


def weight_finding(estimator: Any, layers: Sequence[Layer], n_rows: int) -> Finding | None:
    """Return whether the ridge has made the weights of a layer vanish."""
    name, _ = ridge_of(estimator, n_rows)
    if has_weak_ridge(estimator, n_rows):
        return None
    relative = [_relative_size(W) for W, _, _ in layers]
    k = int(np.argmin(relative))
    if relative[k] >= _VANISHED:
        return None
    value = getattr(estimator, name)
    where = f"layer {k + 1} of {len(layers)}" if len(layers) > 1 else "the only layer"
    return Finding(
        "high",
        f"{name} too strong",
        f"with {name}={value:g}, the weights of {where} have shrunk to "
        f"{max(relative[k], 0.001):.1%} of the size of initial weights",
        f"Lower {name} (now {value:g}), for example to {value / 100:g}.",
    )


def ridge_of(estimator: Any, n_rows: int) -> tuple[str, float]:
    """Return the name of the parameter of the ridge, and λ of λ/2 Σ W² beside the mean loss.

    Perceptrons of Striate have two, `alpha` and the decoupled `weight_decay`: the stronger one.
    """
    decay = "weight_decay", float(getattr(estimator, "weight_decay", 0.0))
    if not hasattr(estimator, "alpha"):
        return decay
    alpha = "alpha", float(estimator.alpha) / batch_rows(estimator, n_rows)
    return decay if decay[1] > alpha[1] else alpha


def has_weak_ridge(estimator: Any, n_rows: int) -> bool:
    """Return whether the ridge is a small part of J, and cannot make weights vanish."""
    return ridge_of(estimator, n_rows)[1] < _STRONG_RIDGE


def _relative_size(W: Any) -> float:
    """Return the root mean square of weights relative to that of Glorot's initial weights."""
    values = np.asarray(W.data if sparse.issparse(W) else W, dtype=np.float64)
    # The inputs and outputs that a unit is connected with, on average.
    n_in, n_out = values.size / W.shape[1], values.size / W.shape[0]
    rms = np.sqrt(np.mean(values**2)) if values.size else 0.0
    return float(rms / np.sqrt(2 / max(n_in + n_out, 1)))


def unfinished(findings: Sequence[Finding]) -> bool:
    """Return whether the loss still fell when training ended."""
    return any(each.subject in _UNFINISHED for each in findings)


def report_worst_fault(progress: Progress, layers: Sequence[Layer], X: Any, y: Any = None) -> None:
    """Print the most serious fault of a training that has ended, if there is any.

    It is one that loss curve, weights, columns or targets show. Only a verbose `fit` prints it.
    """
    estimator, n_rows = progress.estimator, X.shape[0]
    if not estimator.verbose or not progress.has_begun:
        return
    rows = np.unique(np.linspace(0, n_rows - 1, _VERBOSE_ROWS).astype(np.intp))
    names = getattr(estimator, "feature_names_in_", None)
    scales = most_serious_first(scale_findings(column_scales(X[rows]), names, sparse.issparse(X)))
    scaled = not scales and has_weak_ridge(estimator, n_rows)
    curve = most_serious_first(loss_findings(estimator, y, scaled))
    found = [
        *scales,
        target_finding(y, estimator) if is_regressor(estimator) else None,
        *curve,
        step_finding(estimator, n_rows, unfinished(curve)),
        weight_finding(estimator, layers, n_rows),
    ]
    for worst in most_serious_first(found)[:1]:
        progress.say(f"Diagnosis: {worst}")
