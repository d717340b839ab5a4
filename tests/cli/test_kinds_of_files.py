"""Commands on files of many bands, pages and values: chosen in `learn`, kept in the model."""

import csv
import io

import numpy as np
import pytest
import tifffile
from command_line import fail, run

from striate import PatchFeatures
from striate.cli.reading_options import reading_choices
from striate.persistence import load

QUICK = ["--encoder", "patches", "--n-features", "5", "--n-patches", "200", "--patch-size", "4"]


def write(path, bands, **settings):
    path.parent.mkdir(exist_ok=True, parents=True)
    more = ("unspecified",) * (bands.shape[2] - 1)
    settings = {"photometric": "minisblack", "planarconfig": "contig", **settings}
    tifffile.imwrite(path, bands, extrasamples=more, **settings)


@pytest.fixture(scope="module")
def satellite(tmp_path_factory):
    """Two classes of images of five bands in floats, with a corner without data."""
    folder, rng = tmp_path_factory.mktemp("satellite"), np.random.default_rng(0)
    for axis, name in enumerate(("across", "down")):
        for i in range(6):
            waves = np.sin(np.arange(20) * 1.5 + rng.uniform(0, 6))
            image = np.expand_dims(waves, (1 - axis, 2)) + rng.normal(0, 0.1, (20, 20, 5))
            image = (1500 + 1000 * image).astype(np.float32)
            image[:3, :4] = -9999
            tag = [(42113, "s", 0, "-9999", True)]
            write(folder / name / f"{i}.tif", image, extratags=tag)
    return folder


@pytest.mark.long
def test_bands_go_through_every_command(satellite, tmp_path):
    learned, model = tmp_path / "f.skops", tmp_path / "m.skops"
    printed, _ = run("learn", satellite, "-o", learned, *QUICK, "--bands", "4,0", "--skip-errors")
    assert "5 features of 4×4 pixels, 2 channels, from 12 images" in printed
    assert "Floats and large integers: " in printed
    features = load(learned)
    assert features.reading_["bands"] == (4, 0)
    run("train", satellite, "--features", learned, "--out", model)
    printed, _ = run("predict", model, satellite)
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert sum(row["label"] in row["file"] for row in rows) == 12
    run("features", model, satellite, "--out", tmp_path / "X.npy")
    X = np.load(tmp_path / "X.npy")
    assert np.isfinite(X).all()
    expected = features.transform(sorted(satellite.glob("*/*.tif")))
    np.testing.assert_array_equal(X, expected)
    run("report", model, "--out", tmp_path / "r.html")
    run("show", model, "--out", tmp_path / "s.png")


def test_a_page_is_chosen_once(tmp_path):
    rng = np.random.default_rng(0)
    stacks = rng.integers(0, 4096, (4, 3, 16, 16), dtype=np.uint16)
    for i, stack in enumerate(stacks):
        path = tmp_path / "a" / f"{i}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, stack, photometric="minisblack")
    message = fail("learn", tmp_path / "a", "-o", tmp_path / "f.skops", *QUICK)
    assert "0.tif: holds 3 images" in message
    settings = [*QUICK, "--page", "1"]
    printed, _ = run("learn", tmp_path / "a", "-o", tmp_path / "f.skops", *settings)
    assert "Images of 16 bits: 0 is black, and 4095 is white" in printed
    run("features", tmp_path / "f.skops", tmp_path / "a", "--out", tmp_path / "X.npy")
    features = load(tmp_path / "f.skops")
    np.testing.assert_allclose(
        np.load(tmp_path / "X.npy"), features.transform(stacks[:, 1]), rtol=1e-6
    )
    run("learn", tmp_path / "a", "-o", tmp_path / "f.skops", *QUICK, "--page", "all")
    assert load(tmp_path / "f.skops").patch_shape_ == (4, 4, 3)


def test_a_range_is_given_by_hand(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        write(tmp_path / "a" / f"{i}.tif", rng.normal(size=(12, 12, 2)).astype(np.float32))
    settings = [*QUICK, "--value-range", "-2.5", "2.5"]
    printed, _ = run("learn", tmp_path / "a", "-o", tmp_path / "f.skops", *settings)
    assert "is black" not in printed
    features = load(tmp_path / "f.skops")
    assert isinstance(features, PatchFeatures)
    assert features.reading_ == {"value_range": (-2.5, 2.5)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("first", None, None), "--page first: must be a number"),
        (("-1", None, None), "--page -1: must be a number"),
        ((None, "1,", None), "--bands 1,: must be numbers"),
        ((None, "r,g", None), "--bands r,g: must be numbers"),
        ((None, None, (3.0, 3.0)), "--value-range 3 3: black must be below white"),
        ((None, None, (0.0, np.inf)), "value_range must be"),
    ],
)
def test_options_that_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        reading_choices(*given)
