"""The demo, step by step."""

import io
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline

from striate.analysis.progress_protocol import Progress, no_progress
from striate.files.atomic_writing import check_writable, write_file

from .demo_console import DemoConsole
from .demo_page import demo_page
from .demo_results import (
    DIGITS,
    PHOTOGRAPHS,
    Results,
    accuracy_tables,
    change_table,
    gradient_table,
)
from .demo_settings import Settings
from .gradient_checks import LIMIT, difference_of_a_mistake, gradient_differences
from .label_curves import accuracies, digits_task, photographs_task
from .learned_features import learn_features, n_edges
from .photographs import NAMES, Image, halves, photographs
from .shift_invariance import SHIFTS, changes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names of the pictures. Files are NAME.png.
PICTURES = ("whitening", "loss", "features", "convolution", "few_labels", "translation")
PAGE = "index.html"

_CAT = NAMES.index("chelsea")
_DPI_OF_PHOTOGRAPHS = 140  # their files are large
_EYE = (slice(40, 200), slice(110, 270))


def run(
    out_dir: str | os.PathLike[str] = "striate-demo",
    settings: Settings | None = None,
    progress: Progress = no_progress,
) -> None:
    """Learn features, draw, check and compare them; write pictures and one HTML page.

    Parameters
    ----------
    out_dir : path, default="striate-demo"
        Folder for the pictures and the page. It is created if missing.
    settings : Settings, default=None
        Sizes of the demo; see `striate.demo.demo_settings`.
    progress : callable
        Shows progress.

    Raises
    ------
    OSError
        If the folder cannot be created or written to. This is checked before the work begins.
    ModuleNotFoundError
        If scikit-image, matplotlib or Jinja2 is missing.
    """
    import matplotlib as mpl

    from striate.display import style

    mpl.use("Agg")
    settings = settings or Settings()
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*(f"{name}.png" for name in PICTURES), PAGE):
        check_writable(folder / name)
    console = DemoConsole(n_steps=6)
    pictures: dict[str, bytes] = {}
    with style():
        results = _measure_and_draw(settings, pictures, console, progress)
    with console.step("Writing the page and its pictures"):
        text = demo_page(results, settings, console.seconds, pictures)
        files = {f"{name}.png": data for name, data in pictures.items()}
        for name, data in (files | {PAGE: text.encode()}).items():
            write_file(folder / name, data)
    tables = [gradient_table(results), *accuracy_tables(results, settings), change_table(results)]
    for each in tables:
        console.table(*each)
    console.end(f"Wrote {len(PICTURES)} pictures and {folder / PAGE}, which shows them,")


def _measure_and_draw(
    settings: Settings, pictures: dict[str, bytes], console: DemoConsole, progress: Progress
) -> Results:
    """Go through the steps; `pictures` gets PNG files by their names."""
    from striate.demo import demo_charts, demo_figures

    images = photographs()
    left, right = halves(images)
    model, seconds = _learn(left, settings, console)
    whitening = demo_figures.draw_whitening(images[_CAT], model)
    pictures["whitening"] = _png(whitening, _DPI_OF_PHOTOGRAPHS)
    pictures["loss"] = _png(demo_charts.draw_loss(model))
    pictures["features"] = _png(demo_figures.draw_features(model))
    differences, mistake = _check_gradients(console)
    with console.step("Convolving a photograph with some features, and pooling"):
        convolution = demo_figures.draw_convolution(images[_CAT][_EYE], model)
        pictures["convolution"] = _png(convolution, _DPI_OF_PHOTOGRAPHS)
    with console.step("Classifying with few labels: learned features, random filters, raw pixels"):
        tasks = {
            PHOTOGRAPHS: photographs_task(left, right, model),
            DIGITS: digits_task(settings, show_progress=console.on_terminal),
        }
        by_task = {title: accuracies(task, settings, progress) for title, task in tasks.items()}
        n_classes = {title: task.n_classes for title, task in tasks.items()}
        chart = demo_charts.draw_accuracies(by_task, settings.n_labels, n_classes)
        pictures["few_labels"] = _png(chart)
    with console.step(f"Moving photographs by up to {max(SHIFTS)} pixels"):
        moved = changes(right, model, settings)
        pictures["translation"] = _png(moved.figure_)
    pooling = tasks[PHOTOGRAPHS].features[-1].pooling
    return Results(model, seconds, differences, mistake, by_task, moved.sensitivities, pooling)


def _learn(left: list[Image], settings: Settings, console: DemoConsole) -> tuple[Pipeline, float]:
    title = f"Learning {settings.n_features} features from {settings.n_patches:,} patches"
    with console.step(f"{title} of {len(left)} photographs"):
        console.line("On first use, compiling takes some seconds.")
        began = time.perf_counter()
        model = learn_features(left, settings, show_progress=console.on_terminal)
        seconds = time.perf_counter() - began
        console.line(f"{n_edges(model[-1])} of {settings.n_features} units became edge detectors")
    return model, seconds


def _check_gradients(
    console: DemoConsole,
) -> tuple[dict[tuple[str, str], list[float]], float]:
    with console.step("Checking the gradient of each loss with each activation"):
        differences, mistake = gradient_differences(), difference_of_a_mistake()
        largest = max(max(row) for row in differences.values())
        verdict = "all" if largest < LIMIT else "not all"
        console.line(f"Largest relative difference {largest:.0e}: {verdict} below {LIMIT:.0e}")
        console.line(f"With a deliberate mistake: {mistake:.1g}")
    return differences, mistake


def _png(figure: "Figure", dpi: int = 200) -> bytes:
    """Return a figure as a PNG file of 256 colours, and close it."""
    from matplotlib import pyplot as plt
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    plt.close(figure)
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(packed, format="png", optimize=True)
    return packed.getvalue()
