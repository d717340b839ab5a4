"""Features that are computed once: kept while files and features stay, computed again otherwise."""

import os

import numpy as np
import pytest
from PIL import Image

from striate import PatchFeatures, SparseAutoencoder
from striate.files import kept_features as module
from striate.files.kept_features import kept_features


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(5):
        image = Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8))
        image.save(tmp_path / f"{i}.png")
    (tmp_path / "f.skops").write_bytes(b"one")
    return tmp_path


@pytest.fixture(scope="module")
def features():
    images = np.random.default_rng(0).random((5, 16, 16))
    encoder = SparseAutoencoder(4, tol=0.1, random_state=0)
    return PatchFeatures(encoder, patch_size=5, n_patches=200, random_state=0).fit(images)


@pytest.fixture
def computed(monkeypatch):
    """Numbers of images whose features were computed."""
    calls = []
    extract = module.extract_features

    def counted(features, files, out, **options):
        calls.append(len(files))
        return extract(features, files, out, **options)

    monkeypatch.setattr(module, "extract_features", counted)
    return calls


def kept(features, folder, files=None):
    files = sorted(folder.glob("*.png")) if files is None else files
    out = folder / "X.npy"
    return kept_features(features, folder / "f.skops", files, out, channels=1, progress=iter)


def test_they_are_computed_once(features, folder, computed):
    first, second = (kept(features, folder) for _ in range(2))
    assert computed == [5]
    np.testing.assert_array_equal(first.features, second.features)
    expected = features.transform([Image.open(file) for file in first.paths])
    np.testing.assert_allclose(first.features, expected, rtol=1e-5)


def test_what_changes_is_noticed(features, folder, computed):
    kept(features, folder)
    Image.new("L", (16, 16), 9).save(folder / "3.png")
    os.utime(folder / "3.png", ns=(1, 1))
    changed = kept(features, folder).features
    assert computed == [5, 5]
    (folder / "f.skops").write_bytes(b"other")
    kept(features, folder)
    (folder / "2.png").unlink()
    assert len(kept(features, folder).features) == 4
    assert computed == [5, 5, 5, 4]
    np.testing.assert_allclose(changed[3], features.transform([folder / "3.png"])[0], rtol=1e-5)


def test_a_file_that_was_deleted_or_damaged_is_no_matter(features, folder, computed):
    kept(features, folder)
    (folder / "X.npy").unlink()
    kept(features, folder)
    for text in ("", "[]", "{"):
        (folder / "X.json").write_text(text)
        kept(features, folder)
    assert computed == [5] * 5


def test_what_was_interrupted_with_other_files_begins_anew(features, folder):
    class InterruptedError_(Exception):
        pass

    def interrupted(blocks):
        yield blocks[0]
        raise InterruptedError_

    files = [folder / f"{i}.png" for i in (0, 1, 2) for _ in range(1)] * 11
    with pytest.raises(InterruptedError_):
        kept_features(
            features, folder / "f.skops", files, folder / "X.npy", channels=1, progress=interrupted
        )
    assert (folder / "X.npy.journal").exists()
    assert len(kept(features, folder).features) == 5
    assert not (folder / "X.npy.journal").exists()


def test_images_that_cannot_be_used_are_remembered(features, folder, computed):
    (folder / "1.png").write_bytes(b"no image")
    for _ in range(2):
        found = kept(features, folder)
        assert list(found.skipped) == [folder / "1.png"]
        assert "1.png" in found.skipped[folder / "1.png"]
        assert np.isnan(found.features[1]).all()
    assert computed == [5]
