"""Seconds that Numba compiles for what the demo does: run in a new process with an empty cache."""

import json
import sys
import time


def work():
    """The demo's steps on the smallest data: which functions are compiled does not depend on it."""
    import numpy as np

    from striate import ImageWhitening, PatchFeatures, PatchScaler, SparseAutoencoder
    from striate.core.network import Network
    from striate.core.objective import Objective
    from striate.core.threads import team

    rng = np.random.default_rng(0)
    X = rng.random((20, 6))
    network = Network((6, 4, 6), ("logistic", "identity"))
    with team() as run:  # gradients are checked in float64
        Objective(network, "squared_error", X, X, run, sparsity_weight=1.0)(
            network.initial_theta(np.random.RandomState(0))
        )
    images = ImageWhitening().fit_transform(list(rng.random((4, 24, 24), dtype=np.float32)))
    encoder = SparseAutoencoder(4, max_iter=2, random_state=0)
    features = PatchFeatures(
        encoder, patch_size=6, n_patches=50, normalize="mean", whitening=PatchScaler()
    )
    features.fit(images).transform(images)


def main():
    start = time.perf_counter()
    from numba.core import event

    compiled: list[float] = []
    with event.install_timer("numba:compile", compiled.append):
        work()
    print(json.dumps({"compiling": sum(compiled), "in all": time.perf_counter() - start}))


if __name__ == "__main__":
    sys.exit(main())
