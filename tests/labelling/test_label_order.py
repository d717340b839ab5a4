"""The order of labels: varied at first, then unsure, and never the same image twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.labelling.label_order import (
    next_images,
    similarity_space,
    unsure_images,
    varied_images,
)


def clusters(sizes, seed=0):
    """Well separated clusters of the given sizes, and the cluster of each row."""
    rng = np.random.default_rng(seed)
    of_row = np.repeat(np.arange(len(sizes)), sizes)
    centers = 3 * rng.normal(size=(len(sizes), 30))
    return (centers[of_row] + rng.normal(size=(len(of_row), 30))).astype(np.float32), of_row


def test_similar_images_are_near():
    X, of_row = clusters([30, 40, 50])
    Z = similarity_space(X * np.geomspace(1, 1e3, 30, dtype=np.float32))
    assert Z.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-5)
    distances = np.linalg.norm(Z[:, None] - Z, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (of_row[distances.argmin(axis=1)] == of_row).mean() > 0.95


def test_few_labels_cover_all_clusters():
    X, of_row = clusters([200, 100, 50, 25, 12])
    Z = similarity_space(X)
    chosen = varied_images(Z, np.empty(0, int), 10)
    assert set(of_row[chosen]) == set(range(5))
    # Clusters in which an image is known come last.
    known = np.flatnonzero(of_row == 0)[:1]
    assert 0 not in of_row[varied_images(Z, known, 2)]


def test_unsure_images_are_of_several_clusters():
    X, of_row = clusters([100, 100, 100, 100])
    margin = np.where(of_row < 3, 0.1, 0.9) + 0.001 * np.arange(400)
    p = np.column_stack([(1 + margin) / 2, (1 - margin) / 2])
    chosen = unsure_images(similarity_space(X), p, np.arange(5), 6)
    assert set(of_row[chosen]) <= {0, 1, 2}
    assert len(chosen) == 6
    assert (np.diff(margin[chosen]) > 0).all()
    near_duplicates = np.repeat(X[of_row < 3][::60], 50, axis=0)
    p = np.random.default_rng(0).permutation(p[:250])
    chosen = unsure_images(similarity_space(near_duplicates), p, np.empty(0, int), 5)
    assert len(set(chosen // 50)) == 5


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_known_images_are_not_chosen(data):
    n, n_classes = data.draw(st.integers(2, 30)), data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    X = rng.integers(0, data.draw(st.sampled_from([1, 2, 50])), (n, 5)).astype(np.float32)
    known = rng.permutation(n)[: data.draw(st.integers(0, n))]
    p = None
    if data.draw(st.booleans()):
        p = rng.dirichlet(np.ones(n_classes), n)
    wanted = data.draw(st.integers(1, 12))
    n_labels = data.draw(st.sampled_from([0, 10_000]))
    chosen = next_images(similarity_space(X), p, known, wanted, n_labels=n_labels)
    assert len(set(chosen.tolist())) == len(chosen) <= wanted
    assert not set(chosen) & set(known)
    assert (len(chosen) > 0) == (len(known) < n)


def test_the_order_is_the_same_each_time():
    X, _ = clusters([60, 60])
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 120)
    for n_labels in (0, 100):
        first, second = (
            next_images(similarity_space(X), p, np.arange(9), 7, n_labels=n_labels)
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("n", [1, 3])
def test_a_single_image_is_enough(n):
    Z = similarity_space(np.ones((1, 4), np.float32))
    assert varied_images(Z, np.empty(0, int), n).tolist() == [0]
