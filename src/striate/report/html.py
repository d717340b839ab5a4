"""Pieces of pages that need nothing beside themselves: pictures are inside, there is no script."""

import base64
from collections.abc import Iterable
from html import escape
from importlib.resources import files

_KINDS = {b"\x89PNG": "image/png", b"<?xm": "image/svg+xml"}


def stylesheet() -> str:
    """Return the look of all pages, light and dark."""
    return files("striate.report").joinpath("page.css").read_text(encoding="utf-8")


def address(picture: bytes) -> str:
    """Return a PNG or SVG file as an address that holds it."""
    data = base64.b64encode(picture).decode("ascii")
    return f"data:{_KINDS[picture[:4]]};base64,{data}"


def image(picture: bytes, alt: str, *, dark: bytes | None = None, kind: str = "") -> str:
    """Embed a picture, and another one for dark pages if there is one."""
    name = f' class="{kind}"' if kind else ""
    plain = f'<img{name} alt="{escape(alt)}" src="{address(picture)}">'
    if dark is None:
        return plain
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{address(dark)}">'
    return f"<picture>{source}{plain}</picture>"


def figure(content: str, caption: str, *, kind: str = "") -> str:
    """Put a caption, as text, below a picture."""
    name = f' class="{kind}"' if kind else ""
    return f"<figure{name}>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def table(caption: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Make a table whose first column names the rows."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(_row(row) for row in rows)
    return (
        f'<p class="title">{escape(caption)}</p>'  # a caption would be as wide as the table
        f'<div class="wide"><table aria-label="{escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Iterable[str]) -> str:
    name, *values = cells
    data = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f'<tr><th scope="row">{escape(name)}</th>{data}</tr>'
