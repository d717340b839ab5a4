"""Ten tables, on which all models take turns, so that their seconds can be compared.

What is slow, such as networks in PyTorch, is measured here only. Turns are kept in
docs/table_turns.json; a split that all models have is not measured again.
"""

import json
import time
import warnings

from .environment import threads
from .page_sections import PAGE
from .result_tables import duration
from .table_files import FOLDER, N_TRAIN, read_table, table_names
from .table_networks import TABM
from .table_peers import PEERS, SLOW_PEERS, fitted
from .table_scores import scores

#: Chosen beforehand: few rows and many, few classes and many, categories, missing values, numbers.
#: Those that take the least time come first.
TEN = (
    *("concrete", "vowel", "credit_g", "phoneme", "electricity"),
    *("elevators", "diamonds", "wa_churn", "satimage", "ames"),
)
#: Number of splits, and that of a model that takes minutes for each.
N_SPLITS, FEW_SPLITS = 2, {TABM: 1}
TURNS = PAGE.with_name("table_turns.json")


def take_turns(folder=FOLDER, path=TURNS, n_train=N_TRAIN, peers=None):
    """Return the measures by table, model and split."""
    peers = tuple(PEERS | SLOW_PEERS) if peers is None else peers
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    present = table_names(folder)
    tables = [read_table(name, folder) for name in TEN if name in present]
    turns = [
        (table, seed)
        for seed in reversed(range(N_SPLITS))  # those without slow models first
        for table in tables
        if not all(str(seed) in _of(results, table, peer) for peer in _taking_part(peers, seed))
    ]
    ready = set()
    for k, (table, seed) in enumerate(turns):
        models = _taking_part(peers, seed)
        for peer in models:
            _make_ready(peer, table, ready)
        first = k % len(models)
        for peer in (*models[first:], *models[:first]):
            found = _of(results, table, peer)[str(seed)] = timed(peer, table, seed, n_train)
            print(f"{table.name}, split {seed}: {peer}, {duration(found['seconds'])}", flush=True)
        path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return {table.name: results[table.name] for table in tables}


def _of(results, table, peer):
    return results.setdefault(table.name, {}).setdefault(peer, {})


def _taking_part(peers, seed):
    return [peer for peer in peers if seed < FEW_SPLITS.get(peer, N_SPLITS)]


def _make_ready(peer, table, ready, n_train=100):
    """Import and compile what a model needs for classes or for numbers, once."""
    if (peer, table.is_classification) not in ready:
        timed(peer, table, 0, n_train)
        ready.add((peer, table.is_classification))


def timed(peer, table, seed, n_train):
    """Return the measures of one model on one split, and its seconds for fit and prediction."""
    X, y, X_test, y_test = table.split(seed, n_train)
    with warnings.catch_warnings(), threads(2):
        warnings.simplefilter("ignore")
        start, start_cpu = time.perf_counter(), time.process_time()
        model = fitted(peer, table, X, y, seed)
        found = scores(model, table, X_test, y_test, y)
        seconds, of_cpu = time.perf_counter() - start, time.process_time() - start_cpu
    return {**found, "seconds": seconds, "CPU seconds": of_cpu}
