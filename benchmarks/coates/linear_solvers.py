"""Linear classifiers on pooled features: three losses, minimized by us and by scikit-learn."""

import time

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.exercise import Exercise, Results
from benchmarks.fixed_iterations import fixed_iterations
from benchmarks.image_datasets import cifar10
from benchmarks.result_tables import Table, duration
from striate import LinearClassifier

from .single_layer_recipes import SOFT, dictionary, percent

N_ATOMS = 800
#: Images for all classifiers; those that make no large copies are also fitted to all images.
FEW = 10_000
#: Candidate α by loss.
ALPHAS = dict.fromkeys(("squared_error", "squared_hinge", "log_loss"), (1e-3, 3e-3, 1e-2, 3e-2))
#: Maximum number of iterations of scikit-learn's classifiers.
MAX_ITER = {"LogisticRegression": 1000, "LinearSVC": 100}


def contenders(alpha, m):
    """Return (loss, classifier) of ours and of scikit-learn's; `alpha` is a dict by loss.

    Ours minimize 1/m Σ loss + α/2 Σ W² over m rows, where the losses have half the square. The
    ridge has the whole square and λ Σ W², so λ = α m; the others have C Σ loss + ½ Σ W², so
    C = 1 / (α m), and half of it where the hinge is squared and not halved.
    """
    log_regression = {"C": 1 / (alpha["log_loss"] * m), "max_iter": MAX_ITER["LogisticRegression"]}
    peers = [
        ("squared_error", RidgeClassifier(alpha=alpha["squared_error"] * m)),
        ("log_loss", LogisticRegression(**log_regression)),
    ]
    if m <= FEW:
        C = 0.5 / (alpha["squared_hinge"] * m)
        # The primal, `dual=False`, takes many times as long.
        svc = LinearSVC(C=C, dual=True, max_iter=MAX_ITER["LinearSVC"], random_state=0)
        peers.append(("squared_hinge", svc))
    return [
        *((loss, LinearClassifier(loss, alphas=each)) for loss, each in alpha.items()),
        *((loss, make_pipeline(StandardScaler(), peer)) for loss, peer in peers),
    ]


def pooled_features():
    return dictionary(N_ATOMS, "omp1", {"flips": True, "signed_sqrt": True}, **SOFT)()


def run(work, make_features=pooled_features):
    if (data := cifar10()) is None:
        return None
    X, y, X_test, y_test = data
    features = make_features()
    with work.step(f"Features of {len(X) + len(X_test):,} images"):
        train, test = features.fit(X).transform(X), features.transform(X_test)
    table = Table(("images", "classifier", "loss", "α", "time", "iterations", "test accuracy"))
    for n in (FEW, len(X)):
        accuracy = _compare(work, table, train[:n], y[:n], test, y_test)
    remarks = [
        f"{train.shape[1]:,} features from {N_ATOMS} atoms. Times are for one fit with a given α, "
        "including standardization; choosing α is timed separately.",
        f"LogisticRegression is limited to {MAX_ITER['LogisticRegression']:,} iterations, "
        f"LinearSVC to {MAX_ITER['LinearSVC']} per class. For all images, LinearSVC's copies would "
        "take 24 bytes per feature value.",
    ]
    return Results(f"{percent(accuracy)}, squared hinge", [table], remarks=remarks)


def _compare(work, table, X, y, X_test, y_test):
    """Add a row for each classifier; return the accuracy of our squared hinge."""
    alpha = {}
    for loss, alphas in ALPHAS.items():
        with work.step(f"Choosing α, {loss}, {len(X):,} images"):
            alpha[loss] = LinearClassifier(loss, alphas=alphas, random_state=0).fit(X, y).alpha_
    accuracy = {}
    for loss, classifier in contenders(alpha, len(X)):
        last = classifier[-1] if hasattr(classifier, "steps") else classifier
        name = type(last).__name__
        began = time.perf_counter()
        # The table shows the iterations of those that are limited.
        with fixed_iterations(), work.step(f"{name}, {loss}, {len(X):,} images"):
            classifier.fit(X, y)
        seconds = time.perf_counter() - began
        accuracy[name, loss] = np.mean(classifier.predict(X_test) == y_test)
        n_iter = "" if last.n_iter_ is None else np.max(last.n_iter_)
        table.add(
            f"{len(X):,}", name, loss, f"{alpha[loss]:g}", duration(seconds), n_iter,
            percent(accuracy[name, loss]),
        )  # fmt: skip
    return accuracy["LinearClassifier", "squared_hinge"]


EXERCISES = (
    Exercise(
        "linear",
        "Linear classifiers",
        f"{N_ATOMS} OMP-1 atoms, mirror images, signed square root; three losses",
        "",
        run,
    ),
)
