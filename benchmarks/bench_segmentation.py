"""Segmentation from strokes on 1% of the pixels, beside scikit-image's features and a forest."""

import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from striate import PixelClassifier
from striate.images.segmentation_scores import confusion_of, intersections_over_unions

from .result_tables import Report, Table, ValueTargets
from .segmented_images import segmented_images, strokes

SETS = ("membranes", "nuclei", "brain", "textures")
#: Labelled pixels of each class, as a fraction.
SHARE = 0.01
OURS, FOREST = "PixelClassifier", "multiscale_basic_features and a random forest"


def measure(names=SETS, n_draws=3, side=256, n_trees=100, timed=False, **settings):
    """Compare both on the same strokes; `timed` needs a machine that does nothing else."""
    table = Table(("set", "train / test images", f"{FOREST}, IoU", f"{OURS}, IoU", "difference"))
    differences, seconds, n_pixels = {}, {OURS: 0.0, FOREST: 0.0}, 0
    for name in names:
        images = segmented_images(name, side)
        if images is None:
            continue
        scores = {OURS: [], FOREST: []}
        for draw in range(n_draws):
            rng = np.random.default_rng(draw)
            masks = [strokes(truth, SHARE, rng) for _, truth in images.train]
            trained = {
                OURS: _ours([image for image, _ in images.train], masks, draw, settings),
                FOREST: _forest([image for image, _ in images.train], masks, draw, n_trees),
            }
            for who, predict in trained.items():
                began = time.perf_counter()
                found = [predict(image) for image, _ in images.test]
                seconds[who] += time.perf_counter() - began
                scores[who].append(_mean_score(found, [truth for _, truth in images.test]))
            n_pixels += sum(truth.size for _, truth in images.test)
        counts = f"{len(images.train)} / {len(images.test)}"
        means = [float(np.mean(scores[who])) for who in (FOREST, OURS)]
        differences[name] = means[1] - means[0]
        spreads = [
            f"{m:.1%} ± {np.std(scores[w]):.1%}" for m, w in zip(means, (FOREST, OURS), strict=True)
        ]
        table.add(name, counts, *spreads, f"{100 * differences[name]:+.1f} points")
    targets = ValueTargets()
    mean = 100 * float(np.mean(list(differences.values())))
    targets.at_least("mean difference of all sets, points", mean, 0.0, "{:+.1f}")
    published = [value for name, value in differences.items() if name != "textures"]
    if published:
        value = 100 * float(np.mean(published))
        targets.at_least("the same without the mosaics", value, 0.0, "{:+.1f}")
    if timed:
        for who, total in seconds.items():
            targets.for_the_record(f"{who}, seconds for a megapixel", 1e6 * total / n_pixels)
    remarks = [
        f"Mean intersection over union of the classes on all pixels of the test images; strokes of "
        f"25 pixels on {SHARE:.0%} of the pixels of each class; mean and standard deviation of "
        f"{n_draws} draws of strokes.",
        "The defaults were chosen on other images of the same sets, and on other mosaics. It is "
        "the fourth measurement on these test images, each of other defaults.",
    ]
    if not timed:
        remarks.append("Times were not measured: other programs were running.")
    return Report("Segmentation from strokes", [table, targets], remarks)


def _ours(images, masks, seed, settings):
    return PixelClassifier(random_state=seed, **settings).fit(images, masks).predict


def _forest(images, masks, seed, n_trees):
    from skimage.feature import multiscale_basic_features

    forest = RandomForestClassifier(n_trees, random_state=seed)
    marked = [multiscale_basic_features(i)[m > 0] for i, m in zip(images, masks, strict=True)]
    forest.fit(np.concatenate(marked), np.concatenate([mask[mask > 0] for mask in masks]))

    def predict(image):
        maps = multiscale_basic_features(image)
        return forest.predict(maps.reshape(-1, maps.shape[2])).reshape(image.shape)

    return predict


def _mean_score(found, truths):
    classes = np.unique(np.concatenate([truth.ravel() for truth in truths]))
    pairs = zip(truths, found, strict=True)
    confusion = sum(confusion_of(truth.ravel(), labels.ravel(), classes) for truth, labels in pairs)
    return float(np.nanmean(intersections_over_unions(confusion)))
