"""The benchmark of outliers: its report on two small tables, and the choice of settings."""

import json

import numpy as np
import pytest
from benchmarks import bench_outliers, outlier_peers, outlier_settings
from benchmarks.outlier_peers import STRIATE
from benchmarks.outlier_tables import outlier_tables

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Two tables whose outliers lie far away, and a file that is no table."""
    monkeypatch.setitem(outlier_peers.SETTINGS, "max_iter", 5)
    folder = tmp_path / "adbench"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, name, n in ((2, "large", 90), (10, "small", 60)):
        y = (np.arange(n) < n // 10).astype(int)
        X = rng.normal(size=(n, 3)) + 20 * y[:, np.newaxis]
        np.savez(folder / f"{number}_{name}.npz", X=X, y=y)
    (folder / "3_broken.npz").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    return folder


def test_the_report_compares_detectors_on_all_tables(tables, capsys):
    path = tables / "results.json"
    settings = {"n_splits": 1, "folder": tables, "path": path}
    names = (STRIATE, "IsolationForest", "k nearest neighbours")
    text = bench_outliers.measure(detectors=names, **settings).markdown()
    assert "nan" not in text
    assert all(name in text for name in ("large", "small", *names))
    assert "3_broken.npz is skipped" in capsys.readouterr().out
    first = path.read_text(encoding="utf-8")
    found = json.loads(first)
    assert min(found[name][each]["0"]["AUROC"] for name in found for each in names) > 0.8
    bench_outliers.measure(detectors=names[:1], **settings)  # measures nothing again
    assert path.read_text(encoding="utf-8") == first


def test_no_tables_are_no_error(tmp_path, capsys):
    assert bench_outliers.measure(folder=tmp_path / "none").tables == []
    assert "docs/outliers.md says where they are from" in capsys.readouterr().out


def test_settings_are_chosen_without_labels(tables):
    for table in outlier_tables(tables):
        artificial = outlier_settings.artificial_outliers(table.X)
        assert len(artificial) == 3
        for each in artificial.values():
            assert each.shape == table.X.shape
        permuted = artificial["columns of other rows"]
        np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(table.X, axis=0))
        assert len(outlier_settings.quality(table.X)) == 3


def test_a_split_keeps_the_share_of_outliers(tables):
    table = max(outlier_tables(tables), key=lambda table: len(table.y))
    X, X_test, y_test = table.split(0)
    assert len(X) + len(X_test) == 90
    assert y_test.mean() == pytest.approx(0.1, abs=0.02)
    assert sum(map(len, table.split(0, 50)[:2])) == 50
