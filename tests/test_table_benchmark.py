"""The benchmark of tables: its measures, and its report on two small tables."""

import json

import numpy as np
import pytest
from benchmarks import bench_table_turns, bench_tables, table_peers, table_scores, table_turns
from benchmarks.table_files import read_table
from benchmarks.table_peers import BOOSTING, CATBOOST, MLP, ONE, PEERS, SLOW_PEERS, STRIATE, fitted
from benchmarks.table_picture import errors_beside


@pytest.fixture
def tables(tmp_path):
    """A folder with a table of classes and one of numbers."""
    rng, n = np.random.default_rng(0), 120
    X = np.column_stack([rng.normal(size=(n, 2)), rng.integers(4, size=n)]).astype(np.float32)
    X[::9, 0] = np.nan
    z = np.nan_to_num(X[:, 0]) + (X[:, 2] == 1)
    for name, y, task in (
        ("colors", np.digitize(z, [0, 1]).astype(np.int16), "classification"),
        ("prices", z * 100, "regression"),
    ):
        np.savez(tmp_path / f"{name}.npz", X=X, y=y, categorical=[2], task=task)
    return tmp_path


def test_the_report_compares_all_models_on_all_tables(tables, capsys):
    path = tables / "results.json"
    settings = {"n_splits": 1, "folder": tables, "path": path, "n_train": 60}
    report = bench_tables.measure(peers=(ONE, MLP, BOOSTING), **settings)
    text = report.markdown()
    assert "nan" not in text
    assert all(name in text for name in ("colors", "prices", ONE, BOOSTING))
    first = path.read_text(encoding="utf-8")
    bench_tables.measure(peers=(ONE,), **settings)  # measures nothing again
    assert path.read_text(encoding="utf-8") == first
    assert set(json.loads(first)["prices"][MLP]["0"]) == {"RMSE", "seconds", "CPU seconds"}


def test_models_take_turns_once(tables, monkeypatch):
    monkeypatch.setattr(table_turns, "TEN", ("colors", "prices"))
    monkeypatch.setattr(table_turns, "FEW_SPLITS", {MLP: 1})
    path = tables / "turns.json"
    results = table_turns.take_turns(tables, path, 60, peers=(ONE, MLP))
    assert set(results["colors"][ONE]) == {"0", "1"}
    assert set(results["prices"][MLP]) == {"0"}
    assert results["prices"][MLP]["0"].keys() == {"RMSE", "seconds", "CPU seconds"}
    monkeypatch.setattr(table_turns, "timed", None)
    assert table_turns.take_turns(tables, path, 60, peers=(ONE, MLP)) == results


def as_measured(errors, seconds):
    """Measures of two tables, whose second split some models lack."""
    return {
        str(seed): {"RMSE": error, "seconds": seconds, "CPU seconds": 2 * seconds}
        for seed, error in enumerate(errors)
    }


def test_models_are_compared_on_the_splits_and_turns_that_both_have(monkeypatch):
    of_table = {
        STRIATE: as_measured([0.2, 5.0], 1.0),
        ONE: as_measured([0.3, 5.0], 0.5),
        MLP: as_measured([0.4], 8.0),
    }
    results = {"a": of_table, "b": {**of_table, CATBOOST: as_measured([0.3], 3.0)}}
    monkeypatch.setattr(bench_table_turns, "take_turns", lambda *_: results)
    report = bench_table_turns.measure()
    beside, ranks, seconds = (table.markdown() for table in report.tables)
    assert f"{0.21 / 0.41:.3f} (2–0)" in beside
    assert [row[-1] for row in report.tables[1].rows] == ["1.00", "2.00", "3.00"], ranks
    assert report.tables[2].rows[2] == (MLP, "2", "8.00 s", "8.00", "16.0 s", "8.00"), seconds
    assert report.tables[2].rows[3] == (CATBOOST, "1", "3.00 s", "3.00", "6.00 s", "3.00"), seconds


def test_the_picture_shows_each_table():
    of_table = {STRIATE: as_measured([0.2], 1), MLP: as_measured([0.4], 1)}
    assert errors_beside({"a": of_table}, STRIATE, (MLP,)).startswith(b"\x89PNG")


def test_packages_that_would_bring_models_are_named(monkeypatch, capsys):
    monkeypatch.setattr(table_peers, "has", lambda package: package != "pytabkit")
    table_peers.say_what_is_missing()
    assert "TabM: pip install pytabkit[models] adds them" in capsys.readouterr().out


def test_no_tables_are_no_error(tmp_path, capsys):
    assert bench_tables.measure(folder=tmp_path).tables == []
    assert "docs/tables.md says where they are from" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("peer", [*PEERS, *SLOW_PEERS])
def test_every_model_learns_from_both_kinds(tables, peer):
    for name in ("colors", "prices"):
        table = read_table(name, tables)
        X, y, X_test, y_test = table.split(0, 80)
        found = table_scores.scores(fitted(peer, table, X, y, 0), table, X_test, y_test, y)
        assert max(found.get("error", 0), found.get("RMSE", 0) / 2) < 0.6


def test_ratios_wins_and_losses():
    ours = [[0.1, 0.1], [0.3, 0.5], [0.2, 0.2]]
    theirs = [[0.2, 0.2], [0.4, 0.41], [0.1, 0.1]]
    expected = np.cbrt((0.11 / 0.21) * (0.41 / 0.415) * (0.21 / 0.11))
    assert table_scores.ratio(ours, theirs) == pytest.approx(expected)
    assert table_scores.wins_and_losses(ours, theirs) == (1, 1)
