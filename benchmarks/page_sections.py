"""Write measured tables into a page of the documentation, whose prose is written by hand."""

from pathlib import Path

from striate.files.atomic_writing import replacing

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write(name, text, page=PAGE):
    """Replace the text between the two markers of a benchmark on the page."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"{page}: has no place for {name}; add the lines {begin} and {end}")
    with replacing(page) as temporary:
        temporary.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def write_picture(name, png, folder=PAGE.parent / "images"):
    """Write a PNG file shown on the page."""
    with replacing(folder / name) as temporary:
        temporary.write_bytes(png)
