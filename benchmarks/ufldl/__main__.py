"""Run all or selected exercises of the UFLDL tutorial, and write docs/ufldl.md."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.environment import KERNEL_VARIABLES, description, restart_without
from benchmarks.exercise import Work
from benchmarks.exercise_page import DOCS, Page
from benchmarks.fixed_iterations import fixed_iterations
from benchmarks.result_tables import Report
from striate.demo.photographs import photographs
from striate.files.image_collection import ImageCollection
from striate.files.image_folders import find_images

from . import colour_exercises, digit_exercises, photograph_exercises

EXERCISES = (
    *photograph_exercises.EXERCISES,
    *digit_exercises.EXERCISES,
    *colour_exercises.EXERCISES,
)


def main(arguments=None):
    parser = _parser()
    options = parser.parse_args(arguments)
    known = {exercise.name: exercise for exercise in EXERCISES}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no exercise is called {unknown[0]!r}; choose from: {', '.join(known)}")
    if options.max_iter and options.out.resolve() == DOCS:
        parser.error("--max-iter is for trial runs, which need a separate folder: --out FOLDER")
    restart_without(KERNEL_VARIABLES, "benchmarks.ufldl")
    images = _photographs(options.photographs)
    page = Page("ufldl", options.out)
    print("Compiling …", flush=True)
    with fixed_iterations():  # the tutorial prescribes how many
        _compile()
        for name in options.names or known:
            _run(known[name], Work(images, options.max_iter), page)


def _parser():
    names = ", ".join(exercise.name for exercise in EXERCISES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ufldl", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="FOLDER",
        help="use these instead of scikit-image's photographs",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=DOCS,
        metavar="FOLDER",
        help="folder of the page; default: docs",
    )
    parser.add_argument(
        "--max-iter",
        type=int,
        metavar="N",
        help="limit each training to N iterations, for a trial run",
    )
    return parser


def _photographs(folder):
    return (
        photographs() if folder is None else list(ImageCollection(find_images(folder), channels=1))
    )


def _compile():
    """Compile in advance, so that compilation does not count in any exercise."""
    from striate import PatchFeatures, SparseAutoencoder

    rng = np.random.default_rng(0)
    X = rng.random((64, 16), dtype=np.float32)
    digit_exercises.autoencoder(2, 1).fit(X)
    digit_exercises.softmax(1e-4, len(X), 1).fit(X, rng.integers(3, size=len(X)))
    photograph_exercises.gradient_difference(X[:10, :4].astype(np.float64))
    encoder = SparseAutoencoder(2, max_iter=1)
    images = rng.random((4, 12, 12, 3), dtype=np.float32)
    PatchFeatures(encoder, n_patches=50, whitening=None).fit(images).transform(images)


def _run(exercise, work, page):
    print(f"\n{exercise.title}: {exercise.settings}", flush=True)
    found = exercise.run(work)
    if found is None:
        return
    Report(exercise.title, [*found.tables, work.table()], found.remarks).show()
    page.add(EXERCISES, exercise, found, work, description())
    print(f"Written to {page.path}", flush=True)


if __name__ == "__main__":
    main()
