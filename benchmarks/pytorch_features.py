"""Image features by convolution in PyTorch, imported only if torch is installed."""

import numpy as np
import torch
from torch.nn import functional as F

from striate.core.activations import address_of_activation
from striate.images.encoding import TRIANGLE, DistanceEncoding


def pooled_features(folded, patch_shape, contrast_floor, pool_grid, batch_size, pooling="mean"):
    """Return a function that maps images to pooled features of contrast-normalized patches.

    Parameters
    ----------
    folded : striate.images.operator_fusion.Folded
        Whitening fused with the encoder.
    """
    encode = _encoder(folded, patch_shape)

    def of_batch(x):  # (n, c, h, w), in channels_last
        x, factor = _centred(x, patch_shape, contrast_floor)
        return encode(x, factor, lambda a: _pooled(a, pool_grid, pooling)).flatten(1)

    @torch.inference_mode()
    def transform(images):
        # An array (n, h, w, c) viewed as (n, c, h, w) has the memory format channels_last.
        x = torch.from_numpy(images).permute(0, 3, 1, 2)
        return torch.cat([of_batch(batch) for batch in x.split(batch_size)]).numpy()

    return transform


def _centred(x, patch_shape, contrast_floor):
    """Return x minus its mean, and 1 / deviation of the patch at each position, by box filters."""
    # In float32, differences of nearly equal numbers lose digits: centre them, and use doubles.
    x = x - x.mean(dim=(1, 2, 3), keepdim=True)
    moments = torch.stack([x.mean(dim=1), x.square().mean(dim=1)], dim=1).double()
    mean, square = F.avg_pool2d(moments, patch_shape[:2], stride=1).split(1, dim=1)
    variance = (square - mean.square()).float()
    return x, torch.rsqrt(variance + contrast_floor)


def _filters(W, patch_shape):
    """Return W (patch pixels, units) as filters that also subtract the mean of a patch."""
    W = torch.tensor(W.T.reshape(-1, *patch_shape)).permute(0, 3, 1, 2)  # (units, c, h, w)
    # W (x − mean of x) = (W − mean of W) x, a convolution.
    return (W - W.mean(dim=(1, 2, 3), keepdim=True)).contiguous(memory_format=torch.channels_last)


def _pooled(a, pool_grid, pooling):
    """Pool maps (n, units, y, x) to (n, cells, units)."""
    cells = [-(-n // g) for n, g in zip(a.shape[2:], pool_grid, strict=True)]
    divisor = 1 if pooling == "sum" else None
    pooled = F.avg_pool2d(a, cells, ceil_mode=True, divisor_override=divisor)
    return pooled.permute(0, 2, 3, 1).flatten(1, 2)


def _encoder(folded, patch_shape):
    """Return encode(x, factor, pooled) -> (n, cells, features)."""
    if isinstance(folded.encoding, DistanceEncoding):
        of_kind = _triangle if folded.encoding.kind == TRIANGLE else _nearest
        return of_kind(folded, patch_shape)
    return _layer(folded, patch_shape)


def _one_product(folded, patch_shape):
    """Return filters and their bias b, with whitening fused into the weights."""
    (L, shift), (W, b, *_) = folded.project, folded.encoding
    if L.size:
        b, W = b + shift @ W, L @ W
    return _filters(W, patch_shape), torch.tensor(b).reshape(1, -1, 1, 1)


def _layer(folded, patch_shape):
    """f(W x + b), or max(0, ± (W x + b) − θ)."""
    _, _, f, signs, threshold = folded.encoding
    filters, b = _one_product(folded, patch_shape)
    is_sigmoid = f == address_of_activation("logistic", np.dtype(np.float32))

    def encode(x, factor, pooled):
        z = F.conv2d(x, filters).mul_(factor).add_(b)
        if len(signs) == 0:
            return pooled(z.sigmoid_() if is_sigmoid else z)
        first = pooled((z - threshold).relu_())
        return torch.cat([first, pooled(z.neg_().sub_(threshold).relu_())], dim=2)

    return encode


def _triangle(folded, patch_shape):
    """max(0, μ − d_j) for the distances d_j = ‖y − w_j‖ of whitened patches y, and their mean μ."""
    (L, shift), (W, b, *_) = folded.project, folded.encoding
    whiten, shift = _filters(L, patch_shape), torch.tensor(shift).reshape(1, -1, 1, 1)
    atoms = torch.tensor(-2 * W.T)[:, :, None, None].contiguous(memory_format=torch.channels_last)
    b = torch.tensor(-2 * b)

    def encode(x, factor, pooled):
        y = F.conv2d(x, whiten).mul_(factor).add_(shift)
        d = F.conv2d(y, atoms, b).add_(y.square().sum(dim=1, keepdim=True)).clamp_(min=0).sqrt_()
        return pooled((d.mean(dim=1, keepdim=True) - d).relu_())

    return encode


def _nearest(folded, patch_shape):
    """1 for the nearest w_j: the one with the largest y·w_j − ‖w_j‖² / 2, from one convolution."""
    filters, b = _one_product(folded, patch_shape)

    def encode(x, factor, pooled):
        nearest = F.conv2d(x, filters).mul_(factor).add_(b).argmax(dim=1, keepdim=True)
        codes = torch.zeros(len(x), b.shape[1], *nearest.shape[2:])
        codes = codes.contiguous(memory_format=torch.channels_last)
        return pooled(codes.scatter_(1, nearest, 1.0))

    return encode
