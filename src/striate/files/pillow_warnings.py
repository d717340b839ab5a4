"""Pillow's warnings, held back while any thread decodes an image."""

import os
import sys
import threading
import warnings
from typing import Any

# Since Python 3.14 each thread may have filters of its own.
_EACH_THREAD = bool(getattr(sys.flags, "context_aware_warnings", False))


class PillowQuiet:
    """A context in which Pillow warns of nothing, and raises for a decompression bomb.

    Filters of warnings belong to the process. So the first thread to enter sets them and the last
    one to leave sets them back; between them, threads decode together.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._of_process = warnings.catch_warnings()
        self._of_thread = threading.local()

    def __enter__(self) -> None:
        if _EACH_THREAD:
            self._of_thread.filters = _entered()
            return
        with self._lock:
            if self._inside == 0:
                self._of_process = _entered()
            self._inside += 1

    def __exit__(self, *exception: Any) -> None:
        if _EACH_THREAD:
            self._of_thread.filters.__exit__(*exception)
            return
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._of_process.__exit__(None, None, None)

    def after_fork(self) -> None:
        """Set the filters back in a child: the threads that were inside are not in it."""
        self._lock = threading.Lock()
        if self._inside:
            self._of_process.__exit__(None, None, None)
        self._inside = 0


def _entered() -> "warnings.catch_warnings[None]":
    from PIL import Image

    filters = warnings.catch_warnings()
    filters.__enter__()
    # Odd metadata is no reason for a warning, a decompression bomb is one to stop. Warnings may be
    # laid to the caller's account.
    warnings.filterwarnings("ignore", module=r"PIL\.|striate\.images\.reading")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    return filters


pillow_quiet = PillowQuiet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pillow_quiet.after_fork)
