"""A Gaussian kernel on half-whitened components, with all labels: the best, and in two minutes."""

from benchmarks.exercise import Exercise, Results
from benchmarks.image_datasets import cifar10
from benchmarks.result_tables import ValueTargets
from striate import KernelClassifier

from .single_layer_recipes import features_of, percent
from .two_layer_recipe import components_of, two_layers

#: Labelled images whose features are computed within two minutes.
N_IN_TWO_MINUTES = 24_000


def kernel_exercise(
    name, title, settings, make_features, target, minutes, n_images=None, **parameters
):
    """Return a row; all labelled images, or the first `n_images`, are centres of the kernel."""

    def run(work, make_features=make_features, n_components=1000):
        if (data := cifar10()) is None:
            return None
        X, y, X_test, y_test = data
        features = make_features()
        with work.step(f"Learning the features from {len(X):,} images without labels"):
            features.fit(X)
        components = components_of(work, features, X, n_components)
        X, y = X[:n_images], y[:n_images]
        with work.step(f"Features and components of {len(X) + len(X_test):,} images"):
            train, test = components(X), components(X_test)
        classifier = KernelClassifier(n_centers=None, random_state=0, **parameters)
        with work.step(f"Kernel classifier, {len(X):,} images"):
            classifier.fit(train, y)
        with work.step(f"{len(X_test):,} test images"):
            accuracy = float(classifier.score(test, y_test))
        targets = ValueTargets()
        targets.at_least("test accuracy", accuracy, target, "{:.1%}")
        targets.at_most("minutes", work.seconds / 60, minutes, "{:.1f}")
        return Results(percent(accuracy), [targets], remarks=[f"α = {classifier.alpha_:g}."])

    return Exercise(name, title, settings, "", run)


EXERCISES = (
    kernel_exercise(
        "kernel-two-minutes", "A kernel within two minutes",
        "700 OMP-1 atoms as in the best within two minutes; 1,000 half-whitened components, "
        f"Gaussian kernel of {N_IN_TWO_MINUTES:,} labelled images",
        lambda: features_of("two-minutes"), 0.825, 2, N_IN_TWO_MINUTES, alphas=0.03,
    ),
    kernel_exercise(
        "kernel-all", "The best",
        "the best within two minutes and 800 OMP-1 atoms of 3×3 map pixels; 1,000 half-whitened "
        "components of each layer, Gaussian kernel of all images",
        two_layers, 0.87, 20,
    ),
)  # fmt: skip
