"""Sums over the chunks of a Dask array on the workers of a cluster, which keep their chunks.

A worker gets θ, returns its sums, and they are added by a tree of a fixed shape: the result is the
same to the last bit for any number of workers, and after one has died. Chunks do not travel.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import numpy as np
from dask import optimize
from dask._task_spec import Task, TaskRef
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from striate.native.threads import team

from .cluster_workers import (
    LostWorkers,
    check_versions,
    logger,
    lost_errors,
    raise_if_scheduler_is_lost,
)
from .prepared_rows import as_rows_of_block
from .row_blocks import RowBlocks
from .tree_sum import Term, added, tree_sum

#: Name and number of a task.
_Key = tuple[str, int]
#: How often a sum is computed again after workers were lost.
_ATTEMPTS = 20
#: Share of the workers' memory that the chunks may take to be kept between sums; more are computed
#: again, from the files they come from, say.
_KEPT_SHARE = 0.5


class SumsOnWorkers:
    """Sums over the chunks of a Dask array, computed where they are.

    Parameters
    ----------
    X : RowBlocks
        Of a Dask array.
    by_row : sequence of array or None
        One row for each row of X; each worker is sent those of its chunks, once.
    client : distributed.Client

    Raises
    ------
    ValueError
        If workers have another version of Striate.
    """

    def __init__(self, X: RowBlocks, by_row: Sequence[Any], client: Any) -> None:
        check_versions(client)
        self._client, self._address = client, client.scheduler.address
        self._lost = LostWorkers(client)
        self._by_row, edges = by_row, X.block_edges
        self._edges = [*zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
        if X.on_workers is None:  # once for all sums over X, which may be several for a fit
            kept = X.data.rechunk({0: tuple(np.diff(edges).tolist()), 1: -1})
            (kept,) = optimize(kept)  # here, and not for each sum
            if kept.nbytes <= _KEPT_SHARE * _memory_of(client):
                kept = client.persist(kept)
            X.on_workers = kept
        self._kept = X.on_workers  # the workers keep it as long as someone holds it
        self._chunks = [row[0] for row in self._kept.__dask_keys__()]
        self._settings = X.dtype, X.shape[1]
        self._sent: list[Any] | None = None

    def __call__(self, function: Callable[..., Any], *shared: Any) -> Term:
        """Return the sum of function(…) over all chunks."""
        result: Term = self._computed(partial(self._total, function, shared))
        self._lost.log()
        return result

    def each(self, function: Callable[..., Any], *shared: Any) -> Iterator[tuple[slice, Any]]:
        """Yield the rows of each chunk and function(…)."""
        chunks = range(len(self._edges))
        try:
            running = self._client.compute(self._terms(function, shared, chunks))
        except lost_errors():  # each is tried again below
            running = [None] * len(self._edges)
        for k, (lo, hi) in enumerate(self._edges):
            waiting, running[k] = running[k], None
            again = partial(self._term, function, shared, k)
            yield slice(lo, hi), self._computed(again, waiting)
        self._lost.log()

    def _total(self, function: Callable[..., Any], shared: Sequence[Any]) -> Any:
        """Return the task of the sum over all chunks."""
        graph, parts = self._graph(function, shared, range(len(self._edges)))
        name = f"{parts[0][0]}-sum"

        def add(a: _Key, b: _Key) -> _Key:
            key = name, len(graph)
            graph[key] = Task(key, added, TaskRef(a), TaskRef(b))
            return key

        return self._delayed(graph, [tree_sum(parts, add)])[0]

    def _term(self, function: Callable[..., Any], shared: Sequence[Any], k: int) -> Any:
        """Return the task of one chunk."""
        return self._terms(function, shared, [k])[0]

    def _terms(
        self, function: Callable[..., Any], shared: Sequence[Any], chunks: Sequence[int]
    ) -> list[Any]:
        """Return the tasks of some chunks."""
        return self._delayed(*self._graph(function, shared, chunks))

    def _graph(
        self, function: Callable[..., Any], shared: Sequence[Any], chunks: Sequence[int]
    ) -> tuple[dict[_Key, Any], list[_Key]]:
        """Return a graph of Dask, and the keys of function(…) of some chunks in it.

        Values are hidden in callables, where Dask does not look for keys.
        """
        name, sent = f"striate-{uuid4().hex}", self._send()
        # Tasks, so that they are computed again where a worker that had them is lost.
        same = [(f"{name}-shared", i) for i in range(len(shared))]
        graph: dict[_Key, Any] = {
            key: Task(key, partial(_as_it_is, each)) for key, each in zip(same, shared, strict=True)
        }
        keys = [(name, k) for k in chunks]
        for key in keys:
            k = key[1]
            task = partial(_of_chunk, function, (k, self._edges[k][0], *self._settings))
            by_row = (each and each[k] for each in sent)  # futures are references, too
            graph[key] = Task(key, task, TaskRef(self._chunks[k]), *by_row, *map(TaskRef, same))
        return graph, keys

    def _delayed(self, graph: dict[_Key, Any], keys: list[_Key]) -> list[Any]:
        """Return what computes some keys of a graph above the chunks."""
        # Made here: `dask.delayed` would simplify the graph below at each call.
        layer = keys[0][0]
        whole = HighLevelGraph.from_collections(layer, graph, dependencies=[self._kept])
        return [Delayed(key, whole, layer=layer) for key in keys]

    def _send(self) -> list[Any]:
        """Send the workers what they need of the arrays by row, unless they have it."""
        if self._sent is None:
            self._sent = [
                None if each is None
                else self._client.scatter([each[lo:hi] for lo, hi in self._edges], hash=False)
                for each in self._by_row
            ]  # fmt: skip
        return self._sent

    def _computed(self, make: Callable[[], Any], future: Any = None) -> Any:
        """Return the result of a task, which is computed again if workers were lost."""
        for attempt in count(1):
            try:
                future = self._client.compute(make()) if future is None else future
                return future.result()
            except lost_errors() as error:
                raise_if_scheduler_is_lost(self._client, self._address, error)
                self._lost.log()
                if attempt == _ATTEMPTS:
                    raise
                logger.info("Part of a sum is computed again (%s).", error)
                future = self._sent = None
            except KeyboardInterrupt:
                if future is not None:
                    future.cancel()
                raise
        raise AssertionError  # the loop has no end


def _of_chunk(function: Callable[..., Any], place: Sequence[Any], chunk: Any, *others: Any) -> Any:
    """Return function(…) of a chunk; this runs on a worker."""
    k, first, dtype, n_columns = place
    x = as_rows_of_block(chunk, first, k, dtype, n_columns)
    with team(1) as run:  # a worker has as many tasks at a time as it may use threads
        return function(x, first, run, *others)


def _as_it_is(value: Any) -> Any:
    return value


def _memory_of(client: Any) -> float:
    """Return the bytes that all workers may use."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return float(sum(worker["memory_limit"] or np.inf for worker in workers))
