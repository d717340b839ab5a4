"""Training a classifier on learned features, and predicting with it."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich import get_console
from rich.progress import track
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from striate.cli.outputs import check_output
from striate.cli.showing import load_features
from striate.images.collection import ImageCollection
from striate.images.features import PatchFeatures
from striate.images.reading import find_images
from striate.persistence import replacing, save

# Few enough that progress is seen, and Ctrl-C heeded, within seconds.
_IMAGES_AT_A_TIME = 16


def train_model(folder: Path, features_file: Path, out: Path) -> None:
    """Train a classifier on a folder with one sub-folder a class, and write it."""
    check_output(out)
    files = _files_by_class(folder)
    estimator, features = load_features(features_file)
    if estimator is not features:
        raise ValueError(f"{features_file}: is a model; give features, from `striate learn`")
    for name, each in files.items():
        print(f"{name}: {len(each)} image{'s' if len(each) != 1 else ''}")
    labels = np.repeat(list(files), [len(each) for each in files.values()])
    images = _images([file for each in files.values() for file in each], features, features_file)
    encoded = _transform(features, images)
    scaler, classifier = StandardScaler(), LogisticRegression(max_iter=1000)
    head = Pipeline([("scaler", scaler), ("classifier", classifier)])
    _print_accuracy(head, encoded, labels)
    head.fit(encoded, labels)
    model = Pipeline([("features", FrozenEstimator(features)), *head.steps])
    save(model, out)
    print(f"Wrote the model to {out}")


def predict_images(model_file: Path, paths: list[Path], out: Path | None) -> None:
    """Write a table of file, label and probability."""
    if out is not None:
        check_output(out)
    model, features = load_features(model_file)
    if not hasattr(model, "predict_proba"):
        raise ValueError(f"{model_file}: holds no classifier; make one with `striate train`")
    files = find_images(paths)
    images = _images(files, features, model_file)
    probabilities = model[1:].predict_proba(_transform(model[0], images))
    table = _table(files, model.classes_, probabilities).encode("utf-8", "surrogateescape")
    if out is None:
        sys.stdout.buffer.write(table)
        sys.stdout.flush()
        return
    with replacing(out) as temporary:
        temporary.write_bytes(table)
    print(f"Wrote {len(files)} prediction{'s' if len(files) != 1 else ''} to {out}")


def _files_by_class(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"{folder}: {what}")
    classes = sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            f"{folder}: has {len(classes)} sub-folders; put the images of each class into a "
            "sub-folder of its own, two or more"
        )
    return {each.name: find_images(each) for each in classes}


def _images(files: list[Path], features: PatchFeatures, source: Path) -> ImageCollection:
    """Image files with as many channels as the features were learned from."""
    channels = features.patch_shape_[-1]
    if channels not in (1, 3):
        raise ValueError(
            f"{source}: learned from images of {channels} channels, which image files do not "
            "have; use it from Python"
        )
    return ImageCollection(files, channels=channels)


def _transform(features: Any, images: ImageCollection) -> npt.NDArray[Any]:
    starts = range(0, len(images), _IMAGES_AT_A_TIME)
    silent = not get_console().is_terminal
    parts = track(starts, "Computing features", transient=True, disable=silent)
    return np.concatenate(
        [features.transform(images[start : start + _IMAGES_AT_A_TIME]) for start in parts]
    )


def _print_accuracy(head: Pipeline, encoded: npt.NDArray[Any], labels: npt.NDArray[Any]) -> None:
    counts = np.unique(labels, return_counts=True)[1]
    n_splits = min(5, counts.min())
    if n_splits < 2:
        print("accuracy: not estimated, a class has one image only")
        return
    splits = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    scores = cross_val_score(head, encoded, labels, cv=splits)
    print(
        f"accuracy: {scores.mean():.1%} ± {scores.std():.1%} in {n_splits}-fold cross-validation "
        f"(the largest class alone: {counts.max() / counts.sum():.1%})"
    )


def _table(files: list[Path], classes: npt.NDArray[Any], probabilities: npt.NDArray[Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "probability"])
    for file, row in zip(files, probabilities, strict=True):
        writer.writerow([file, classes[row.argmax()], f"{row.max():.4f}"])
    return text.getvalue()
