"""Training for a fixed number of iterations, as a speed measurement or an exercise prescribes."""

import contextlib
import warnings

from sklearn.exceptions import ConvergenceWarning


@contextlib.contextmanager
def fixed_iterations():
    """Ignore the warning that training stopped at `max_iter`, where it is meant to stop there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
