"""The workers of a cluster of Dask: their version, and what is said when they are lost."""

import importlib
import logging
from concurrent.futures import CancelledError
from typing import Any
from weakref import WeakSet

logger = logging.getLogger("striate")
# Clients whose workers have this version.
_checked: WeakSet[Any] = WeakSet()
_LOST = (
    "Lost the scheduler of Dask ({}). Start it again, connect to it, and repeat the call; a fit "
    "with a Checkpoint among its callbacks continues after the last iteration that it kept."
)


def lost_errors() -> tuple[type[BaseException], ...]:
    """Return the errors that mean that a worker, or the scheduler, is gone."""
    from distributed import KilledWorker
    from distributed.client import ClosedClientError

    return CancelledError, ClosedClientError, KilledWorker, ConnectionError, TimeoutError


def raise_if_scheduler_is_lost(client: Any, address: str, error: BaseException) -> None:
    """Raise a ConnectionError that says how to go on, if the scheduler is gone."""
    if client.status != "running":
        raise ConnectionError(_LOST.format(address)) from error


def check_versions(client: Any) -> None:
    """Raise a ValueError if workers have no Striate, or another version than this process."""
    if client in _checked:
        return
    mine = importlib.import_module("striate").__version__

    def version() -> str | None:  # sent to the workers as code: they may not know this module
        import importlib

        try:
            return str(importlib.import_module("striate").__version__)
        except ImportError:
            return None

    for address, theirs in client.run(version).items():
        if theirs != mine:
            has = "no Striate" if theirs is None else f"Striate {theirs}"
            raise ValueError(
                f"The worker {address} has {has}, and this process Striate {mine}. Install the "
                "same version everywhere."
            )
    _checked.add(client)


class LostWorkers:
    """Logs one line for each worker that is lost while others do its work.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client, self._known = client, set(client.nthreads())

    def log(self) -> None:
        """Log which workers have gone since the last call."""
        try:
            found = set(self._client.nthreads())
        except lost_errors():  # the scheduler is lost: the next result raises that error
            return
        for address in sorted(self._known - found):
            logger.warning("The worker %s was lost; what it had is computed again.", address)
        self._known = found
