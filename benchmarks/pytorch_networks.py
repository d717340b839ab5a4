"""Typical PyTorch code for the same training, imported only if torch is installed."""

import torch
from torch.nn import functional as F


def autoencoder_objective(network, X, *, weight_decay, sparsity_target, sparsity_weight):
    """Return a function of θ (all W, then all b) that computes J and ∇J by autograd."""
    X = torch.from_numpy(X)
    linear = network.activations[-1] == "identity"

    def objective(W_1, W_2, b_1, b_2):
        a = torch.sigmoid(X @ W_1 + b_1)
        z = a @ W_2 + b_2
        reconstruction = z if linear else torch.sigmoid(z)
        rho, rho_hat = sparsity_target, a.mean(dim=0)
        kl = rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))
        data = F.mse_loss(reconstruction, X, reduction="sum") / (2 * len(X))
        ridge = weight_decay / 2 * (W_1.square().sum() + W_2.square().sum())
        return data + ridge + sparsity_weight * kl.sum()

    def evaluate(theta):
        W, b = network.unpack(theta)
        parameters = [torch.tensor(p, dtype=X.dtype, requires_grad=True) for p in (*W, *b)]
        J = objective(*parameters)
        gradients = torch.autograd.grad(J, parameters)
        return J.item(), torch.cat([g.ravel() for g in gradients]).numpy()

    return evaluate


def train_classifier(weights, activation, X, y, alpha, *, max_iter, batch_size):
    """Train a multilayer perceptron on cross-entropy by Adam; return the last epoch's mean loss."""
    torch.manual_seed(0)
    layers = []
    for W, b in zip(*weights, strict=True):
        layer = torch.nn.Linear(*W.shape)
        layer.weight.data, layer.bias.data = torch.tensor(W.T), torch.tensor(b)
        layers += [layer, torch.nn.ReLU() if activation == "relu" else torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(
        model.parameters(), lr=1e-3, weight_decay=alpha / batch_size, fused=True
    )
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(max_iter):
        total = 0.0
        for rows in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
    return total / len(X)
