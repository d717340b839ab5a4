"""Files that can be read to their end."""

import os
import stat

#: The end of a message about a path for which `is_endless` is true.
ENDLESS = "is not a regular file, but a pipe, a socket or a device"


def is_endless(path: str | os.PathLike[str]) -> bool:
    """Return whether reading a path may never end: a pipe, a socket or a device.

    Raises
    ------
    OSError
        If there is no such file.
    """
    mode = os.stat(path).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
