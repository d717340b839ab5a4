"""The commands, their options and their help. What they do is imported when one is run."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import rich
import typer

import striate

from .encoders import Encoder, sizes_for
from .errors import OneLineErrors

app = typer.Typer(
    cls=OneLineErrors,
    help="Learn what images are made of, without labels; then tell them apart with few.",
    epilog="Example: striate learn photos/ --out features.skops",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _examples(*commands: str) -> str:
    # \b keeps the lines as they are.
    return "\n  ".join(["\b\nExamples:", *commands])


# Arguments are described in the text: typer would list them with their types in Python.
Images = Annotated[list[Path], typer.Argument(metavar="IMAGES", hidden=True)]

SkipErrors = Annotated[
    bool,
    typer.Option(
        "--skip-errors", help="Leave out images that cannot be used, and list them at the end."
    ),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"striate {striate.__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    # What is missing shall not be found after an hour of work.
    for package in ("jinja2", "matplotlib", "PIL", "skops"):
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"{package} is missing: pip install 'striate[app]'")
    rich.reconfigure(stderr=True)  # progress bars: standard output is for results alone


@app.command(epilog=_examples("striate demo --out story/"))
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for pictures and the page.")
    ] = Path("striate-demo"),
) -> None:
    """See the whole story on photographs.

    It learns features, draws them, and measures what they are worth beside raw pixels and random
    filters, in a minute or so, and without network.
    """
    from striate.files.atomic_writing import check_writable

    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out}: is a file; give the name of a folder")
    out.mkdir(parents=True, exist_ok=True)
    check_writable(out / "index.html")
    from striate.demo import run

    from .progress import watched

    run(out, progress=watched)


@app.command(
    epilog=_examples(
        "striate learn photos/ --out features.skops",
        "striate learn photos/ --out features.skops --encoder omp1",
        "striate learn digits/ --out features.skops --encoder omp1 --no-flips",
        "striate learn a.png b.png --out features.skops --n-features 64 --patch-size 8 --grey",
    )
)
def learn(
    images: Images,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", help="File for the features (.skops)."),
    ],
    encoder: Annotated[
        Encoder, typer.Option(help="Where the features come from: see above.")
    ] = Encoder.autoencoder,
    n_features: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Number of features.", show_default="100; dictionaries: 400"
        ),
    ] = None,
    patch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Side of a patch, in pixels.",
            show_default="10; dictionaries: 6",
        ),
    ] = None,
    n_patches: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Number of patches to learn from.",
            show_default="20000; dictionaries: 50000",
        ),
    ] = None,
    max_iter: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Most steps of the solver, or passes of kmeans and omp1 over the patches.",
            show_default="400; dictionaries: 10",
        ),
    ] = None,
    flips: Annotated[
        bool | None,
        typer.Option(
            "--flips/--no-flips",
            help="Whether mirror images get the same features; takes twice the time.",
            show_default="no; dictionaries: yes",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="The same seed gives the same features.")
    ] = 0,
    grey: Annotated[bool, typer.Option("--grey", "--gray", help="Turn colour into grey.")] = False,
    skip_errors: SkipErrors = False,
) -> None:
    r"""Learn features from images, without labels.

    IMAGES are image files, and folders to search for them. A picture of the features is written
    beside FILE, with the suffix .png.

    The encoder says where the features come from.

    \b
    autoencoder  a small network learns edges: few features, best to look at
    omp1         a dictionary of directions: the most accurate as a rule
    kmeans       typical patches, with half as many numbers an image as omp1
    patches      patches as they are, no learning: nearly as accurate as omp1
    random       random numbers, for comparison: what learning is worth

    All but the autoencoder are dictionaries. Take --no-flips with them where left and right
    differ: letters, digits, organs.
    """
    from .learning import learn_features

    sizes = sizes_for(
        encoder,
        n_features=n_features,
        patch_size=patch_size,
        n_patches=n_patches,
        max_iter=max_iter,
        flips=flips,
    )
    learn_features(
        images,
        out,
        sizes,
        encoder=encoder,
        seed=seed,
        grey=grey,
        skip_errors=skip_errors,
    )


@app.command(
    epilog=_examples("striate train labelled/ --features features.skops --out model.skops")
)
def train(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", hidden=True)],
    features: Annotated[
        Path,
        typer.Option("--features", "-f", metavar="FILE", help="Features, from `striate learn`."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="MODEL", help="File for the model (.skops).")
    ],
    skip_errors: SkipErrors = False,
) -> None:
    """Train a classifier on learned features.

    FOLDER holds one sub-folder for each class, cracked/ and sound/ for instance. Images are turned
    grey, or into colour, as those were that the features were learned from.

    The accuracy that is printed comes from cross-validation: the images are divided into five
    parts, fewer if a class has fewer images, and each part is judged by a classifier trained on
    the others. The features are not learned anew for each part; they never see a label. The model
    that is written is trained on all the images.
    """
    from .classifying import train_model

    train_model(folder, features, out, skip_errors)


@app.command(
    epilog=_examples(
        "striate predict model.skops new/ > predictions.csv",
        "striate predict model.skops a.png b.png --out predictions.csv",
    )
)
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", hidden=True)],
    images: Images,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File for the table, in place of stdout."),
    ] = None,
    skip_errors: SkipErrors = False,
) -> None:
    """Predict the class of images.

    MODEL comes from `striate train`; IMAGES are image files, and folders to search for them. What
    comes out is a table (CSV): file, label, probability.
    """
    from .classifying import predict_images

    predict_images(model, images, out, skip_errors)


@app.command(
    epilog=_examples(
        "striate report model.skops --out report.html",
        "striate report model.skops other-labelled/ --out report.html",
    )
)
def report(
    model: Annotated[Path, typer.Argument(metavar="MODEL", hidden=True)],
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", hidden=True)] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PAGE", help="File for the page (.html).")
    ] = Path("report.html"),
    skip_errors: SkipErrors = False,
) -> None:
    """Write a page on a model: what it learned, and where it is wrong.

    MODEL comes from `striate train`. FOLDER holds labelled images, one sub-folder for each class;
    without it, they are those that the model was trained on. One HTML page is written, with all
    its pictures inside: the features, the pieces of images that excite them most, the confusion
    matrix, the accuracy by number of labels, the images judged most wrongly, and the settings.

    No image is judged by a classifier that was trained on it: where the model was trained on any
    of the images, they are judged by cross-validation, as by `striate train`.
    """
    from .reporting import write_report

    write_report(model, folder, out, skip_errors)


@app.command(
    epilog=_examples(
        "striate features features.skops photos/ --out photos.npy",
        "striate features model.skops photos/ --out photos.npy --skip-errors",
    )
)
def features(
    file: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)],
    images: Images,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="NPY", help="File for the features (.npy).")
    ],
    skip_errors: Annotated[
        bool,
        typer.Option(
            "--skip-errors", help="Fill the rows of images that cannot be used with NaN, and go on."
        ),
    ] = False,
) -> None:
    """Compute features of images, for use elsewhere.

    FILE comes from `striate learn` or `striate train`; IMAGES are image files, and folders to
    search for them. NPY is a table for NumPy with one row an image; beside it, a table (CSV) says
    which image each row is of.

    If the command is interrupted, the same command goes on where it was.
    """
    from .extracting import write_features

    write_features(file, images, out, skip_errors)


@app.command(epilog=_examples("striate show model.skops --out features.png"))
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="PNG", help="File for the picture.", show_default="FILE.png"
        ),
    ] = None,
) -> None:
    """Say what is in a file, and draw it.

    FILE comes from `striate learn` or `striate train`.
    """
    from .showing import show_file

    show_file(file, out)
