import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pytest
from sklearn.datasets import load_digits

from striate import LocalReceptiveFields, SparseAutoencoder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def local_fields():
    return LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)


@pytest.fixture(scope="session")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.fixture(scope="session")
def local_autoencoder(digits, local_fields):
    """An autoencoder of 8 x 8 digits whose 27 units see windows."""
    model = SparseAutoencoder(connectivity=local_fields, max_iter=5, tol=0, random_state=0)
    return model.fit(digits[0][:200])
