"""Features of image files on the workers of a cluster of Dask."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from striate.core.cluster_workers import (
    LostWorkers,
    check_versions,
    logger,
    lost_errors,
    raise_if_scheduler_is_lost,
)

from .block_features import BlockRows, BlockTask, rows_of_block

#: Blocks that each thread of a worker has waiting, beside the one that it computes.
_AHEAD = 2
#: How often a block may take its worker with it.
_ATTEMPTS = 10


def rows_from_workers(
    client: Any, features: Any, tasks: Iterator[BlockTask]
) -> Iterator[BlockRows]:
    """Yield the features of blocks of images as workers finish them, in any order.

    Parameters
    ----------
    client : distributed.Client
    features : fitted transformer of images
        Sent to the workers once.
    tasks : iterator of BlockTask

    Raises
    ------
    ValueError
        If workers have another version of Striate.
    ConnectionError
        If the scheduler is lost.
    """
    from distributed import as_completed

    check_versions(client)
    address = client.scheduler.address
    # A task, so that it is sent again where a worker that had it is lost.
    sent = client.submit(_as_it_is, features, pure=False)
    tasks_of: dict[str, BlockTask] = {}
    lost: Counter[int] = Counter()

    def submit(task: BlockTask) -> Any:
        future = client.submit(rows_of_block, sent, task, pure=False)
        tasks_of[future.key] = task
        return future

    n_threads = sum(client.nthreads().values()) or 1
    running = as_completed(
        [submit(task) for task in islice(tasks, (1 + _AHEAD) * n_threads)], loop=client.loop
    )
    workers = LostWorkers(client)
    for future in running:
        task = tasks_of.pop(future.key)
        try:
            rows = future.result()
        except lost_errors() as error:
            raise_if_scheduler_is_lost(client, address, error)
            lost[task.k] += 1
            if lost[task.k] == _ATTEMPTS:
                raise
            logger.info("A block of images is computed again (%s).", error)
            running.add(submit(task))
            continue
        for following in islice(tasks, 1):
            running.add(submit(following))
        workers.log()
        yield rows


def _as_it_is(features: Any) -> Any:
    return features
