"""Outlier detectors with their defaults, on the tables of ADBench.

The tables are the files NUMBER_NAME.npz in benchmarks/data/adbench: docs/outliers.md says where
they are from. Results are kept in docs/outliers.json, by table, detector and split: what is there
is not measured again.
"""

import json
import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from .environment import threads
from .outlier_peers import DETECTORS, scores_of
from .outlier_tables import FOLDER, MOST_ROWS, outlier_tables
from .page_sections import PAGE
from .result_tables import Report, Table, duration

RESULTS = PAGE.with_name("outliers.json")
MEASURES = ("AUROC", "average precision")


def measure(n_splits=3, folder=FOLDER, path=RESULTS, detectors=None, most_rows=MOST_ROWS):
    report = Report("Outliers in tables", [], [])
    detectors = tuple(DETECTORS) if detectors is None else detectors
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    names = []
    for table in outlier_tables(folder):
        names.append(table.name)
        for detector in detectors:
            of_table = results.setdefault(table.name, {}).setdefault(detector, {})
            for seed in range(n_splits):
                if str(seed) not in of_table:
                    of_table[str(seed)] = _measured(detector, table, seed, most_rows)
        path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(table.name, flush=True)
    if not names:
        print(f"tables are skipped: {folder} has none; docs/outliers.md says where they are from")
        return report
    results = {name: results[name] for name in sorted(names, key=str.lower)}
    known = [each for each in DETECTORS if all(each in results[name] for name in names)]
    report.tables += [_summary(results, known), *(_by_table(results, known, m) for m in MEASURES)]
    report.remarks.append(
        f"{len(names)} tables, at most {most_rows:,} rows of each; number of splits: {n_splits}. "
        "Detectors learn from 70% of the rows, outliers among them, without labels, and score the "
        "others. Times are of learning and scoring, with 1 thread."
    )
    return report


def _measured(detector, table, seed, most_rows):
    """Return the measures of one detector on one split, and its seconds."""
    X, X_test, y_test = table.split(seed, most_rows)
    with threads(1):
        start = time.perf_counter()
        scores = scores_of(detector, X, X_test, seed)
        seconds = time.perf_counter() - start
    return {
        "AUROC": float(roc_auc_score(y_test, scores)),
        "average precision": float(average_precision_score(y_test, scores)),
        "seconds": seconds,
    }


def _values(results, detector, key):
    """Return a measure of a detector on each table, the mean over the splits."""
    return np.array(
        [
            np.mean([split[key] for split in of_table[detector].values()])
            for of_table in results.values()
        ]
    )


def _summary(results, detectors):
    columns = [f"{f} {m}" for m in MEASURES for f in ("mean", "median")]
    table = Table(("", *columns, "mean rank", "median time", "time of all tables"))
    ranks = _ranks(np.array([_values(results, each, "AUROC") for each in detectors]))
    for detector, rank in zip(detectors, ranks, strict=True):
        cells = []
        for measure in MEASURES:
            values = _values(results, detector, measure)
            cells += [f"{np.mean(values):.3f}", f"{np.median(values):.3f}"]
        seconds = _values(results, detector, "seconds")
        times = duration(float(np.median(seconds))), duration(float(seconds.sum()))
        table.add(detector, *cells, f"{rank:.2f}", *times)
    return table


def _ranks(values):
    """Return the mean rank of each row over the columns: 1 is the best."""
    from scipy.stats import rankdata

    return rankdata(-values, axis=0).mean(axis=1)


def _by_table(results, detectors, measure):
    table = Table((measure, *detectors))
    of_detectors = [_values(results, each, measure) for each in detectors]
    for k, name in enumerate(results):
        cells = [values[k] for values in of_detectors]
        best = max(cells)
        table.add(name, *(f"**{x:.3f}**" if x == best else f"{x:.3f}" for x in cells))
    return table
