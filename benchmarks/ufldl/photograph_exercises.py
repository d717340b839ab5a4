"""Exercises on grey photographs: a sparse autoencoder, the lecture's edges, PCA and ZCA."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state

from benchmarks.exercise import Exercise, Picture, Results
from benchmarks.result_tables import ValueTargets
from striate import ImageWhitening, PatchScaler, SparseAutoencoder, ZCAWhitening, check_gradient
from striate.analysis.orientation import orientation_selectivity
from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.demo.demo_settings import Settings
from striate.demo.learned_features import EDGE, PATCH_SIZE, learn_features, n_edges
from striate.files.image_collection import ImageCollection
from striate.images.patches import sample_patches
from striate.native.threads import team

from . import exercise_figures

#: Seeds of the initial weights and patches of the lecture's exercise; the first is shown.
SEEDS = range(5)
TERMS = {"weight_decay": 1e-4, "sparsity_target": 0.01, "sparsity_weight": 3.0}


def patches_of(images, size, n, dtype=np.float32):
    """Return n patches (n, size * size) of the images, with their means subtracted."""
    drawn = sample_patches(ImageCollection(images), (size, size), n, check_random_state(0))
    drawn = drawn.astype(dtype)
    return drawn - drawn.mean(axis=1, keepdims=True)


def sparse_autoencoder(work):
    with work.step("Whitening the photographs, extracting 10,000 patches"):
        images = ImageWhitening().transform(work.photographs)
        X = PatchScaler().fit_transform(patches_of(images, 8, 10_000))
    autoencoder = SparseAutoencoder(
        25,
        output_activation="logistic",
        max_iter=work.at_most(400),
        tol=0.0,
        random_state=0,
        **TERMS,
    )
    with work.step("Training 64-25-64"):
        work.fit(autoencoder, X)
    with work.step("Checking the gradient by finite differences, float64"):
        difference = gradient_difference(X[:1000].astype(np.float64))
    filters = autoencoder.components_.reshape(-1, 8, 8)
    edges = int((orientation_selectivity(filters) > EDGE).sum())
    targets = ValueTargets()
    targets.at_most("gradient check, relative difference", difference, 1e-9, "{:.1e}")
    targets.for_the_record("final J", autoencoder.loss_, "{:.4f}")
    targets.for_the_record("units with one clear orientation, out of 25", edges, "{}")
    picture = Picture(
        "sparse",
        exercise_figures.units(filters, n_columns=5, sort="orientation"),
        "A grid of 25 small grey pictures, most of them edges",
        "Input that maximally activates each of the 25 hidden units. Mid grey is zero.",
        width=320,
    )
    ours = f"{edges} of 25 units are edges; gradient check {difference:.1e}"
    return Results(ours, [targets], [picture], ["The gradient is checked on 1,000 patches."])


def gradient_difference(X):
    """Return ‖numerical − exact‖ / ‖numerical + exact‖ at the initial weights; X is float64."""
    network = Network((X.shape[1], 25, X.shape[1]), ("logistic", "logistic"))
    theta = network.initial_theta(np.random.RandomState(0))
    with team(1) as run:
        return check_gradient(
            Objective(Problem(network, "squared_error", X, X, **TERMS), run), theta
        )


def edges(work):
    models = []
    for seed in SEEDS:
        settings = Settings(max_iter=work.at_most(Settings.max_iter), seed=seed)
        which = "other seeds" if models else "first seed"
        with work.step(f"Learning {settings.n_features} features, {which}"):
            models.append(learn_features(work.photographs, settings, show_progress=False)[-1])
    counts = [n_edges(model) for model in models]
    targets = ValueTargets()
    targets.at_least("edges out of 100 units, first seed", counts[0], 90, "{}")
    targets.for_the_record("median over seeds", np.median(counts), "{:.0f}")
    targets.for_the_record("individual seeds", ", ".join(map(str, counts)), "{}")
    picture = Picture(
        "edges",
        exercise_figures.units(models[0].filters_, sort="orientation"),
        "A grid of 100 small grey pictures, edges at many positions and orientations",
        f"Input of {PATCH_SIZE}×{PATCH_SIZE} pixels that maximally activates each of the 100 "
        "units, sorted by orientation, with units without one clear orientation at the end.",
        width=480,
    )
    ours = f"{counts[0]} of 100 units are edges ({min(counts)} to {max(counts)} over 5 seeds)"
    return Results(ours, [targets], [picture])


def whitening(work):
    with work.step("Extracting 10,000 patches"):
        X = patches_of(work.photographs, 12, 10_000, np.float64)
    with work.step("PCA"):
        pca = PCA().fit(X)
        k = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), 0.99)) + 1
        rotated = pca.transform(X)[:, :k]
        rebuilt = rotated @ pca.components_[:k] + pca.mean_
    white = {}
    for epsilon in (0.1, 0.001):
        with work.step(f"ZCA, ε = {epsilon}"):
            white[epsilon] = ZCAWhitening(epsilon, n_components=0.99).fit_transform(X)
    kept = 100 * (1 - np.sum((X - rebuilt) ** 2) / np.sum((X - X.mean(axis=0)) ** 2))
    correlations = np.corrcoef(rotated.T)
    off = np.abs(correlations - np.eye(k)).max()
    targets = ValueTargets()
    targets.at_most("largest correlation between components", off, 1e-9, "{:.0e}")
    targets.at_least(f"variance kept by {k} of 144 components", kept, 99, "{:.2f}%")
    kinds = {f"ZCA, ε = {epsilon}": rows for epsilon, rows in white.items()}
    patches = {"Patches": X, f"{k} components": rebuilt, **kinds}
    of_pixels = {f"after ZCA, {epsilon}": np.corrcoef(rows.T) for epsilon, rows in white.items()}
    of_all = {"Correlations": np.corrcoef(X.T), "of components": correlations, **of_pixels}
    picture = Picture(
        "whitening",
        exercise_figures.whitening({title: rows[:25] for title, rows in patches.items()}, of_all),
        "Patches, their reconstruction from fewer components and their whitened versions, above "
        "matrices of correlations",
        "Top: 25 patches with their means subtracted, their reconstruction from the components "
        "with 99% of the variance, and the patches whitened by ZCA with the exercise's ε and with "
        "a smaller one. Bottom: correlations of the 144 pixels, of the components, and of the "
        "whitened pixels; white is 1, mid grey 0, black −1.",
    )
    ours = f"{k} of 144 components keep {kept:.2f}%; largest correlation {off:.0e}"
    return Results(ours, [targets], [picture])


EXERCISES = (
    Exercise(
        "sparse",
        "Sparse autoencoder",
        "10,000 8×8 patches of whitened photographs, 64-25-64 sigmoid, ρ = 0.01, λ = 0.0001, "
        "β = 3, 400 iterations",
        "edges; gradient check below 1e-9",
        sparse_autoencoder,
    ),
    Exercise(
        "edges",
        "Edges as in the lecture",
        "20,000 10×10 patches of whitened photographs, 100 units, ρ = 0.02, λ = 0.0001, β = 0.3, "
        f"{Settings.max_iter} iterations (the demo's settings)",
        "edges at many positions and orientations",
        edges,
    ),
    Exercise(
        "whitening",
        "PCA and ZCA",
        "10,000 12×12 patches of photographs, 99% of the variance, ε = 0.1",
        "a diagonal covariance",
        whitening,
    ),
)
