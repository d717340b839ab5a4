"""Tables and charts of compared features."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from striate.analysis.held_out_predictions import HeldOutPredictions
from striate.display.comparison_chart import comparison_png
from striate.files.atomic_writing import write_file
from striate.files.spreadsheet_cells import text_cell

from .feature_trials import Trial

_PER_IMAGES = 1000


def print_trials(trials: list[Trial]) -> None:
    """Print a table on the terminal, and what the scores are to be compared with."""
    has_classes = isinstance(trials[0].held_out, HeldOutPredictions)
    table = Table(box=None, pad_edge=False)
    table.add_column("features", no_wrap=True)
    score = "accuracy" if has_classes else "mean absolute error"
    learning, computing = "seconds to learn", f"seconds for {_PER_IMAGES} images"
    for name in ("values", score, learning, computing):
        table.add_column(name, justify="right")
    for trial in trials:
        mean, spread = trial.scores.mean(), trial.scores.std()
        number = f"{mean:.1%} ± {spread:.1%}" if has_classes else f"{mean:.4g} ± {spread:.2g}"
        image_seconds = trial.image_seconds
        for_all = None if image_seconds is None else _PER_IMAGES * image_seconds
        times = [_seconds(trial.learn_seconds), _seconds(for_all)]
        table.add_row(trial.name, str(trial.n_values), number, *times)
    # Files and pipes have no edge to cut a wide table at.
    width = None if Console().is_terminal else 1000
    Console(markup=False, highlight=False, width=width).print(table)
    what, baseline = _baseline(trials)
    print(f"{what}: {baseline:.1%}" if has_classes else f"{what}: {baseline:.4g}")


def write_trials(trials: list[Trial], out: Path) -> None:
    """Write a table, as CSV or, by the suffix, as JSON."""
    records = [_record(trial) for trial in trials]
    if out.suffix.lower() == ".json":
        write_file(out, (json.dumps(records, indent=2) + "\n").encode())
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**each, "features": text_cell(each["features"])} for each in records)
    write_file(out, text.getvalue().encode("utf-8", "surrogateescape"))


def chart(trials: list[Trial]) -> bytes:
    """Return a picture of the scores as the content of a PNG file."""
    what, baseline = _baseline(trials)
    has_classes = isinstance(trials[0].held_out, HeldOutPredictions)
    title = "Accuracy on held-out images" if has_classes else "Mean absolute error"
    means, spreads = ([f(each.scores) for each in trials] for f in (_mean, _spread))
    note = f"{title} (dashed: {what})"
    return comparison_png([each.name for each in trials], means, spreads, note, baseline)


def _record(trial: Trial) -> dict[str, Any]:
    held_out = trial.held_out
    if isinstance(held_out, HeldOutPredictions):
        scores = {"accuracy": _mean(trial.scores), "spread": _spread(trial.scores)}
        scores["balanced_accuracy"] = held_out.balanced_accuracy
    else:
        scores = {"mean_absolute_error": _mean(trial.scores), "spread": _spread(trial.scores)}
        scores["r2"] = held_out.r2
    seconds = trial.image_seconds
    return {
        "features": trial.name,
        "values": trial.n_values,
        **{name: round(value, 6) for name, value in scores.items()},
        "folds": len(trial.scores),
        "learning_seconds": _rounded(trial.learn_seconds),
        f"seconds_per_{_PER_IMAGES}_images": _rounded(seconds and _PER_IMAGES * seconds),
    }


def _baseline(trials: list[Trial]) -> tuple[str, float]:
    held_out = trials[0].held_out
    is_class = isinstance(held_out, HeldOutPredictions)
    what = "always the most frequent class" if is_class else "always the median"
    return what, held_out.baseline


def _mean(scores: Any) -> float:
    return float(scores.mean())


def _spread(scores: Any) -> float:
    return float(scores.std())


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.3g}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
