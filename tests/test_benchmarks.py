"""The benchmarks run, on sizes that tell nothing of speed."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from striate import LocalReceptiveFields


@pytest.fixture
def module(monkeypatch):
    """module(name) of the folder benchmarks, which is not installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("objective", {"n_rows": 700, "rounds": 1}),
        ("image_features", {"n_images": 2, "n_units": 3, "max_iter": 1, "rounds": 1, "many": ()}),
        ("encoders", {"n_images": 2, "n_units": 5, "rounds": 1}),
        ("whitening", {"n_images": 2, "n_units": 200, "rounds": 1}),
        ("training", {"n_patches": 200, "max_iter": 3, "rounds": 1}),
        ("sparse_digits", {"rounds": 1, "seeds": 2}),
        (
            "sparse_networks",
            {
                "rounds": 1,
                "n_rows": 130,
                "fields": LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2),
                "shape": (100, 200),
                "densities": (0.01, 0.1),
            },
        ),
        ("autoencoder", {"n_rows": 40, "n_iter": 2, "rounds": 1, "max_iter": 3, "n_epochs": 2}),
    ],
)
def test_a_subject_reports(module, few_images, name, sizes):
    report = module(name).measure(**sizes)
    text = report.markdown()
    for table in report.tables:
        assert table.rows
        for row in table.rows:
            assert f"| {row[0]} |" in text


@pytest.fixture
def few_images(module, monkeypatch):
    """Random images in place of MNIST and CIFAR-10."""
    rng = np.random.default_rng(0)

    def drawn(n, *shape, dtype):
        y = np.arange(n) % 10
        images = rng.integers(256, size=(n, *shape))
        return (images.astype(np.uint8) if dtype == np.uint8 else (images / 256).astype(dtype)), y

    digits = (*drawn(60, 784, dtype=np.float32), *drawn(30, 784, dtype=np.float32))
    photographs = (*drawn(60, 32, 32, 3, dtype=np.uint8), *drawn(30, 32, 32, 3, dtype=np.uint8))
    monkeypatch.setattr(module("ufldl.digits"), "mnist", lambda: digits)
    monkeypatch.setattr(module("ufldl.digits"), "N_HELD_OUT", 20)
    monkeypatch.setattr(module("autoencoder"), "mnist", lambda: digits[:2])
    sparse_digits = module("sparse_digits")
    monkeypatch.setattr(sparse_digits, "mnist", lambda: digits)
    monkeypatch.setitem(sparse_digits.NETWORKS["784-500-10, L1"], "batch_size", 20)
    monkeypatch.setattr(module("ufldl.colours"), "cifar10", lambda: photographs)
    monkeypatch.setattr(module("ufldl.colours"), "N_PATCHES", 500)
    monkeypatch.setattr(module("memory"), "CAN_BE_MEASURED", False)


def test_every_part_of_the_recipe_is_left_out_once(module, monkeypatch):
    rng, recipe = np.random.default_rng(0), module("recipe")
    images = rng.integers(256, size=(60, 32, 32, 3)).astype(np.uint8)
    monkeypatch.setattr(recipe, "cifar10", lambda: (images, np.arange(60) % 3, None, None))
    sizes = {"n_images": 30, "n_units": 4, "n_patches": 100, "max_iter": 2}
    table = recipe.measure(**sizes).tables[0]
    assert len(table.rows) == len(recipe.changes(4, 2)) + 2
    assert table.rows[0][4] == "32"  # 4 atoms, 2 signs, 4 cells
    assert table.rows[1][4] == "3,072"
    page = (module("page").PAGE.parent / "image_features.md").read_text(encoding="utf-8")
    assert page.index("<!-- measured: recipe -->") < page.index("<!-- end of recipe -->")
    monkeypatch.setattr(recipe, "cifar10", lambda: None)
    assert recipe.measure() is None


def test_contenders_take_turns(module):
    timing, order = module("timing"), []
    contenders = [timing.Contender(name, lambda name=name: order.append(name)) for name in "abc"]
    seconds = timing.take_turns(contenders, 3)
    assert "".join(order) == "abcbcacab"
    assert all(len(seconds[name].values) == 3 for name in "abc")


def test_ratios_are_taken_turn_by_turn(module):
    spread = module("timing").Spread
    ratio = spread(np.array([2.0, 20.0, 200.0])) / spread(np.array([1.0, 10.0, 100.0]))
    assert ratio.quartiles == (2, 2)
    assert (6 / ratio).median == 3


def test_other_results_are_not_timed(module):
    check = module("timing").check_same
    assert "1e-06" in check("J", 1.000001, 1.0, 1e-5)
    with pytest.raises(RuntimeError, match="J: results differ"):
        check("J", 1.1, 1.0, 1e-5)
    with pytest.raises(RuntimeError, match="nan"):
        check("J", np.nan, 1.0, 1e-5)


def test_aims_say_what_was_missed(module):
    aims, spread = module("report").Aims(), module("timing").Spread(np.array([1.0, 2.0, 3.0]))
    aims.at_least("speed", spread, 2)
    aims.at_most("memory", spread, 1.5, "{:.1f} MB")
    assert [row[-1] for row in aims.rows] == ["reached", "missed"]
    assert aims.rows[1][1:4] == ("2.0 MB", "1.5 MB – 2.5 MB", "at most 1.5 MB")


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (0.5, "500 ms"), (2e-3, "2.00 ms"), (5e-7, "0.50 µs")]
)
def test_durations_have_three_figures(module, seconds, text):
    assert module("report").duration(seconds) == text


def test_the_page_keeps_its_prose(module, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("one\n<!-- measured: J -->\nold\n<!-- end of J -->\ntwo\n", encoding="utf-8")
    module("page").write("J", "new", page)
    lines = page.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line and "!--" not in line] == ["one", "new", "two"]
    with pytest.raises(ValueError, match="no place for K"):
        module("page").write("K", "new", page)
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_every_subject_has_a_place_on_the_page(module):
    page = module("page").PAGE.read_text(encoding="utf-8")
    for name in module("__main__").SUBJECTS:
        assert f"<!-- measured: {name} -->" in page
        assert f"<!-- end of {name} -->" in page


@pytest.mark.parametrize(
    "name",
    [
        "sparse",
        "whitening",
        "pen-strokes",
        "softmax",
        "self-taught",
        "linear-decoder",
        "convolution",
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_exercise_finds_something(module, few_images, name):
    exercises = {each.name: each for each in module("ufldl.__main__").EXERCISES}
    photograph = np.random.default_rng(0).random((40, 40, 1), dtype=np.float32)
    work = module("exercise").Work([photograph], limit=2)
    found = exercises[name].run(work)
    assert found.ours
    assert all(table.rows for table in found.tables)
    assert work.seconds > 0
    assert all(picture.png.startswith(b"\x89PNG") for picture in found.pictures)


def test_an_exercise_without_its_data_is_left_out(module, monkeypatch):
    digits = module("ufldl.digits")
    monkeypatch.setattr(digits, "mnist", lambda: None)
    assert all(exercise.run(None) is None for exercise in digits.EXERCISES)


def test_a_run_of_one_exercise_leaves_the_others_on_the_page(module, tmp_path):
    exercise, pages = module("exercise"), module("exercise_page")
    rows = [exercise.Exercise(name, f"Title {name}", "", "", None) for name in "AB"]
    markers = "\n".join(f"<!-- measured: {m} -->\n<!-- end of {m} -->" for m in ("table", "A", "B"))
    (tmp_path / "ufldl.md").write_text(markers, encoding="utf-8")
    page = pages.Page("ufldl", tmp_path)
    for row, ours in zip((*rows, rows[0]), ("1%", "2%", "3%"), strict=True):
        picture = exercise.Picture(row.name, b"png", "what it shows", "what is said of it")
        found = exercise.Found(ours, [], [picture], [f"remark {ours}"])
        page.add(rows, row, found, exercise.Work([]), "today; a machine")
    text = page.path.read_text(encoding="utf-8")
    assert "| [Title A](#title-a) |  |  | 3% | 0.0 |" in text
    assert "| [Title B](#title-b) |  |  | 2% | 0.0 |" in text
    assert "remark 2%" in text
    assert "remark 3%" in text
    assert "remark 1%" not in text
    assert "Run on a machine: A (today), B (today)." in text
    assert {path.name for path in (tmp_path / "images").iterdir()} == {
        "ufldl_A.png",
        "ufldl_B.png",
    }


def test_titles_with_commas_have_anchors(module):
    row = module("exercise").Exercise("name", "K-means, 1,600", "", "", None)
    table = module("exercise_page").overview([row], {})
    assert "| [K-means, 1,600](#k-means-1600) |  |  | not run yet |  |" in table


@pytest.mark.parametrize("name", ["ufldl", "coates"])
def test_every_exercise_has_its_section(module, name):
    page = (module("exercise_page").DOCS / f"{name}.md").read_text(encoding="utf-8")
    for exercise in module(f"{name}.__main__").EXERCISES:
        assert f"\n## {exercise.title}\n" in page
        assert f"<!-- measured: {exercise.name} -->" in page
        assert f"<!-- end of {exercise.name} -->" in page


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_recipe_finds_something(module, few_images, monkeypatch):
    recipes = module("coates.recipes")
    photographs = module("ufldl.colours").cifar10()
    monkeypatch.setattr(recipes, "cifar10", lambda: photographs)
    monkeypatch.setattr(recipes, "ALPHAS", (0.1,))
    monkeypatch.setitem(recipes.PATCHES, "n_patches", 200)
    features = recipes.dictionary(5, "omp1", recipes.BEST, **recipes.SOFT)
    work = module("exercise").Work([])
    found = recipes.exercise("name", "Title", "", "", features, aim=0.0, minutes=60).run(work)
    assert found.ours.endswith("%")
    assert len(work.steps) == 4


def test_two_kinds_of_features_say_the_mean(module, few_images, monkeypatch):
    """With one kind in twice, and shifted by nothing, all is as with one."""
    recipes = module("coates.recipes")
    photographs = module("ufldl.colours").cifar10()
    monkeypatch.setattr(recipes, "cifar10", lambda: photographs)
    monkeypatch.setitem(recipes.PATCHES, "n_patches", 200)
    features = recipes.dictionary(5, "omp1", recipes.BEST, **recipes.SOFT)
    one, two = (
        recipes.exercise("name", "Title", "", "", *kinds, svm=0.01, shifts=shifts)
        for kinds, shifts in (([features], ()), ([features] * 2, ((0, 0),)))
    )
    assert one.run(module("exercise").Work([])).ours == two.run(module("exercise").Work([])).ours


def test_images_are_shifted(module):
    shifted = module("coates.recipes").shifted
    X = np.arange(20).reshape(1, 4, 5, 1)
    np.testing.assert_array_equal(shifted(X, 1, 0)[0, :, 0, 0], [5, 0, 5, 10])
    np.testing.assert_array_equal(shifted(X, 0, -2)[0, 0, :, 0], [2, 3, 4, 3, 2])


@pytest.fixture
def few_of_coates(module, few_images, monkeypatch):
    """The exercises beside the recipes, with the random images and as little work as can be."""
    photographs, digits = module("ufldl.colours").cifar10(), module("ufldl.digits").mnist()
    recipes, linear = module("coates.recipes"), module("coates.linear")
    monkeypatch.setattr(recipes, "ALPHAS", (0.1,))
    monkeypatch.setitem(recipes.PATCHES, "n_patches", 200)
    monkeypatch.setattr(module("coates.digits"), "ALPHAS", (0.1,))
    monkeypatch.setattr(linear, "ALPHAS", dict.fromkeys(linear.ALPHAS, (0.1,)))
    for name in ("few_labels", "linear"):
        monkeypatch.setattr(module(f"coates.{name}"), "cifar10", lambda: photographs)
    X, y, X_test, y_test = photographs  # of the scattering, which makes thousands of features
    small = X[:, :8, :8], y, X_test[:, :8, :8], y_test
    monkeypatch.setattr(recipes, "cifar10", lambda: small)
    monkeypatch.setattr(module("coates.digits"), "mnist", lambda: digits)
    few = recipes.dictionary(5, "omp1", **recipes.SOFT)
    monkeypatch.setattr(module("coates.few_labels"), "features_of", lambda name: few())
    if module("environment").HAS_TORCH:
        monkeypatch.setattr(module("coates.network"), "STEPS", 0.3)
    for name in ("few_labels", "digits"):
        monkeypatch.setattr(module(f"coates.{name}"), "DRAWS", {5: 2, 6: 1})
    monkeypatch.setattr(linear, "FEW", 50)
    for name in ("linear", "digits"):
        monkeypatch.setattr(module(f"coates.{name}"), "N_ATOMS", 4)


@pytest.mark.parametrize("name", ["few-labels", "mnist", "linear", "scattering"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_stands_beside_the_recipes_finds_something(module, few_of_coates, name):
    exercises = {each.name: each for each in module("coates.__main__").EXERCISES}
    if name == "scattering" and not module("coates.scattering").HAS_KYMATIO:
        assert exercises[name].run(None) is None
        return
    found = exercises[name].run(module("exercise").Work([]))
    assert "%" in found.ours
    assert all(table.rows for table in found.tables)
    assert all(picture.png.startswith(b"\x89PNG") for picture in found.pictures)


def test_a_ridge_in_the_span_of_few_rows_is_the_same(module):
    labels, rng = module("coates.labels"), np.random.default_rng(0)
    X, X_test = rng.normal(size=(20, 50)), rng.normal(size=(30, 50))
    X[::2, 0] += 3
    X_test[::2, 0] += 3
    y, y_test = np.arange(20) % 2, np.arange(30) % 2
    classifier = labels._classifier
    right = {alpha: classifier(alpha).fit(X, y).score(X_test, y_test) for alpha in labels.ALPHAS}
    assert labels._ridge(X, y, X_test, y_test) in right.values()
    basis = np.linalg.qr((X - X.mean(axis=0)).T)[0]
    turned = classifier(0.1).fit(X @ basis, y).decision_function(X_test @ basis)
    assert np.allclose(turned, classifier(0.1).fit(X, y).decision_function(X_test))


def test_linear_classifiers_solve_the_same_problem(module):
    rng, linear = np.random.default_rng(0), module("coates.linear")
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 5)) + np.eye(3, 5)[y]
    ours = {}
    for loss, classifier in linear.contenders(dict.fromkeys(linear.ALPHAS, 0.1), len(X)):
        scores = classifier.fit(X, y).decision_function(X)
        scores -= scores.mean(axis=1, keepdims=True)
        ours.setdefault(loss, scores)
        # LinearSVC alone penalizes the intercept, too.
        assert np.allclose(scores, ours[loss], atol=0.05 if loss == "squared_hinge" else 0.005)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["cats"], "no exercise is called 'cats'"), (["--max-iter", "2"], "--out FOLDER")],
)
def test_the_exercises_explain_a_wrong_command(module, capsys, arguments, message):
    with pytest.raises(SystemExit):
        module("ufldl.__main__").main(arguments)
    assert message in capsys.readouterr().err
