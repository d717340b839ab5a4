"""`DeepPatchFeatures.transform` with the layers of the CIFAR-10 page: 32×32×3 images."""

from functools import partial

import numpy as np

from . import sgemm
from .bench_encoders import SIDE, flops_of_an_image
from .bench_image_features import crops
from .coates.two_layer_recipe import two_layers
from .fixed_iterations import fixed_iterations
from .result_tables import Report, SpreadTargets, Times
from .timing import THREADS, Contender, take_turns


@fixed_iterations()
def measure(n_images=256, n_atoms=(700, 800), n_patches=10_000, rounds=7):
    images = crops(n_images, SIDE)
    model = two_layers(n_atoms, n_patches).fit(images)
    transform = partial(model.transform, images)
    contenders = [Contender(f"Striate, {THREADS[n]}", transform, n) for n in THREADS]
    seconds = take_turns([*contenders, *sgemm.contenders()], rounds)
    times, targets = Times("images/s", "GFLOP/s", "relative to one-thread sgemm"), SpreadTargets()
    flops = n_images * _flops_of_an_image(model)
    sgemm.add_times(times, seconds, flops, n_items=n_images)
    one, two = (seconds[each.name] for each in contenders)
    share = 1e-9 * flops / one / sgemm.best(seconds)[0]
    targets.at_least("throughput relative to one-thread sgemm, 1 thread", share, 0.6, "{:.0%}")
    targets.for_the_record("2 threads: speedup over 1 thread", one / two)
    atoms = " and ".join(map(str, n_atoms))
    title = f"Features of two layers of {n_images} images of {SIDE}×{SIDE}×3, {atoms} atoms"
    remark = "Products are those with the whitening, the atoms, and the components of the maps."
    return Report(title, [times, targets], [remark])


def _flops_of_an_image(model):
    """Count the operations of the products, of an image and its mirror image."""
    flops = sum(map(flops_of_an_image, model.layers_))
    for layer, size, channels in zip(
        model.layers_, model.map_pool_sizes_, model.channels_, strict=False
    ):
        n_windows = np.prod([-(-side // size) for side in layer.map_shape_])
        flops += 2 * n_windows * channels.components_.size
    return 2 * int(flops)
