"""The lecture's mathematics written to be read: what the compiled code must agree with.

Everything is in float64 and over all rows at once. W of a layer is (n_in, n_out), as in the code.
f' is taken from z, not from a = f(z), so that it is another formula than the one that is tested.
"""

import numpy as np
from scipy.special import erf, expit, softmax, xlogy

SELU = 1.0507009873554805, 1.6732632423543772


def normal_cdf(z):
    return (1 + erf(z / np.sqrt(2))) / 2


def tanh_of_softplus(z):
    return np.tanh(np.logaddexp(0, z))


def increasing(z):
    return np.cumsum(np.hstack([z[:, :1], np.logaddexp(0, z[:, 1:])]), axis=1)


f = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": lambda z: SELU[0] * np.where(z > 0, z, SELU[1] * np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
    "silu": lambda z: z * expit(z),
    "gelu": lambda z: z * normal_cdf(z),
    "mish": lambda z: z * tanh_of_softplus(z),
    "increasing": increasing,
    "softmax": lambda z: softmax(z, axis=1),
    "exp": np.exp,
}

f_prime = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: np.cosh(z) ** -2,
    "relu": lambda z: (z > 0).astype(float),
    "leaky_relu": lambda z: np.where(z > 0, 1, 0.01),
    "elu": lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))),
    "selu": lambda z: SELU[0] * np.where(z > 0, 1, SELU[1] * np.exp(np.minimum(z, 0))),
    "softplus": expit,
    "silu": lambda z: expit(z) + z * np.cosh(z / 2) ** -2 / 4,
    "gelu": lambda z: normal_cdf(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    "mish": lambda z: tanh_of_softplus(z) + z * expit(z) / np.cosh(np.logaddexp(0, z)) ** 2,
}


def forward(W, b, activations, X):
    """z and a of every layer; a[0] is the input."""
    z, a = [None], [X.astype(float)]
    for W_l, b_l, name in zip(W, b, activations, strict=True):
        z.append(a[-1] @ W_l + b_l)
        a.append(f[name](z[-1]))
    return z, a


def row_losses(loss, h, Y, constants=()):
    """The data term of each row, for outputs h."""
    return _ROW_LOSSES[loss](h, Y, constants).sum(axis=1)


def pinball(h, Y, levels):
    d, levels = Y - h, np.asarray(levels)
    return np.maximum(levels * d, (levels - 1) * d)


def focal_of_each(h, Y, constants):
    of_no = (1 - Y) * h ** constants[0] * np.log(1 - h)
    return -(Y * (1 - h) ** constants[0] * np.log(h) + of_no)


def grouped_cross_entropy(h, Y, sizes):
    return -np.hstack([y * np.log(softmax(z, axis=1)) for z, y in groups(sizes, h, Y)])


_ROW_LOSSES = {
    "squared_error": lambda h, Y, _: (h - Y) ** 2 / 2,
    "absolute_error": lambda h, Y, _: np.abs(h - Y),
    "huber": lambda h, Y, constants: huber(constants[0], h - Y),
    "quantile": pinball,
    "increasing_quantiles": pinball,
    "squared_hinge": lambda h, Y, _: np.maximum(1 - Y * h, 0) ** 2 / 2,
    "log_loss": lambda h, Y, _: -(Y * np.log(h) + (1 - Y) * np.log(1 - h)),
    "cross_entropy": lambda h, Y, _: -(Y * np.log(h)),
    "grouped_cross_entropy": grouped_cross_entropy,
    "focal_of_distribution": lambda h, Y, constants: -(Y * (1 - h) ** constants[0] * np.log(h)),
    "focal_of_each": focal_of_each,
    "poisson": lambda h, Y, _: xlogy(Y, Y) - Y * np.log(h) - Y + h,
}


def constants_of(loss, n_outputs):
    """What a loss needs beside outputs and targets, for tests."""
    if loss in ("quantile", "increasing_quantiles"):
        return tuple(np.linspace(0.2, 0.9, n_outputs))
    if loss == "grouped_cross_entropy":
        return (2, n_outputs - 2) if n_outputs > 2 else (n_outputs,)
    return {"huber": (0.5,), "focal_of_each": (2.0,), "focal_of_distribution": (0.5,)}.get(loss, ())


def groups(sizes, *arrays):
    ends = np.cumsum(sizes).astype(int)[:-1]
    return zip(*(np.split(array, ends, axis=1) for array in arrays), strict=True)


def output_delta(loss, activation, z, h, Y, constants=()):
    """The derivative of each row's data term by z of the outputs."""
    if loss in ("log_loss", "cross_entropy", "poisson"):
        return h - Y
    if loss == "grouped_cross_entropy":
        return np.hstack([softmax(z, axis=1) - y for z, y in groups(constants, h, Y)])
    if loss.startswith("focal"):
        gamma = constants[0]
        by_p = Y * (gamma * (1 - h) ** (gamma - 1) * np.log(h) - (1 - h) ** gamma / h)
        if loss == "focal_of_distribution":
            return h * (by_p - (h * by_p).sum(axis=1, keepdims=True))
        of_no = gamma * h ** (gamma - 1) * np.log(1 - h) - h**gamma / (1 - h)
        return (by_p - (1 - Y) * of_no) * h * (1 - h)
    if loss == "squared_error":
        by_h = h - Y
    elif loss == "squared_hinge":
        by_h = -Y * np.maximum(1 - Y * h, 0)
    elif loss == "absolute_error":
        by_h = np.sign(h - Y)
    elif loss == "huber":
        by_h = np.clip(h - Y, -constants[0], constants[0])
    else:
        by_h = np.where(h > Y, 1, 0) - np.asarray(constants)
    if activation == "increasing":
        above = by_h[:, ::-1].cumsum(axis=1)[:, ::-1]
        return np.hstack([above[:, :1], above[:, 1:] * expit(z[:, 1:])])
    return by_h * f_prime[activation](z)


def huber(limit, d):
    return np.where(np.abs(d) <= limit, d**2 / 2, limit * (np.abs(d) - limit / 2))


def kullback_leibler(activation, rho, rho_hat):
    """Σ_j KL(ρ ‖ ρ̂_j), and its derivative by each ρ̂_j."""
    if activation == "relu":  # means beyond 1: the divergence of positive numbers
        return np.sum(rho * np.log(rho / rho_hat) - rho + rho_hat), 1 - rho / rho_hat
    slope = 1.0
    if activation == "tanh":  # -1 ... 1 is mapped onto 0 ... 1
        rho, rho_hat, slope = (1 + rho) / 2, (1 + rho_hat) / 2, 0.5
    value = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    return value.sum(), slope * ((1 - rho) / (1 - rho_hat) - rho / rho_hat)


#: Terms of J that are functions of W: the value and the gradient of each, by its weight in J.
OF_WEIGHTS = {
    "weight_decay": (lambda W: (W**2).sum() / 2, lambda W: W),
}


def weight_terms(W, **of_weights):
    """The sum of the terms of W, and its gradient."""
    value, gradient = 0.0, np.zeros_like(W)
    for name, weight in of_weights.items():
        term, derivative = OF_WEIGHTS[name]
        value, gradient = value + weight * term(W), gradient + weight * derivative(W)
    return value, gradient


def objective(
    W, b, activations, loss, X, Y, *, rho=0.05, beta=0.0, w=None, rho_hat=None,
    loss_constants=(), **of_weights,
):  # fmt: skip
    """J, and its gradient by every W and b.

    of_weights are the weights of the terms OF_WEIGHTS, w those of the rows. rho_hat replaces the
    mean activations of these rows, as a running mean does.
    """
    Y = Y.astype(float)
    w = np.ones(len(X)) if w is None else np.asarray(w, dtype=float)
    w = w / w.sum()
    z, a = forward(W, b, activations, X)
    penalties = [weight_terms(W_l, **of_weights) for W_l in W]
    J = w @ row_losses(loss, a[-1], Y, loss_constants) + sum(value for value, _ in penalties)
    delta = output_delta(loss, activations[-1], z[-1], a[-1], Y, loss_constants)
    delta = w[:, np.newaxis] * delta
    slope = np.zeros(a[1].shape[1])
    if beta:
        rho_hat = w @ a[1] if rho_hat is None else rho_hat
        kl, slope = kullback_leibler(activations[0], rho, rho_hat)
        J += beta * kl
    grad_W, grad_b = [], []
    for i in reversed(range(len(W))):
        grad_W.insert(0, a[i].T @ delta + penalties[i][1])
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
    """The map (n_y, n_x, k) of `encode`, of patches as rows, at every position of (h, w, c)."""
    height, width = patch_shape
    rows = range(0, image.shape[0] - height + 1, stride)
    columns = range(0, image.shape[1] - width + 1, stride)
    patches = [
        normalize(image[y : y + height, x : x + width].ravel(), how) for y in rows for x in columns
    ]
    return encode(np.array(patches)).reshape(len(rows), len(columns), -1)


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
