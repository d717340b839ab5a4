"""The cost model of docs/scale.md: its constants, and what it predicts against what is measured."""

import time

import numpy as np

from striate import RowBlocks
from striate.core.block_sums import sums_over

from .local_clusters import cluster, slow_loopback
from .result_tables import Report, ValueTargets

#: Seconds that each chunk takes, without a core, so that more workers than cores can be seen.
CHUNK_SECONDS = 0.05
#: Bandwidth of the slow network in MB/s, parameters in float64, chunks, and rows in each.
BANDWIDTH, N_PARAMETERS, N_CHUNKS, CHUNK_ROWS = 25, 1_000_000, 8, 2_000_000


def measure(n_chunks=(10, 200), workers=(1, 2, 4), bandwidth=BANDWIDTH):
    """Measure the cost of tasks, and sums of chunks that take a known time."""
    table = ValueTargets()
    t, beside = _task_costs(table, n_chunks)
    for n in workers:
        found = _seconds_of_waiting(n, 24)
        expected = 24 * CHUNK_SECONDS / n + 24 * t + beside
        table.for_the_record(f"24 chunks of {CHUNK_SECONDS} s, {n} workers: measured, s", found)
        table.for_the_record(f"24 chunks of {CHUNK_SECONDS} s, {n} workers: model, s", expected)
    remarks = _on_a_slow_network(table, workers, bandwidth) if bandwidth else []
    return Report("The cost of sums on workers", [table], remarks)


def _task_costs(table, n_chunks):
    """Return the seconds for each chunk, and those beside."""
    import dask.array

    few, many = n_chunks
    with cluster(2) as client:
        seconds = {}
        for n in n_chunks:
            data = dask.array.zeros((n, 1), chunks=(1, 1)).persist()
            sums = sums_over(RowBlocks(data))
            seconds[n] = min(_seconds(sums, _nothing) for _ in range(5))
        t = (seconds[many] - seconds[few]) / (many - few)
        beside = seconds[few] - few * t
        table.for_the_record("a sum on workers: ms for each chunk", 1e3 * t)
        table.for_the_record("a sum on workers: ms beside", 1e3 * beside)
        theta = np.zeros(10_000_000)
        start = time.perf_counter()
        client.scatter(theta, broadcast=True, hash=False)
        rate = 2 * theta.nbytes / (time.perf_counter() - start) / 1e9
        table.for_the_record("θ to two workers, GB/s", rate)
    return t, beside


def _seconds_of_waiting(n_workers, n_chunks):
    import dask.array

    with cluster(n_workers):
        data = dask.array.zeros((n_chunks, 1), chunks=(1, 1)).persist()
        sums = sums_over(RowBlocks(data))
        return min(_seconds(sums, _waiting) for _ in range(3))


def _on_a_slow_network(table, workers, bandwidth):
    """Compare the model with an evaluation whose messages take longest; return remarks."""
    import dask.array

    theta, K = np.zeros(N_PARAMETERS), N_CHUNKS
    for W in workers:
        with cluster(W):
            shape, chunks = (K * CHUNK_ROWS, 1), (CHUNK_ROWS, 1)
            data = dask.array.random.random(shape, chunks=chunks).persist()
            sums = sums_over(RowBlocks(data))
            fast = min(_seconds(sums, _as_long_as_theta, theta) for _ in range(4))
            with slow_loopback(bandwidth) as is_slow:
                if not is_slow:
                    return ["No slow network: that takes Linux, its superuser, and `tc`."]
                slow = min(_seconds(sums, _as_long_as_theta, theta) for _ in range(2))
        n_messages = 4 + (W - 1) + (K - 1) * (1 - 1 / W)
        expected = fast + n_messages * theta.nbytes / (1e6 * bandwidth)
        name = f"{K} chunks, θ of 8 MB, {bandwidth} MB/s, {W} workers"
        table.for_the_record(f"{name}: measured, s", slow)
        table.for_the_record(f"{name}: model, s", expected)
    return [
        "The slow network is the loopback of the machine, limited by `tc`: all messages share it. "
        "The model adds to the seconds without a limit those of 4 + (W − 1) + (K − 1) (1 − 1/W) "
        "messages of the size of θ: from the client over the scheduler to a worker and back, to "
        "the other workers, and the sums of chunks that are added on another worker."
    ]


def _seconds(sums, function, *shared):
    start = time.perf_counter()
    sums(function, *shared)
    return time.perf_counter() - start


def _as_long_as_theta(x, first, run, theta):
    time.sleep(CHUNK_SECONDS)
    return (theta + 1,)


def _nothing(x, first, run):
    return (0,)


def _waiting(x, first, run):
    time.sleep(CHUNK_SECONDS)
    return (0,)
