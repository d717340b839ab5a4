"""A folder of images in three kinds, with features that tell the kinds apart."""

import numpy as np
import pytest
from PIL import Image

from striate.labelling.label_book import LabelBook
from striate.labelling.label_session import LabelSession

KINDS = ("ash", "birch", "cedar")


class Folder:
    """Images, their features and true kinds."""

    def __init__(self, path, n=60, seed=0):
        rng = np.random.default_rng(seed)
        path.mkdir()
        self.path, self.labels = path, path.parent / "labels.csv"
        self.kinds = [KINDS[k] for k in rng.integers(3, size=n)]
        codes = np.array([KINDS.index(kind) for kind in self.kinds])
        self.X = (rng.normal(size=(n, 20)) + 2.5 * np.eye(3, 20)[codes]).astype(np.float32)
        self.files = [path / f"{i:03}.png" for i in range(n)]
        for i, file in enumerate(self.files):
            pixels = rng.integers(0, 256, (12, 10), dtype=np.uint8)
            Image.fromarray(pixels // 4 + 60 * codes[i].astype(np.uint8)).save(file)
        self.names = [file.name for file in self.files]

    def book(self):
        return LabelBook(self.labels, self.names)

    def session(self, classes=KINDS):
        return LabelSession(self.path, self.files, self.book(), self.X, classes)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "trees")
