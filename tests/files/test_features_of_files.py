"""PatchFeatures on images as people have them: types, bands, sizes, folders, one colour."""

import numpy as np
import pytest
from PIL import Image

from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def learner(**settings):
    encoder = SparseAutoencoder(4, max_iter=5, random_state=0)
    return PatchFeatures(encoder, patch_size=5, n_patches=300, random_state=0, **settings)


PIXELS = np.random.default_rng(0).integers(0, 256, (6, 14, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 7])
def test_types_and_bands(channels):
    """What is said by 8 bits is the same said by 16, or by floats."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 14, 16, channels), dtype=np.uint8)
    features = learner().fit(pixels)
    assert features.patch_shape_ == (5, 5, channels)
    expected = features.transform(pixels)
    assert expected.dtype == np.float32
    for same in (pixels.astype(np.uint16) * 257, (pixels / 255).astype(np.float32)):
        np.testing.assert_allclose(learner().fit(pixels).transform(same), expected, rtol=1e-4)
    assert features.transform(pixels / 255).dtype == np.float64


@pytest.fixture
def folder(tmp_path):
    for i, pixels in enumerate(PIXELS):
        Image.fromarray(pixels[: 10 + i]).save(tmp_path / f"{i}.png")
    return tmp_path


def test_a_folder_and_sizes_that_differ(folder):
    arrays = [pixels[: 10 + i] for i, pixels in enumerate(PIXELS)]
    expected = learner().fit(arrays).transform(arrays)
    for given in (folder, str(folder), sorted(folder.iterdir())):
        np.testing.assert_array_equal(learner().fit(given).transform(given), expected)


@pytest.mark.parametrize("step", ["fit", "transform"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("grey", r"has 1 channel \(grey\), but .*0\.png has 3 channels"),
        ("animated", "holds 2 images"),
        ("truncated", "cannot be read"),
        ("gone", r"cannot be read \(No such file"),
        ("folder", "is a folder"),
    ],
)
def test_a_bad_file_in_the_middle_is_named(folder, kind, reason, step):
    features = learner().fit(folder)
    files, bad = sorted(folder.iterdir()), folder / "3.png"
    content = bad.read_bytes()
    bad.unlink()
    if kind == "grey":
        Image.fromarray(PIXELS[0, ..., 0]).save(bad)
    elif kind == "animated":
        frames = [Image.new("RGB", (16, 14), level) for level in ("red", "blue")]
        frames[0].save(bad, "PNG", save_all=True, append_images=frames[1:])
    elif kind == "truncated":
        bad.write_bytes(content[: len(content) // 2])
    elif kind == "folder":
        bad.mkdir()
    with pytest.raises(ValueError, match=rf"3\.png: {reason}"):
        getattr(features, step)(files)


def test_palettes_and_transparency(folder):
    """They become colours, like the others."""
    features = learner().fit(folder)
    picture = Image.fromarray(PIXELS[0])
    picture.convert("P").save(folder / "palette.gif")
    picture.convert("RGBA").save(folder / "alpha.png")
    rows = features.transform([folder / name for name in ("palette.gif", "alpha.png")])
    np.testing.assert_array_equal(rows[1], features.transform([PIXELS[0]])[0])
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("encoder", [SparseAutoencoder(4, max_iter=5), DictionaryEncoder(4)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_images_of_one_colour(encoder, level):
    encoder = encoder.set_params(random_state=0)
    flat = np.full((2, 14, 16, 3), level, np.uint8)
    features = PatchFeatures(encoder, patch_size=5, n_patches=300, random_state=0)
    rows = features.fit(PIXELS).transform(flat)
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[0], rows[1])
    mixed = np.concatenate([PIXELS, flat])
    assert np.isfinite(features.fit(mixed).transform(mixed)).all()
