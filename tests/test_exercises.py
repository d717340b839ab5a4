"""The exercises of the tutorial, and the recipes of the paper, run on small data."""

import re

import numpy as np
import pytest
from all_pairs import short_first
from benchmarks import image_datasets
from benchmarks.coates import (
    few_label_accuracy,
    kernel_recipes,
    labelled_draws,
    linear_solvers,
    mnist_recipe,
    scattering,
    single_layer_recipes,
    two_layer_recipe,
)
from benchmarks.coates.__main__ import EXERCISES as RECIPES
from benchmarks.environment import HAS_TORCH
from benchmarks.exercise import Exercise, Picture, Results, Work
from benchmarks.exercise_page import DOCS, Page, overview
from benchmarks.fixed_iterations import fixed_iterations
from benchmarks.ufldl import colour_exercises, digit_exercises
from benchmarks.ufldl.__main__ import EXERCISES, main
from small_datasets import folder, small_datasets  # noqa: F401 (fixtures)

PAGES = {"ufldl": EXERCISES, "coates": RECIPES}
PHOTOGRAPH = np.random.default_rng(0).random((40, 40, 1), dtype=np.float32)


def few_features():
    parts = single_layer_recipes.BEST | {"n_patches": 200}
    return single_layer_recipes.dictionary(5, "omp1", parts, **single_layer_recipes.SOFT)()


def accuracies(text):
    """All percentages in a cell of the table."""
    return [float(number) for number in re.findall(r"([\d.]+)(?: ± [\d.]+)?%", text)]


def check_pictures(results):
    assert all(picture.png.startswith(b"\x89PNG") for picture in results.pictures)


@pytest.mark.long
@pytest.mark.parametrize("name", short_first(["whitening", "sparse"]))
@fixed_iterations()
def test_an_exercise_with_photographs_reaches_what_any_size_must(name):
    """The gradient is exact, and components are uncorrelated."""
    exercise = next(each for each in EXERCISES if each.name == name)
    results = exercise.run(Work([PHOTOGRAPH], limit=2))
    verdicts = [row[-1] for table in results.tables for row in table.rows]
    assert "reached" in verdicts
    assert "missed" not in verdicts
    check_pictures(results)


@pytest.mark.parametrize(
    "name", short_first(["pen-strokes", "softmax", "self-taught", "stacked"], 3)
)
@pytest.mark.usefixtures("small_datasets")
@fixed_iterations()
def test_an_exercise_with_digits_learns(name):
    exercise = next(each for each in EXERCISES if each.name == name)
    work = Work([], limit=20)
    results = exercise.run(work)
    assert all(accuracy > 30 for accuracy in accuracies(results.ours))  # chance is 10 or 20%
    assert "%" in results.ours or name == "pen-strokes"
    assert work.seconds > 0
    check_pictures(results)


@pytest.mark.long
@pytest.mark.usefixtures("small_datasets")
@fixed_iterations()
def test_an_exercise_with_colours_learns():
    work = Work([], limit=20)
    results = colour_exercises.linear_decoder(work, n_patches=500)
    assert "J = " in results.ours
    check_pictures(results)
    learned, _, pixels = accuracies(colour_exercises.convolution(work, n_patches=500).ours)
    assert min(learned, pixels) > 50  # of four classes


def test_an_exercise_without_its_data_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(image_datasets, "FOLDER", tmp_path)
    monkeypatch.setattr(image_datasets, "_fetch", lambda *_: False)
    assert all(exercise.run(None) is None for exercise in (*digit_exercises.EXERCISES, *RECIPES))


@pytest.mark.usefixtures("small_datasets")
def test_a_recipe_learns():
    work = Work([])
    row = single_layer_recipes.exercise(
        "name", "Title", "", "", few_features, target=0.9, minutes=60
    )
    results = row.run(work)
    assert [each[-1] for each in results.tables[0].rows] == ["reached", "reached"]
    assert len(work.steps) == 4


@pytest.mark.long
@pytest.mark.usefixtures("small_datasets")
def test_two_kinds_of_features_are_averaged():
    """With one kind twice, and shifts by nothing, the result is that of one."""
    one, two = (
        single_layer_recipes.exercise("name", "Title", "", "", *kinds, svm=0.01, shifts=shifts)
        for kinds, shifts in (([few_features], ()), ([few_features] * 2, ((0, 0),)))
    )
    assert one.run(Work([])).ours == two.run(Work([])).ours


def test_images_are_shifted():
    shifted = single_layer_recipes.shifted
    X = np.arange(20).reshape(1, 4, 5, 1)
    np.testing.assert_array_equal(shifted(X, 1, 0)[0, :, 0, 0], [5, 0, 5, 10])
    np.testing.assert_array_equal(shifted(X, 0, -2)[0, 0, :, 0], [2, 3, 4, 3, 2])


@pytest.mark.long
@pytest.mark.usefixtures("small_datasets")
def test_few_labels_are_enough_for_easy_classes(monkeypatch):
    if HAS_TORCH:
        from benchmarks.coates import small_convnet

        monkeypatch.setattr(small_convnet, "STEPS", 0.3)
    results = few_label_accuracy.run(Work([]), few_features, draws={5: 2, 6: 1})
    assert min(accuracies(results.ours)) > 50
    table = results.tables[0]
    assert [row[0] for row in table.rows] == ["5", "6"]
    assert accuracies(table.rows[1][2]) == [100]  # pixels tell these classes apart
    check_pictures(results)


@pytest.mark.usefixtures("small_datasets")
def test_the_recipe_for_mnist_learns():
    def make_features():
        return mnist_recipe.features(n_atoms=4).set_params(n_patches=200)

    results = mnist_recipe.run(Work([]), make_features, draws={1: 1, 5: 2})
    assert min(accuracies(results.ours)) > 50
    assert [row[:2] for row in results.tables[1].rows] == [("1", "1"), ("5", "2")]
    assert len(results.tables[1].columns) == 5


@pytest.mark.usefixtures("small_datasets")
def test_two_layers_learn():
    results = two_layer_recipe.run(
        Work([]), lambda: two_layer_recipe.two_layers((5, 4), 300), {1: 1, 5: 2}, n_components=9
    )
    assert min(accuracies(results.ours)) > 50
    assert [row[0] for row in results.tables[1].rows] == ["1", "5"]


@pytest.mark.usefixtures("small_datasets")
def test_a_kernel_of_all_images_learns():
    results = kernel_recipes.run(Work([]), few_features, n_components=9)
    assert min(accuracies(results.ours)) > 50
    assert [row[0] for row in results.tables[0].rows] == ["test accuracy", "minutes"]


@pytest.mark.long
@pytest.mark.usefixtures("small_datasets")
def test_linear_classifiers_learn():
    results = linear_solvers.run(Work([]), few_features)
    assert {row[1] for row in results.tables[0].rows} == {
        "LinearClassifier", "RidgeClassifier", "LogisticRegression", "LinearSVC",
    }  # fmt: skip
    assert all(accuracies(row[-1])[0] > 50 for row in results.tables[0].rows)


@pytest.mark.usefixtures("small_datasets")
def test_scattering_needs_kymatio():
    (exercise,) = scattering.EXERCISES
    results = exercise.run(Work([]))
    assert (results is not None) == scattering.HAS_KYMATIO


def test_a_ridge_in_the_span_of_few_rows_is_the_same():
    rng = np.random.default_rng(0)
    X, X_test = rng.normal(size=(20, 50)), rng.normal(size=(30, 50))
    X[::2, 0] += 3
    X_test[::2, 0] += 3
    y, y_test = np.arange(20) % 2, np.arange(30) % 2
    classifier = labelled_draws._classifier
    possible = [
        classifier(alpha).fit(X, y).score(X_test, y_test) for alpha in labelled_draws.ALPHAS
    ]
    assert labelled_draws._ridge(X, y, X_test, y_test) in possible
    basis = np.linalg.qr((X - X.mean(axis=0)).T)[0]
    turned = classifier(0.1).fit(X @ basis, y).decision_function(X_test @ basis)
    assert np.allclose(turned, classifier(0.1).fit(X, y).decision_function(X_test))


def test_linear_classifiers_solve_the_same_problem():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 5)) + np.eye(3, 5)[y]
    ours = {}
    for loss, classifier in linear_solvers.contenders(
        dict.fromkeys(linear_solvers.ALPHAS, 0.1), len(X)
    ):
        scores = classifier.fit(X, y).decision_function(X)
        scores -= scores.mean(axis=1, keepdims=True)
        ours.setdefault(loss, scores)
        # LinearSVC alone penalizes the intercept, too.
        assert np.allclose(scores, ours[loss], atol=0.05 if loss == "squared_hinge" else 0.005)


def test_a_run_of_one_exercise_leaves_the_others_on_the_page(tmp_path):
    rows = [Exercise(name, f"Title {name}", "", "", None) for name in "AB"]
    markers = "\n".join(f"<!-- measured: {m} -->\n<!-- end of {m} -->" for m in ("table", "A", "B"))
    (tmp_path / "ufldl.md").write_text(markers, encoding="utf-8")
    page = Page("ufldl", tmp_path)
    for row, ours in zip((*rows, rows[0]), ("1%", "2%", "3%"), strict=True):
        picture = Picture(row.name, b"png", "what it shows", "caption")
        results = Results(ours, [], [picture], [f"remark {ours}"])
        page.add(rows, row, results, Work([]), "today; a machine")
    text = page.path.read_text(encoding="utf-8")
    assert "| [Title A](#title-a) |  |  | 3% | 0.0 |" in text
    assert "| [Title B](#title-b) |  |  | 2% | 0.0 |" in text
    assert "remark 2%" in text
    assert "remark 3%" in text
    assert "remark 1%" not in text
    assert "Run on a machine: A (today), B (today)." in text
    images = {path.name for path in (tmp_path / "images").iterdir()}
    assert images == {"ufldl_A.png", "ufldl_B.png"}


def test_titles_with_commas_have_anchors():
    table = overview([Exercise("name", "K-means, 1,600", "", "", None)], {})
    assert "| [K-means, 1,600](#k-means-1600) |  |  | not run yet |  |" in table


@pytest.mark.parametrize("name", PAGES)
def test_every_exercise_has_its_section(name):
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for exercise in PAGES[name]:
        assert f"\n## {exercise.title}\n" in page
        assert f"<!-- measured: {exercise.name} -->" in page
        assert f"<!-- end of {exercise.name} -->" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["cats"], "no exercise is called 'cats'"), (["--max-iter", "2"], "--out FOLDER")],
)
def test_the_exercises_explain_a_wrong_command(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
