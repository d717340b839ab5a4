"""The page of the documentation that shows what was measured: prose by hand, tables from here."""

import os
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write(name, text, page=PAGE):
    """Replaces what stands between the two markers of a subject on the page."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"{page}: has no place for {name}; add the lines {begin} and {end}")
    _replace(page, f"{before}{begin}\n\n{text}\n\n{end}{after}")


def _replace(page, text):
    descriptor, temporary = tempfile.mkstemp(dir=page.parent, prefix=f".{page.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, page.stat().st_mode)
        os.replace(temporary, page)
    except BaseException:
        os.unlink(temporary)
        raise
