"""Features of files in a .npy file: whatever cuts a run off, the next ends with the same bits."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from all_pairs import short_first
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin

from striate import PatchFeatures, SparseAutoencoder, extract_features
from striate.files import feature_extraction as extraction
from striate.files.image_collection import ImageCollection

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_IMAGES = 11


class Moments(TransformerMixin, BaseEstimator):
    """Three numbers of each image, quickly."""

    def __init__(self, power=2.0):
        self.power = power
        self.calls = 0

    def transform(self, images):
        self.calls += 1
        images = ImageCollection(images)
        return np.stack(
            [[image.mean(), (image**self.power).sum(), image[0, 0, 0]] for image in images]
        )


class Killed(BaseException):
    """What a test raises where a process would die."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(extraction, "_IMAGES_PER_CHECKPOINT", 4)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(N_IMAGES):
        pixels = rng.integers(0, 256, (12 + i % 3, 14), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture
def expected(photos):
    return Moments().transform(photos)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "X.npy"


def names(out):
    return sorted(path.name for path in out.parent.iterdir())


def cut_off(features, photos, out, n_steps, monkeypatch):
    """Run until the disk has been waited for `n_steps` times; whether that was the whole run."""
    steps = iter(range(n_steps))
    real = os.fsync

    def fsync(descriptor):
        if next(steps, None) is None:
            raise Killed
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        try:
            extract_features(features, photos, out)
        except Killed:
            return False
    return True


# --- a run without a break ------------------------------------------------------------------


def test_rows_are_those_of_transform(photos, out, expected):
    X, paths, skipped = extract_features(Moments(), photos, out)
    np.testing.assert_array_equal(X, expected)
    assert X.dtype == expected.dtype
    assert [path.name for path in paths] == [f"{i:02}.png" for i in range(N_IMAGES)]
    assert skipped == {}
    assert names(out) == ["X.npy"]
    np.testing.assert_array_equal(np.load(out), expected)


def test_learned_features(photos, out):
    encoder = SparseAutoencoder(5, max_iter=5, random_state=0)
    features = PatchFeatures(encoder, patch_size=5, n_patches=200, random_state=0).fit(photos)
    X = extract_features(features, photos, out).features
    np.testing.assert_array_equal(X, features.transform(photos))
    assert X.dtype == np.float32


def test_an_older_file_is_replaced_at_the_end(photos, out, expected, monkeypatch):
    out.write_bytes(b"older")
    assert not cut_off(Moments(), photos, out, 2, monkeypatch)
    assert out.read_bytes() == b"older"
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


def test_progress_goes_through_the_blocks(photos, out):
    seen = []

    def watch(blocks):
        for block in blocks:
            yield block
            seen.append(block)

    extract_features(Moments(), photos, out, progress=watch)
    assert seen == [0, 1, 2]


# --- a run that was cut off -----------------------------------------------------------------


def test_cut_off_anywhere(photos, out, expected, monkeypatch):
    extract_features(Moments(), photos, out)
    whole = out.read_bytes()
    out.unlink()
    n_steps = 0
    while not cut_off(Moments(), photos, out, n_steps, monkeypatch):
        assert not out.exists()
        again = Moments()
        extract_features(again, photos, out)
        assert out.read_bytes() == whole
        assert names(out) == ["X.npy"]
        out.unlink()
        n_steps += 1
    assert n_steps == 8  # the journal's first line, block and line for each of 3, the whole


def test_cut_off_again_and_again(photos, out, expected, monkeypatch):
    """Each run gets as far as one block; together they arrive."""
    n_runs = 0
    while not cut_off(Moments(), photos, out, 3 if n_runs == 0 else 2, monkeypatch):
        n_runs += 1
        assert n_runs < 10
    np.testing.assert_array_equal(np.load(out), expected)


def test_done_blocks_are_not_computed_again(photos, out, monkeypatch):
    assert not cut_off(Moments(), photos, out, 5, monkeypatch)
    again = Moments()
    extract_features(again, photos, out)
    assert again.calls == 2  # noise, and the third block


@pytest.mark.parametrize("n_bytes", [1, 7, 40])
def test_half_a_line_in_the_journal(photos, out, expected, monkeypatch, n_bytes):
    assert not cut_off(Moments(), photos, out, 5, monkeypatch)
    journal = out.with_name("X.npy.journal")
    journal.write_bytes(journal.read_bytes()[:-n_bytes])
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


def test_an_empty_journal(photos, out, expected, monkeypatch):
    assert not cut_off(Moments(), photos, out, 3, monkeypatch)
    out.with_name("X.npy.journal").write_bytes(b"")
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_an_old_journal_beside_a_new_table(photos, out, expected, monkeypatch):
    """Cut off between two runs' files: what the journal says is done is not in the table."""

    def killed(descriptor, offset, size):
        raise Killed

    assert not cut_off(Moments(), photos, out, 5, monkeypatch)
    out.with_name("X.npy.part").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", killed)
        with pytest.raises(Killed):
            extract_features(Moments(), photos, out)
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


def test_a_table_of_another_length(photos, out, monkeypatch):
    assert not cut_off(Moments(), photos, out, 3, monkeypatch)
    with out.with_name("X.npy.part").open("r+b") as table:
        table.truncate(150)
    with pytest.raises(ValueError, match=r"X\.npy\.part: is damaged; to start over, remove"):
        extract_features(Moments(), photos, out)


def test_a_changed_image_is_computed_again(photos, out, monkeypatch):
    assert not cut_off(Moments(), photos, out, 5, monkeypatch)
    Image.fromarray(np.full((9, 9), 200, np.uint8)).save(photos / "01.png")
    X = extract_features(Moments(), photos, out).features
    np.testing.assert_array_equal(X, Moments().transform(photos))


def killed_process(code, *arguments):
    program = textwrap.dedent(code)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("n_blocks", short_first([1, 0, 2]))
def test_a_killed_process(photos, out, tmp_path, n_blocks):
    from striate.persistence import load, save

    encoder = SparseAutoencoder(5, max_iter=5, random_state=0)
    features = PatchFeatures(encoder, patch_size=5, n_patches=200, random_state=0).fit(photos)
    model = tmp_path / "features.skops"
    save(features, model)
    code = """
        import os, signal, sys
        from striate import extract_features
        from striate.files import feature_extraction as extraction
        from striate.persistence import load

        model, photos, out, n_blocks = sys.argv[1:]
        extraction._IMAGES_PER_CHECKPOINT = 4

        def kill_before(blocks):
            for block in blocks:
                if block == int(n_blocks):
                    os.kill(os.getpid(), signal.SIGKILL)
                yield block

        extract_features(load(model), photos, out, progress=kill_before)
    """
    killed_process(code, model, photos, out, n_blocks)
    assert names(out) == ["X.npy.journal", "X.npy.part"]
    computed = []
    X = extract_features(
        load(model), photos, out, progress=lambda blocks: computed.extend(blocks) or blocks
    ).features
    assert computed == list(range(n_blocks, 3))
    np.testing.assert_array_equal(X, features.transform(photos))


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "n_images", "channels", "reason"),
    [
        (Moments(3.0), N_IMAGES, None, "was started with other features"),
        (Moments(), N_IMAGES - 1, None, r"was started with another list of images \(11, now 10\)"),
        (Moments(), N_IMAGES, 3, "was started with channels=None"),
    ],
)
def test_tables_of_something_else(photos, out, monkeypatch, features, n_images, channels, reason):
    assert not cut_off(Moments(), photos, out, 3, monkeypatch)
    before = out.with_name("X.npy.part").read_bytes()
    paths = sorted(photos.iterdir())[:n_images]
    with pytest.raises(
        ValueError, match=rf"X\.npy\.part: {reason}.*; to start over, remove .*part"
    ):
        extract_features(features, paths, out, channels=channels)
    assert out.with_name("X.npy.part").read_bytes() == before


def test_features_of_another_kind(photos, out, monkeypatch):
    """They cannot even compute the noise that grey features were tried on."""
    assert not cut_off(Moments(), photos, out, 3, monkeypatch)
    encoder = SparseAutoencoder(3, max_iter=2, random_state=0)
    features = PatchFeatures(encoder, patch_size=4, n_patches=100, random_state=0)
    features.fit(np.random.default_rng(0).random((3, 16, 16, 3)))
    with pytest.raises(ValueError, match="was started with other features"):
        extract_features(features, photos, out)


def test_a_journal_of_something_else(photos, out):
    out.with_name("X.npy.part").touch()
    out.with_name("X.npy.journal").write_text(json.dumps({"format": "another"}) + "\n")
    with pytest.raises(ValueError, match=r"X\.npy\.journal: is not a journal .* remove"):
        extract_features(Moments(), photos, out)


def test_bad_arguments(photos, out):
    with pytest.raises(ValueError, match='on_error must be "raise" or "skip", got \'ignore\''):
        extract_features(Moments(), photos, out, on_error="ignore")
    with pytest.raises(ValueError, match="list of images is empty"):
        extract_features(Moments(), [], out)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        extract_features(Moments(), photos, out.parent)
    with pytest.raises(FileNotFoundError):
        extract_features(Moments(), photos, out.parent / "missing" / "X.npy")
    assert names(out) == []


def test_features_that_are_not_floats(photos, out):
    class Words(Moments):
        def transform(self, images):
            return [["a"] for _ in images]

    with pytest.raises(
        TypeError, match=r"must return floats of shape \(n_images, n_features\), got <U"
    ):
        extract_features(Words(), photos, out)


# --- images that cannot be used -------------------------------------------------------------


def test_a_bad_image_stops_the_run_and_skipping_continues(photos, out, expected):
    (photos / "05.png").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"05\.png: the file is empty .*; what was computed is kept"
    ):
        extract_features(Moments(), photos, out)
    features = Moments()
    with pytest.warns(
        UserWarning, match=r"1 of 11 images were skipped, .*NaN: .*05\.png: the file"
    ):
        X, paths, skipped = extract_features(features, photos, out, on_error="skip")
    assert features.calls == 1 + 1 + 4 + 1  # noise, the second block, its images, the third block
    assert list(skipped) == [photos / "05.png"]
    assert np.isnan(X[5]).all()
    rest = [i for i, path in enumerate(paths) if path not in skipped]
    np.testing.assert_array_equal(X[rest], expected[rest])


def test_a_skipped_image_gets_another_chance(photos, out, expected, monkeypatch):
    content = (photos / "01.png").read_bytes()
    (photos / "01.png").unlink()
    (photos / "01.png").touch()

    def interrupted(blocks):
        yield from blocks[:-1]
        raise Killed

    with pytest.raises(Killed):
        extract_features(Moments(), photos, out, on_error="skip", progress=interrupted)
    (photos / "01.png").write_bytes(content)
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


def test_a_file_that_vanishes(photos, out):
    paths = sorted(photos.iterdir())

    def vanish(blocks):
        paths[6].unlink()
        yield from blocks

    with pytest.warns(UserWarning, match=r"06\.png: cannot be read \(No such file"):
        X = extract_features(Moments(), paths, out, on_error="skip", progress=vanish).features
    assert np.isnan(X).any(axis=1).tolist() == [i == 6 for i in range(N_IMAGES)]


def test_the_first_image_may_be_the_bad_one(photos, out, expected):
    (photos / "00.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"1 of 11 images"):
        X = extract_features(Moments(), photos, out, on_error="skip").features
    np.testing.assert_array_equal(X[1:], expected[1:])


def test_no_image_can_be_used(photos, out):
    for path in photos.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"none of 11 images can be used; .*00\.png: not an image"):
        extract_features(Moments(), photos, out, on_error="skip")
    assert names(out) == []


# --- a full disk ----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_a_full_disk_is_found_at_once(photos, out, monkeypatch):
    def full(descriptor, offset, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        OSError, match=r"No space left on device: 260 bytes needed: '.*X\.npy\.part'"
    ):
        extract_features(Moments(), photos, out)
    assert names(out) == []


def test_a_disk_that_fills_up_later(photos, out, expected, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    real, steps = os.fsync, iter(range(4))

    def full(descriptor):
        if next(steps, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="computed is kept") as raised:
            extract_features(Moments(), photos, out)
    assert raised.value.errno == errno.ENOSPC
    assert names(out) == ["X.npy.journal", "X.npy.part"]
    np.testing.assert_array_equal(extract_features(Moments(), photos, out).features, expected)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_real_limit(photos, out):
    code = """
        import resource, sys
        import numpy as np
        from striate.files.feature_extraction import extract_features

        class Wide:
            def transform(self, images):
                return np.ones((len(images), 1000))

        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            extract_features(Wide(), sys.argv[1], sys.argv[2])
        except OSError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(photos), str(out)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "File too large: 88.1 kB needed" in result.stdout
    assert names(out) == []
