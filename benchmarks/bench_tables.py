"""Models of tables with their defaults, on many tables: TabularClassifier and TabularRegressor.

The tables are the files NAME.npz in benchmarks/data/tables: docs/tables.md says where they are
from. Results are kept in docs/tables.json, by table, model and split: what is there is not measured
again.
"""

import json
import time
import warnings

import numpy as np

from .environment import threads
from .page_sections import PAGE
from .result_tables import Report, Table, duration
from .table_files import FOLDER, N_TRAIN, read_table, table_names
from .table_peers import MLP, ONE, PEERS, STRIATE, fitted
from .table_scores import OF_CLASSES, OF_NUMBERS, ratio, scores, wins_and_losses

RESULTS = PAGE.with_name("tables.json")
MEASURES = (*OF_CLASSES, *OF_NUMBERS)
#: What must be reached beside scikit-learn's perceptrons, as ratios.
TARGETS = {"error": 0.88, "log-loss": 0.78, "1 - AUC": 0.90, "RMSE": 0.82}


def measure(n_splits=5, folder=FOLDER, path=RESULTS, peers=tuple(PEERS), n_train=N_TRAIN):
    report = Report("Tables", [], [])
    names = table_names(folder)
    if not names:
        print(f"tables are skipped: {folder} has none; docs/tables.md says where they are from")
        return report
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for peer in peers:
        for name in names:
            table = read_table(name, folder)
            of_table = results.setdefault(name, {}).setdefault(peer, {})
            for seed in range(n_splits):
                if str(seed) not in of_table:
                    of_table[str(seed)] = _measured(peer, table, seed, n_train)
            path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{peer}: {name}", flush=True)
    results = {name: results[name] for name in names}
    peers = [peer for peer in PEERS if all(peer in results[name] for name in names)]
    report.tables += [_ratios(results, peers), _against_boosting(results, peers)]
    report.tables += [_ranks(results, peers), _by_table(results, peers)]
    report.tables += _seconds(results, peers)
    report.remarks.append(
        f"{len(names)} tables, at most {n_train:,} rows to train on, {n_splits} splits. Ratios are "
        "geometric means over tables of (measure + 0.01) / (measure of the other + 0.01). A win is "
        "a difference larger than its standard error over the splits."
    )
    return report


def _measured(peer, table, seed, n_train):
    """Return the measures of one model on one split, and its seconds for fit and prediction."""
    X, y, X_test, y_test = table.split(seed, n_train)
    with warnings.catch_warnings(), threads(2):
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model = fitted(peer, table, X, y, seed)
        found = scores(model, table, X_test, y_test, y)
        return {**found, "seconds": time.perf_counter() - start}


def _values(results, peer, key):
    """Return a measure of a model, (n_tables, n_splits)."""
    return [
        [split[key] for split in of_table[peer].values()]
        for of_table in results.values()
        if key in next(iter(of_table[peer].values()))
    ]


def _compared(results, ours, theirs, key):
    a, b = _values(results, ours, key), _values(results, theirs, key)
    if not a:
        return "–"
    wins, losses = wins_and_losses(a, b)
    return f"{ratio(a, b):.3f} ({wins}–{losses})"


def _ratios(results, peers):
    table = Table((f"ratio to {MLP} (wins–losses)", *MEASURES))
    for peer in peers:
        if peer != MLP and MLP in peers:
            table.add(peer, *(_compared(results, peer, MLP, key) for key in MEASURES))
    table.add("target of Striate", *(f"at most {TARGETS[key]:.2f}" for key in MEASURES))
    return table


def _against_boosting(results, peers):
    table = Table(("ratio of Striate to (wins–losses)", *MEASURES))
    for peer in peers:
        if peer not in (STRIATE, ONE) and STRIATE in peers:
            table.add(peer, *(_compared(results, STRIATE, peer, key) for key in MEASURES))
    return table


def _ranks(results, peers):
    """Return the mean rank of each model: 1 is the best."""
    table = Table(("mean rank", *MEASURES))
    means = {
        key: np.array([np.mean(_values(results, peer, key), axis=1) for peer in peers])
        for key in MEASURES
        if _values(results, peers[0], key)
    }
    for k, peer in enumerate(peers):
        cells = []
        for key in MEASURES:
            if key not in means:
                cells.append("–")
                continue
            below = (means[key] < means[key][k]).sum(axis=0)
            ties = (means[key] == means[key][k]).sum(axis=0)
            cells.append(f"{np.mean(below + (ties + 1) / 2):.2f}")
        table.add(peer, *cells)
    return table


def _seconds(results, peers):
    """Return the seconds of each model as a table, if they are there for all."""
    seconds = {
        peer: [
            split.get("seconds", np.nan)
            for of_table in results.values()
            for split in of_table[peer].values()
        ]
        for peer in peers
    }
    if not all(np.isfinite(each).all() for each in seconds.values()):
        return []
    table = Table(("fit and prediction, 2 threads", "median", "90% of the fits below"))
    for peer, each in seconds.items():
        table.add(peer, *(duration(float(np.quantile(each, q))) for q in (0.5, 0.9)))
    return [table]


def _by_table(results, peers):
    """Return the error or the RMSE on each table."""
    table = Table(("error, or RMSE in standard deviations", *peers))
    for name, of_table in results.items():
        key = "RMSE" if "RMSE" in next(iter(of_table[peers[0]].values())) else "error"
        cells = [np.mean([split[key] for split in of_table[peer].values()]) for peer in peers]
        best = min(cells)
        table.add(name, *(f"**{x:.3f}**" if x == best else f"{x:.3f}" for x in cells))
    return table
