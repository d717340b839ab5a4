"""Run all or selected recipes of Coates, Lee and Ng, and write docs/coates.md."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.environment import KERNEL_VARIABLES, description, restart_without
from benchmarks.exercise import Work
from benchmarks.exercise_page import DOCS, Page
from benchmarks.result_tables import Report
from striate import DictionaryEncoder, LinearClassifier, PatchFeatures

from . import (
    few_label_accuracy,
    kernel_recipes,
    linear_solvers,
    mnist_recipe,
    scattering,
    single_layer_recipes,
    two_layer_recipe,
)

EXERCISES = (
    *single_layer_recipes.EXERCISES,
    *few_label_accuracy.EXERCISES,
    *two_layer_recipe.EXERCISES,
    *kernel_recipes.EXERCISES,
    *mnist_recipe.EXERCISES,
    *linear_solvers.EXERCISES,
    *scattering.EXERCISES,
)


def main(arguments=None):
    known = {exercise.name: exercise for exercise in EXERCISES}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coates", description=__doc__)
    names = ", ".join(known)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument(
        "--out", type=Path, default=DOCS, metavar="FOLDER", help="folder of the page"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no recipe is called {unknown[0]!r}; choose from: {names}")
    restart_without(KERNEL_VARIABLES, "benchmarks.coates")
    page = Page("coates", options.out)
    _compile()
    for name in options.names or known:
        _run(known[name], page)


def _compile():
    """Compile in advance, so that compilation does not count in any recipe."""
    rng = np.random.default_rng(0)
    images = rng.random((8, 12, 12, 3), dtype=np.float32)
    for encoding in ("triangle", "soft_threshold"):
        encoder = DictionaryEncoder(4, dictionary="omp1", encoding=encoding, random_state=0)
        features = PatchFeatures(encoder, n_patches=50, random_state=0).fit_transform(images)
    LinearClassifier(alphas=1.0).fit(features, np.arange(8) % 2)


def _run(exercise, page):
    print(f"\n{exercise.title}: {exercise.settings}", flush=True)
    work = Work([])
    found = exercise.run(work)
    if found is None:
        return
    Report(exercise.title, [*found.tables, work.table()], found.remarks).show()
    page.add(EXERCISES, exercise, found, work, description())
    print(f"Written to {page.path}", flush=True)


if __name__ == "__main__":
    main()
