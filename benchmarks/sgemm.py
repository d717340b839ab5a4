"""Reference throughput: the best float32 matrix product of this machine's BLAS."""

import numpy as np

from .timing import THREADS, Contender, Spread

# A large square product, and blocks with the shape of 8x8x3 patches and 400 units.
_SHAPES = {
    "2048x2048 by 2048x2048": (2048, 2048, 2048, 1),
    "1024x192 by 192x400": (1024, 192, 400, 60),
}


def contenders(n_threads=1):
    """Return NumPy's product in several shapes, to be timed together with other contenders."""
    return [
        Contender(_name(shape, n_threads), _product(*sizes), n_threads)
        for shape, sizes in _SHAPES.items()
    ]


def best(seconds, n_threads=1):
    """Return the GFLOP/s of the shape with the highest median, and its name."""
    rates = {
        shape: Spread(2e-9 * m * k * n * repeats / seconds[_name(shape, n_threads)].values)
        for shape, (m, k, n, repeats) in _SHAPES.items()
    }
    shape = max(rates, key=lambda shape: rates[shape].median)
    return rates[shape], shape


def _name(shape, n_threads):
    return f"sgemm, {shape}, {THREADS[n_threads]}"


def add_times(table, seconds, flops, n_items=None):
    """Add rows with items/s (if there are items), GFLOP/s, and throughput relative to sgemm."""
    yardstick, shape = best(seconds)
    for name, spread in seconds.items():
        if not name.startswith("sgemm"):
            rate = 1e-9 * flops / spread
            share = (rate / yardstick).median
            items = [f"{n_items / spread.median:.0f}"] if n_items else []
            table.add_time(name, spread, *items, f"{rate.median:.0f}", f"{share:.0%}")
    blank = [""] * (len(table.columns) - 3)
    table.add(f"one-thread sgemm, {shape}", *blank, f"{yardstick.median:.0f}", "100%")


def _product(m, k, n, repeats):
    rng = np.random.default_rng(0)
    A, B = (rng.random(shape, dtype=np.float32) for shape in ((m, k), (k, n)))
    C = np.empty((m, n), dtype=np.float32)

    def run():
        for _ in range(repeats):
            np.matmul(A, B, out=C)

    return run
