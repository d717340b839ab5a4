"""Rows that are held out to choose a parameter: fractions, and folds with and without groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from striate.estimators.held_out_rows import grouped_folds, held_out_rows

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=2, max_size=30)


@given(ROWS, st.integers(2, 5))
def test_what_a_fold_holds_out_can_be_learned_from_the_others(rows, n_folds):
    y, groups = np.array(rows).T
    folds = grouped_folds(y, groups, n_folds, 0)
    held_out = np.concatenate([*folds, []]).astype(int)
    assert len(set(held_out.tolist())) == len(held_out)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(y)), fold)
        assert set(y[fold]) <= set(y[rest])
    owners = {(group, k) for k, fold in enumerate(folds) for group in groups[fold]}
    assert len(owners) == len({group for group, _ in owners})


def test_a_class_in_one_group_is_in_no_fold():
    y, groups = [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 2]
    folds = grouped_folds(np.array(y), np.array(groups), 3, 0)
    assert sorted(np.concatenate(folds).tolist()) == [0, 1, 2, 3]


def test_a_row_alone_in_its_class_is_in_no_fold():
    folds = held_out_rows(np.array([0, 0, 0, 1, 1, 2]), 0.1, 3, 0)
    assert sorted(np.concatenate(folds).tolist()) == [0, 1, 2, 3, 4]
    assert all(len(fold) <= 3 for fold in folds)
