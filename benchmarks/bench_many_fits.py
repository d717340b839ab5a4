"""Many small networks at once: searches in threads and in processes, and restarts."""

from functools import partial

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from striate import MLPClassifier

from .result_tables import Report, SpreadTargets, Times
from .timing import Contender, check_same, take_turns

#: Name of a contender: backend of joblib and number of jobs.
WAYS = {"one after the other": (None, 1), "2 threads": ("threading", 2), "2 processes": ("loky", 2)}
# Ends after max_iter epochs by a plateau of as many, so that worker processes do not warn.
PLATEAU = {"tol": 1e9, "random_state": 0}


def measure(rounds=5, n_rows=1500, n_epochs=40, n_candidates=6):
    report = Report("Many fits at once", [Times(), SpreadTargets()], [])
    rng = np.random.default_rng(0)
    for n_features, n_hidden, n in ((64, 32, n_rows), (100, 50, 2 * n_rows)):
        X, y = rng.normal(size=(n, n_features)), rng.integers(3, size=n)
        network = MLPClassifier((n_hidden,), n_iter_no_change=n_epochs - 1, **PLATEAU)
        what = f"{n_features}-{n_hidden}-3, {n:,} rows, {n_epochs} epochs"
        _searches(report, f"{n_candidates} candidates × 3 folds of {what}",
                  GridSearchCV(network, {"alpha": list(np.logspace(-5, 0, n_candidates))}, cv=3),
                  (X, y), rounds)  # fmt: skip
        _restarts(report, f"{n_candidates} restarts of {what}",
                  clone(network).set_params(n_restarts=n_candidates), (X, y), rounds)  # fmt: skip
    return report


def _fit_with(backend, search, X, y):
    with joblib.parallel_backend(backend or "loky"):
        return search.fit(X, y)


def _searches(report, what, search, data, rounds):
    times, ratios = report.tables
    contenders, scores = [], {}
    for name, (backend, n_jobs) in WAYS.items():
        run = partial(_fit_with, backend, clone(search).set_params(n_jobs=n_jobs), *data)
        scores[name] = run().cv_results_["mean_test_score"]
        contenders.append(Contender(f"{what}, {name}", run, 2))
    alone = scores["one after the other"]
    for name, found in scores.items():
        if name != "one after the other":
            check = f"{what}, accuracy, {name} and one after the other"
            report.remarks.append(check_same(check, found, alone, 0))
    seconds = take_turns(contenders, rounds)
    for name, spread in seconds.items():
        times.add_time(name, spread)
    one, threads, processes = seconds.values()
    ratios.at_least(f"{what}: speedup by 2 threads", one / threads, 1.6)
    ratios.at_least(f"{what}: speedup by threads over processes", processes / threads, 1.0)


def _restarts(report, what, network, data, rounds):
    times, ratios = report.tables
    contenders = [
        Contender(f"{what}, 1 thread", partial(network.fit, *data), 1),
        Contender(f"{what}, 2 threads", partial(network.fit, *data), 2),
    ]
    contenders[0].run()
    seconds = take_turns(contenders, rounds)
    for name, spread in seconds.items():
        times.add_time(name, spread)
    one, two = seconds.values()
    ratios.at_least(f"{what}: speedup by 2 threads", one / two, 1.6)
