"""The demo's page: its words are in page.html, its look is that of all pages."""

from collections.abc import Mapping
from importlib.resources import files
from string import Template

from striate.report.html import stylesheet


def page(parts: Mapping[str, str]) -> str:
    """Fill in the story.

    Parameters
    ----------
    parts : dict
        What stands for each ``$name`` of `page.html`, as HTML.
    """
    template = files("striate.demo").joinpath("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(parts, style=stylesheet())
