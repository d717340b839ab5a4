"""Small files in the format of MNIST and CIFAR-10, with classes that are easy to tell apart."""

import numpy as np
import pytest
from benchmarks import image_datasets, table_datasets

SHAPES = {"mnist": (28, 28), "cifar10": (32, 32, 3)}


def images(shape, n, seed):
    """Noisy copies of one template per class: uint8 (n, *shape), and classes from 0 to 9."""
    templates = np.random.default_rng(0).integers(40, 216, size=(10, *shape))
    y = np.arange(n) % 10
    noise = np.random.default_rng(seed).integers(-40, 40, size=(n, *shape))
    return (templates[y] + noise).astype(np.uint8), y


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the files of all data sets."""
    folder = tmp_path_factory.mktemp("datasets")
    for name, shape in SHAPES.items():
        X_train, y_train = images(shape, 100, seed=1)
        X_test, y_test = images(shape, 50, seed=2)
        if name == "mnist":
            X_train, X_test = X_train.reshape(100, 784), X_test.reshape(50, 784)
        arrays = {"X_train": X_train, "y_train": y_train, "X_test": X_test, "y_test": y_test}
        np.savez(folder / f"{name}.npz", **arrays)
    X = np.random.default_rng(3).normal(size=(200, 4))
    np.savez(folder / "mammography.npz", X=X, y=(X[:, 0] > 1).astype(int))
    np.savez(folder / "california.npz", X=X, y=X[:, 0])
    return folder


@pytest.fixture
def small_datasets(folder, monkeypatch):
    """MNIST and CIFAR-10 with 100 training and 50 test images each, and tables of 200 rows."""
    monkeypatch.setattr(image_datasets, "FOLDER", folder)
    monkeypatch.setattr(table_datasets, "FOLDER", folder)
