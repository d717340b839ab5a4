"""The page of the documentation that shows what was measured: prose by hand, tables from here."""

from pathlib import Path

from striate.files.atomic_writing import replacing

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write(name, text, page=PAGE):
    """Replaces what stands between the two markers of a subject on the page."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"{page}: has no place for {name}; add the lines {begin} and {end}")
    with replacing(page) as temporary:
        temporary.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def write_picture(name, png, folder=PAGE.parent / "images"):
    """Writes a PNG file that the page shows."""
    with replacing(folder / name) as temporary:
        temporary.write_bytes(png)
