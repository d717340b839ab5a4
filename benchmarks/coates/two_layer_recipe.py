"""Two layers of patches, half-whitened components and a Gaussian kernel, with few labels."""

import numpy as np
from sklearn.compose import ColumnTransformer

from benchmarks.exercise import Exercise, Results
from benchmarks.image_datasets import cifar10
from benchmarks.result_tables import Table, ValueTargets
from striate import (
    DeepPatchFeatures,
    DictionaryEncoder,
    PatchFeatures,
    WhitenedComponents,
    ZCAWhitening,
)

from .few_label_accuracy import DRAWS
from .labelled_draws import POOL, accuracies, mean_and_spread, on_kernel
from .single_layer_recipes import BEST, PATCHES, SOFT

#: Chosen on held-out training images, as are the settings of the layers.
N_COMPONENTS = 1000
#: Images whose features the components are learned from, and images that are computed at a time.
N_FOR_COMPONENTS, BLOCK = 10_000, 5_000
#: With at least 10 / 50 / 100 / 400 labels per class: without and with self-training.
TARGETS = {10: (0.435, 0.47), 50: (0.6, 0.63), 100: (0.655, 0.68), 400: (0.76, 0.76)}
NAMES = KERNEL, SELF_TRAINED = "kernel", "kernel, self-training"


def two_layers(n_atoms=(1200, 1600), n_patches=200_000):
    """Return unfitted features: as the best within two minutes, and a layer on its maps."""
    common = PATCHES | BEST | {"n_patches": n_patches}
    first = DictionaryEncoder(n_atoms[0], dictionary="omp1", **SOFT)
    second = DictionaryEncoder(n_atoms[1], dictionary="omp1", **(SOFT | {"threshold": 0.5}))
    above = common | {"patch_size": 3, "whitening": ZCAWhitening(1.0)}
    layers = [PatchFeatures(first, **common), PatchFeatures(second, **above)]
    return DeepPatchFeatures(layers, random_state=0)


def components_of(work, features, X, n_components=N_COMPONENTS):
    """Learn features and components from X; return what turns images into components."""
    with work.step(f"Learning the layers from {len(X):,} images without labels"):
        features.fit(X)
    some = X[:N_FOR_COMPONENTS]
    with work.step(f"Features of {len(some):,} images"):
        learned_from = features.transform(some)
    whitened = WhitenedComponents(n_components, random_state=0)
    layers = getattr(features, "layer_slices_", [slice(0, learned_from.shape[1])])
    columns = ColumnTransformer(
        [(f"layer {i}", whitened, part) for i, part in enumerate(layers, 1)]
    )
    with work.step("Components of each layer"):
        columns.fit(learned_from)

    def components(X):
        blocks = (X[begin : begin + BLOCK] for begin in range(0, len(X), BLOCK))
        return np.concatenate([columns.transform(features.transform(each)) for each in blocks])

    return components


def run(work, make_features=two_layers, draws=DRAWS, n_components=N_COMPONENTS):
    if (data := cifar10()) is None:
        return None
    X, y, X_test, y_test = data
    components = components_of(work, make_features(), X, n_components)
    with work.step(f"Features and components of {len(X) + len(X_test):,} images"):
        train, test = components(X), components(X_test)
    found = {
        name: accuracies(work, name, y[:POOL], draws, accuracy_of)
        for name, accuracy_of in zip(NAMES, on_kernel(train, y, test, y_test), strict=True)
    }
    few, many = (
        f"{mean_and_spread(found[name][n])} with {n}"
        for name, n in ((SELF_TRAINED, min(draws)), (KERNEL, max(draws)))
    )
    return Results(
        f"{few}, {many} per class", [_targets(found), _table(found)], remarks=[_remark(draws)]
    )


def _targets(found):
    targets = ValueTargets()
    for n, least in TARGETS.items():
        for name, each in zip(NAMES, least, strict=True):
            if n in found[name]:
                title = f"{n} labels per class, {name}"
                targets.at_least(title, float(np.mean(found[name][n])), each, "{:.1%}")
    return targets


def _table(found):
    table = Table(("labels per class", *found))
    for n in next(iter(found.values())):
        table.add(n, *(mean_and_spread(each[n]) for each in found.values()))
    return table


def _remark(draws):
    n_draws = ", ".join(map(str, draws.values()))
    return (
        f"Number of draws from {POOL:,} images: {n_draws}, the same as in “Few labels”. ± is the "
        "standard deviation over draws. Self-training predicts all other training images."
    )


EXERCISES = (
    Exercise(
        "two-layers",
        "Two layers",
        "1,200 OMP-1 atoms of 6×6 pixels and 1,600 of 3×3 map pixels; 1,000 half-whitened "
        "components of each layer, Gaussian kernel, self-training",
        "",
        run,
    ),
)
