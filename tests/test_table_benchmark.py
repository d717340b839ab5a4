"""The benchmark of tables: its measures, and its report on two small tables."""

import json

import numpy as np
import pytest
from benchmarks import bench_tables, table_scores
from benchmarks.table_files import read_table
from benchmarks.table_peers import BOOSTING, MLP, ONE, PEERS, fitted


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
    assert set(json.loads(first)["prices"][MLP]["0"]) == {"RMSE", "seconds"}


def test_no_tables_are_no_error(tmp_path, capsys):
    assert bench_tables.measure(folder=tmp_path).tables == []
    assert "docs/tables.md says where they are from" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("peer", PEERS)
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
