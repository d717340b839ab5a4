"""Pillow's warnings, silenced while any thread decodes an image."""

import logging
import os
import sys
import threading
import warnings
from typing import Any

# Since Python 3.14, each thread may have its own warning filters.
_EACH_THREAD = bool(getattr(sys.flags, "context_aware_warnings", False))


class PillowWarningFilter:
    """A context in which Pillow's warnings are ignored, except for a decompression bomb: an error.

    Warning filters belong to the process. So the first thread to enter sets them and the last one
    to leave restores them; between them, threads decode in parallel.
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
        """Restore the filters in a forked child, where the parent's threads do not exist."""
        self._lock = threading.Lock()
        if self._inside:
            self._of_process.__exit__(None, None, None)
        self._inside = 0


# rasterio warns that a picture is not a map.
_MODULES = r"PIL\.|rasterio|striate\.files\.(read_images|decoded_pixels|missing_pixels)"


def _entered() -> "warnings.catch_warnings[None]":
    from PIL import Image

    filters = warnings.catch_warnings()
    filters.__enter__()
    # Odd metadata does not deserve a warning. Some are attributed to the module that calls Pillow.
    warnings.filterwarnings("ignore", module=_MODULES)
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    return filters


quiet_pillow = PillowWarningFilter()
# Without a handler, Python prints what Pillow logs, beside the error that we raise.
logging.getLogger("PIL").addHandler(logging.NullHandler())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=quiet_pillow.after_fork)
