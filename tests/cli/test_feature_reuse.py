"""Features that commands share, and tables of features: `--table`."""

import csv
import os

import numpy as np
import pytest
from command_line import QUICK, fail, run, succeed

from striate.files import kept_features as module
from striate.files.feature_table import FeatureTable
from striate.persistence import load

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRIATE_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def computed(monkeypatch):
    """Files whose features were computed."""
    files = []
    original = module.transformed

    def counted(features, paths, channels):
        files.extend(paths)
        return original(features, paths, channels)

    monkeypatch.setattr(module, "transformed", counted)
    return files


@pytest.fixture
def table(gratings, features, tmp_path):
    out = tmp_path / "X.npy"
    succeed("features", features, gratings, "--out", out)
    return out


@pytest.mark.long
def test_commands_share_features(gratings, features, tmp_path, computed):
    model = tmp_path / "m.skops"
    first = succeed("train", gratings, "-f", features, "-o", model)
    assert len(computed) == 16
    assert succeed("train", gratings, "-f", features, "-o", model) == first
    succeed("report", model, "-o", tmp_path / "r.html")
    succeed("predict", model, gratings)
    assert len(computed) == 16


def test_kept_features_give_the_same_model_and_predictions(
    gratings, features, tmp_path, monkeypatch
):
    printed = [
        succeed("train", gratings, "-f", features, "-o", tmp_path / name) for name in ("a", "b")
    ]
    monkeypatch.setenv("STRIATE_CACHE_DIR", "")
    printed.append(succeed("train", gratings, "-f", features, "-o", tmp_path / "c"))
    assert len({each.replace(str(tmp_path), "")[:-3] for each in printed}) == 1
    a, b, c = (load(tmp_path / name)[-1].coef_ for name in "abc")
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_cache_that_cannot_be_written_is_only_a_warning(gratings, features, tmp_path, cache):
    cache.write_text("a file")
    _, said = run("train", gratings, "-f", features, "-o", tmp_path / "m.skops")
    assert said.startswith("striate: warning: features are not kept for the next run (")
    assert said.count("\n") == 1


def test_a_table_is_used_by_every_command(gratings, features, table, tmp_path, computed):
    plain, tabled = tmp_path / "plain.skops", tmp_path / "tabled.skops"
    first = succeed("train", gratings, "-f", features, "-o", tabled, "--table", table)
    assert len(computed) == 3  # compared with the table
    second = succeed("train", gratings, "-f", features, "-o", plain)
    assert first.splitlines()[:-1] == second.splitlines()[:-1]
    np.testing.assert_array_equal(load(tabled)[-1].coef_, load(plain)[-1].coef_)
    computed.clear()
    predictions = succeed("predict", plain, gratings, "--table", table)
    assert predictions == succeed("predict", plain, gratings)
    succeed("report", plain, "-o", tmp_path / "r.html", "--table", table)
    assert computed == []


@pytest.mark.long
def test_what_a_table_lacks_is_computed(gratings, features, table, tmp_path, computed):
    X = np.load(table)
    X[3] = np.nan
    names = table.with_suffix(".csv").read_text().splitlines(keepends=True)
    np.save(table, X[:-1])
    table.with_suffix(".csv").write_text("".join(names[:-1]))
    newer = gratings / "across" / "1.png"
    stat = newer.stat()
    os.utime(newer, (stat.st_atime, table.stat().st_mtime + 10))
    try:
        words = ["train", gratings, "-f", features, "-o", tmp_path / "m.skops"]
        tabled = succeed(*words, "--table", table)
        at = [gratings / "across" / "1.png", gratings / "across" / "3.png"]
        assert {*at, gratings / "down" / "7.png"} <= set(computed)
        assert len(computed) == 6
        assert tabled == succeed(*words)
    finally:
        os.utime(newer, (stat.st_atime, stat.st_mtime))


def test_names_may_be_relative_to_the_folder_or_the_table(gratings, table, tmp_path, monkeypatch):
    files = sorted(gratings.rglob("*.png"))
    for base in (gratings, tmp_path):
        names = [[os.path.relpath(file, base)] for file in files]
        with open(table.with_suffix(".csv"), "w", newline="") as file:
            csv.writer(file).writerows([["file"], *names])
        monkeypatch.chdir("/")
        rows = FeatureTable(table, gratings).rows_of(files)
        assert rows.tolist() == list(range(16))


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, table: table.write_bytes(b"what"), "X.npy: is not an array of NumPy"),
        (lambda X, table: table.write_bytes(b""), "X.npy: is not an array of NumPy"),
        (lambda X, table: np.save(table, X[0]), "X.npy: is not a table of numbers"),
        (lambda X, table: np.save(table, X[1:]), "X.npy: has 15 rows, but "),
        (lambda X, table: np.save(table, X[::-1]), "X.npy: holds other features of "),
        (lambda X, table: np.save(table, X[:, 1:]), "X.npy: holds other features of "),
        (lambda X, table: table.with_suffix(".csv").unlink(), "X.csv: no such file; it names "),
        (
            lambda X, table: table.with_suffix(".csv").write_text("name\na\n"),
            "X.csv: the first line must name a column file",
        ),
        (lambda X, table: table.unlink(), "X.npy: no such file"),
    ],
)
def test_tables_that_do_not_fit(gratings, features, table, tmp_path, change, message):
    change(np.load(table), table)
    out = tmp_path / "m.skops"
    assert message in fail("train", gratings, "-f", features, "-o", out, "--table", table)
    assert not out.exists()


def test_a_pickle_in_a_table_is_not_run(gratings, features, table, tmp_path):
    np.save(table, np.array([{}] * 16), allow_pickle=True)
    said = fail("train", gratings, "-f", features, "-o", tmp_path / "m.skops", "--table", table)
    assert "is not an array of NumPy" in said


def test_a_table_instead_of_features(gratings, table, tmp_path):
    said = fail("train", gratings, "-f", table, "-o", tmp_path / "m.skops")
    assert "give the file from `striate learn` here, and the table with --table" in said


def test_other_features_than_those_of_the_table(gratings, table, tmp_path):
    succeed("learn", gratings, "-o", tmp_path / "f.skops", *QUICK, "--seed", 5)
    words = ["train", gratings, "-f", tmp_path / "f.skops", "-o", tmp_path / "m.skops"]
    assert "holds other features of " in fail(*words, "--table", table)
