"""Equal files and near-duplicates, and the groups that keep them together."""

import numpy as np
import pytest

from striate.analysis.image_copies import copies, joined_groups, near_duplicates


def test_single_images_need_no_groups():
    assert joined_groups(np.array([3, 1, 2]), None) is None
    given = np.array(["x", "y", "x"])
    assert joined_groups(np.array([3, 1, 2]), given) is given


def test_copies_are_one_group():
    found = joined_groups(np.array([7, 1, 7, 2]), None)
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("seed", range(5))
def test_joined_groups_are_the_connected_ones(seed):
    rng = np.random.default_rng(seed)
    checksums, groups = rng.integers(12, size=20), rng.integers(9, size=20)
    # An oracle that is slow: repeat until nothing changes.
    expected = np.arange(20)
    for _ in range(20):
        for keys in (checksums, groups):
            for key in keys:
                expected[keys == key] = expected[keys == key].min()
    found = joined_groups(checksums, groups.astype(str))
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


def test_copies_are_listed_by_content():
    found = [rows.tolist() for rows in copies(np.array([5, 9, 5, 1, 9, 5]))]
    assert found == [[0, 2, 5], [1, 4]]
    assert copies(np.array([1, 2])) == []


@pytest.mark.parametrize("n_features", [30, 200])
def test_near_duplicates_of_other_groups_are_found(n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, n_features)).astype(np.float32)
    X[7] = X[40] + 0.1 * rng.normal(size=n_features)
    X[60:70] = X[60] + 0.01 * rng.normal(size=(10, n_features))  # ten copies
    X[9] = X[8] * 1.001
    groups = np.arange(120)
    groups[9] = groups[8]
    tens = [(i, j) for i in range(60, 70) for j in range(i + 1, 70)]
    assert near_duplicates(X, groups) == [(7, 40), *tens]


def test_images_that_are_all_alike_are_no_near_duplicates():
    assert near_duplicates(np.ones((80, 4)), np.arange(80)) == []
    assert near_duplicates(np.zeros((1, 4)), np.arange(1)) == []
