"""`PatchFeatures.transform` with each fused encoder: 32×32×3 images, 6×6 patches."""

from functools import partial

import numpy as np

from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder, ZCAWhitening
from striate.images.patches import CONTRAST_FLOOR

from . import sgemm
from .bench_image_features import crops, folded
from .environment import HAS_TORCH, WITHOUT_TORCH
from .fixed_iterations import fixed_iterations
from .result_tables import Report, SpreadTargets, Times
from .timing import THREADS, Contender, check_same, take_turns

SIDE, PATCH, GRID, BATCH_SIZES = 32, 6, (2, 2), (16, 64)
LIMIT = 1e-4
#: "Hard" selects one atom: if two are equally near up to rounding, either may be selected.
LIMIT_OF_COUNTS = 1e-3


def encoders(n_units, max_iter):
    """Return the encoders by name, trained briefly: speed does not depend on what they learn."""
    settings = {"max_iter": max_iter, "random_state": 0}
    soft = {"encoding": "soft_threshold", **settings}
    return {
        "sparse autoencoder": SparseAutoencoder(n_units, solver="adam", batch_size=500, **settings),
        "K-means, triangle": DictionaryEncoder(n_units, encoding="triangle", **settings),
        "K-means, hard": DictionaryEncoder(n_units, encoding="hard", **settings),
        "OMP-1, soft threshold": DictionaryEncoder(n_units, dictionary="omp1", **soft),
        "random patches, soft threshold": DictionaryEncoder(n_units, dictionary="patches", **soft),
    }


@fixed_iterations()
def measure(n_images=256, n_units=1600, max_iter=1, rounds=5):
    images = crops(n_images, SIDE)
    times, targets = Times("images/s", "GFLOP/s", "relative to one-thread sgemm"), SpreadTargets()
    remarks = [] if HAS_TORCH else [WITHOUT_TORCH]
    for name, encoder in encoders(n_units, max_iter).items():
        model = learned(encoder, images, n_patches=5 * n_units)
        transform = partial(model.transform, images)
        contenders = [Contender(_ours(n), transform, n) for n in THREADS]
        if HAS_TORCH:
            contenders += _in_pytorch(name, model, images, remarks)
        seconds = take_turns([*contenders, *sgemm.contenders()], rounds)
        _add(times, targets, name, seconds, n_images, flops_of_an_image(model))
    title = f"Features of {n_images} images of {SIDE}×{SIDE}×3, {n_units:,} units on 6×6 patches"
    return Report(title, [times, targets], remarks)


def learned(encoder, images, n_patches, patch_size=PATCH, whitening=None):
    """Fit features with sums over a 2×2 grid."""
    return PatchFeatures(
        encoder,
        patch_size=patch_size,
        n_patches=n_patches,
        whitening=whitening or ZCAWhitening(0.1),
        pooling="sum",
        pool_grid=GRID,
        random_state=0,
    ).fit(images)


def flops_of_an_image(model):
    """Count the operations of the products; the triangle needs two products."""
    (L, _), encoding = folded(model).project, folded(model).encoding
    return 2 * int(np.prod(model.map_shape_)) * (L.size + encoding.W.size)


def _ours(n_threads):
    return f"Striate, {THREADS[n_threads]}"


def _torchs(size, n_threads):
    return f"PyTorch, batches of {size}, {THREADS[n_threads]}"


def _in_pytorch(name, model, images, remarks):
    from .pytorch_features import pooled_features

    settings = (folded(model), model.patch_shape_, CONTRAST_FLOOR, GRID)
    contenders = []
    for size in BATCH_SIZES:
        convolve = partial(pooled_features(*settings, size, pooling="sum"), images)
        contenders += [Contender(_torchs(size, n), convolve, n) for n in THREADS]
    remarks.append(check_features(name, model.transform(images), convolve()))
    return contenders


def check_features(name, ours, theirs):
    """Check that both are the same; counts of the hard encoding may differ slightly."""
    if name != "K-means, hard":
        return check_same(f"{name}: features vs. PyTorch", ours, theirs, LIMIT)
    others = np.abs(ours - theirs).sum() / (2 * np.abs(theirs).sum())
    if not others <= LIMIT_OF_COUNTS:
        raise RuntimeError(f"{name}: a different atom is nearest for {others:.1e} of the patches")
    return (
        f"{name}: a different atom from PyTorch's for {others:.0e} of the patches "
        f"(tolerance {LIMIT_OF_COUNTS:.0e})"
    )


def _add(times, targets, name, seconds, n_images, flops):
    """Add the rows of an encoder: ours, and PyTorch with the faster batch size."""
    peak = sgemm.best(seconds)[0]
    for n in THREADS:
        theirs = [_torchs(size, n) for size in BATCH_SIZES if _torchs(size, n) in seconds]
        best = sorted(theirs, key=lambda each: seconds[each].median)[:1]
        for contender in (_ours(n), *best):
            spread = seconds[contender]
            rate = 1e-9 * n_images * flops / spread
            times.add_time(
                f"{name}: {contender}", spread, f"{n_images / spread.median:.0f}",
                f"{rate.median:.0f}", f"{(rate / peak).median:.0%}",
            )  # fmt: skip
        for each in best:
            ratio = seconds[each] / seconds[_ours(n)]
            targets.at_least(f"{name}: speedup over PyTorch, {THREADS[n]} each", ratio, 1.5)
    share = 1e-9 * n_images * flops / seconds[_ours(1)] / peak
    targets.at_least(
        f"{name}: throughput relative to one-thread sgemm, 1 thread", share, 0.7, "{:.0%}"
    )
    ratio = seconds[_ours(1)] / seconds[_ours(2)]
    targets.at_least(f"{name}: 2 threads: speedup over 1 thread", ratio, 1.6)
