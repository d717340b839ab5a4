"""Odd values for parameters."""

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

# Values of a wrong type or range for most parameters, but legal for some.
VALUES: dict[str, Any] = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "1": 1,
    "2": 2,
    "-1": -1,
    "0.5": 0.5,
    "1.5": 1.5,
    "2.0": 2.0,
    "-0.5": -0.5,
    "0.0": 0.0,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "-infinity": float("-inf"),
    "1e300": 1e300,
    "1e-320": 1e-320,
    "2**31": 2**31,
    "2**63": 2**63,
    "-2**63": -(2**63),
    "10**400": 10**400,
    "complex": 1j,
    "a word": "odd",
    "no text": "",
    "a digit as text": "3",
    "bytes": b"3",
    "no list": [],
    "a list": [3],
    "a list of text": ["a", "b"],
    "a list of None": [None],
    "a nested list": [[1, 2], [3]],
    "no tuple": (),
    "a pair": (2, 2),
    "a pair of floats": (0.2, 0.7),
    "a pair in the wrong order": (0.9, 0.1),
    "a pair of NaN": (float("nan"), float("nan")),
    "a triple": (2, 3, 4),
    "a dict": {},
    "a set": {1, 2},
    "an object": object(),
    "a class": StandardScaler,
    "another estimator": StandardScaler(),
    "a function": len,
    "a generator": iter([1, 2]),
    "numpy.float32": np.float32(0.1),
    "numpy.int64": np.int64(2),
    "numpy NaN": np.float64("nan"),
    "numpy boolean": np.bool_(True),
    "numpy text": np.str_("odd"),
    "array without axes": np.array(2),
    "array": np.array([2, 3]),
    "array of floats": np.array([0.1, 0.2]),
    "empty array": np.array([]),
    "array of two axes": np.ones((3, 5)),
    "array of objects": np.array([None, "a"], object),
    "array of big-endian": np.array([2, 3], ">i4"),
    "random generator": np.random.default_rng(0),
    "random state": np.random.RandomState(0),
    "slice": slice(2),
    "Ellipsis": ...,
}


def as_numpy(rng: np.random.Generator, value: Any) -> Any:
    """Return an equal scalar of NumPy's, or None if there is none."""
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int) and 0 <= value < 128:
        return np.dtype(str(rng.choice(["i1", "u1", "i4", "u4", "i8", "u8"]))).type(value)
    if isinstance(value, float):
        return np.dtype(str(rng.choice(["f8", "g"]))).type(value)
    return np.str_(value) if isinstance(value, str) else None
