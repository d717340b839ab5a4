"""`PatchFeatures.transform` if whitening keeps q of the 192 directions of a patch."""

from functools import partial

from striate import DictionaryEncoder, ZCAWhitening

from .bench_encoders import flops_of_an_image, learned
from .bench_image_features import crops
from .result_tables import Report, SpreadTargets, Times
from .timing import Contender, take_turns

SIDE, PATCH = 32, 8
KEPT = (40, 80, 120, None)


def measure(n_images=64, n_units=1600, rounds=11):
    images, models = crops(n_images, SIDE), {}
    for q in KEPT:
        encoder = DictionaryEncoder(
            n_units, dictionary="omp1", encoding="soft_threshold", max_iter=1, random_state=0
        )
        whitening = ZCAWhitening(0.1, n_components=q)
        models[_name(q)] = learned(encoder, images, 5 * n_units, PATCH, whitening)
        models[_name(q)].transform(images[:1])
    seconds = take_turns(
        [Contender(name, partial(each.transform, images)) for name, each in models.items()], rounds
    )
    times, ratios = Times("per image", "MFLOP per image"), SpreadTargets()
    every = seconds[_name(None)]
    for name, model in models.items():
        spread = seconds[name]
        an_image = f"{1e3 * spread.median / n_images:.2f} ms"
        times.add_time(name, spread, an_image, f"{1e-6 * flops_of_an_image(model):.0f}")
        if spread is not every:
            ratios.for_the_record(f"{name}: speedup over all directions", every / spread)
    title = f"Whitening of 8×8×3 patches to q of 192 directions, {n_units:,} atoms, 1 thread"
    return Report(title, [times, ratios], [])


def _name(q):
    return "all 192 directions" if q is None else f"{q} of 192 directions"
