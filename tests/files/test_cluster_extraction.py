"""Features of files on the workers of a cluster: the same table, whoever is lost on the way."""

import logging
import os
import signal

import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin

distributed = pytest.importorskip("distributed")

from striate import extract_features  # noqa: E402, after the check whether Dask is there
from striate.files import cluster_extraction  # noqa: E402
from striate.files import feature_extraction as extraction  # noqa: E402
from striate.files.image_collection import ImageCollection  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
N_IMAGES = 23


class Moments(TransformerMixin, BaseEstimator):
    """Three numbers of each image, quickly."""

    def transform(self, images):
        images = ImageCollection(images)
        return np.stack([[image.mean(), (image**2).sum(), image[0, 0, 0]] for image in images])


class Deadly(Moments):
    """Kills its process at the first sight of some images; a file remembers that."""

    def __init__(self, folder=None):
        self.folder = folder

    def transform(self, images):
        names = [os.path.basename(images.name(0))] if isinstance(images, ImageCollection) else []
        for name in names:
            trace = os.path.join(self.folder, f"seen-{name}")
            if name in ("04.png", "12.png") and not os.path.exists(trace):
                open(trace, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().transform(images)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(extraction, "_IMAGES_PER_CHECKPOINT", 4)


@pytest.fixture
def photos(tmp_path):
    folder, rng = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    for i in range(N_IMAGES):
        pixels = rng.integers(0, 256, (12 + i % 3, 14), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def client():
    settings = {"processes": False, "dashboard_address": ":0", "threads_per_worker": 1}
    workers = distributed.LocalCluster(n_workers=2, **settings)
    with workers, distributed.Client(workers, set_as_default=False) as client:
        yield client


def test_the_table_is_that_of_one_process(photos, tmp_path, client):
    expected = extract_features(Moments(), photos, tmp_path / "one.npy")
    found = extract_features(Moments(), photos, tmp_path / "many.npy", client=client)
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "many.npy").read_bytes()
    assert found.paths == expected.paths
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.npy", "one.npy", "photos"]


def test_skipped_images_are_listed_in_their_order(photos, tmp_path, client):
    for i in (20, 3, 9):
        (photos / f"{i:02}.png").write_bytes(b"no image")
    tables = []
    for name, options in (("one.npy", {}), ("many.npy", {"client": client})):
        with pytest.warns(UserWarning, match="3 of 23 images were skipped"):
            tables.append(
                extract_features(Moments(), photos, tmp_path / name, on_error="skip", **options)
            )
    np.testing.assert_array_equal(tables[0].features, tables[1].features)
    assert [*tables[0].skipped.items()] == [*tables[1].skipped.items()]
    assert [path.name for path in tables[1].skipped] == ["03.png", "09.png", "20.png"]


def test_a_run_that_is_cut_off_continues_with_or_without_a_cluster(photos, tmp_path, client):
    expected = extract_features(Moments(), photos, tmp_path / "whole.npy").features

    def cut_off(blocks):
        for i, block in enumerate(blocks):
            if i == 3:
                raise KeyboardInterrupt
            yield block

    with pytest.raises(KeyboardInterrupt):
        extract_features(Moments(), photos, tmp_path / "X.npy", progress=cut_off, client=client)
    left = []
    found = extract_features(
        Moments(), photos, tmp_path / "X.npy", progress=lambda blocks: left.extend(blocks) or blocks
    )
    assert len(left) == 3
    np.testing.assert_array_equal(found.features, expected)


def test_an_unusable_image_is_named(photos, tmp_path, client):
    (photos / "15.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"15.png.*; what was computed is kept"):
        extract_features(Moments(), photos, tmp_path / "X.npy", client=client)


def test_a_block_whose_worker_is_lost_is_computed_again(
    photos, tmp_path, client, monkeypatch, caplog
):
    submit, lost = client.submit, []

    def losing(function, *arguments, **options):
        future = submit(function, *arguments, **options)
        if function is cluster_extraction.rows_of_block and len(lost) < 2:
            lost.append(future)
            future.cancel()
        return future

    monkeypatch.setattr(client, "submit", losing)
    caplog.set_level(logging.INFO, "striate")
    found = extract_features(Moments(), photos, tmp_path / "X.npy", client=client).features
    monkeypatch.undo()
    expected = extract_features(Moments(), photos, tmp_path / "Y.npy").features
    np.testing.assert_array_equal(found, expected)
    ours = [record for record in caplog.records if record.name == "striate"]
    assert len(ours) == len(lost) == 2


@pytest.mark.long
def test_killed_processes_do_not_change_the_table(photos, tmp_path):
    expected = extract_features(Moments(), photos, tmp_path / "whole.npy").features
    options = {
        "dashboard_address": ":0",
        "threads_per_worker": 1,
        "local_directory": tmp_path / "w",
    }
    workers = distributed.LocalCluster(n_workers=2, **options)
    with workers, distributed.Client(workers, set_as_default=False) as client:
        features, paths = Deadly(str(tmp_path)), sorted(photos.iterdir())
        found = extract_features(features, paths, tmp_path / "X.npy", client=client)
    np.testing.assert_array_equal(found.features, expected)
    assert len([*tmp_path.glob("seen-*")]) == 2
