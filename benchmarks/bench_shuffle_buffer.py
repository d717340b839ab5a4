"""What accuracy a shuffle buffer costs against a full shuffle."""

import numpy as np

from striate import MLPClassifier, RowBlocks

from .fixed_iterations import fixed_iterations
from .result_tables import Report, ValueTargets
from .stored_rows import digits


@fixed_iterations()
def measure(n_rows=60_000, n_seeds=2):
    """Compare accuracies on digits that are held out."""
    table = ValueTargets()
    X, y = digits(n_rows)
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
                for seed in range(n_seeds)
            ]
            what = f"accuracy after 8 epochs, rows {sorting}, shuffled among {name}"
            table.for_the_record(what, float(np.mean(scores)), "{:.4f}")
    return Report("Shuffling in a buffer", [table], [])
