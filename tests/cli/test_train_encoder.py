"""`striate train` without --features: the encoder is chosen, and the choice is measured."""

import re

import numpy as np
import pytest
from command_line import fail, grating, run, succeed

from striate.cli import encoder_choice, encoder_options
from striate.cli.encoder_options import EncoderSettings
from striate.persistence import load

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Learn few features from few patches."""
    monkeypatch.setattr(
        encoder_options, "_AUTOENCODER", EncoderSettings(6, 6, 300, 3, False, pool_grid=(3, 3))
    )
    monkeypatch.setattr(encoder_options, "_DICTIONARY", EncoderSettings(8, 6, 300, 3, True))


def mirrored(folder, n=12):
    """Write two classes that are mirror images of each other, so that flips hide the difference."""
    rng = np.random.default_rng(0)
    from PIL import Image

    ramp = np.arange(24) % 8 / 8  # rises to the right, falls at once
    for name, waves in (("left", ramp), ("right", ramp[::-1])):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.roll(waves, rng.integers(24)) + rng.normal(0, 0.05, (24, 24))
            pixels = (60 + 120 * pixels).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.long
def test_what_suits_the_images_is_chosen(tmp_path):
    model = tmp_path / "m.skops"
    printed = succeed("train", mirrored(tmp_path / "labelled"), "-o", model)
    said = printed.splitlines()[0]
    assert said.startswith("--encoder auto: omp1 --no-flips; accuracy of those tried: omp1 ")
    scores = dict(re.findall(r"(omp1|omp1 --no-flips|kmeans|patches) ([\d.]+)%", said))
    assert list(scores) == ["omp1", "omp1 --no-flips", "kmeans", "patches"]
    assert float(scores["omp1 --no-flips"]) > float(scores["omp1"]) + 10
    estimator = load(model)
    assert not estimator[0].estimator.flips
    table = succeed("predict", model, tmp_path / "labelled").splitlines()[1:]
    assert np.mean([f"/{line.split(',')[1]}/" in line for line in table]) > 0.9
    succeed("report", model, "-o", tmp_path / "r.html")
    assert "accuracy " in succeed("show", model)


@pytest.mark.long
def test_the_accuracy_is_that_of_the_choice(gratings, tmp_path):
    printed = succeed("train", gratings, "-o", tmp_path / "m.skops")
    known = load(tmp_path / "m.skops").cross_validation_
    assert f"images: {known['accuracies'].mean():.1%} ± " in printed


def test_one_encoder_that_is_named(gratings, tmp_path):
    a, b, learned = (tmp_path / name for name in ("a.skops", "b.skops", "f.skops"))
    first = succeed("train", gratings, "-o", a, "--encoder", "kmeans")
    succeed("learn", gratings, "-o", learned, "--encoder", "kmeans")
    second = succeed("train", gratings, "-o", b, "-f", learned)
    assert first.splitlines()[:-1] == second.splitlines()[:-1]
    assert "auto" not in first
    np.testing.assert_array_equal(load(a)[-1].coef_, load(b)[-1].coef_)


def test_classes_that_cannot_be_held_out(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "two" / name).mkdir(parents=True)
        (tmp_path / "two" / name / "0.png").write_bytes((gratings / name / "0.png").read_bytes())
    printed = succeed("train", tmp_path / "two", "-o", tmp_path / "m.skops")
    assert printed.startswith("--encoder auto: omp1, the most accurate on average\n")
    assert "not estimated, because across has a single image" in printed


@pytest.mark.long
def test_numbers_and_groups(gratings, tmp_path):
    files = sorted(gratings.rglob("*.png"))
    lines = [f"{each.relative_to(gratings)},{i % 2},g{i % 4}" for i, each in enumerate(files)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,group", *lines]))
    words = ["train", gratings, "-l", tmp_path / "labels.csv", "-o", tmp_path / "m.skops"]
    printed = succeed(*words, "--regression")
    assert re.match(r"--encoder auto: \S.*; mean absolute error of those tried: omp1 0\.", printed)
    assert "over 4 folds" in printed


def test_images_that_cannot_be_used_are_skipped(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        for seed in range(4):
            grating(name == "down", seed).save(tmp_path / "bad" / name / f"{seed}.png")
    (tmp_path / "bad" / "down" / "x.png").write_bytes(b"no image")
    words = ["train", tmp_path / "bad", "-o", tmp_path / "m.skops"]
    assert "x.png" in fail(*words)
    printed, said = run(*words, "--skip-errors")
    assert "down: 4 images" in printed
    assert said.startswith("striate: skipped 1 image:\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-f", "f.skops", "--encoder", "omp1"], "--encoder: --features has an encoder"),
        (["--table", "X.npy"], "--table: needs --features"),
    ],
)
def test_options_that_do_not_go_together(gratings, tmp_path, monkeypatch, words, message):
    monkeypatch.setattr(encoder_choice, "fit_features", None)
    assert message in fail("train", gratings, "-o", tmp_path / "m.skops", *words)
