"""Cameras of 10 and 12 bits in files of 16: their images are as good as those of 8 bits."""

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import DictionaryEncoder, PatchFeatures, ZCAWhitening, shift_sensitivity
from striate.files.image_collection import ImageCollection
from striate.files.sixteen_bits import WHOLE_RANGE, used_range
from striate.persistence import load, save


def faint_textures(n=40):
    """Stripes down or across in much noise, of little contrast, in 8 bits."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    i, j = np.mgrid[:16, :16]
    phase = rng.uniform(0, 6, (n, 1, 1))
    waves = np.sin(np.where(y[:, None, None], i, j) * 1.5 + phase)
    values = 120 + 12 * waves + 9 * rng.normal(size=waves.shape)
    return values.round().astype(np.uint8), y


EIGHT, LABELS = faint_textures()
FULL = EIGHT.astype(np.uint16) * 257
DEPTHS = {
    "10 bits": FULL >> 6,
    "12 bits": FULL >> 4,
    "14 bits": FULL >> 2,
    "12 bits with an offset": (FULL >> 4) + 32768,
    "8 bits": EIGHT.astype(np.uint16),
    "12 bits, signed": (FULL >> 4).astype(np.int16) - 1024,
}


def features(**settings):
    encoder = DictionaryEncoder(8, dictionary="omp1", encoding="soft_threshold", random_state=0)
    common = {"patch_size": 5, "n_patches": 2000, "random_state": 0}
    return PatchFeatures(encoder, whitening=ZCAWhitening(0.1), **common | settings)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("normalize", [True, "mean"])
def test_features_are_nearly_those_of_8_bits(depth, normalize):
    learned = features(normalize=normalize).fit(DEPTHS[depth])
    expected = features(normalize=normalize).fit(EIGHT).transform(EIGHT)
    got = learned.transform(DEPTHS[depth])
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(got).mean() == pytest.approx(np.abs(expected).mean(), rel=0.05)


@pytest.mark.parametrize("depth", DEPTHS)
def test_accuracy_is_that_of_8_bits(depth):
    def accuracy(images):
        model = make_pipeline(features(), StandardScaler(), LogisticRegression())
        return model.fit(images[:20], LABELS[:20]).score(images[20:], LABELS[20:])

    assert accuracy(DEPTHS[depth]) >= accuracy(EIGHT) > 0.8


@pytest.mark.parametrize("images", [EIGHT, (EIGHT / 255).astype(np.float32), EIGHT / 1000])
def test_other_images_are_left_as_they_are(images):
    learned = features().fit(images)
    assert learned.used_range_ == (0, 1)


def test_all_16_bits_are_as_8_bits():
    rng = np.random.default_rng(0)
    eight = rng.integers(0, 256, (6, 16, 16), dtype=np.uint8)
    learned = features().fit(eight.astype(np.uint16) * 257)
    assert learned.used_range_ == (0, 1)
    np.testing.assert_allclose(
        learned.transform(eight), features().fit(eight).transform(eight), rtol=1e-4, atol=1e-5
    )


def test_a_file_alone_is_scaled_as_in_fit(tmp_path):
    """One image, of a model that was saved, as `striate predict` has it."""
    images = DEPTHS["10 bits"]
    paths = [tmp_path / f"{i}.png" for i in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    learned = features().fit(paths)
    save(learned, tmp_path / "features.skops")
    expected = learned.transform(images)
    again = load(tmp_path / "features.skops")
    np.testing.assert_allclose(again.transform([paths[3]])[0], expected[3], rtol=1e-5)
    np.testing.assert_allclose(again.transform(ImageCollection(paths))[3], expected[3], rtol=1e-5)


def test_labelled_images_are_shown_as_they_were_learned(tmp_path):
    from striate.cli.datasets import labelled_features
    from striate.cli.labelled_files import LabelSource, files_with_labels
    from striate.cli.skip_errors import SkippedImages

    for name, pixels in zip("aabb", DEPTHS["10 bits"][::10], strict=True):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name / f"{pixels.sum()}.png")
    learned, skipped = features().fit(DEPTHS["10 bits"]), SkippedImages(skip=False)
    given = files_with_labels(LabelSource(tmp_path), skipped)
    labelled, _ = labelled_features(given, learned, skipped)
    assert all(0.3 < image.mean() < 0.6 for image in labelled.images)


def test_images_of_8_and_16_bits_together():
    """Only those of 16 bits are scaled."""
    mixed = [*EIGHT[:20], *DEPTHS["10 bits"][20:]]
    learned = features().fit(mixed)
    assert learned.used_range_[1] == pytest.approx(1023 / 65535)
    eight = learned.transform(list(EIGHT))
    np.testing.assert_allclose(learned.transform(mixed), eight, rtol=0.2, atol=0.05)


def test_sampled_patches_and_shifts_are_scaled():
    images = DEPTHS["10 bits"]
    learned = features().fit(images)
    same = features().fit((images / np.float32(1023)).astype(np.float32))
    got, expected = (
        each.sample_patches(given, 50, random_state=0)
        for each, given in ((learned, images), (same, (images / np.float32(1023))))
    )
    np.testing.assert_allclose(got, expected, rtol=1e-2, atol=1e-2)
    got, expected = (
        shift_sensitivity(each, given, shifts=1, random_state=0).mean
        for each, given in ((learned, images), (same, images / np.float32(1023)))
    )
    np.testing.assert_allclose(got, expected, rtol=0.02)


@pytest.mark.parametrize(
    ("values", "black", "white"),
    [
        (np.arange(256), 0, 255),
        (np.arange(4), 0, 255),
        ([7], 0, 255),
        (np.arange(1000), 0, 1023),
        (np.arange(3000), 0, 4095),
        (32768 + np.arange(3000), 32768, 32768 + 4095),
        ([*np.arange(1000), 65535], 0, 1023),  # a defect of the sensor
        (np.arange(0, 65536, 7), 0, 65535),
        (np.arange(20000), 0, 65535),
        (np.arange(3000, 3200), 0, 4095),  # of low contrast, as it would be in 8 bits
    ],
)
def test_the_range_is_a_number_of_bits(values, black, white):
    found = used_range(np.asarray(values, np.float32) / 65535)
    np.testing.assert_allclose(np.multiply(found, 65535), (black, white), atol=1e-6)
    assert (found == WHOLE_RANGE) == (white == 65535)


def test_a_range_that_is_not_aligned_starts_at_its_lowest_value():
    found = used_range(np.arange(32200, 33200) / 65535)
    np.testing.assert_allclose(np.multiply(found, 65535), (32210, 32210 + 1023), atol=1)
