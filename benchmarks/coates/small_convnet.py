"""A small convolutional network, trained in PyTorch on few labelled images alone."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BATCH_SIZE, HIGHEST_RATE, WEIGHT_DECAY = 64, 4e-3, 5e-2
#: Training steps per square root of the number of images: 300 for 100 images.
STEPS = 30
CHANNELS, PADDING = (32, 64, 128), 4


def accuracy(X, y, X_test, y_test, seed):
    """Return the test accuracy after training on the images X, uint8."""
    torch.manual_seed(seed)
    X, X_test = (_scaled(images) for images in (X, X_test))
    model = _trained(X, torch.from_numpy(y))
    with torch.inference_mode():
        labels = torch.cat([model(batch).argmax(dim=1) for batch in X_test.split(500)])
    return float(np.mean(labels.numpy() == y_test))


def _scaled(images):
    x = torch.from_numpy(images).permute(0, 3, 1, 2)  # in the memory format channels_last
    return (x.float() / 255 - 0.5) / 0.25


def _network(n_channels, n_classes):
    """Return blocks of convolution, batch normalization, ReLU and pooling, and a linear layer."""
    layers, widths = [], (n_channels, *CHANNELS)
    for n_in, n_out in zip(widths, CHANNELS, strict=False):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out)]
        layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)]
    layers.append(nn.Linear(CHANNELS[-1], n_classes))
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def _trained(X, y):
    """Train by AdamW with a one-cycle learning rate, for a predetermined number of steps."""
    n_steps = int(STEPS * len(X) ** 0.5)
    model = _network(X.shape[1], int(y.max()) + 1).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=HIGHEST_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST_RATE, total_steps=n_steps)
    for _ in range(n_steps):
        rows = torch.randint(len(X), (BATCH_SIZE,))
        optimizer.zero_grad()
        F.cross_entropy(model(_shifted_and_mirrored(X[rows])), y[rows]).backward()
        optimizer.step()
        rate.step()
    return model.eval()


def _shifted_and_mirrored(x):
    """Return a random crop of each padded image, mirrored for half of them."""
    n, _, height, width = x.shape
    padded = F.pad(x, (PADDING,) * 4, mode="reflect")
    mirrored = torch.rand(n) < 0.5
    padded[mirrored] = padded[mirrored].flip(-1)
    down, across = torch.randint(2 * PADDING + 1, (2, n, 1))
    rows = (down + torch.arange(height))[:, :, None]
    columns = (across + torch.arange(width))[:, None, :]
    crops = padded.permute(0, 2, 3, 1)[torch.arange(n)[:, None, None], rows, columns]
    return crops.permute(0, 3, 1, 2)
