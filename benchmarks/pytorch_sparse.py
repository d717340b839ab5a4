"""Typical PyTorch code for sparse networks."""

import torch
from torch.nn import functional as F


def train_masked(weights, X, y, max_iter=1):
    """Return the mean loss of each epoch; weights of the first layer are multiplied by a mask."""
    (W, V), (b, c) = weights
    mask = torch.from_numpy((W != 0).toarray().astype(X.dtype))
    W, V, b, c = _parameters(W.toarray(), V, b, c)

    def output(x):
        return torch.relu(x @ (W * mask) + b) @ V + c

    return _train(output, [W, V, b, c], X, y, max_iter)


def train_unfolded(weights, X, y, max_iter=1, *, fields):
    """Return the mean loss of each epoch; windows are unfolded, each with its own weights."""
    (W, V), (b, c) = weights
    height, width, n_maps = fields.output_shape
    # W is stored column by column, each with the weights of one window in order.
    W = W.data.reshape(height * width, n_maps, -1).transpose(0, 2, 1)
    W, V, b, c = _parameters(W.copy(), V, b.reshape(-1, 1, n_maps), c)

    def output(x):
        windows = F.unfold(x.view(-1, 1, *fields.image_shape), fields.field_size,
                           stride=fields.stride)  # fmt: skip
        a = torch.relu(torch.baddbmm(b, windows.permute(2, 0, 1), W))
        return a.transpose(0, 1).reshape(len(x), -1) @ V + c

    return _train(output, [W, V, b, c], X, y, max_iter)


def _parameters(*arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def _train(output, parameters, X, y, max_iter, batch_size=128):
    optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-15, fused=True)
    X, y, losses = torch.from_numpy(X), torch.from_numpy(y), []
    for _ in range(max_iter):
        total = 0.0
        for rows in torch.arange(len(X)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(output(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(X))
    return losses
