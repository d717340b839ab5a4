"""Ten tables, on which all models take turns: what they reach, and how long they take."""

import numpy as np

from .bench_tables import beside_others, common, known_everywhere, ranks, values
from .result_tables import Report, Table, duration
from .table_files import FOLDER, N_TRAIN
from .table_peers import MODELS, ONE, STRIATE, say_what_is_missing
from .table_turns import TURNS, take_turns


def measure(folder=FOLDER, path=TURNS, n_train=N_TRAIN, peers=None):
    """Let models take turns, all by default, and compare them; `peers=()` compares what is kept."""
    report = Report("Tables on which models take turns", [], [])
    say_what_is_missing()
    results = take_turns(folder, path, n_train, peers)
    if not results:
        print(f"turns are skipped: {folder} has no tables; docs/tables.md says where they are from")
        return report
    report.tables += [_ratios(results), ranks(results, known_everywhere(results))]
    report.tables.append(_seconds(results))
    n_turns = sum(len(of_table[STRIATE]) for of_table in results.values())
    report.remarks.append(
        f"{', '.join(results)}: at most {n_train:,} rows to train on, {n_turns} splits in all. "
        "All models took turns, with two threads, after a first fit of each. Seconds are of fit "
        "and prediction; those of the CPU are the sum over threads. Speedups are geometric means "
        "over the turns that both models had, and ranks are of the splits that all had."
    )
    return report


def _with(results, peer):
    """Return the results on the tables that a model was measured on."""
    return {name: of_table for name, of_table in results.items() if of_table.get(peer)}


def _ratios(results):
    """Return the ratios of Striate's measures to those of each other model."""
    rows = {}
    for peer in MODELS:
        if peer not in (STRIATE, ONE) and (some := _with(results, peer)):
            rows[f"{peer}, {len(some)} tables"] = beside_others(some, (STRIATE, peer))
    table = Table(next(iter(rows.values())).columns)
    for name, found in rows.items():
        table.add(name, *found.rows[0][1:])
    return table


def _seconds(results):
    """Return the seconds of each model, and how many times as fast Striate is in the same turns."""
    head = (
        "fit and prediction",
        "tables",
        "median",
        "Striate's speedup",
        "CPU",
        "Striate's speedup",
    )
    table = Table(head)
    for peer in MODELS:
        some = _with(results, peer)
        if not some:
            continue
        cells, splits = [str(len(some))], common(some, (peer, STRIATE))
        for key in ("seconds", "CPU seconds"):
            own = np.ravel(values(some, peer, key, splits))
            factors = own / np.ravel(values(some, STRIATE, key, splits))
            speedup = "" if peer == STRIATE else f"{np.exp(np.log(factors).mean()):.2f}"
            cells += [duration(float(np.median(own))), speedup]
        table.add(peer, *cells)
    return table
