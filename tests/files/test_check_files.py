"""Files that can be used, and those that cannot, each with its reason."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from striate import PatchFeatures, SparseAutoencoder, readable_images
from striate.files.decoded_pixels import ImageError
from striate.files.image_collection import ImageCollection

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def written(path, mode="L", size=(14, 12)):
    Image.new(mode, size, "white").save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    return [written(tmp_path / f"{i}.png") for i in range(6)]


def spoil(path, kind):
    if kind == "gone":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-30])
    elif kind == "text":
        path.write_text("no image")
    elif kind == "animated":
        frames = [Image.new("L", (14, 12), level) for level in (0, 99)]
        frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    elif kind == "colour":
        written(path, "RGB")
    elif kind == "small":
        written(path, size=(14, 7))


SPOILT = {
    "gone": "cannot be read (No such file",
    "empty": "the file is empty",
    "truncated": "cannot be read (",
    "text": "not an image",
    "animated": "holds 2 images",
    "colour": "is in colour, but most of the images are grey",
    "small": "is 7 x 14 pixels, but 8 x 8 are needed",
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("place", [0, 3, 5])
def test_what_cannot_be_used(photos, kind, place):
    spoil(photos[place], kind)
    expected = f"{photos[place]}: {SPOILT[kind]}"
    paths, skipped = readable_images(photos, min_size=8, on_error="skip")
    assert paths == [path for path in photos if path != photos[place]]
    assert list(skipped) == [photos[place]]
    assert skipped[photos[place]].startswith(expected)
    with pytest.raises(ImageError) as raised:
        readable_images(photos, min_size=8)
    assert str(raised.value) == skipped[photos[place]]


def test_all_is_well(photos, tmp_path):
    assert readable_images(photos) == (photos, {})
    assert readable_images(tmp_path) == (photos, {})
    assert readable_images([str(path) for path in photos]) == ([str(path) for path in photos], {})
    assert readable_images([photos[2], photos[0], photos[2]])[0] == [
        photos[2],
        photos[0],
        photos[2],
    ]


def test_progress_goes_through_all_files(photos):
    seen = []

    def progress(paths):
        for path in paths:
            seen.append(path)
            yield path

    assert readable_images(photos, progress=progress) == (photos, {})
    assert seen == photos


def test_kinds_may_differ_when_they_will_be_turned(photos):
    written(photos[1], "RGB")
    for channels in (1, 3):
        assert readable_images(photos, channels=channels) == (photos, {})


def test_height_and_width_are_meant(photos):
    assert readable_images(photos, min_size=(12, 14)) == (photos, {})
    with pytest.raises(ImageError, match=r"is 12 x 14 pixels, but 14 x 12 are needed"):
        readable_images(photos, min_size=(14, 12))


def test_none_can_be_used(photos):
    for path in photos:
        spoil(path, "empty")
    with pytest.raises(ImageError, match=r"none of 6 images can be used; .*0\.png: the file"):
        readable_images(photos, on_error="skip")


@pytest.mark.parametrize(
    ("paths", "options", "reason"),
    [
        ([], {}, "list of images is empty"),
        ([np.zeros((4, 4))], {}, "paths of image files are needed, got a ndarray"),
        (["a.png"], {"on_error": "ignore"}, 'on_error must be "raise" or "skip"'),
    ],
)
def test_bad_arguments(paths, options, reason):
    with pytest.raises(ValueError, match=reason):
        readable_images(paths, **options)


def test_more_files_than_are_handed_out_at_once(photos, monkeypatch):
    monkeypatch.setattr("striate.files.check_files._FILES_AT_A_TIME", 4)
    spoil(photos[4], "text")
    paths, skipped = readable_images(photos, on_error="skip")
    assert (len(paths), list(skipped)) == (5, [photos[4]])


def good_bytes():
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 14), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def learned():
    encoder = SparseAutoencoder(3, max_iter=2, random_state=0)
    features = PatchFeatures(encoder, patch_size=4, n_patches=100, random_state=0)
    return features.fit(np.random.default_rng(0).random((3, 16, 16)))


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    damage=st.lists(
        st.tuples(st.sampled_from(["cut", "flip", "replace"]), st.floats(0, 1), st.binary()),
        min_size=4,
        max_size=4,
    )
)
def test_what_remains_has_features(tmp_path, learned, damage):
    """Whatever the bytes: transform takes all the files that are left."""
    content = good_bytes()
    good = tmp_path / "good.png"
    good.write_bytes(content)
    files = [good]
    for i, (how, where, extra) in enumerate(damage):
        at = int(where * (len(content) - 1))
        flipped = content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]
        bad = {"cut": content[:at], "flip": flipped, "replace": content[:at] + extra}[how]
        files.append(tmp_path / f"{i}.png")
        files[-1].write_bytes(bad)
    paths, skipped = readable_images(files, channels=1, min_size=6, on_error="skip")
    assert good in paths
    assert len(paths) + len(skipped) == len(files)
    rows = learned.transform(ImageCollection(paths, channels=1))
    assert rows.shape == (len(paths), 27)
    assert np.isfinite(rows).all()
