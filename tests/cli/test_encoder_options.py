"""`striate learn --encoder`: every kind of features, through every command."""

import csv
import io

import numpy as np
import pytest
from all_pairs import short_first
from command_line import run
from PIL import Image

from striate.cli.encoder_options import Encoder, new_features, settings_for
from striate.persistence import load

QUICK = ["--n-features", "7", "--n-patches", "300", "--max-iter", "3"]


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Make two classes of grey images."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("stripes")
    for axis, name in enumerate(["across", "down"]):
        (folder / name).mkdir()
        for i in range(6):
            waves = 0.5 + 0.3 * np.sin(np.arange(20) + rng.uniform(0, 6))
            image = np.expand_dims(waves, 1 - axis) + rng.normal(0, 0.03, (20, 20))
            Image.fromarray((255 * image.clip(0, 1)).astype(np.uint8)).save(
                folder / name / f"{i}.png"
            )
    return folder


@pytest.mark.long
@pytest.mark.parametrize("encoder", short_first(["kmeans", "random", "omp1", "patches"], 2))
def test_dictionaries_go_through_every_command(stripes, tmp_path, encoder):
    learned, model, page = (tmp_path / name for name in ("f.skops", "m.skops", "r.html"))
    printed, _ = run("learn", stripes, "--out", learned, "--encoder", encoder, *QUICK)
    assert "Learned 7 features of 6×6 pixels, grey, from 12 images" in printed
    features = load(learned)
    assert features.encoder_.dictionary == encoder
    assert features.filters_.shape == (7, 6, 6, 1)
    with Image.open(tmp_path / "f.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10
    encoding = "triangle" if encoder == "kmeans" else "soft_threshold"
    assert f"DictionaryEncoder ({encoder}, {encoding})" in run("show", learned)[0]
    printed, _ = run("train", stripes, "--features", learned, "--out", model)
    assert "accuracy on held-out images: " in printed
    table = csv.DictReader(io.StringIO(run("predict", model, stripes / "down")[0]))
    assert {row["label"] for row in table} == {"down"}
    run("report", model, "--out", page)
    text = page.read_text(encoding="utf-8")
    assert "α = " in text
    assert ("Nobody told them" in text) == (encoder != "random")
    assert ("random numbers, for comparison" in text) == (encoder == "random")
    run("features", model, stripes, "--out", tmp_path / "X.npy")
    n_codes = 7 if encoder == "kmeans" else 14
    assert np.load(tmp_path / "X.npy").shape == (12, 4 * n_codes)


def test_the_autoencoder_stays_as_it_was(stripes, tmp_path):
    quick = [*QUICK, "--patch-size", "6", "--encoder", "autoencoder"]
    run("learn", stripes, "--out", tmp_path / "a.skops", *quick)
    features = load(tmp_path / "a.skops")
    assert (features.flips, features.signed_sqrt, features.pool_grid) == (False, False, (3, 3))


def test_auto_says_that_it_takes_the_best_on_average(stripes, tmp_path):
    printed, _ = run("learn", stripes, "--out", tmp_path / "a.skops", *QUICK)
    assert printed.endswith("\n--encoder auto: omp1, the most accurate on average\n")
    assert (
        "auto:"
        not in run("learn", stripes, "--out", tmp_path / "b.skops", *QUICK, "--encoder", "omp1")[0]
    )
    first, second = (load(tmp_path / name) for name in ("a.skops", "b.skops"))
    np.testing.assert_array_equal(first.filters_, second.filters_)
    assert first.flips


@pytest.mark.parametrize(
    ("text", "grid"),
    [("3", (3, 3)), ("2x4", (2, 4)), ("2×4", (2, 4)), ("1, 2,4x1", [(1, 1), (2, 2), (4, 1)])],
)
def test_stride_and_pool_grid(stripes, tmp_path, text, grid):
    options = ["--stride", 2, "--pool-grid", text]
    run("learn", stripes, "--out", tmp_path / "f.skops", *QUICK, *options)
    features = load(tmp_path / "f.skops")
    assert (features.stride, features.pool_grid) == (2, grid)
    assert features.transform(np.zeros((1, 20, 20), np.float32)).shape[0] == 1


@pytest.mark.parametrize("text", ["", "0", "2x", "2x3x4", "a", "-1", "1,,2", "²"])
def test_grids_that_are_none(stripes, tmp_path, text):
    words = ["learn", stripes, "--out", tmp_path / "f.skops", "--pool-grid", text]
    _, said = run(*words, status=2)
    assert said.startswith(f"striate: --pool-grid {text}: give the number of cells")


def test_a_stride_is_not_taken_on_maps(stripes, tmp_path):
    options = ["--layers", 2, "--stride", 2, "--pool-grid", 1]
    run("learn", stripes, "--out", tmp_path / "f.skops", *QUICK, *options)
    assert [layer.stride for layer in load(tmp_path / "f.skops").layers_] == [2, 1]


def test_settings_that_suit_the_encoder():
    settings = settings_for(Encoder.autoencoder, patch_size=7, n_features=None)
    assert vars(settings) == {
        "n_features": 100,
        "patch_size": 7,
        "n_patches": 20_000,
        "max_iter": 400,
        "flips": False,
        "stride": 1,
        "pool_grid": (3, 3),
        "symmetries": None,
    }
    settings = settings_for(Encoder.omp1, flips=None)
    assert (settings.n_features, settings.patch_size, settings.flips) == (400, 6, True)
    assert not settings_for(Encoder.omp1, flips=False).flips
    features = new_features(Encoder.omp1, settings, seed=3)
    assert features.signed_sqrt
    assert features.flips
    assert features.encoder.random_state == features.random_state == 3


def test_turned_images_have_the_same_features(stripes, tmp_path):
    for encoder in ("omp1", "autoencoder"):
        out = tmp_path / f"{encoder}.skops"
        run("learn", stripes, "-o", out, "--encoder", encoder, *QUICK, "--symmetries", "rotations")
        image, features = np.random.default_rng(0).random((20, 24), dtype=np.float32), load(out)
        got = features.transform([image, np.rot90(image), image[:, ::-1]])
        np.testing.assert_array_equal(got[0], got[1])
        assert np.abs(got[0] - got[2]).max() > 1e-3
        printed, _ = run("show", out, "--out", tmp_path / "a.png")
        assert "for images turned by 90 degrees" in printed


def test_mirror_images_have_the_same_features(stripes, tmp_path):
    for name, option in [("yes.skops", "--flips"), ("no.skops", "--no-flips")]:
        run("learn", stripes, "-o", tmp_path / name, "--encoder", "omp1", *QUICK, option)
    images = np.random.default_rng(0).random((2, 20, 20), dtype=np.float32)
    for name, same in [("yes.skops", True), ("no.skops", False)]:
        features = load(tmp_path / name)
        halves = (len(features.encoder_.components_) * 2, 2)
        X, mirrored = (
            features.transform(each).reshape(-1, 2, 2, halves[0])
            for each in (images, images[:, :, ::-1])
        )
        assert np.allclose(X, mirrored, atol=1e-5) == same


@pytest.mark.parametrize(("encoder", "n_features"), [("kmeans", 400), ("autoencoder", 100)])
def test_too_few_patches_for_the_features(stripes, tmp_path, encoder, n_features):
    arguments = ["learn", stripes, "-o", tmp_path / "f.skops", "--n-patches", "50"]
    _, said = run(*arguments, "--encoder", encoder, status=2)
    expected = f"striate: --n-features {n_features} cannot be found among --n-patches 50: "
    assert said.startswith(expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("default:each patch is of one grey")
@pytest.mark.parametrize("encoder", ["autoencoder", "omp1"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_nothing_to_learn_from(tmp_path, encoder, mode):
    for i in range(5):
        Image.new("RGB", (20, 20), (40 * i, 30, 200)).convert(mode).save(tmp_path / f"{i}.png")
    arguments = ["learn", tmp_path, "-o", tmp_path / "f.skops", *QUICK, "--encoder", encoder]
    _, said = run(*arguments)
    assert said.startswith("striate: warning: each patch is of one grey or colour, so that there")


def test_an_unknown_encoder(stripes, tmp_path):
    arguments = ["learn", stripes, "-o", tmp_path / "f.skops"]
    _, said = run(*arguments, "--encoder", "sparse", status=2)
    assert "'sparse' is not one of 'auto', 'autoencoder', 'kmeans'" in said


@pytest.mark.long
def test_two_layers_go_through_every_command(stripes, tmp_path):
    learned, model, page = (tmp_path / name for name in ("f.skops", "m.skops", "r.html"))
    layers = ["--encoder", "omp1", "--layers", 2]
    printed, _ = run("learn", stripes, "--out", learned, *layers, *QUICK)
    sizes = "7 features of 6×6 pixels, grey, and 7 features of 3×3 map pixels with 14 channels"
    assert f"Learned {sizes} in layer 2, from 12 images" in printed
    features = load(learned)
    assert [layer.flips for layer in features.layers_] == [True, True]
    assert (tmp_path / "f.png").stat().st_size > 1000
    printed, _ = run("show", learned)
    assert "layer 2" in printed
    assert "14 channels" in printed
    run("train", stripes, "--features", learned, "--out", model)
    table = csv.DictReader(io.StringIO(run("predict", model, stripes / "down")[0]))
    assert {row["label"] for row in table} == {"down"}
    run("report", model, "--out", page)
    text = page.read_text(encoding="utf-8")
    assert "What excites the features of layer 2" in text
    assert "14 × 14 pixels of an image" in text
    assert "windows of 3 × 3 positions, 14 channels" in text
    assert "<b>7 + 7</b> features in 2 layers, learned without labels" in text
    run("features", model, stripes, "--out", tmp_path / "X.npy")
    assert np.load(tmp_path / "X.npy").shape == (12, 2 * 4 * 14)


def test_layers_of_autoencoders_are_refused(stripes, tmp_path):
    _, said = run(
        "learn",
        stripes,
        "-o",
        tmp_path / "f.skops",
        "--layers",
        "2",
        "--encoder",
        "autoencoder",
        status=2,
    )
    assert said.startswith("striate: --layers 2 needs a dictionary: add --encoder omp1")
    assert not list(tmp_path.iterdir())


def test_images_that_are_too_small_for_two_layers(stripes, tmp_path):
    Image.new("L", (11, 30), 128).save(tmp_path / "small.png")
    arguments = ["learn", stripes, tmp_path / "small.png", "-o", tmp_path / "f.skops", *QUICK]
    arguments += ["--encoder", "omp1", "--layers", "2"]
    _, said = run(*arguments, "--skip-errors")
    assert "small.png: is 30 x 11 pixels, but 12 x 12 are needed" in said
