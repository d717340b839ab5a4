"""The page of the documentation with the exercises: its table, made from what is kept of each run.

A run writes the sections of its own exercises, their figures in ufldl.json, and the table of all.
"""

import json
import shutil
from pathlib import Path

from benchmarks.page import write
from benchmarks.report import Table
from striate.persistence import replacing

from .exercise import Exercise, Found, Work

DOCS = Path(__file__).parents[2] / "docs"
PAGE, RESULTS, IMAGES = "ufldl.md", "ufldl.json", "images"
TABLE = "table"


class Page:
    """The page in a folder: the documentation's, or another that begins as a copy of it."""

    def __init__(self, folder=DOCS):
        self.folder = Path(folder)
        (self.folder / IMAGES).mkdir(parents=True, exist_ok=True)
        if not (self.folder / PAGE).exists():
            shutil.copy(DOCS / PAGE, self.folder)

    @property
    def path(self):
        return self.folder / PAGE

    def results(self):
        """For each exercise that was run: ours, seconds, measured."""
        path = self.folder / RESULTS
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def add(self, exercises, exercise: Exercise, found: Found, work: Work, measured: str):
        """Writes an exercise's section, pictures and figures, and the table of all exercises."""
        for picture in found.pictures:
            with replacing(self._image(picture)) as temporary:
                temporary.write_bytes(picture.png)
        results = self.results()
        results[exercise.name] = {
            "ours": found.ours,
            "seconds": round(work.seconds, 2),
            "measured": measured,
        }
        with replacing(self.folder / RESULTS) as temporary:
            temporary.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        write(exercise.name, _section(found, work), self.path)
        write(TABLE, overview(exercises, results), self.path)

    def _image(self, picture):
        return self.folder / IMAGES / f"ufldl_{picture.name}.png"


def overview(exercises, results):
    """The table of all exercises, and when and where each was run."""
    table = Table(("exercise", "settings", "published", "ours", "seconds"))
    for each in exercises:
        result = results.get(each.name, {"ours": "not run yet", "seconds": None})
        seconds = "" if result["seconds"] is None else _figures(result["seconds"])
        link = f"[{each.title}](#{each.title.lower().replace(' ', '-')})"
        table.add(link, each.settings, each.published, result["ours"], seconds)
    return "\n\n".join([table.markdown(), _machines(exercises, results)])


def _figures(seconds):
    return f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"


def _machines(exercises, results):
    """One line for each machine and its versions, with the time of each run."""
    runs: dict[str, list[str]] = {}
    for each in exercises:
        if each.name in results:
            when, _, where = results[each.name]["measured"].partition("; ")
            runs.setdefault(where, []).append(f"{each.name} ({when})")
    return "\n".join(f"- Run on {where}: {', '.join(names)}." for where, names in runs.items())


def _section(found, work):
    tables = [table.markdown() for table in (*found.tables, work.table()) if table.rows]
    remarks = "\n".join(f"- {remark}" for remark in found.remarks)
    return "\n\n".join(filter(None, [*map(_figure, found.pictures), *tables, remarks]))


def _figure(picture):
    return (
        f"```{{figure}} {IMAGES}/ufldl_{picture.name}.png\n:alt: {picture.alt}\n"
        f":width: {picture.width}px\n\n{picture.caption}\n```"
    )
