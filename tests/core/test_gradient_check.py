"""The numerical gradient that others are held against must itself find faults."""

import numpy as np

from striate import check_gradient


def cubic(theta):
    return float(np.sum(theta**3)), 3 * theta**2


def test_accepts_a_right_gradient():
    assert check_gradient(cubic, np.linspace(-2, 2, 7)) < 1e-8


def test_finds_one_wrong_component():
    def wrong(theta):
        value, gradient = cubic(theta)
        gradient[3] *= 1.001
        return value, gradient

    assert check_gradient(wrong, np.ones(7)) > 1e-5


def test_finds_a_wrong_sign():
    assert check_gradient(lambda theta: (cubic(theta)[0], -cubic(theta)[1]), np.ones(7)) > 0.9


def test_leaves_theta_alone_and_takes_lists():
    theta = np.ones(3)
    check_gradient(cubic, theta)
    np.testing.assert_array_equal(theta, 1)
    assert check_gradient(cubic, [1.0, 2.0]) < 1e-8


def test_zero_gradient():
    assert check_gradient(lambda theta: (5.0, np.zeros_like(theta)), np.ones(3)) == 0
