"""The input of norm 1 that excites a unit most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate import SparseAutoencoder, ZCAWhitening, maximal_inputs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@given(seed=st.integers(0, 999))
def test_no_other_input_of_norm_1_excites_more(seed):
    rng = np.random.default_rng(seed)
    W, x = rng.normal(size=(5, 7)), rng.normal(size=7)
    best = maximal_inputs(W)
    np.testing.assert_allclose(np.linalg.norm(best, axis=1), 1)
    excitement = np.einsum("ij,ij->i", W, best)
    assert (excitement >= W @ (x / np.linalg.norm(x)) - 1e-12).all()


@pytest.mark.parametrize("shape", [(3, 4), (3, 5, 6), (3, 5, 6, 2)])
def test_keeps_the_shape(shape):
    W = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    best = maximal_inputs(W)
    assert best.shape == shape
    assert best.dtype == np.float32
    np.testing.assert_allclose((best.reshape(3, -1) ** 2).sum(axis=1), 1, rtol=1e-6)


def test_of_estimators():
    X = np.random.default_rng(0).normal(size=(30, 4))
    autoencoder = SparseAutoencoder(3, max_iter=2, random_state=0).fit(X)
    np.testing.assert_array_equal(
        maximal_inputs(autoencoder), maximal_inputs(autoencoder.components_)
    )
    whitening = ZCAWhitening().fit(X)
    np.testing.assert_array_equal(maximal_inputs(whitening), maximal_inputs(whitening.components_))
