"""The benchmarks run on small data, and refuse to time contenders that disagree."""

import importlib
import math
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import (
    bench_digit_autoencoder,
    bench_encoders,
    bench_objective,
    bench_patch_autoencoder,
    bench_perceptron,
    bench_sparse_networks,
    image_datasets,
    page_sections,
    peak_memory,
    recipe,
    sgemm,
    timing,
)
from benchmarks.__main__ import BENCHMARKS, GROUPS, PAGES
from benchmarks.bench_image_features import memory_of_transform
from benchmarks.fixed_iterations import fixed_iterations
from benchmarks.result_tables import Report, SpreadTargets, Times, ValueTargets, duration
from benchmarks.timing import Contender, Spread, check_same, take_turns
from small_datasets import folder, small_datasets  # noqa: F401 (fixtures)

from striate import LocalReceptiveFields, MLPClassifier

FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2)
LONG = {"options", "sparse-networks", "many-fits", *GROUPS["scale"]}
SIZES = {
    "objective": {"n_rows": 700, "rounds": 1},
    "features": {"n_images": 2, "n_units": 3, "max_iter": 1, "rounds": 1, "many": ()},
    "encoders": {"n_images": 2, "n_units": 5, "rounds": 1},
    "layers": {"n_images": 4, "n_atoms": (5, 6), "n_patches": 200, "rounds": 1},
    "whitening": {"n_images": 2, "n_units": 200, "rounds": 1},
    "training": {"n_patches": 200, "max_iter": 3, "rounds": 1},
    "autoencoder": {"n_rows": 40, "n_iter": 2, "rounds": 1, "max_iter": 3, "n_epochs": 2},
    "options": {"rounds": 1, "n_splits": 1, "n_seeds": 1},
    "sparse-networks": {
        "rounds": 1,
        "n_rows": 130,
        "fields": FIELDS,
        "shape": (100, 200),
        "densities": (0.01, 0.1),
    },
    "sparse-digits": {"rounds": 1, "seeds": 2},
    "segmentation": {
        "names": ("textures",),
        "n_draws": 1,
        "side": 70,
        "n_trees": 3,
        "scales": (1,),
    },
    "scale-training": {"gigabytes": (0.01, 0.3), "n_rows": 200, "rounds": 1},
    "scale-shuffle": {"n_rows": 200, "n_seeds": 1},
    "scale-linear": {"n_rows": 300, "n_columns": 20, "n_compared": 200},
    "scale-workers": {"n_rows": 200, "chunk": 40, "max_iter": 2},
    "scale-killed": {"kills": 1, "seconds": 20, "works": ("linear",)},
    "scale-cost": {"n_chunks": (2, 4), "workers": (1,), "bandwidth": None},
    "scale-images": {"n_images": 40},
    "many-fits": {"rounds": 1, "n_rows": 60, "n_epochs": 3, "n_candidates": 2},
}
# These take minutes at any size: one trains as long as scikit-learn, one starts many processes. The
# last four have tests of their own.
LARGE = {"perceptron", "first-use", "robustness", "tables", "table-turns", "outliers"}
WRONG = pytest.raises(RuntimeError, match="differ")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No pauses, no measurement of memory, which starts processes, and no large products.

    Nor is all that other tests have left collected before each contender.
    """
    monkeypatch.setattr(timing, "PAUSE", 0)
    monkeypatch.setattr(timing, "gc", SimpleNamespace(collect=lambda: 0))
    monkeypatch.setattr(peak_memory, "CAN_BE_MEASURED", False)
    monkeypatch.setattr(sgemm, "_SHAPES", {"8x6 by 6x4": (8, 6, 4, 2)})


@pytest.mark.parametrize(
    "name",  # LONG: many fits, kernels for no other short test, worker processes
    [pytest.param(n, marks=pytest.mark.long if n in LONG else ()) for n in SIZES],
)
@pytest.mark.usefixtures("small_datasets")
@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_a_benchmark_measures(name):
    report = importlib.import_module(f"benchmarks.{BENCHMARKS[name]}").measure(**SIZES[name])
    text = report.markdown()
    assert "nan" not in text
    for table in report.tables:
        assert table.rows
        for row in table.rows:
            assert f"| {row[0]} |" in text
            if isinstance(table, SpreadTargets):
                assert re.match(r"\d", row[1])  # each ratio was measured


def test_every_benchmark_is_tested_and_has_a_place_on_the_page():
    assert {*SIZES, *LARGE} == set(BENCHMARKS)
    for name in BENCHMARKS:
        page = PAGES.get(name, page_sections.PAGE).read_text(encoding="utf-8")
        assert f"<!-- measured: {name} -->" in page
        assert f"<!-- end of {name} -->" in page


def test_a_wrong_textbook_is_not_timed(monkeypatch):
    textbook = bench_patch_autoencoder.textbook_autoencoder
    right = textbook.cost_and_gradient

    def no_sparsity(theta, data, n_hidden, weight_decay, target, weight):
        return right(theta, data, n_hidden, weight_decay, target, 0.0)

    monkeypatch.setattr(textbook, "cost_and_gradient", no_sparsity)
    with WRONG:
        bench_patch_autoencoder.measure(**SIZES["training"])


@pytest.mark.usefixtures("small_datasets")
def test_a_wrong_autoencoder_is_not_timed(monkeypatch):
    """The estimator minimizes the same J as the objective whose evaluations are counted."""
    monkeypatch.setattr(bench_digit_autoencoder, "ours", lambda X, max_iter: 1.0)
    with WRONG:
        bench_digit_autoencoder.measure(**SIZES["autoencoder"])


@pytest.mark.parametrize("part", [0, 1])
def test_results_that_depend_on_threads_are_not_timed(part):
    one = (1.0, np.ones(3))
    two = [1.0, np.ones(3)]
    assert "identical" in bench_objective.check_identical(one, two)
    two[part] = two[part] + 1e-15
    with pytest.raises(RuntimeError, match="number of threads"):
        bench_objective.check_identical(one, two)


@pytest.mark.parametrize("alpha", [1e-4, 1e-2])
@fixed_iterations()
def test_a_wrong_perceptron_is_not_timed(monkeypatch, alpha):
    """With the default alpha = 1e-4 both minimize the same J."""
    rng = np.random.default_rng(0)
    report = Report("", [Times(), SpreadTargets()], [])
    ours = partial(MLPClassifier, alpha=alpha)
    monkeypatch.setitem(bench_perceptron.CLASSES, bench_perceptron.OURS, ours)
    data = rng.normal(size=(150, 6)), rng.integers(3, size=150)
    settings = {"hidden_layer_sizes": (5,), "max_iter": 3, "batch_size": 50}
    train = partial(bench_perceptron.time_fits, report, "", data, 1, (1, 1), **settings)
    if alpha == 1e-4:
        train()
        assert len(report.tables[1].rows) == 2
    else:
        with WRONG:
            train()


@pytest.mark.long  # compiled anew
@fixed_iterations()
def test_a_wrong_sparse_network_is_not_timed():
    report = Report("", [Times(), SpreadTargets()], [])
    X, y = bench_sparse_networks.rows(130, 64)
    check = partial(bench_sparse_networks.check_losses, report, "", FIELDS, X, y, "PyTorch")

    def train(weights, X, y, max_iter, factor=1.0):
        assert weights[0][0].shape == (64, 18)
        return factor * np.array(
            bench_sparse_networks.model(FIELDS, max_iter).fit(X, y).loss_curve_
        )

    check(train)
    assert len(report.remarks) == 1
    with WRONG:
        check(partial(train, factor=1.001))


def test_wrong_features_are_not_timed():
    ours, limit = np.eye(5), bench_encoders.LIMIT
    for name in ("K-means, triangle", "K-means, hard"):
        assert name in bench_encoders.check_features(name, ours, ours * (1 + limit / 10))
        with pytest.raises(RuntimeError, match=name):
            bench_encoders.check_features(name, ours, np.roll(ours, 1, axis=0))


@pytest.mark.parametrize("wrong", [1.1, math.nan])
def test_different_results_are_not_timed(wrong):
    assert "1e-06" in check_same("J", 1.000001, 1.0, 1e-5)
    with pytest.raises(RuntimeError, match="J: results differ"):
        check_same("J", wrong, 1.0, 1e-5)
    with pytest.raises(ValueError, match="shapes"):
        check_same("J", [1.0, 1.0], 1.0, 1e-5)


def test_contenders_take_turns():
    order = []
    contenders = [Contender(name, partial(order.append, name)) for name in "abc"]
    seconds = take_turns(contenders, 3)
    assert "".join(order) == "abcbcacab"
    assert all(len(seconds[name].values) == 3 for name in "abc")


def test_ratios_are_taken_in_each_round():
    ratio = Spread(np.array([2.0, 20.0, 200.0])) / Spread(np.array([1.0, 10.0, 100.0]))
    assert ratio.quartiles == (2, 2)
    assert (6 / ratio).median == 3


@pytest.mark.long
@pytest.mark.skipif(not peak_memory.STATUS.exists(), reason="only Linux reports the peak")
def test_peak_memory_is_that_of_the_work():
    # glibc may serve up to 32 MiB from memory that an earlier test left resident, but not more.
    megabytes, array = peak_memory.additional_megabytes(lambda: np.ones(8_000_000))
    # Linux counts pages thread by thread and sums the counts now and then, so some lag behind.
    assert 0.95 * array.nbytes / 1e6 < megabytes < 72


@pytest.mark.long  # it starts processes
@pytest.mark.skipif(not peak_memory.STATUS.exists(), reason="only Linux reports the peak")
def test_peak_memory_is_measured_in_new_processes():
    transform = peak_memory.in_new_processes(memory_of_transform, 4, 3, repeats=1)
    assert 0 < transform.median < 100


@pytest.mark.parametrize(
    ("table", "value", "cells"),
    [
        (SpreadTargets(), Spread(np.array([1.0, 2.0, 3.0])), ("2.0 MB", "1.5 MB – 2.5 MB")),
        (ValueTargets(), 2.0, ("2.0 MB",)),
    ],
)
def test_targets_are_reached_or_missed(table, value, cells):
    table.at_least("speed", value, 2)
    table.at_most("memory", value, 1.5, "{:.1f} MB")
    table.for_the_record("memory", value, "{:.1f} MB")
    assert [row[-1] for row in table.rows] == ["reached", "missed", ""]
    assert table.rows[1][1:-1] == (*cells, "at most 1.5 MB")


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (0.5, "500 ms"), (2e-3, "2.00 ms"), (5e-7, "0.50 µs")]
)
def test_durations_have_three_digits(seconds, text):
    assert duration(seconds) == text


def test_the_page_keeps_its_prose(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("one\n<!-- measured: J -->\nold\n<!-- end of J -->\ntwo\n", encoding="utf-8")
    page_sections.write("J", "new", page)
    lines = page.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line and "!--" not in line] == ["one", "new", "two"]
    with pytest.raises(ValueError, match="no place for K"):
        page_sections.write("K", "new", page)
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.long
@pytest.mark.usefixtures("small_datasets")
def test_every_part_of_the_recipe_is_left_out_once():
    table = recipe.measure(n_images=50, n_units=4, n_patches=100, max_iter=2).tables[0]
    assert len(table.rows) == len(recipe.changes(4, 2)) + 2
    assert table.rows[0][4] == "32"  # 4 atoms, 2 signs, 4 cells
    assert table.rows[1][4] == "3,072"
    assert float(table.rows[1][2]) == 100  # pixels tell these classes apart
    page = (page_sections.PAGE.parent / "image_features.md").read_text(encoding="utf-8")
    assert page.index("<!-- measured: recipe -->") < page.index("<!-- end of recipe -->")


def test_without_its_data_the_recipe_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(image_datasets, "FOLDER", tmp_path)
    monkeypatch.setattr(image_datasets, "_fetch", lambda *_: False)
    assert recipe.measure() is None
