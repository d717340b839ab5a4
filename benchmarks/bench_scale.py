"""Rows on the disk and on the workers of a cluster: speed, memory, equal bits, lost workers."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from striate import (
    LinearClassifier,
    MLPClassifier,
    PatchFeatures,
    RowBlocks,
    SparseAutoencoder,
    extract_features,
)

from .image_datasets import mnist
from .result_tables import Report, ValueTargets

GB = 2**30
#: Longest time in which workers are killed.
KILLING_SECONDS = 100


def measure(gigabytes=(1, 2, 5), n_rows=60_000, n_columns=500, n_images=2000, kills=10):
    """Measure; `gigabytes` are sizes of files, and `n_columns` is that of the linear classifier."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    report = Report("More data than memory, more machines than one", [ValueTargets()], [])
    load = f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    report.remarks.append(f"Programs that ran beside, as the load average before: {load}.")
    with tempfile.TemporaryDirectory(prefix="striate-scale-") as folder:
        X, y = _digits(n_rows)
        _epochs(report, Path(folder), X, y, gigabytes)
        _buffer(report, X, y)
        _linear(report, Path(folder), n_rows, n_columns)
        _workers(report, X, y)
        _cost_of_tasks(report)
        _killed(report, X, y, kills)
        _images(report, Path(folder), n_images)
    return report


def _digits(n_rows):
    found = mnist()
    if found is None:
        rng = np.random.default_rng(0)
        return rng.random((n_rows, 784), np.float32), rng.integers(10, size=n_rows)
    return found[0][:n_rows], found[1][:n_rows]


def _in_new_process(*arguments):
    command = [sys.executable, "-m", "benchmarks.stored_training", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(run.stderr[-2000:])
    return json.loads(run.stdout.splitlines()[-1])


def _epochs(report, folder, X, y, gigabytes):
    """Time an epoch of 784-100-10 with Adam over files, in 1.5 GB of memory."""
    (table,) = report.tables
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    alone = _in_new_process(folder / "X.npy", folder / "y.npy", "--in-memory")
    per_row = alone["seconds"] / alone["rows"]
    table.for_the_record("784-100-10, Adam, in memory: µs for each row", 1e6 * per_row)
    found = {}
    for kind in ("npy", "zarr"):
        for size in gigabytes if kind == "npy" else gigabytes[:2]:
            path = folder / f"large.{kind}"
            labels = _repeated(path, X, y, size * GB)
            reading = _seconds_to_read(path)
            found[kind, size] = run = _in_new_process(path, labels)
            ratio = max(run["seconds"] - reading, 0) / run["rows"] / per_row
            what = f"{size} GB in {'a memory map' if kind == 'npy' else 'Zarr'}"
            table.at_most(
                f"{what}: seconds for each row, in memory = 1, without reading", ratio, 1.3
            )
            table.for_the_record(f"{what}: with reading", run["seconds"] / run["rows"] / per_row)
            table.for_the_record(
                f"{what}: largest memory in use, GB, with mapped pages", run["peak"]
            )
            _remove(path)
    smallest, largest = gigabytes[0], gigabytes[-1]
    if largest > smallest:
        one, other = (found["npy", size] for size in (smallest, largest))
        ratio = other["seconds"] / other["rows"] / (one["seconds"] / one["rows"])
        what = f"seconds for each row of {largest} GB over those of {smallest} GB"
        table.at_most(what, ratio, 1.3)


def _repeated(path, X, y, n_bytes):
    """Write as many copies of the rows as take some bytes; return the path of their labels."""
    n = max(1, round(n_bytes / X.nbytes))
    shape = (n * len(X), X.shape[1])
    if path.suffix == ".npy":
        target = np.lib.format.open_memmap(path, "w+", X.dtype, shape)
    else:
        import zarr

        target = zarr.create_array(path, shape=shape, dtype=X.dtype, chunks=(2000, X.shape[1]))
    for i in range(n):
        target[i * len(X) : (i + 1) * len(X)] = X
    del target
    labels = path.with_name("labels.npy")
    np.save(labels, np.tile(y, n))
    return labels


def _remove(path):
    import shutil

    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _seconds_to_read(path):
    """Return how long all blocks take to be read, and nothing else; as cold as files may be."""
    from .stored_training import opened

    os.sync()
    rows = RowBlocks(opened(str(path)))
    start = time.perf_counter()
    for _ in rows.parts():
        pass
    return time.perf_counter() - start


def _buffer(report, X, y):
    """Compare the accuracy after shuffling in a buffer with that of a full shuffle."""
    (table,) = report.tables
    order, held_out = np.argsort(y, kind="stable"), len(X) // 6
    chosen = np.random.default_rng(0).permutation(len(X))
    rows, test = np.sort(chosen[held_out:]), chosen[:held_out]
    ways = {"all rows": None, "1/4 of them": 4, "1/16 of them": 16, "1/64 of them": 64}
    for sorting, index in (
        ("as they come", rows),
        ("sorted by class", order[np.isin(order, rows)]),
    ):
        A, b = X[index], y[index]
        for name, part in ways.items():
            size = None if part is None else max(1, len(A) // part)
            data = A if size is None else RowBlocks(A, block_rows=334, buffer_rows=size)
            scores = [
                MLPClassifier((100,), max_iter=8, tol=0, n_iter_no_change=9, random_state=seed)
                .fit(data, b)
                .score(X[test], y[test])
                for seed in range(2)
            ]
            what = f"accuracy after 8 epochs, rows {sorting}, shuffled among {name}"
            table.for_the_record(what, float(np.mean(scores)), "{:.4f}")


def _linear(report, folder, n_rows, n_columns):
    """Fit LinearClassifier on rows in Zarr, and on the same rows in memory."""
    import zarr

    (table,) = report.tables
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    y = (X[:, :10] @ rng.normal(size=10) + rng.normal(size=n_rows) > 0).astype(int)
    stored = zarr.create_array(folder / "linear.zarr", data=X, chunks=(2000, n_columns))
    fits, seconds = [], []
    for data in (X, RowBlocks(stored)):
        start = time.perf_counter()
        fits.append(LinearClassifier(random_state=0).fit(data, y))
        seconds.append(time.perf_counter() - start)
    what = f"LinearClassifier, {n_rows:,} × {n_columns:,} in Zarr"
    table.for_the_record(f"{what}: seconds, in memory = 1", seconds[1] / seconds[0])
    same = float(fits[0].alpha_ == fits[1].alpha_)
    table.at_least(f"{what}: same α as in memory (1 for yes)", same, 1, "{:.0f}")
    largest = np.abs(fits[0].coef_).max()
    error = float(np.abs(fits[0].coef_ - fits[1].coef_).max() / largest)
    table.at_most(f"{what}: largest difference of weights, relative", error, 1e-6, "{:.0e}")


def _cluster(n_workers):
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", memory_limit="4GB"
    )


def _problems():
    yield "784-100-10", MLPClassifier((100,), solver="lbfgs", max_iter=20, tol=0, random_state=0)
    yield "sparse autoencoder 784-100-784", SparseAutoencoder(100, max_iter=10, random_state=0)


def _workers(report, X, y, chunk=10_000, copies=3):
    """Compare L-BFGS on one, two and three workers with arrays: seconds, bits, loss."""
    import dask.array
    from distributed import Client
    from threadpoolctl import threadpool_limits

    (table,) = report.tables
    found, y = {}, np.tile(y, copies)
    for n_workers in (1, 2, 3):
        with _cluster(n_workers) as cluster, Client(cluster):
            part = dask.array.from_array(X, chunks=(chunk, X.shape[1])).persist()
            data = RowBlocks(dask.array.concatenate([part] * copies))
            for name, estimator in _problems():
                estimator.set_params(max_iter=2).fit(data, y)  # compiles
                estimator = dict(_problems())[name]
                start = time.perf_counter()
                estimator.fit(data, y)
                found[name, n_workers] = time.perf_counter() - start, estimator
    for name, estimator in _problems():
        (one, fit), (two, other), (_, third) = (found[name, n] for n in (1, 2, 3))
        table.at_least(f"L-BFGS, {name}: speedup by 2 workers over 1", one / two, 1.7)
        bits = len({_bits(each) for each in (fit, other, third)}) == 1
        table.at_least(
            f"L-BFGS, {name}: equal bits with 1, 2 and 3 workers (1 for yes)", bits, 1, "{:.0f}"
        )
        with threadpool_limits(1):
            start = time.perf_counter()
            estimator.fit(np.tile(X, (copies, 1)), y)
            alone = time.perf_counter() - start
        table.for_the_record(
            f"L-BFGS, {name}: seconds, one worker over arrays and 1 thread", one / alone
        )
        error = abs(fit.loss_ - estimator.loss_) / abs(estimator.loss_)
        table.at_most(f"L-BFGS, {name}: difference of the loss from arrays", error, 1e-5, "{:.0e}")


def _bits(fitted):
    weights = [fitted.components_] if hasattr(fitted, "components_") else fitted.coefs_
    return b"".join(each.tobytes() for each in weights)


def _cost_of_tasks(report):
    """Measure the constants of the cost model in docs/scale.md."""
    import dask.array
    from distributed import Client

    from striate.core.block_sums import sums_over

    (table,) = report.tables
    with _cluster(2) as cluster, Client(cluster) as client:
        seconds = {}
        for n_chunks in (10, 200):
            data = dask.array.zeros((n_chunks, 1), chunks=(1, 1)).persist()
            sums = sums_over(RowBlocks(data))
            sums(_nothing)
            start = time.perf_counter()
            for _ in range(5):
                sums(_nothing)
            seconds[n_chunks] = (time.perf_counter() - start) / 5
        task = (seconds[200] - seconds[10]) / 190
        table.for_the_record("a sum on workers: ms for each chunk", 1e3 * task)
        table.for_the_record("a sum on workers: ms beside", 1e3 * (seconds[10] - 10 * task))
        theta = np.zeros(10_000_000)
        start = time.perf_counter()
        client.scatter(theta, broadcast=True, hash=False)
        rate = 2 * theta.nbytes / (time.perf_counter() - start) / 1e9
        table.for_the_record("θ to two workers, GB/s", rate)


def _nothing(x, first, run):
    return (0,)


def _killed(report, X, y, kills):
    """Kill a worker at random moments of a fit; compare the bits with those of a quiet fit."""
    import dask.array
    from distributed import Client

    (table,) = report.tables
    X, y = X[:20_000], y[:20_000]
    estimator = MLPClassifier((100,), solver="lbfgs", max_iter=60, tol=0, random_state=0)
    with _cluster(2) as cluster, Client(cluster) as client:
        data = RowBlocks(dask.array.from_array(X, chunks=(1000, X.shape[1])))
        quiet = _bits(estimator.fit(data, y))
        killed = []

        def kill():
            rng = np.random.default_rng(0)
            end = time.monotonic() + KILLING_SECONDS  # a nanny may fail to start a worker
            while len(killed) < kills and time.monotonic() < end:
                time.sleep(rng.uniform(0.5, 3))
                processes = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
                # Not one that is just starting, which nobody would start once more.
                if len(processes) == len(client.nthreads()) == 2:
                    os.kill(rng.choice(processes), signal.SIGKILL)
                    killed.append(1)

        killer = threading.Thread(target=kill)
        killer.start()
        data, same = RowBlocks(dask.array.from_array(X, chunks=(1000, X.shape[1]))), True
        while killer.is_alive():
            same &= _bits(estimator.fit(data, y)) == quiet
        killer.join()
    what = f"L-BFGS, a worker killed {len(killed)} times: same bits (1 for yes)"
    table.at_least(what, same, 1, "{:.0f}")


def _images(report, folder, n_images):
    """Compare images per second from Zarr, from files and on two workers with those in memory."""
    import zarr
    from distributed import Client
    from PIL import Image

    (table,) = report.tables
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n_images, 32, 32, 3), dtype=np.uint8)
    learner = SparseAutoencoder(100, max_iter=5, random_state=0)
    features = PatchFeatures(learner, patch_size=6, n_patches=5000, random_state=0).fit(images)
    stored = zarr.create_array(folder / "images.zarr", data=images, chunks=(100, 32, 32, 3))
    files = folder / "photos"
    files.mkdir()
    for i, pixels in enumerate(images):
        Image.fromarray(pixels).save(files / f"{i:06}.png")
    rates = {}
    for name, data in (("memory", images), ("Zarr", stored), ("files", sorted(files.iterdir()))):
        features.transform(data[: n_images // 4])
        start = time.perf_counter()
        features.transform(data)
        rates[name] = n_images / (time.perf_counter() - start)
    with _cluster(2) as cluster, Client(cluster, set_as_default=False) as client:
        for out in ("warm.npy", "X.npy"):
            start = time.perf_counter()
            extract_features(features, sorted(files.iterdir()), folder / out, client=client)
        rates["files, two workers"] = n_images / (time.perf_counter() - start)
    table.for_the_record(
        "features of images: images per second in memory", rates["memory"], "{:.0f}"
    )
    for name in ("Zarr", "files", "files, two workers"):
        what = f"features of images: rate from {name}, in memory = 1"
        table.at_least(what, rates[name] / rates["memory"], 0.9)
