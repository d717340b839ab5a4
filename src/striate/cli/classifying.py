"""Training a classifier on learned features, and predicting with it."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from striate import LinearClassifier
from striate.analysis.cross_validation import (
    HeldOutPredictions,
    cross_validate,
    single_image_classes,
)
from striate.files.atomic_writing import replacing
from striate.files.read_images import find_images
from striate.persistence import save

from .confusion import print_confusion
from .extracting import extract, files_by_class, images_for, labelled_images
from .outputs import check_output
from .progress import watched
from .showing import load_features
from .skipping import Skipping

# Up to 3, which is much: the pooled features of few images are many and alike.
_ALPHAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0)
# Beyond, half of the images tells which α is best as well as four fifths do.
_FEW_IMAGES = 2000


def train_model(folder: Path, features_file: Path, out: Path, skip_errors: bool = False) -> None:
    """Train a classifier on a folder with one sub-folder a class, and write it."""
    check_output(out)
    files = files_by_class(folder)
    estimator, features = load_features(features_file)
    if estimator is not features:
        raise ValueError(f"{features_file}: is a model; give features, from `striate learn`")
    skipping = Skipping(skip_errors)
    files = {name: skipping.usable_by(features)(each) for name, each in files.items()}
    for name, each in files.items():
        print(f"{name}: {len(each)} image{'s' if len(each) != 1 else ''}")
    labelled = labelled_images(folder, files, features, features_file)
    encoded, labels = extract(features, labelled.images), labelled.labels
    head = Pipeline([("classifier", _classifier(len(labels)))])
    judged = _judged(head, encoded, labels)
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        head.fit(encoded, labels)
    model = Pipeline([("features", FrozenEstimator(features)), *head.steps])
    # What `striate report` and `striate show` read.
    model.trained_on_ = {"folder": str(folder), "checksums": labelled.checksums()}
    if judged is not None:
        model.cross_validation_ = judged.summary()
    save(model, out)
    print(f"Wrote the model to {out}")
    skipping.tell()


def predict_images(
    model_file: Path, paths: list[Path], out: Path | None, skip_errors: bool = False
) -> None:
    """Write a table of file, label and probability."""
    if out is not None:
        check_output(out)
    model, features = load_model(model_file)
    skipping = Skipping(skip_errors)
    files = skipping.usable_by(features)(find_images(paths))
    images = images_for(files, features, model_file)
    probabilities = model[1:].predict_proba(extract(model[0], images))
    table = _table(files, model.classes_, probabilities).encode("utf-8", "surrogateescape")
    if out is None:
        sys.stdout.buffer.write(table)
        sys.stdout.flush()
    else:
        with replacing(out) as temporary:
            temporary.write_bytes(table)
        print(f"Wrote {len(files)} prediction{'s' if len(files) != 1 else ''} to {out}")
    skipping.tell()


def load_model(path: Path) -> tuple[Any, Any]:
    """Read a classifier on features, and the features in it.

    Raises
    ------
    ValueError
        If the file holds none.
    """
    model, features = load_features(path)
    if not hasattr(model, "predict_proba"):
        raise ValueError(f"{path}: holds no classifier; make one with `striate train`")
    return model, features


def _classifier(n_images: int) -> LinearClassifier:
    return LinearClassifier(
        "log_loss",
        alphas=_ALPHAS,
        validation_folds=5 if n_images <= _FEW_IMAGES else 2,
        random_state=0,
    )


def _judged(
    head: Pipeline, X: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> HeldOutPredictions | None:
    single = single_image_classes(labels)
    if single:
        print(
            f"accuracy: not estimated, because {single[0]} has a single image: give two or more "
            "of each class"
        )
        return None
    judged = cross_validate(head, X, labels, watched)
    print(f"accuracy: {judged.sentence()}")
    print_confusion([str(each) for each in judged.classes], judged.confusion)
    return judged


def _table(files: list[Path], classes: npt.NDArray[Any], probabilities: npt.NDArray[Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "probability"])
    for file, row in zip(files, probabilities, strict=True):
        writer.writerow([file, classes[row.argmax()], f"{row.max():.4f}"])
    return text.getvalue()
