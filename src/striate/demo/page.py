"""One HTML page that needs nothing beside itself: pictures are inside, and there is no script."""

import base64
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template


def page(parts: Mapping[str, str]) -> str:
    """Fill in the story.

    Parameters
    ----------
    parts : dict
        What stands for each ``$name`` of `page.html`, as HTML.
    """
    template = files("striate.demo").joinpath("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(parts)


def figure(picture: bytes, alt: str, caption: str) -> str:
    """Embed a PNG file."""
    data = base64.b64encode(picture).decode("ascii")
    return (
        f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


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
