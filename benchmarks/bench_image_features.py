"""`PatchFeatures.transform` of 96×96×3 images: 8×8 patches, 400 features, pooled over 3×3 cells."""

from functools import partial

import numpy as np
from sklearn.datasets import load_sample_images

from striate import PatchFeatures, SparseAutoencoder, ZCAWhitening
from striate.images.operator_fusion import fold
from striate.images.patches import CONTRAST_FLOOR

from . import peak_memory, sgemm
from .environment import HAS_TORCH, WITHOUT_TORCH
from .fixed_iterations import fixed_iterations
from .result_tables import Report, SpreadTargets, Times
from .timing import THREADS, Contender, check_same, take_turns

SIDE, PATCH, N_UNITS = 96, 8, 400
#: Images that PyTorch takes at a time: a usual batch, and one, whose maps stay in the cache.
TORCH = {"PyTorch, batches of 16": 16, "PyTorch, one by one": 1}


@fixed_iterations()
def measure(n_images=48, n_units=N_UNITS, max_iter=10, rounds=15, many=(200, 2000)):
    images = crops(n_images)
    model = learned(images, n_units, max_iter)
    transform = partial(model.transform, images)
    contenders = [Contender(f"Striate, {THREADS[n]}", transform, n) for n in (1, 2)]
    expected = model.transform(images)
    remarks = []
    if HAS_TORCH:
        from .pytorch_features import pooled_features

        settings = (folded(model), model.patch_shape_, CONTRAST_FLOOR, model.pool_grid)
        for name, size in TORCH.items():
            convolve = partial(pooled_features(*settings, size), images)
            remarks.append(check_same(f"features vs. {name}", expected, convolve(), 1e-5))
            contenders += [Contender(f"{name}, {THREADS[n]}", convolve, n) for n in (1, 2)]
    else:
        remarks.append(WITHOUT_TORCH)
    seconds = take_turns([*contenders, *sgemm.contenders()], rounds)
    tables = _tables(seconds, n_images, n_units)
    for n in many if peak_memory.CAN_BE_MEASURED else ():
        needed = peak_memory.in_new_processes(memory_of_transform, n, n_units)
        tables[1].at_most(
            f"extra memory, excluding input and output, {n:,} images", needed, 100, "{:.1f} MB"
        )
    title = f"Features of {n_images} images of {SIDE}×{SIDE}×3, {n_units} units on 8×8 patches"
    return Report(title, tables, remarks)


def crops(n, side=SIDE):
    """Return n crops of scikit-learn's two photographs, float32 in [0, 1]: (n, side, side, 3)."""
    photographs = load_sample_images().images
    rng = np.random.default_rng(0)
    images = np.empty((n, side, side, 3), dtype=np.float32)
    for i in range(n):
        photograph = photographs[i % len(photographs)]
        y, x = (rng.integers(size - side + 1) for size in photograph.shape[:2])
        images[i] = photograph[y : y + side, x : x + side] / np.float32(255)
    return images


def learned(images, n_units, max_iter, n_patches=10_000):
    """Train contrast-normalized, whitened features briefly: speed does not depend on it."""
    encoder = SparseAutoencoder(n_units, max_iter=max_iter, random_state=0)
    return PatchFeatures(
        encoder,
        patch_size=PATCH,
        n_patches=n_patches,
        normalize=True,
        whitening=ZCAWhitening(),
        random_state=0,
    ).fit(images)


def memory_of_transform(n_images, n_units):
    """Return the megabytes that `PatchFeatures.transform` needs besides its input and output."""
    few = crops(4)
    model = learned(few, n_units, max_iter=1, n_patches=1000)
    model.transform(few)  # load compiled code and libraries
    images = crops(n_images)
    megabytes, features = peak_memory.additional_megabytes(lambda: model.transform(images))
    return megabytes - features.nbytes / 1e6


def folded(model):
    """Fuse whitening and encoder, float32."""
    n_pixels = int(np.prod(model.patch_shape_))
    return fold(model.whitening_, model.encoder_, n_pixels, np.float32)


def _tables(seconds, n_images, n_units):
    times, targets = Times("images/s", "GFLOP/s", "relative to one-thread sgemm"), SpreadTargets()
    one, two = (seconds[f"Striate, {THREADS[n]}"] for n in (1, 2))
    positions = (SIDE - PATCH + 1) ** 2
    flops = n_images * positions * 2 * 3 * PATCH**2 * n_units
    sgemm.add_times(times, seconds, flops, n_items=n_images)
    share = 1e-9 * flops / one / sgemm.best(seconds)[0]
    targets.at_least("throughput relative to one-thread sgemm, 1 thread", share, 0.75, "{:.0%}")
    targets.for_the_record("2 threads: speedup over 1 thread", one / two)
    for name in TORCH if HAS_TORCH else ():
        for n, mine in ((1, one), (2, two)):
            ratio = seconds[f"{name}, {THREADS[n]}"] / mine
            targets.at_least(f"speedup over {name}, {THREADS[n]} each", ratio, 1.5)
    return [times, targets]
