"""`striate train`: a classifier on learned features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.plurals import plural
from striate.cli.shared_options import SkipErrors

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

    from striate.analysis.cross_validation import HeldOutPredictions

EXAMPLES = ("striate train labelled/ --features features.skops --out model.skops",)

# Up to 3, a strong penalty: few images have many correlated features.
_ALPHAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0)
# With more images, training on one half selects α as well as training on four fifths.
_MANY_IMAGES = 2000


def train(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    features: Annotated[
        Path,
        typer.Option("--features", "-f", metavar="FILE", help="Features from `striate learn`."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="MODEL", help="Output file for the model (.skops)."),
    ],
    balanced: Annotated[
        bool,
        typer.Option("--balanced", help="Weigh classes equally, however many images each has."),
    ] = False,
    skip_errors: SkipErrors = False,
) -> None:
    """Train a classifier on learned features.

    FOLDER has one sub-folder per class, for example cracked/ and sound/. Images are converted to
    grey or to colour, to match those that the features were learned from.

    The accuracy is measured by cross-validation, on images that the classifier was not trained
    on. There are five folds, or fewer if a class has fewer images. The features stay the same in
    all folds, since they were learned without labels. The final model is trained on all images.
    """
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline
    from threadpoolctl import threadpool_limits

    from striate.cli.datasets import files_by_class, labelled_features
    from striate.cli.models import load_only_features
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.persistence import save

    check_output(out)
    skipped = SkippedImages(skip_errors)
    files = files_by_class(folder, skipped)
    learned = load_only_features(features)
    labelled, X = labelled_features(folder, files, learned, features, skipped)
    _print_class_sizes(labelled.labels)
    head = _new_head(len(X), balanced)
    held_out = _cross_validate(head, X, labelled.labels)
    with threadpool_limits(1, user_api="blas"):  # as in cross-validation
        head.fit(X, labelled.labels)
    model = Pipeline([("features", FrozenEstimator(learned)), *head.steps])
    # For `striate report` and `striate show`.
    model.trained_on_ = {"folder": str(folder), "checksums": labelled.checksums()}
    if held_out is not None:
        model.cross_validation_ = held_out.summary()
    save(model, out)
    print(f"Wrote the model to {out}")
    skipped.report()


def _print_class_sizes(labels: npt.NDArray[Any]) -> None:
    import numpy as np

    for name, n_images in zip(*np.unique(labels, return_counts=True), strict=True):
        print(f"{name}: {plural(n_images, 'image')}")


def _new_head(n_images: int, balanced: bool) -> Pipeline:
    """Return the classifier on features, unfitted."""
    from sklearn.pipeline import Pipeline

    from striate import LinearClassifier

    classifier = LinearClassifier(
        "log_loss",
        alphas=_ALPHAS,
        validation_folds=2 if n_images > _MANY_IMAGES else 5,
        class_weight="balanced" if balanced else None,
        random_state=0,
    )
    return Pipeline([("classifier", classifier)])


def _cross_validate(
    head: Pipeline, X: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> HeldOutPredictions | None:
    """Print the accuracy on held-out images; return None if a class has a single image."""
    from striate.analysis.cross_validation import cross_validate, single_image_classes
    from striate.cli.confusion_text import print_confusion
    from striate.cli.progress_bar import progress

    single = single_image_classes(labels)
    if single:
        print(
            f"accuracy on held-out images: not estimated, because {single[0]} has a single image; "
            "give at least two per class"
        )
        return None
    held_out = cross_validate(head, X, labels, progress)
    print(f"accuracy on held-out images: {held_out.sentence()}")
    print_confusion([str(each) for each in held_out.classes], held_out.confusion)
    return held_out
