"""A page of the documentation with exercises, and a table of all their results.

A run writes the sections of its own exercises, their results to a JSON file beside the page, and
the table of all exercises.
"""

import json
import re
import shutil
from pathlib import Path

from striate.files.atomic_writing import replacing

from .exercise import Exercise, Results, Work
from .page_sections import write
from .result_tables import Table

DOCS = Path(__file__).parents[1] / "docs"
IMAGES, TABLE = "images", "table"


class Page:
    """A page in a folder: that of the documentation, or a copy of it."""

    def __init__(self, name, folder=DOCS):
        self.name, self.folder = name, Path(folder)
        self.path, self._results = (self.folder / f"{name}{suffix}" for suffix in (".md", ".json"))
        (self.folder / IMAGES).mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            shutil.copy(DOCS / self.path.name, self.folder)

    def results(self):
        """Return the results of each exercise that was run: ours, seconds, measured."""
        path = self._results
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def add(self, exercises, exercise: Exercise, found: Results, work: Work, measured: str):
        """Write section, pictures and results of an exercise, and the table of all exercises."""
        for picture in found.pictures:
            with replacing(self._image(picture)) as temporary:
                temporary.write_bytes(picture.png)
        results = self.results()
        results[exercise.name] = {
            "ours": found.ours,
            "seconds": round(work.seconds, 2),
            "measured": measured,
        }
        with replacing(self._results) as temporary:
            temporary.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        write(exercise.name, self._section(found, work), self.path)
        write(TABLE, overview(exercises, results), self.path)

    def _image(self, picture):
        return self.folder / IMAGES / f"{self.name}_{picture.name}.png"

    def _section(self, found, work):
        tables = [table.markdown() for table in (*found.tables, work.table()) if table.rows]
        remarks = "\n".join(f"- {remark}" for remark in found.remarks)
        figures = [self._figure(picture) for picture in found.pictures]
        return "\n\n".join(filter(None, [*figures, *tables, remarks]))

    def _figure(self, picture):
        return (
            f"```{{figure}} {IMAGES}/{self._image(picture).name}\n:alt: {picture.alt}\n"
            f":width: {picture.width}px\n\n{picture.caption}\n```"
        )


def overview(exercises, results):
    """Return the table of all exercises, with the time and machine of each run."""
    table = Table(("exercise", "settings", "published", "ours", "seconds"))
    for each in exercises:
        result = results.get(each.name, {"ours": "not run yet", "seconds": None})
        seconds = "" if result["seconds"] is None else _figures(result["seconds"])
        # Anchors of the documentation contain only letters, digits and hyphens.
        anchor = re.sub(r"[^\w-]", "", each.title.lower().replace(" ", "-"))
        link = f"[{each.title}](#{anchor})"
        table.add(link, each.settings, each.published, result["ours"], seconds)
    return "\n\n".join([table.markdown(), _machines(exercises, results)])


def _figures(seconds):
    return f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"


def _machines(exercises, results):
    """Return one line per machine and versions, with the time of each run."""
    runs: dict[str, list[str]] = {}
    for each in exercises:
        if each.name in results:
            when, _, where = results[each.name]["measured"].partition("; ")
            runs.setdefault(where, []).append(f"{each.name} ({when})")
    return "\n".join(f"- Run on {where}: {', '.join(names)}." for where, names in runs.items())
