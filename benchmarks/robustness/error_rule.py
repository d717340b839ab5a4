"""The rule that tells a clear message from an exception out of the inside.

An error is a clear message if it has a text, and

- names a file as the reason (an `OSError` of the system with its file), or is a `MemoryError`; or
- is not of a type that only slips raise (`KeyError`, `IndexError`, `AssertionError` and so on), and
  its innermost frame in Striate or scikit-learn is a `raise` statement, or lies in a file of either
  that checks input, where NumPy or pandas cannot convert what they were given.

Anything else came from an operation that nobody expected to fail.
"""

import linecache
import traceback
from pathlib import PurePath

_SLIPS = (
    ArithmeticError,
    AssertionError,
    IndexError,
    KeyError,
    NameError,
    NotImplementedError,
    RecursionError,
    UnicodeError,
)
_PACKAGES = {"striate", "sklearn"}
# Files that check input: an error of NumPy in these is about the input.
_CHECKS = {
    "_array_api.py",
    "_param_validation.py",
    "default_parameters.py",
    "given_images.py",
    "multiclass.py",
    "validated_input.py",
    "validation.py",
}


def is_clear(error: BaseException) -> bool:
    """Return whether an error is a clear message."""
    if isinstance(error, MemoryError):
        return True
    if not str(error).strip():
        return False
    if isinstance(error, OSError) and error.filename is not None:
        return True
    if isinstance(error, _SLIPS):
        return False
    ours = [each for each in traceback.extract_tb(error.__traceback__) if _is_ours(each.filename)]
    if not ours:
        return False
    path, line = ours[-1].filename, linecache.getline(ours[-1].filename, ours[-1].lineno or 0)
    return line.lstrip().startswith("raise ") or PurePath(path).name in _CHECKS


def _is_ours(path: str) -> bool:
    return not _PACKAGES.isdisjoint(PurePath(path).parts)
