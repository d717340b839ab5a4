"""Few labels: features learned without labels, raw pixels, and a convolutional network."""

from benchmarks.environment import HAS_TORCH, WITHOUT_TORCH
from benchmarks.exercise import Exercise, Picture, Results
from benchmarks.image_datasets import cifar10
from benchmarks.result_tables import Table

from .accuracy_figure import accuracy_against_labels
from .labelled_draws import POOL, accuracies, mean_and_spread, on_features
from .single_layer_recipes import features_of, flat

RECIPE = "two-minutes"
#: Number of labelled images per class, and number of draws.
DRAWS = {10: 5, 50: 5, 100: 3, 400: 1}
FEATURES, PIXELS, NETWORK = "learned features", "raw pixels", "convolutional network"


def run(work, make_features=None, draws=DRAWS):
    if (data := cifar10()) is None:
        return None
    X, y, X_test, y_test = data
    features = make_features() if make_features else features_of(RECIPE)
    with work.step(f"Learning the features from {len(X):,} images without labels"):
        features.fit(X)
    X, y = X[:POOL], y[:POOL]
    contenders = {FEATURES: features.transform, PIXELS: flat}
    found = {}
    for name, transform in contenders.items():
        with work.step(f"Features of {len(X) + len(X_test):,} images: {name}"):
            accuracy_of = on_features(transform(X), y, transform(X_test), y_test)
        found[name] = accuracies(work, name, y, draws, accuracy_of)
        del accuracy_of
    if HAS_TORCH:
        found[NETWORK] = accuracies(work, NETWORK, y, draws, _network(X, y, X_test, y_test))
    few, many = (
        f"{mean_and_spread(found[FEATURES][n])} with {n}" for n in (min(draws), max(draws))
    )
    n_draws = ", ".join(map(str, draws.values()))
    remarks = [
        f"Number of draws from {POOL:,} images: {n_draws}. ± is the standard deviation over draws."
    ]
    remarks += [] if HAS_TORCH else [WITHOUT_TORCH]
    return Results(f"{few}, {many} per class", [_table(found)], [_picture(found)], remarks)


def _network(X, y, X_test, y_test):
    from .small_convnet import accuracy

    return lambda rows, draw: accuracy(X[rows], y[rows], X_test, y_test, seed=draw)


def _table(found):
    table = Table(("labels per class", *found))
    for n in next(iter(found.values())):
        table.add(n, *(mean_and_spread(each[n]) for each in found.values()))
    return table


def _picture(found):
    return Picture(
        "few_labels",
        accuracy_against_labels(found),
        "Three rising lines: accuracy against the number of labelled images of each class",
        "Test accuracy on CIFAR-10 with few labels. Dots are single draws of labelled images, "
        "lines are means.",
    )


EXERCISES = (
    Exercise(
        "few-labels",
        "Few labels",
        "10, 50, 100 and 400 labelled images per class; features of the best within two minutes",
        "",
        run,
    ),
)
