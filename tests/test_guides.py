"""The code of each guide runs as printed, with few images and settings too small to learn much."""

import re
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from striate.core import row_blocks

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DOCS = Path(__file__).parents[1] / "docs"
# Replacements that make the code quick.
SMALL = {
    "coming_from_scikit_learn.md": {},
    "diagnosing.md": {},
    "long_runs.md": {"max_iter=50": "max_iter=5"},
    "outliers.md": {"max_iter=200": "max_iter=5"},
    "few_labels.md": {
        "PatchFeatures(patch_size=8,": (
            "PatchFeatures(SparseAutoencoder(3, max_iter=3), n_patches=100, patch_size=8,"
        ),
        "SparseAutoencoder(\n    50,": "SparseAutoencoder(3, max_iter=3,",
        "    n_jobs=2,\n": "    cv=2,\n",
        '{"C": [0.001, 0.01, 0.1, 1]})': '{"C": [0.01, 1]}, cv=2)',
        "[(2, 2), (4, 4)]": "[(1, 1), (2, 2)]",
    },
    "exporting.md": {
        "PatchFeatures(random_state=0)": (
            "PatchFeatures(SparseAutoencoder(3, max_iter=3), n_patches=100, random_state=0)"
        ),
        "max_iter=100": "max_iter=5",
        "max_iter=50": "max_iter=5",
    },
    "scale.md": {
        "2_000_000": "600",
        "20_000": "200",
        "(2000, 784)": "(100, 784)",
        "max_iter=10": "max_iter=2",
        'solver="lbfgs"': 'solver="lbfgs", max_iter=2',
        "LinearClassifier(random_state=0)": "LinearClassifier(alphas=0.1)",
        "SparseAutoencoder(100,": "SparseAutoencoder(3, max_iter=6,",
        "n_workers=8,": "n_workers=1, processes=False, dashboard_address=':0',",
        'Client("tcp://10.0.0.1:8786")': (
            "Client(LocalCluster(1, processes=False, dashboard_address=':0'))"
        ),
        'if __name__ == "__main__":': "if True:",
    },
    "own_images.md": {
        "PatchFeatures(patch_size=8,": (
            "PatchFeatures(SparseAutoencoder(3, max_iter=3), n_patches=100, patch_size=8,"
        ),
        'PatchFeatures(symmetries="all",': (
            'PatchFeatures(SparseAutoencoder(3, max_iter=3), n_patches=100, symmetries="all",'
        ),
        'ImageCollection("tiles", bands=(7, 3, 2), value_': (
            'ImageCollection("unlabelled", bands=(0,), value_'
        ),
        'transform("new")': 'transform("archive")',
        'Path("photographs").glob("*.jpg")': 'Path("unlabelled").glob("*.png")',
        "window = 64": "window = 12",
    },
    "pixels.md": {
        "PixelClassifier(random_state=0)": (
            "PixelClassifier(windows=(1, 8), scales=(1,), random_state=0)"
        ),
        "PatchFeatures(encoder,": "PatchFeatures(encoder, n_patches=500,",
        'json.loads((files("spyndex") / "data" / "S2_10m.json").read_text())': (
            "np.random.default_rng(0).integers(0, 4000, (4, 300, 300)).tolist()"
        ),
        "RandomForestClassifier(50,": "RandomForestClassifier(2,",
    },
    "tables.md": {
        "https://vincentarelbundock.github.io/Rdatasets/csv/modeldata/ames.csv": "houses.csv",
        "TabularRegressor(random_state=0)": "TabularRegressor(2, max_iter=3, random_state=0)",
    },
    "sparse_networks.md": {
        "max_iter=500": "max_iter=5",
        "max_iter=1000": "max_iter=5",
        "tol=1e-4)": "max_iter=5)",
        "max_iter=100,": "max_iter=5,",
        "test_size=0.4": "test_size=0.8",
        "cv=10": "cv=2",
    },
}


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Create the folders that the guides start from."""
    rng = np.random.default_rng(0)
    for folder in ("labelled/cracked", "labelled/sound", "unlabelled", "archive"):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 256, (20, 24), dtype=np.uint8)
            pixels[::2] //= 3 if folder.endswith("cracked") else 1
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    monkeypatch.chdir(tmp_path)


def names_after(guide):
    """Run all Python code of a guide, and return its global names."""
    page = (DOCS / guide).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    code = "from striate import SparseAutoencoder\n" + "\n".join(blocks)
    for printed, small in SMALL[guide].items():
        assert printed in code
        code = code.replace(printed, small)
    mpl.use("agg")
    names = {}
    exec(compile(code, guide, "exec"), names)
    plt.close("all")
    return names


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_few_labels(photographs, capsys):
    names = names_after("few_labels.md")
    assert names["model"].classes_.tolist() == ["cracked", "sound"]
    assert names["y"].tolist() == [0, -1, 1, -1]
    assert "features__patchfeatures__patch_size" in capsys.readouterr().out
    rng = np.random.default_rng(0)
    table = names["table_model"].fit(rng.random((30, 8)), np.arange(30) % 3 - 1)
    assert table.n_labeled_ == 20


def test_own_images(photographs, capsys):
    names = names_after("own_images.md")
    assert names["model"].classes_.tolist() == ["cracked", "sound"]
    assert list(names["display"].sensitivities) == ["pixels", "not pooled", "pooled"]
    assert "24 windows of 12 x 12 pixels" in capsys.readouterr().out


def test_outliers():
    names = names_after("outliers.md")
    assert set(names["detector"].predict(names["X"])) == {-1, 1}


@pytest.mark.long
def test_pixels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = names_after("pixels.md")
    assert names["model"].classes_.tolist() == [1, 2, 3]
    assert names["probabilities"].shape == (256, 256, 3)
    corner = names["found"][3][:60, :40]  # epithelium, without strokes in this image
    assert (corner == np.median(corner)).mean() > 0.5
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [
        "cover.ome.tif",
        "labels.npy",
        "large.npy",
        "model.skops",
    ]


def test_sparse_networks():
    names = names_after("sparse_networks.md")
    assert names["fields"].output_shape == (3, 3, 8)
    assert names["local"].coefs_[0].nnz == 1152
    assert [W.shape for W in names["deep"].coefs_] == [(64, 144), (144, 64), (64, 10)]
    assert names["model"][-1].coefs_[0].nnz == 30
    assert names["day"].connectivity.output_shape == (12, 4)


def test_tables(tmp_path, monkeypatch, capsys):
    rng, n = np.random.default_rng(0), 120
    area, year = rng.uniform(50, 300, n), rng.integers(1900, 2020, n)
    columns = {"Gr_Liv_Area": area, "Year_Built": year, "Lot_Area": rng.uniform(200, 900, n)}
    houses = pd.DataFrame({**columns, "Garage": rng.choice(["Attached", "Detached", None], n)})
    houses["Sale_Price"] = 1000 * area + 500 * (year - 1900)
    houses.to_csv(tmp_path / "houses.csv")
    monkeypatch.chdir(tmp_path)
    names = names_after("tables.md")
    assert names["model"].n_features_in_ == 4
    assert names["inside"] > 0.7
    assert "in intervals of" in capsys.readouterr().out
    assert names["slopes"].shape == (24, 4)


def test_coming_from_scikit_learn(capsys):
    names_after("coming_from_scikit_learn.md")
    lines = capsys.readouterr().out.split()
    rounding, coverage, spread = map(float, lines)
    assert rounding < 1e-9
    assert 0.85 < coverage < 0.95
    assert spread == 0


def test_long_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = names_after("long_runs.md")
    assert Path("run.skops").is_file()
    # Three folds for each of two parameters, and the fit on all rows.
    assert len([*Path("search").iterdir()]) == 7
    assert names["network"].n_restarts == 4


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scale(tmp_path, monkeypatch, capsys):
    for module in ("dask.array", "distributed", "zarr"):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(row_blocks, "LOADED_BYTES", 0)
    names = names_after("scale.md")
    assert names["model"].coefs_[0].shape == (784, 100)
    assert names["network"].n_iter_ == 2
    assert names["linear"].alpha_ == 0.1
    assert names["autoencoder"].n_iter_ == 6
    assert Path("autoencoder.skops").is_file()
    assert 0.3 < float(capsys.readouterr().out) < 1


def test_diagnosing(capsys):
    names_after("diagnosing.md")
    page = (DOCS / "diagnosing.md").read_text(encoding="utf-8")
    first, second, _ = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    printed = capsys.readouterr().out
    assert first in printed
    assert second in printed
    assert "\nDiagnosis: columns of very different scale: " in printed


@pytest.mark.long
def test_exporting(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = names_after("exporting.md")
    sys.modules.pop("digits")
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [
        "digits.c",
        "digits.onnx",
        "digits.py",
        "pictures.onnx",
    ]
    assert names["scores"].shape == (len(names["images"]), 2)
    assert (names["label"] == names["model"].predict(names["images"])).all()
    assert (names["again"].predict(names["X"]) == names["ours"].predict(names["X"])).all()
