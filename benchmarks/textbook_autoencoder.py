"""A sparse autoencoder in NumPy and SciPy, written as the exercise of the UFLDL tutorial asks.

It is vectorized over the examples, which are columns; every equation of the lecture is one line.
"""

import numpy as np
from scipy.optimize import minimize


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def unpack(theta, n_visible, n_hidden):
    sizes = (n_hidden * n_visible, n_visible * n_hidden, n_hidden)
    W1, W2, b1, b2 = np.split(theta, np.cumsum(sizes))
    return W1.reshape(n_hidden, n_visible), W2.reshape(n_visible, n_hidden), b1, b2


def cost_and_gradient(theta, data, n_hidden, weight_decay, sparsity_target, sparsity_weight):
    """Return J and its gradient at θ = (W1, W2, b1, b2); data (n_visible, m)."""
    n_visible, m = data.shape
    W1, W2, b1, b2 = unpack(theta, n_visible, n_hidden)
    rho = sparsity_target

    a2 = sigmoid(W1 @ data + b1[:, None])
    a3 = sigmoid(W2 @ a2 + b2[:, None])
    rho_hat = a2.mean(axis=1)
    kl = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    cost = (
        np.sum((a3 - data) ** 2) / (2 * m)
        + weight_decay / 2 * (np.sum(W1**2) + np.sum(W2**2))
        + sparsity_weight * np.sum(kl)
    )

    delta3 = (a3 - data) * a3 * (1 - a3)
    penalty = sparsity_weight * (-rho / rho_hat + (1 - rho) / (1 - rho_hat))
    delta2 = (W2.T @ delta3 + penalty[:, None]) * a2 * (1 - a2)
    W1_gradient = delta2 @ data.T / m + weight_decay * W1
    W2_gradient = delta3 @ a2.T / m + weight_decay * W2
    parts = (W1_gradient.ravel(), W2_gradient.ravel(), delta2.mean(axis=1), delta3.mean(axis=1))
    return cost, np.concatenate(parts)


def train(theta, patches, n_hidden, terms, max_iter):
    """Return SciPy's result after `max_iter` iterations of L-BFGS; patches (m, n_visible)."""
    data = np.ascontiguousarray(patches.T)
    arguments = (data, n_hidden, *terms)
    options = {"maxiter": max_iter, "maxfun": 10 * max_iter}
    options |= {"ftol": 0, "gtol": 0}
    return minimize(
        cost_and_gradient, theta, arguments, method="L-BFGS-B", jac=True, options=options
    )
