"""Class labels of several outputs, as one group of indicator columns for each."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class GroupBinarizer:
    """What `LabelBinarizer` is for one output, for several with any classes each.

    Attributes
    ----------
    classes_ : list of ndarray
        The classes of each output.
    y_type_ : str
        "multiclass-multioutput".
    """

    y_type_ = "multiclass-multioutput"

    def fit(self, y: Array) -> Self:
        """Learn the classes of y (n_samples, n_outputs)."""
        self.classes_ = [np.unique(column) for column in np.asarray(y).T]
        return self

    def transform(self, y: Array) -> Array:
        """Return indicators (n_samples, total number of classes)."""
        columns = zip(np.asarray(y).T, self.classes_, strict=True)
        return np.hstack([column[:, np.newaxis] == classes for column, classes in columns])

    def inverse_transform(self, probabilities: Array) -> Array:
        """Return the class with the largest number in each group, (n_samples, n_outputs)."""
        groups = zip(self.groups(probabilities), self.classes_, strict=True)
        return np.column_stack([classes[group.argmax(axis=1)] for group, classes in groups])

    def groups(self, outputs: Array) -> list[Array]:
        """Return the columns of each output."""
        ends = np.cumsum([len(classes) for classes in self.classes_])
        return np.split(outputs, ends[:-1], axis=1)
