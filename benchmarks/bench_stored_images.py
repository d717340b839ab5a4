"""Features of images from Zarr, from files and on workers, against images in memory."""

import tempfile
import time
from pathlib import Path

import numpy as np

from striate import PatchFeatures, SparseAutoencoder, extract_features

from .fixed_iterations import fixed_iterations
from .local_clusters import cluster
from .result_tables import Report, ValueTargets

#: `python -m benchmarks scale-images --full`.
FULL = {"n_images": 100_000}


@fixed_iterations()
def measure(n_images=10_000, side=32):
    """Compare images per second."""
    import zarr
    from PIL import Image

    table = ValueTargets()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n_images, side, side, 3), dtype=np.uint8)
    learner = SparseAutoencoder(100, max_iter=5, random_state=0)
    features = PatchFeatures(learner, patch_size=6, n_patches=5000, random_state=0)
    features.fit(images[:1000])
    with tempfile.TemporaryDirectory(prefix="striate-scale-") as name:
        folder = Path(name)
        stored = zarr.create_array(folder / "images.zarr", data=images, chunks=(100, side, side, 3))
        photos = folder / "photos"
        photos.mkdir()
        for i, pixels in enumerate(images):
            Image.fromarray(pixels).save(photos / f"{i:06}.png")
        files, rates = sorted(photos.iterdir()), {}
        for kind, data in (("memory", images), ("Zarr", stored), ("files", files)):
            features.transform(data[: max(1, n_images // 10)])
            start = time.perf_counter()
            features.transform(data)
            rates[kind] = n_images / (time.perf_counter() - start)
        with cluster(2, set_as_default=False) as client:
            for part, out in ((files[:200], "warm.npy"), (files, "X.npy")):
                start = time.perf_counter()
                extract_features(features, part, folder / out, client=client)
            rates["files, two workers"] = n_images / (time.perf_counter() - start)
    memory = rates.pop("memory")
    table.for_the_record("images per second in memory", memory, "{:.0f}")
    for kind, rate in rates.items():
        table.at_least(f"images per second from {kind}, in memory = 1", rate / memory, 0.9)
    return Report(f"Features of {n_images:,} images", [table], [])
