"""`striate compare`: kinds of features, by the accuracy of a classifier on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.reading_options import Shrink
from striate.cli.shared_options import Groups, Labels, SkipErrors

EXAMPLES = (
    "striate compare labelled/",
    "striate compare photos/ --labels labels.csv --out comparison.csv --picture comparison.png",
    "striate compare labelled/ --encoders omp1,kmeans --n-features 100,400,1600 --no-handmade",
    "striate compare labelled/ --with network.npy --with features.skops",
)


def compare(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    labels: Labels = None,
    groups: Groups = None,
    regression: Annotated[
        bool, typer.Option("--regression", help="Labels are numbers: compare errors.")
    ] = False,
    encoders: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Encoders of `striate learn` to try, separated by commas; an empty text for none.",
        ),
    ] = "omp1,kmeans,patches,random,autoencoder",
    n_features: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="Numbers of features to learn, separated by commas (default: as `striate learn`).",
        ),
    ] = "",
    flips: Annotated[
        bool | None,
        typer.Option("--flips/--no-flips", help="As for `striate learn`."),
    ] = None,
    handmade: Annotated[
        bool,
        typer.Option(
            "--handmade/--no-handmade",
            help="Compare with pixels, colours, textures and gradients, too.",
        ),
    ] = True,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="Features from `striate learn` (.skops), or any table with one row per image "
            "(.npy) beside a .csv with the column file; may be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="TABLE", help="Output file (.csv or .json)."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="PNG", help="Output file for a chart.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Random seed.")] = 0,
    shrink: Shrink = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Compare kinds of features by the accuracy of a classifier on them.

    FOLDER has one sub-folder per class, or CSV has the labels, as for `striate train`. Features are
    learned from all images in FOLDER, without the labels. The accuracy is measured by
    cross-validation, on the same folds for all, with the classifier of `striate train`; the number
    after ± is the standard deviation over folds. Times are those of learning, and of computing the
    features of 1000 images.

    The best of many is best by chance, too: the accuracy of the first line is a little too high.
    `striate train` measures its choice without this bias.
    """
    from striate.cli.compared_features import candidates_of, compare_all, encoder_choices
    from striate.cli.comparison_table import chart, print_trials, write_trials
    from striate.cli.labelled_files import LabelSource, files_with_labels
    from striate.cli.output_paths import check_output
    from striate.cli.skip_errors import SkippedImages
    from striate.files.atomic_writing import write_file

    if out is not None:
        check_output(out, ".csv", ".json")
    if picture is not None:
        check_output(picture, ".png")
    chosen = encoder_choices(encoders, n_features, flips, seed)
    skipped = SkippedImages(skip_errors)
    given = files_with_labels(LabelSource(folder, labels, groups, regression), skipped)
    tried = candidates_of(chosen, others or [], folder, handmade=handmade)
    trials = compare_all(given, tried, skipped, shrink)
    print_trials(trials)
    if out is not None:
        write_trials(trials, out)
        print(f"Wrote the table to {out}")
    if picture is not None:
        write_file(picture, chart(trials))
        print(f"Wrote a chart to {picture}")
    skipped.report()
