"""Wavelet scattering instead of learned features, with the same linear classifier."""

import importlib.util

import numpy as np

from benchmarks.environment import HAS_TORCH
from benchmarks.exercise import Exercise

from .single_layer_recipes import exercise

HAS_KYMATIO = HAS_TORCH and importlib.util.find_spec("kymatio") is not None
WITHOUT_KYMATIO = "Skipped: it needs PyTorch and Kymatio (pip install torch kymatio)"


class Scattering:
    """Scattering of each channel: order 2, 8 orientations, averaged over 2² pixels, not learned."""

    batch_size = 64

    def fit(self, X):
        # Not from kymatio.torch, which also imports the module for volumes. That needs a function
        # removed from SciPy 1.17.
        from kymatio.scattering2d.frontend.torch_frontend import ScatteringTorch2D

        self._scattering = ScatteringTorch2D(J=2, shape=X.shape[1:3], L=8, max_order=2)
        return self

    def transform(self, X):
        """Return features (n, channels * 81 * h / 4 * w / 4) of images (n, h, w, channels)."""
        out = None
        for begin in range(0, len(X), self.batch_size):
            features = self._of_batch(X[begin : begin + self.batch_size])
            if out is None:
                out = np.empty((len(X), features.shape[1]), dtype=np.float32)
            out[begin : begin + len(features)] = features
        return out

    def _of_batch(self, images):
        import torch

        channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / 255
        with torch.inference_mode():
            return self._scattering(torch.from_numpy(channels_first)).flatten(1).numpy()


_ROW = exercise(
    "scattering",
    "Scattering",
    "Kymatio's wavelet scattering of order 2, J = 2, 8 orientations",
    "",
    Scattering,
)


def run(work):
    if not HAS_KYMATIO:
        print(WITHOUT_KYMATIO)
        return None
    found = _ROW.run(work)
    if found is not None:
        found.remarks.append("The first step learns nothing: it only creates the filters.")
    return found


EXERCISES = (Exercise(_ROW.name, _ROW.title, _ROW.settings, _ROW.published, run),)
