"""Packages for arrays on the disk, which are optional."""

from importlib import import_module
from typing import Any


def imported(name: str, purpose: str, extra: str) -> Any:
    """Return a package.

    Raises
    ------
    ModuleNotFoundError
        If it is missing; the message says what needs it, and the extra that installs it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{purpose} needs {name}: pip install 'striate[{extra}]'", name=name
        ) from error
