"""Class labels as the targets of a perceptron, and its outputs as probabilities and labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target, unique_labels

from .base_mlp import MultilayerPerceptron
from .class_weights import ClassWeights
from .several_targets import GroupBinarizer

Array = npt.NDArray[Any]


def smoothed(Y: Array, share: float, even: Any) -> Array:
    """Return targets with a share of each label spread evenly: (1 − ε) Y + ε even."""
    return (1 - share) * Y + share * even


class PerceptronOfClasses(MultilayerPerceptron):
    """A perceptron whose targets are class labels: of one output, several labels, or outputs."""

    classes_: Any
    loss: str
    output_activation: str
    class_weight: Any
    label_smoothing: float
    focal_gamma: float

    _has_numeric_targets = False

    def _check_targets(self, y: Any, incremental: bool) -> Any:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._learn_classes(y)
        else:
            self._check_classes(y)
        return self._indicators(y)

    def _check_held_out_targets(self, y: Any) -> Any:
        self._check_known(y, "y_val")
        return self._indicators(y)

    def _indicators(self, y: Any) -> Any:
        """Return which outputs (n_samples, n_outputs) are 1, for known classes."""
        kind = self._label_binarizer.y_type_
        if kind not in ("binary", "multiclass"):
            return self._label_binarizer.transform(y).astype(bool)
        codes = np.searchsorted(self.classes_, y)[:, None]
        return codes == (1 if kind == "binary" else np.arange(len(self.classes_)))

    def _learn_classes(self, y: Any) -> None:
        # Columns of objects may hold text in one and numbers in another.
        objects = y.ndim == 2 and y.dtype == np.dtype(object)
        several = objects or type_of_target(y) == GroupBinarizer.y_type_
        self._label_binarizer = (GroupBinarizer() if several else LabelBinarizer()).fit(y)
        self.classes_ = self._label_binarizer.classes_

    @property
    def _has_several_targets(self) -> bool:
        return self._label_binarizer.y_type_ == GroupBinarizer.y_type_

    def _check_classes(self, y: Any) -> None:
        if self.warm_start and not self._has_several_targets:
            classes = unique_labels(y)
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous "
                    f"call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        self._check_known(y, "y")

    def _check_known(self, y: Any, name: str) -> None:
        """Raise a ValueError if y has classes or outputs that `fit` has not seen."""
        if not self._has_several_targets:
            pairs = [(unique_labels(y), self.classes_)]
        else:
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(f"`{name}` must have {len(self.classes_)} columns, one per output")
            pairs = [(np.unique(y_k), known) for y_k, known in zip(y.T, self.classes_, strict=True)]
        for classes, known in pairs:
            if len(np.setdiff1d(classes, known, assume_unique=True)):
                raise ValueError(
                    f"`{name}` has classes not in `self.classes_`. "
                    f"`self.classes_` has {known}. '{name}' has {classes}."
                )

    def _class_weights(self, y: Any) -> Callable[[Any], Any]:
        if self.class_weight is None:
            return lambda y: None
        kind = self._label_binarizer.y_type_
        classes = self.classes_ if self._has_several_targets else [self.classes_]
        if kind == "multilabel-indicator":
            classes = [np.array([0, 1])] * y.shape[1]

        def codes(y: Any) -> Array:
            if kind in ("binary", "multilabel-indicator"):
                return y.astype(np.intp)
            groups = self._label_binarizer.groups(y) if self._has_several_targets else [y]
            return np.column_stack([group.argmax(axis=1) for group in groups])

        weights = ClassWeights(self.class_weight, classes, codes(y))
        return lambda y: weights.rows(codes(y))

    def _output(self) -> tuple[str, str]:
        if self.loss == "squared_error" and not self._has_several_targets:
            chosen = self.output_activation
            return "squared_error", "logistic" if chosen == "auto" else chosen
        if self.output_activation != "auto":
            raise ValueError(
                f"loss={self.loss!r} has its own output activation, softmax or logistic: leave "
                "output_activation='auto', or choose loss='squared_error'."
            )
        if self._has_several_targets:
            if self.loss != "log_loss":
                raise ValueError(
                    f"With several outputs of several classes each, loss must be 'log_loss', not "
                    f"{self.loss!r}."
                )
            return "grouped_cross_entropy", "identity"
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        if self.loss == "focal":
            return (
                ("focal_of_distribution", "softmax")
                if multiclass
                else ("focal_of_each", "logistic")
            )
        return ("cross_entropy", "softmax") if multiclass else ("log_loss", "logistic")

    def _loss_constants(self) -> tuple[float, ...]:
        if self._has_several_targets:
            return tuple(float(len(classes)) for classes in self.classes_)
        return (float(self.focal_gamma),) if self.loss == "focal" else ()

    def _targets(self, y: Any) -> Any:
        if self.label_smoothing:
            y = smoothed(y, self.label_smoothing, self._shares())
        return 2.0 * y - 1.0 if self.out_activation_ == "tanh" else y

    def _shares(self) -> Array:
        """Return the probability of each output if all classes are alike."""
        if self._has_several_targets:
            return np.concatenate([np.full(len(c), 1 / len(c)) for c in self.classes_])
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        return np.full(self.n_outputs_, 1 / self.n_outputs_ if multiclass else 0.5)

    def _strata(self, y: Any) -> Any:
        return y if y.shape[1] == 1 else None

    def _in_users_units(self, y: Any) -> Any:
        return self._label_binarizer.inverse_transform(y)

    def _validation_score(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        labels = self._labels(self._probabilities(outputs))
        return self._accuracy(self._in_users_units(y), labels, sample_weight)

    def _accuracy(self, y: Array, labels: Array, sample_weight: Any) -> float:
        if self._has_several_targets:
            correct = (y == labels).all(axis=1)
            return float(np.average(correct, weights=sample_weight))
        return float(accuracy_score(y, labels, sample_weight=sample_weight))

    def _probabilities(self, outputs: Array) -> Array:
        """Return probabilities (n_samples, n_outputs)."""
        if self._has_several_targets:
            groups = self._label_binarizer.groups(outputs)
            return np.hstack([softmax(group, axis=1) for group in groups])
        if self.out_activation_ == "tanh":
            outputs = (outputs + 1) / 2
        if self.loss == "squared_error" and self._label_binarizer.y_type_ == "multiclass":
            total = outputs.sum(axis=1, keepdims=True)
            outputs = outputs / np.maximum(total, np.finfo(outputs.dtype).tiny)
        return outputs

    def _labels(self, probabilities: Array) -> Array:
        if self._has_several_targets:
            return self._label_binarizer.inverse_transform(probabilities)
        if probabilities.shape[1] == 1 and len(self.classes_) == 2:
            return self.classes_[(probabilities.ravel() > 0.5).astype(np.intp)]
        if self._label_binarizer.y_type_ == "multiclass":
            return self.classes_[probabilities.argmax(axis=1)]
        if probabilities.shape[1] == 1:
            probabilities = probabilities.ravel()
        return self._label_binarizer.inverse_transform(probabilities)
