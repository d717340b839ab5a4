"""L-BFGS on one, two and three workers: seconds, bits, and the fit on arrays."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

from striate import MLPClassifier, RowBlocks, SparseAutoencoder

from .fixed_iterations import fixed_iterations
from .local_clusters import cluster
from .result_tables import Report, ValueTargets
from .stored_rows import digits

#: 360,000 rows: `python -m benchmarks scale-workers --full`.
FULL = {"copies": 6, "max_iter": 20}


@fixed_iterations()
def measure(n_rows=60_000, copies=1, chunk=10_000, max_iter=10):
    """Fit the same rows on 1, 2 and 3 workers, and in memory."""
    import dask.array

    table, found = ValueTargets(), {}
    X, y = digits(n_rows)
    X, y = np.tile(X, (copies, 1)), np.tile(y, copies)
    for n_workers in (1, 2, 3):
        with cluster(n_workers):
            data = dask.array.from_array(X, chunks=(chunk, X.shape[1])).persist()
            for name, estimator in _problems(max_iter):
                estimator.set_params(max_iter=1).fit(RowBlocks(data), y)  # compiles
                estimator = dict(_problems(max_iter))[name]
                start = time.perf_counter()
                estimator.fit(RowBlocks(data), y)
                found[name, n_workers] = time.perf_counter() - start, estimator
    for name, estimator in _problems(max_iter):
        (one, fit), (two, other), (_, third) = (found[name, n] for n in (1, 2, 3))
        table.at_least(f"{name}: speed of 2 workers, 1 worker = 1", one / two, 1.7)
        bits = len({_bits(each) for each in (fit, other, third)}) == 1
        table.at_least(
            f"{name}: equal bits with 1, 2 and 3 workers (1 for yes)", int(bits), 1, "{:.0f}"
        )
        with threadpool_limits(1):
            start = time.perf_counter()
            estimator.fit(X, y)
            alone = time.perf_counter() - start
        table.for_the_record(f"{name}: seconds of 1 worker, arrays and 1 thread = 1", one / alone)
        error = abs(fit.loss_ - estimator.loss_) / abs(estimator.loss_)
        table.at_most(f"{name}: difference of the loss from arrays", error, 1e-5, "{:.0e}")
    what = f"{len(X):,} rows in chunks of {chunk:,}, {max_iter} iterations."
    return Report("L-BFGS on workers", [table], [what])


def _problems(max_iter):
    options = {"max_iter": max_iter, "random_state": 0}
    yield "L-BFGS, 784-100-10", MLPClassifier((100,), solver="lbfgs", tol=0, **options)
    yield "L-BFGS, sparse autoencoder 784-100-784", SparseAutoencoder(100, **options)


def _bits(fitted):
    weights = [fitted.components_] if hasattr(fitted, "components_") else fitted.coefs_
    return b"".join(each.tobytes() for each in weights)
