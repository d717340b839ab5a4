"""Models of tables with their defaults, on many tables: TabularClassifier and TabularRegressor.

The tables are the files NAME.npz in benchmarks/data/tables: docs/tables.md says where they are
from. Results are kept in docs/tables.json, by table, model and split: what is there is not measured
again.
"""

import json

import numpy as np

from .page_sections import PAGE
from .result_tables import Report, Table
from .table_files import FOLDER, N_TRAIN, read_table, table_names
from .table_peers import BOOSTING, MLP, MODELS, ONE, PEERS, STRIATE, say_what_is_missing
from .table_picture import errors_beside
from .table_scores import OF_CLASSES, OF_NUMBERS, ratio, wins_and_losses
from .table_turns import timed

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
    say_what_is_missing()
    results = _measured(names, n_splits, folder, path, peers, n_train)
    known = known_everywhere(results)
    report.tables += [_ratios(results, known), beside_others(results, known)]
    report.tables += [ranks(results, known), _by_table(results, known)]
    report.remarks.append(
        f"{len(names)} tables, at most {n_train:,} rows to train on, {n_splits} splits. Ratios are "
        "geometric means over tables of (measure + 0.01) / (measure of the other + 0.01). A win is "
        "a difference larger than its standard error over the splits."
    )
    if {STRIATE, MLP, BOOSTING} <= set(known):
        report.pictures["tables.png"] = errors_beside(results, STRIATE, (MLP, BOOSTING))
    return report


def _measured(names, n_splits, folder, path, peers, n_train):
    """Return the measures by table, model and split; what is stored is not measured again."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for peer in peers:
        for name in names:
            table = read_table(name, folder)
            of_table = results.setdefault(name, {}).setdefault(peer, {})
            for seed in range(n_splits):
                if str(seed) not in of_table:
                    of_table[str(seed)] = timed(peer, table, seed, n_train)
            path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{peer}: {name}", flush=True)
    return {name: results[name] for name in names}


def known_everywhere(results):
    """Return the models that all tables have measures of."""
    return [each for each in MODELS if all(of_table.get(each) for of_table in results.values())]


def values(results, peer, key, splits=None):
    """Return a measure of a model for each table, each of shape (n_splits,)."""
    return [
        [split[key] for seed, split in of_table[peer].items() if splits is None or seed in splits]
        for of_table in results.values()
        if key in next(iter(of_table[peer].values()))
    ]


def common(results, peers):
    """Return the splits that all of some models have for all tables."""
    return set.intersection(
        *(set(of_table[peer]) for of_table in results.values() for peer in peers)
    )


def _compared(results, ours, theirs, key):
    splits = common(results, (ours, theirs))
    a, b = values(results, ours, key, splits), values(results, theirs, key, splits)
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


def beside_others(results, peers):
    """Return the ratios of Striate's measures to those of each other model."""
    table = Table(("ratio of Striate to (wins–losses)", *MEASURES))
    for peer in peers:
        if peer not in (STRIATE, ONE) and STRIATE in peers:
            table.add(peer, *(_compared(results, STRIATE, peer, key) for key in MEASURES))
    return table


def ranks(results, peers):
    """Return the mean rank of each model: 1 is the best."""
    table, splits = Table(("mean rank", *MEASURES)), common(results, peers)
    means = {
        key: np.array([np.mean(values(results, peer, key, splits), axis=1) for peer in peers])
        for key in MEASURES
        if values(results, peers[0], key)
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


def _by_table(results, peers):
    """Return the error or the RMSE on each table."""
    table = Table(("error, or RMSE in standard deviations", *peers))
    for name, of_table in results.items():
        key = "RMSE" if "RMSE" in next(iter(of_table[peers[0]].values())) else "error"
        cells = [np.mean([split[key] for split in of_table[peer].values()]) for peer in peers]
        best = min(cells)
        table.add(name, *(f"**{x:.3f}**" if x == best else f"{x:.3f}" for x in cells))
    return table
