"""Numbers as the targets of a perceptron, and its outputs as predictions in their units."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import d2_pinball_score, r2_score

from striate.core.activations import ACTIVATIONS, range_of

from .base_mlp import MultilayerPerceptron
from .quantile_levels import quantile_levels

Array = npt.NDArray[Any]
# Margin between the targets and the ends of a bounded output's range, which z reaches at infinity.
_TARGET_MARGIN = 0.1


def has_unscaled_targets(attributes: Mapping[str, Any]) -> bool:
    """Return whether a fitted perceptron takes targets in the user's units."""
    return attributes.get("out_activation_") not in [*filter(_is_bounded, ACTIVATIONS)]


def _is_bounded(activation: str) -> bool:
    return bool(np.isfinite(np.subtract(*range_of(activation))))


class PerceptronOfNumbers(MultilayerPerceptron):
    """A perceptron whose targets are numbers, of one output or several."""

    loss: str
    output_activation: str
    huber_delta: float
    quantile: Any
    calibration_errors_: Array

    _has_numeric_targets = True

    def _check_targets(self, y: Any, incremental: bool) -> Any:
        self._check_counts(y)
        if len(self._levels()) > 1 and y.ndim == 2:
            raise ValueError(
                f"Several quantiles are of a single target, but y has {y.shape[1]} columns."
            )
        if hasattr(self, "calibration_errors_"):
            del self.calibration_errors_  # of another model
        return y

    def _check_held_out_targets(self, y: Any) -> Any:
        self._check_counts(y)
        if self._count_outputs(y.reshape(len(y), -1)) != self.n_outputs_:
            raise ValueError(f"`y_val` must have {self.n_outputs_} columns, as `y` has.")
        return y

    def _check_counts(self, y: Any) -> None:
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError("loss='poisson' is for counts: y must not have negative values.")

    def _levels(self) -> list[float]:
        """Return the levels of the quantiles; none with another loss.

        Raises
        ------
        ValueError
            If they are not increasing numbers between 0 and 1.
        """
        return quantile_levels(self.quantile) if self.loss == "quantile" else []

    def _count_outputs(self, y: Any) -> int:
        return max(len(self._levels()), int(y.shape[1]))

    def _output(self) -> tuple[str, str]:
        several = len(self._levels()) > 1
        if self.output_activation == "auto":
            if several:
                return "increasing_quantiles", "increasing"
            return self.loss, "exp" if self.loss == "poisson" else "identity"
        if self.loss == "poisson" or several:
            name = "exp" if self.loss == "poisson" else "an increasing one"
            raise ValueError(
                f"loss={self.loss!r} has {name} as its output activation here: leave "
                "output_activation='auto'."
            )
        return self.loss, self.output_activation

    def _loss_constants(self) -> tuple[float, ...]:
        if self.loss == "huber":
            return (float(self.huber_delta),)
        levels = self._levels()
        return tuple(levels * self.n_outputs_ if len(levels) == 1 else levels)

    def _learn_targets(self, y: Any) -> None:
        """Learn the scale of targets within the range of a bounded output."""
        if not _is_bounded(self.out_activation_):
            return
        low, high = range_of(self.out_activation_)
        margin = _TARGET_MARGIN * (high - low)
        low, high = low + margin, high - margin
        lowest, highest = y.min(axis=0), y.max(axis=0)
        spread = np.where(highest > lowest, highest - lowest, 1)
        self.target_scale_ = (high - low) / spread
        self.target_offset_ = low - self.target_scale_ * lowest

    def _targets(self, y: Any) -> Any:
        if y.shape[1] < self.n_outputs_:
            return np.repeat(y, self.n_outputs_, axis=1)  # one for each quantile
        if not _is_bounded(self.out_activation_):
            return y
        return y * self.target_scale_ + self.target_offset_

    def _reported(self, terms: dict[str, float]) -> float:
        # scikit-learn reports the mean over outputs, though its gradient is of their sum.
        n_outputs = self.n_outputs_ if self.loss == "squared_error" else 1
        return sum(terms.values()) - terms["data"] * (1 - 1 / n_outputs)

    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        return self._fit_of(y, self._predictions(outputs), sample_weight)

    def _in_users_units(self, y: Any) -> Any:
        return y.ravel() if y.shape[1] == 1 else y

    def _fit_of(self, y: Array, predictions: Array, sample_weight: Any) -> float:
        levels = self._levels()
        if len(levels) < 2:
            return float(r2_score(y, predictions, sample_weight=sample_weight))
        pairs = zip(levels, predictions.T, strict=True)
        scores = [
            d2_pinball_score(y, column, alpha=level, sample_weight=sample_weight)
            for level, column in pairs
        ]
        return float(np.mean(scores))

    def _predictions(self, outputs: Array) -> Array:
        """Return outputs in the user's units."""
        if _is_bounded(self.out_activation_):
            outputs = (outputs - self.target_offset_) / self.target_scale_
            outputs = outputs.astype(self.coefs_[0].dtype, copy=False)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs
