"""The demo from beginning to end."""

import io
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline

from striate.files.atomic_writing import check_writable, replacing
from striate.report.html import figure, image

from .demo_console import Narrator
from .demo_page import page
from .demo_results import (
    DIGITS,
    PHOTOGRAPHS,
    Findings,
    accuracy_tables,
    change_table,
    gradient_table,
    parts_of_page,
)
from .demo_settings import Settings
from .gradient_checks import LIMIT, difference_of_a_mistake, gradient_differences
from .label_curves import accuracies, digits_task, photographs_task
from .learned_features import learn_features, n_edges
from .photographs import NAMES, Image, halves, photographs
from .shift_invariance import SHIFTS, changes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Each picture: what it shows in words, and what is said below it. Files are NAME.png.
PICTURES = {
    "whitening": (
        "A photograph of a cat and patches of it, before and after whitening",
        "A photograph and fifty patches of it, as they are and whitened.",
    ),
    "loss": (
        "A curve that falls steeply at first and then ever more slowly",
        "J after each step of L-BFGS.",
    ),
    "features": (
        "A grid of small grey pictures, edges at many positions and orientations",
        "What each hidden unit looks for, sorted by orientation. Mid grey is zero; units without "
        "one clear orientation come last.",
    ),
    "convolution": (
        "A cat's eye, four units, and where in the picture each of them responds",
        "Four of the units, their responses all over a piece of the photograph (bright: strong), "
        "and what is left after pooling by the mean over a grid of 3 × 3.",
    ),
    "few_labels": (
        "Accuracy against the number of labels for learned features, random filters and raw pixels",
        "Right answers (mean over classes) against the number of labels. Bars: standard deviation "
        "over several draws of the labels and of the random filters.",
    ),
    "translation": (
        "Lines: pooled features change far less than features that are not pooled",
        "Change when a window moves down or to the right: mean, and standard deviation over the "
        "windows. 1: as far as another picture.",
    ),
}
PAGE = "index.html"

_CAT = NAMES.index("chelsea")
_DPI_OF_PHOTOGRAPHS = 140  # their files are large
_EYE = (slice(40, 200), slice(110, 270))


def run(out_dir: str | os.PathLike[str] = "striate-demo", settings: Settings | None = None) -> None:
    """Tell the story: learn, draw, check, compare; write pictures and one HTML page.

    Parameters
    ----------
    out_dir : path, default="striate-demo"
        Folder for what is written. It is made where there is none.
    settings : Settings, default=None
        How much of everything; see `striate.demo.demo_settings`.

    Raises
    ------
    OSError
        If the folder cannot be made or written to. This is found out before the work begins.
    ModuleNotFoundError
        If scikit-image or matplotlib is missing.
    """
    import matplotlib as mpl

    from striate.display import style

    mpl.use("Agg")
    settings = settings or Settings()
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*(f"{name}.png" for name in PICTURES), PAGE):
        check_writable(folder / name)
    say = Narrator(n_steps=6)
    pictures: dict[str, bytes] = {}
    with style():
        found = _find_out(settings, pictures, say)
    with say.step("Writing the page and its pictures"):
        parts = parts_of_page(found, settings, say.seconds)
        parts |= {
            name: figure(image(pictures[name], alt), caption, kind="sheet")
            for name, (alt, caption) in PICTURES.items()
        }
        files = {f"{name}.png": data for name, data in pictures.items()}
        for name, data in (files | {PAGE: page(parts).encode()}).items():
            with replacing(folder / name) as temporary:
                temporary.write_bytes(data)
    for each in (gradient_table(found), *accuracy_tables(found, settings), change_table(found)):
        say.table(*each)
    say.end(f"Wrote {len(PICTURES)} pictures and {folder / PAGE}, which shows them,")


def _find_out(settings: Settings, pictures: dict[str, bytes], say: Narrator) -> Findings:
    """Work through the steps, and draw: `pictures` gets PNG files by their names."""
    from striate.demo import demo_charts as charts
    from striate.demo import demo_figures as views

    images = photographs()
    left, right = halves(images)
    model, seconds = _learn(left, settings, say)
    pictures["whitening"] = _png(views.draw_whitening(images[_CAT], model), _DPI_OF_PHOTOGRAPHS)
    pictures["loss"] = _png(charts.draw_loss(model))
    pictures["features"] = _png(views.draw_features(model))
    differences, mistake = _check_gradients(say)
    with say.step("Convolving a photograph with some features, and pooling"):
        drawn = views.draw_convolution(images[_CAT][_EYE], model)
        pictures["convolution"] = _png(drawn, _DPI_OF_PHOTOGRAPHS)
    with say.step("Classifying with few labels: learned features, random filters, raw pixels"):
        tasks = {
            PHOTOGRAPHS: photographs_task(left, right, model),
            DIGITS: digits_task(settings, show_progress=say.on_terminal),
        }
        results = {
            title: accuracies(task, settings, partial(say.watched, title=title))
            for title, task in tasks.items()
        }
        n_classes = {title: task.n_classes for title, task in tasks.items()}
        chart = charts.draw_accuracies(results, settings.n_labels, n_classes)
        pictures["few_labels"] = _png(chart)
    with say.step(f"Moving photographs by up to {max(SHIFTS)} pixels"):
        moved = changes(right, model, settings)
        pictures["translation"] = _png(moved.figure_)
    how = tasks[PHOTOGRAPHS].features[-1].pooling
    return Findings(model, seconds, differences, mistake, results, moved.sensitivities, how)


def _learn(left: list[Image], settings: Settings, say: Narrator) -> tuple[Pipeline, float]:
    title = f"Learning {settings.n_features} features from {settings.n_patches:,} patches"
    with say.step(f"{title} of {len(left)} photographs"):
        say.tell("The very first time, the mathematics is compiled, which takes some seconds.")
        began = time.perf_counter()
        model = learn_features(left, settings, show_progress=say.on_terminal)
        seconds = time.perf_counter() - began
        say.tell(f"{n_edges(model[-1])} of {settings.n_features} units became edges")
    return model, seconds


def _check_gradients(say: Narrator) -> tuple[dict[tuple[str, str], list[float]], float]:
    with say.step("Checking gradients, each loss with each activation"):
        differences, mistake = gradient_differences(), difference_of_a_mistake()
        largest = max(max(row) for row in differences.values())
        verdict = "all" if largest < LIMIT else "not all"
        say.tell(f"Largest relative difference {largest:.0e}: {verdict} below {LIMIT:.0e}")
        say.tell(f"With a mistake made on purpose: {mistake:.1g}")
    return differences, mistake


def _png(figure: "Figure", dpi: int = 200) -> bytes:
    """Turn a figure into a PNG file of 256 colours, and close it."""
    from matplotlib import pyplot as plt
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    plt.close(figure)
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(packed, format="png", optimize=True)
    return packed.getvalue()
