"""`striate segment`: from a folder of images and strokes to a segmented folder."""

import numpy as np
import pytest
from command_line import fail, files_below, run, succeed
from PIL import Image
from sklearn.base import clone

from striate import DictionaryEncoder, LinearClassifier, PatchFeatures, PixelClassifier
from striate.cli.commands import segment_command
from striate.display.segmentation_overlay import class_colours, segmentation_overlay
from striate.persistence import load


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few features and a linear classifier."""
    features = PatchFeatures(
        DictionaryEncoder(8, dictionary="omp1", encoding="soft_threshold", random_state=0),
        patch_size=4,
        n_patches=200,
        random_state=0,
    )

    def new(**params):
        parts = clone(features), LinearClassifier("log_loss", alphas=0.01)
        return PixelClassifier(*parts, scales=(1,), windows=(1, 3), **params)

    monkeypatch.setattr(segment_command, "new_classifier", new)


def write(folder, name, pixels):
    folder.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def half_bright(height, width, seed):
    rng = np.random.default_rng(seed)
    image = np.where(np.arange(width) < width // 2, 80, 170) + rng.normal(0, 10, (height, width))
    return image.astype(np.uint8)


def strokes(height, width, classes=(1, 2)):
    mask = np.zeros((height, width), np.uint8)
    mask[5, 3 : width // 2 - 3], mask[8, width // 2 + 3 : -3] = classes
    return mask


@pytest.fixture
def folders(tmp_path):
    """Three images of two sizes, two of them with strokes."""
    for seed, (name, size) in enumerate([("a", (30, 40)), ("b", (25, 50)), ("c", (30, 40))]):
        write(tmp_path / "images", f"{name}.png", half_bright(*size, seed))
        if name != "c":
            write(tmp_path / "strokes", f"{name}.png", strokes(*size))
    return tmp_path


def arguments(folder, *more):
    paths = folder / "images", "--labels", folder / "strokes", "--out", folder / "out"
    return ("segment", *paths, *more)


def test_a_segmented_folder(folders):
    lines = succeed(*arguments(folders, "--probabilities")).splitlines()
    assert lines[0] == "Learned 2 classes from 66 pixels in 2 images"
    assert lines[1] == "intersection over union on strokes in 2 held-out images, in 2 folds:"
    assert [line.split()[:2] for line in lines[2:4]] == [["class", "1:"], ["class", "2:"]]
    assert float(lines[4].removeprefix("  mean: ").rstrip("%")) > 80
    assert lines[5] == f"Wrote the classes and pictures of 3 images to {folders / 'out'}"
    ends = (".png", "_overlay.png", "_probabilities.npy")
    expected = sorted([f"{name}{end}" for name in "abc" for end in ends] + ["model.skops"])
    assert files_below(folders / "out") == expected
    model = load(folders / "out" / "model.skops")
    for name in "abc":
        with Image.open(folders / "out" / f"{name}.png") as picture:
            labels = np.asarray(picture)
        half = labels.shape[1] // 2
        assert (labels[:, : half - 2] == 1).mean() > 0.95
        assert (labels[:, half + 2 :] == 2).mean() > 0.95
        np.testing.assert_array_equal(model.predict(folders / "images" / f"{name}.png"), labels)
        probabilities = np.load(folders / "out" / f"{name}_probabilities.npy")
        assert probabilities.shape == (*labels.shape, 2)
        with Image.open(folders / "out" / f"{name}_overlay.png") as picture:
            assert picture.size == (labels.shape[1], labels.shape[0])


def test_the_same_command_gives_the_same_files(folders):
    succeed(*arguments(folders))
    first = {p.name: p.read_bytes() for p in (folders / "out").glob("*.png")}
    succeed(*arguments(folders))
    assert {p.name: p.read_bytes() for p in (folders / "out").glob("*.png")} == first


def test_one_image_with_labels_has_no_score(folders):
    (folders / "strokes" / "b.png").unlink()
    lines = succeed(*arguments(folders)).splitlines()
    assert lines[0] == "Learned 2 classes from 28 pixels in 1 image"
    assert lines[1].startswith("intersection over union: not estimated, because two images")


def test_a_class_in_one_image_only(folders):
    mask = strokes(30, 40)
    mask[20, 3:9] = 5
    write(folders / "strokes", "a.png", mask)
    lines = succeed(*arguments(folders)).splitlines()
    assert "  class 5: labels in one image only" in lines


def spoil_size(folders):
    write(folders / "strokes", "a.png", strokes(29, 40))


def spoil_name(folders):
    write(folders / "strokes", "z.png", strokes(30, 40))


def spoil_colours(folders):
    rgb = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    write(folders / "strokes", "a.png", rgb)


def spoil_classes(folders):
    for name, size in [("a", (30, 40)), ("b", (25, 50))]:
        write(folders / "strokes", f"{name}.png", strokes(*size, (3, 3)))


def spoil_labels(folders):
    for path in (folders / "strokes").iterdir():
        path.unlink()


def spoil_images(folders):
    write(folders / "images", "c.png", np.zeros((30, 40, 3), np.uint8))


def spoil_twice(folders):
    np.save(folders / "strokes" / "a.npy", strokes(30, 40))


def spoil_same_names(folders):
    write(folders / "images", "a.bmp", half_bright(30, 40, 0))


def spoil_overlay(folders):
    write(folders / "images", "a_overlay.png", half_bright(30, 40, 0))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_size, "a.png: is of 29 x 40 pixels, but .*a.png of 30 x 40"),
        (spoil_name, "z.png: there is no image called z"),
        (spoil_colours, "a.png: has colours, which are not numbers of classes"),
        (spoil_classes, "a single class, 3"),
        (spoil_labels, "has no masks"),
        (spoil_images, "c.png: has 3 channels .*convert all to grey with --grey"),
        (spoil_twice, "there is a.npy, too"),
        (spoil_same_names, "has the name of .*a.bmp"),
        (spoil_overlay, "two results would be .*a_overlay.png"),
    ],
)
def test_bad_input_writes_nothing(folders, spoil, message):
    import re

    spoil(folders)
    assert re.search(message, fail(*arguments(folders)))
    assert not (folders / "out").exists()


def test_results_do_not_overwrite_images(folders):
    said = fail("segment", folders / "images", "-l", folders / "strokes", "-o", folders / "images")
    assert "would overwrite" in said


def test_missing_folders(folders):
    assert "no such folder" in fail("segment", folders / "images", "-l", folders / "no", "-o", "x")
    assert "no such file or folder" in fail("segment", folders / "no", "-l", folders, "-o", "x")


def test_grey_from_colour(folders):
    spoil_images(folders)
    printed, _ = run(*arguments(folders, "--grey"))
    assert "Wrote the model" in printed


def test_a_full_disk_leaves_no_part_of_a_file(folders, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("striate.files.atomic_writing.write_whole", full)
    assert "no space left on device" in fail(*arguments(folders))
    assert files_below(folders / "out") == []


def test_overlays_colour_classes_and_draw_borders():
    image = np.full((6, 8, 1), 0.5)
    labels = np.where(np.arange(8) < 4, 3, 9) * np.ones((6, 1), int)
    labels[0, 0] = 4
    drawn = segmentation_overlay(image, labels, np.array([3, 9]))
    colours = class_colours(2)
    assert drawn.shape == (6, 8, 3)
    np.testing.assert_array_equal(drawn[3, 4], colours[1])  # a border, in full
    assert np.ptp(drawn[0, 0]) == 0  # no class of the model: stays grey
    base = 0.65 * drawn[0, 0].astype(float)
    np.testing.assert_allclose(drawn[3, 6], base + 0.35 * colours[1], atol=1)
    assert len({tuple(colour) for colour in class_colours(40)}) == 40
