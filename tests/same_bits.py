"""Comparison of everything that estimators hold, bit by bit."""

import numpy as np
from scipy import sparse

from striate.estimators.estimator_state import state_of


def flat(value):
    """Return a fitted attribute as nested lists of bytes and Python objects."""
    if sparse.issparse(value):
        return [flat(value.data), flat(value.indices), flat(value.indptr)]
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        return [value.dtype.str, value.shape, content]
    if isinstance(value, np.random.RandomState):
        return flat(value.get_state())
    if isinstance(value, list | tuple):
        return [flat(each) for each in value]
    if isinstance(value, dict):
        return {name: flat(each) for name, each in value.items()}
    if hasattr(value, "get_params"):
        return {name: flat(each) for name, each in state_of(value).items()}
    return repr(value)


def assert_same_bits(found, expected, but=()):
    """Compare the parameters and fitted attributes of two estimators, but for some names."""
    found, expected = flat(found), flat(expected)
    assert found.keys() == expected.keys()
    different = [name for name in found if found[name] != expected[name] and name not in but]
    assert different == []
