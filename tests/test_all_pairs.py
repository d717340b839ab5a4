"""The choice of combinations must not leave out a pair."""

from itertools import combinations, product

import pytest
from all_pairs import all_pairs, choice_with_all_pairs, short_first


@pytest.mark.parametrize(
    ("rows", "most"),
    [
        (list(product("abcd", range(6), (False, True), "xy")), 30),
        ([row for row in product("abc", range(4), "xyz") if row[0] == "a" or row[1] > 0], 16),
        (list(product("ab", "cd")), 4),
    ],
)
def test_each_pair_is_chosen_and_few_rows_are(rows, most):
    chosen = choice_with_all_pairs(rows)
    held = {pair for at in chosen for pair in combinations(enumerate(rows[at]), 2)}
    assert held == {pair for row in rows for pair in combinations(enumerate(row), 2)}
    assert len(chosen) == len(set(chosen)) <= most


def test_the_others_are_long():
    given = all_pairs(product("abc", "xyz", "pq"))
    n_long = sum(bool(each.marks) for each in given)
    assert [each.values for each in given] == list(product("abc", "xyz", "pq"))
    assert n_long == len(given) - 9
    assert [bool(each.marks) for each in short_first("abc", 2)] == [False, False, True]
