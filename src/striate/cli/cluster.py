"""Connections to a cluster of Dask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Seconds to wait for a scheduler.
_TIMEOUT = 10


@contextmanager
def client_of(address: str | None) -> Iterator[Any]:
    """Yield a client of the scheduler with an address; None for None.

    Raises
    ------
    ImportError
        If Dask is not installed.
    ConnectionError
        If there is no scheduler at the address.
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "--scheduler needs Dask, which is not installed: pip install 'striate[scale]'"
        ) from error
    try:
        client = Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"{address}: no scheduler of Dask answers there; start one with `dask scheduler`"
        ) from error
    with client:
        yield client
