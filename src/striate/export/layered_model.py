"""The form of a model that every export starts from: layers, and what their outputs are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .folded_layers import Layer, fold
from .image_features import ImageFeatures


class Task(Enum):
    """What the outputs of the last layer are."""

    #: Features, as from `transform`.
    TRANSFORM = "transform"
    #: Numbers to predict.
    REGRESS = "regress"
    #: One number for each class; the largest decides.
    CLASSIFY = "classify"
    #: One probability for each label, which is predicted above one half.
    MULTILABEL = "multilabel"


@dataclass(frozen=True, eq=False)
class LayeredModel:
    """A fitted model, or pipeline, as layers.

    Attributes
    ----------
    name : str
        What it was made from, for comments.
    layers : sequence of Layer
        From the input upwards.
    task : Task
    classes : ndarray or None, default=None
        Labels, in the order of the outputs.
    has_probabilities : bool, default=True
        Whether the outputs of a classifier are probabilities, not decision values.
    images : ImageFeatures or None, default=None
        What comes before the layers, if the input is images.
    """

    name: str
    layers: Sequence[Layer]
    task: Task = Task.TRANSFORM
    classes: npt.NDArray[Any] | None = None
    has_probabilities: bool = True
    images: ImageFeatures | None = None

    @property
    def n_in(self) -> int:
        """Number of features that the first layer takes."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        if not self.layers and self.images is not None:
            return self.images.n_features
        return self.layers[-1].n_out

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the weights: float32 if all have it."""
        dtypes = {each.dtype for layer in self.layers for each in (layer.W, layer.b)}
        return np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)

    @property
    def description(self) -> str:
        """What it takes and gives, for a comment."""
        outputs = {Task.CLASSIFY: "classes", Task.MULTILABEL: "labels"}.get(self.task, "outputs")
        return f"{self.name} with {self.n_in} features and {self.n_out} {outputs}"

    def folded(self, dtype: npt.DTypeLike) -> Self:
        """Return the model with as few layers as possible, in a floating-point type.

        Raises
        ------
        ValueError
            If a weight is beyond the range of the type, or an activation has no formula.
        """
        return replace(self, layers=[layer.astype(dtype) for layer in fold(self.layers)])

    def of_rows(self) -> Self:
        """Return the model if its input is rows of numbers; raise a ValueError for images."""
        if self.images is not None:
            raise ValueError(
                f"{self.name} takes images, for which there is only striate.to_onnx: this form is "
                "for rows of numbers"
            )
        return self
