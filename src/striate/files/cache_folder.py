"""Where features are kept between runs, and how much room they may take."""

import os
import sys
from pathlib import Path

#: Folder of what is kept; with an empty text, nothing is kept.
FOLDER_VARIABLE = "STRIATE_CACHE_DIR"
#: Size of what is kept, at most, in gigabytes.
SIZE_VARIABLE = "STRIATE_CACHE_GB"

_DEFAULT_GIGABYTES = 2.0


def cache_folder() -> Path | None:
    """Return the folder of what is kept, or None if nothing is to be kept.

    It is the one that ``STRIATE_CACHE_DIR`` names, or ``striate`` in the user's folder of caches.
    It may be missing, and may be deleted at any time.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen.strip() else None
    try:
        return _users_caches() / "striate"
    except RuntimeError:  # there is no home
        return None


def cache_size() -> int:
    """Return the number of bytes that may be kept: 2 GB, or ``STRIATE_CACHE_GB``.

    Raises
    ------
    ValueError
        If the variable is not a number.
    """
    text = os.environ.get(SIZE_VARIABLE, "")
    try:
        gigabytes = float(text) if text.strip() else _DEFAULT_GIGABYTES
        return int(max(gigabytes, 0) * 1e9)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{SIZE_VARIABLE}={text}: is not a number of gigabytes; set another, or remove it"
        ) from None


def _users_caches() -> Path:
    if sys.platform == "win32":
        chosen, usual = os.environ.get("LOCALAPPDATA"), Path("AppData", "Local")
    elif sys.platform == "darwin":
        chosen, usual = None, Path("Library", "Caches")
    else:
        chosen, usual = os.environ.get("XDG_CACHE_HOME"), Path(".cache")
    # A relative path is to be ignored, says the specification of XDG_CACHE_HOME.
    return Path(chosen) if chosen and os.path.isabs(chosen) else Path.home() / usual
