"""Exercises on MNIST: pen strokes, softmax, self-taught learning, a stacked autoencoder."""

from sklearn.frozen import FrozenEstimator

from benchmarks.exercise import Exercise, Picture, Results
from benchmarks.image_datasets import mnist
from benchmarks.result_tables import Table, ValueTargets
from striate import MLPClassifier, SparseAutoencoder

from . import exercise_figures

#: Candidate λ of the fine-tuning, chosen on held-out images.
FINE_TUNING_DECAYS = (1e-5, 1e-4, 1e-3)
#: Share of the training images that is held out.
HELD_OUT = 1 / 6


def autoencoder(n_units, max_iter):
    """Return the autoencoder of all exercises with digits."""
    return SparseAutoencoder(
        n_units,
        output_activation="logistic",
        weight_decay=3e-3,
        sparsity_target=0.1,
        sparsity_weight=3.0,
        max_iter=max_iter,
        tol=0.0,
        random_state=0,
    )


def softmax(weight_decay, n_rows, max_iter=100):
    """Return softmax regression with the tutorial's J = −1/m Σ log p + λ/2 Σ W²."""
    return MLPClassifier(
        (), solver="lbfgs", alpha=weight_decay * n_rows, max_iter=max_iter, tol=0.0, random_state=0
    )


def percent(classifier, X, y):
    return 100 * classifier.score(X, y)


def pen_strokes(work):
    if (data := mnist()) is None:
        return None
    model = autoencoder(196, work.at_most(400))
    with work.step("Training 784-196-784 on 10,000 digits"):
        work.fit(model, data[0][:10_000])
    facts = Table(("", "ours"))
    facts.add("final J", f"{model.loss_:.3f}")
    facts.add("mean activation of all units", f"{model.mean_activation_.mean():.3f}")
    picture = Picture(
        "pen_strokes",
        exercise_figures.units(model.components_),
        "A grid of 196 small grey pictures, most of them short bright strokes",
        "Input that maximally activates each of the 196 hidden units.",
    )
    return Results(f"pen strokes; J = {model.loss_:.3f}", [facts], [picture])


def softmax_on_pixels(work):
    if (data := mnist()) is None:
        return None
    X, y, X_test, y_test = data
    with work.step("Softmax on 60,000 × 784 pixels"):
        classifier = work.fit(softmax(1e-4, len(X), work.at_most(100)), X, y)
    accuracy = percent(classifier, X_test, y_test)
    targets = ValueTargets()
    targets.at_least("test accuracy, 10,000 digits", accuracy, 92.5, "{:.2f}%")
    targets.for_the_record("training accuracy", percent(classifier, X, y), "{:.2f}%")
    return Results(f"{accuracy:.2f}%", [targets])


def self_taught(work):
    if (data := mnist()) is None:
        return None
    X, y = data[:2]
    unlabelled, labelled, labels = X[y >= 5], X[y < 5], y[y < 5]
    half = len(labelled) // 2
    model = autoencoder(200, work.at_most(400))
    with work.step(f"Training 784-200-784 on {len(unlabelled):,} digits from 5 to 9"):
        work.fit(model, unlabelled)
    with work.step(f"Features of {len(labelled):,} digits from 0 to 4"):
        features = model.transform(labelled)
    accuracy = {}
    for name, rows in (("features", features), ("raw pixels", labelled)):
        with work.step(f"Softmax on {name} of {half:,} digits"):
            classifier = work.fit(
                softmax(1e-4, half, work.at_most(100)), rows[:half], labels[:half]
            )
        accuracy[name] = percent(classifier, rows[half:], labels[half:])
    targets = ValueTargets()
    targets.at_most(f"J after {model.n_iter_} iterations (published: 11.647)", model.loss_, 11.7,
                   "{:.3f}")  # fmt: skip
    for n, published in ((100, 13.326), (200, 12.070), (300, 11.730)):
        if len(model.loss_curve_) >= n:
            what = f"J after {n} iterations (published: {published:.3f})"
            targets.for_the_record(what, model.loss_curve_[n - 1], "{:.3f}")
    targets.at_least(
        "test accuracy on the other half, features", accuracy["features"], 98.2, "{:.2f}%"
    )
    targets.at_least(
        "test accuracy on the other half, raw pixels", accuracy["raw pixels"], 96.5, "{:.2f}%"
    )
    picture = Picture(
        "self_taught",
        exercise_figures.units(model.components_, n_columns=20),
        "A grid of 200 small grey pictures, most of them short bright strokes",
        "Input that maximally activates each of the 200 hidden units, learned from the digits 5 to "
        "9.",
    )
    features, pixels = accuracy.values()
    ours = f"J = {model.loss_:.3f}; {features:.2f}% against {pixels:.2f}% on raw pixels"
    return Results(ours, [targets], [picture])


def stacked(work):
    if (data := mnist()) is None:
        return None
    # Imported here because the other exercises do not need it.
    from striate import StackedAutoencoder

    X, y, X_test, y_test = data
    each = autoencoder(200, work.at_most(400))
    stack = StackedAutoencoder((200, 200), autoencoder=each, random_state=0)
    with work.step("Training 784-200-784, then 200-200-200, on 60,000 digits"):
        work.fit(stack, X)
    with work.step("Softmax on the stack's features"):
        features = stack.transform(X)
        classifier = work.fit(softmax(3e-3, len(X), work.at_most(100)), features, y)
    before = percent(classifier, stack.transform(X_test), y_test)
    n_kept = len(X) - round(HELD_OUT * len(X))
    with work.step(
        f"Choosing λ of the fine-tuning on {len(X) - n_kept:,} held-out training digits"
    ):
        scores = {
            decay: _held_out_score(_fine_tuning(stack, decay, n_kept, work), X, y, n_kept)
            for decay in FINE_TUNING_DECAYS
        }
    best = max(scores, key=scores.get)
    with work.step("Fine-tuning 784-200-200-10"):
        tuned = work.fit(_fine_tuning(stack, best, len(X), work), X, y)
    after = percent(tuned, X_test, y_test)
    targets = ValueTargets()
    targets.at_least("test accuracy before fine-tuning", before, 87.7, "{:.2f}%")
    targets.at_least("test accuracy after fine-tuning", after, 97.7, "{:.2f}%")
    for decay, score in scores.items():
        targets.for_the_record(f"held-out accuracy, λ = {decay:g}", score, "{:.2f}%")
    picture = Picture(
        "stacked",
        exercise_figures.units(tuned.coefs_[0].T, (28, 28), n_columns=20),
        "A grid of 200 small grey pictures: strokes, some of them part of whole digits",
        "Input that maximally activates each of the 200 units of the first layer after "
        "fine-tuning.",
    )
    remarks = [
        "The stack was trained on the held-out digits, too, but without their labels. λ penalizes "
        "all layers here; the tutorial's fine-tuning penalizes only the softmax layer."
    ]
    return Results(f"{before:.2f}%, then {after:.2f}%", [targets], [picture], remarks)


def _fine_tuning(stack, decay, n_rows, work):
    return MLPClassifier(
        pretraining=FrozenEstimator(stack),
        solver="lbfgs",
        alpha=decay * n_rows,
        max_iter=work.at_most(400),
        tol=0.0,
        random_state=0,
    )


def _held_out_score(classifier, X, y, n):
    return percent(classifier.fit(X[:n], y[:n]), X[n:], y[n:])


EXERCISES = (
    Exercise(
        "pen-strokes",
        "Autoencoder of digits",
        "first 10,000 digits of MNIST, 784-196-784 sigmoid, ρ = 0.1, λ = 0.003, β = 3, 400 "
        "iterations",
        "pen strokes; 15 to 20 minutes in MATLAB",
        pen_strokes,
    ),
    Exercise(
        "softmax",
        "Softmax on digits",
        "pixels of MNIST, λ = 0.0001, 100 iterations",
        "92.6%",
        softmax_on_pixels,
    ),
    Exercise(
        "self-taught",
        "Self-taught learning",
        "autoencoder 784-200-784 on the 29,404 digits 5 to 9, as above; softmax, λ = 0.0001, on "
        "half of the digits 0 to 4 (15,298), tested on the other half",
        "J = 11.647; 98.3% against 96.8% on raw pixels",
        self_taught,
    ),
    Exercise(
        "stacked",
        "Stacked autoencoder",
        "784-200-200-10, both autoencoders as above on 60,000 digits, softmax with λ = 0.003, then "
        "400 iterations on the whole network",
        "87.7%, then 97.6%",
        stacked,
    ),
)
