"""The lecture's mathematics written to be read: what the compiled code must agree with.

Everything is in float64 and over all rows at once. W of a layer is (n_in, n_out), as in the code.
f' is taken from z, not from a = f(z), so that it is another formula than the one that is tested.
"""

import numpy as np
from scipy.special import expit, softmax, xlogy

f = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "silu": lambda z: z * expit(z),
    "softmax": lambda z: softmax(z, axis=1),
    "exp": np.exp,
}

f_prime = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: np.cosh(z) ** -2,
    "relu": lambda z: (z > 0).astype(float),
    "silu": lambda z: expit(z) + z * np.cosh(z / 2) ** -2 / 4,
}


def forward(W, b, activations, X):
    """z and a of every layer; a[0] is the input."""
    z, a = [None], [X.astype(float)]
    for W_l, b_l, name in zip(W, b, activations, strict=True):
        z.append(a[-1] @ W_l + b_l)
        a.append(f[name](z[-1]))
    return z, a


def row_losses(loss, h, Y):
    """The data term of each row, for outputs h."""
    if loss == "squared_error":
        return ((h - Y) ** 2).sum(axis=1) / 2
    if loss == "squared_hinge":
        return (np.maximum(1 - Y * h, 0) ** 2).sum(axis=1) / 2
    if loss == "log_loss":
        return -(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum(axis=1)
    if loss == "poisson":
        return (xlogy(Y, Y) - Y * np.log(h) - Y + h).sum(axis=1)
    return -(Y * np.log(h)).sum(axis=1)


def kullback_leibler(activation, rho, rho_hat):
    """Σ_j KL(ρ ‖ ρ̂_j), and its derivative by each ρ̂_j."""
    if activation == "relu":  # means beyond 1: the divergence of positive numbers
        return np.sum(rho * np.log(rho / rho_hat) - rho + rho_hat), 1 - rho / rho_hat
    slope = 1.0
    if activation == "tanh":  # -1 ... 1 is mapped onto 0 ... 1
        rho, rho_hat, slope = (1 + rho) / 2, (1 + rho_hat) / 2, 0.5
    value = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    return value.sum(), slope * ((1 - rho) / (1 - rho_hat) - rho / rho_hat)


def objective(
    W, b, activations, loss, X, Y, *, weight_decay=0.0, rho=0.05, beta=0.0, w=None, rho_hat=None
):
    """J, and its gradient by every W and b.

    w weighs the rows; rho_hat replaces the mean activations of these rows, as a running mean does.
    """
    Y = Y.astype(float)
    w = np.ones(len(X)) if w is None else np.asarray(w, dtype=float)
    w = w / w.sum()
    z, a = forward(W, b, activations, X)
    J = w @ row_losses(loss, a[-1], Y) + weight_decay / 2 * sum((W_l**2).sum() for W_l in W)
    delta = w[:, np.newaxis] * (a[-1] - Y)
    if loss == "squared_hinge":
        delta = -w[:, np.newaxis] * Y * np.maximum(1 - Y * a[-1], 0)
    if loss == "squared_error":
        delta *= f_prime[activations[-1]](z[-1])
    slope = np.zeros(a[1].shape[1])
    if beta:
        rho_hat = w @ a[1] if rho_hat is None else rho_hat
        kl, slope = kullback_leibler(activations[0], rho, rho_hat)
        J += beta * kl
    grad_W, grad_b = [], []
    for i in reversed(range(len(W))):
        grad_W.insert(0, a[i].T @ delta + weight_decay * W[i])
        grad_b.insert(0, delta.sum(axis=0))
        above = delta @ W[i].T
        if i == 1:
            above += beta * np.outer(w, slope)
        if i > 0:
            delta = above * f_prime[activations[i - 1]](z[i])
    return J, grad_W, grad_b


def normalize(patch, how):
    """x - mean, and for True (x - mean) / sqrt(variance + 10 / 255²)."""
    if how is False:
        return patch
    patch = patch - patch.mean()
    return patch if how == "mean" else patch / np.sqrt(patch.var() + 10 / 255**2)


def convolve(image, patch_shape, stride, how, encode):
    """The map (n_y, n_x, k) of `encode` at every position of an image (h, w, c)."""
    height, width = patch_shape
    rows = range(0, image.shape[0] - height + 1, stride)
    columns = range(0, image.shape[1] - width + 1, stride)
    return np.array(
        [
            [encode(normalize(image[y : y + height, x : x + width].ravel(), how)) for x in columns]
            for y in rows
        ]
    )


def pool(feature_map, grid, pooling):
    """Mean, maximum or sum over the cells of a grid: (grid rows, grid columns, k)."""
    n_y, n_x, k = feature_map.shape
    cells = np.empty((*grid, k))
    for r in range(grid[0]):
        for c in range(grid[1]):
            ys = [y for y in range(n_y) if y * grid[0] // n_y == r]
            xs = [x for x in range(n_x) if x * grid[1] // n_x == c]
            members = np.array([feature_map[y, x] for y in ys for x in xs])
            cells[r, c] = getattr(np, pooling)(members, axis=0)
    return cells
