"""Progress of reading images, reported to scikit-learn's callbacks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

# At most this many steps are reported: scikit-learn's progress bar takes time for each.
_N_STEPS = 100


def report_reading(estimator: Any, context: Any, images: list[int]) -> Iterator[int]:
    """Yield the indices of images, and report progress to the callbacks of the estimator.

    Parameters
    ----------
    estimator : estimator
    context : CallbackContext
        Context of the estimator's fit.
    images : list of int
    """
    parts = np.array_split(images, min(len(images), _N_STEPS))
    reading = context.subcontext(task_name="reading images", max_subtasks=len(parts))
    reading.call_on_fit_task_begin(estimator=estimator)
    for part in parts:
        step = reading.subcontext(task_name="some images")
        step.call_on_fit_task_begin(estimator=estimator)
        yield from part.tolist()
        step.call_on_fit_task_end(estimator=estimator)
    reading.call_on_fit_task_end(estimator=estimator)
