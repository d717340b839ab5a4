"""Few rows with classes and numbers to learn, and what tests of perceptrons do with them."""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))
Y3 = (X[:, 0] + 0.3 * RNG.normal(size=150) > 0).astype(int) + (X[:, 1] > 0.8)
Y2 = (Y3 > 0).astype(int)
T = X[:, 0] - X[:, 1] ** 2 + 0.1 * RNG.normal(size=150)
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0}


def same(one, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(
            [*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True
        )
    )
