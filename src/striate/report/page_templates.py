"""Jinja2 templates of self-contained pages: pictures are embedded, there is no script."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from striate.analysis.html_templates import environment

if TYPE_CHECKING:
    from jinja2 import Template

_PACKAGE = "striate.report"
_MEDIA_TYPES = {b"\x89PNG": "image/png", b"<?xm": "image/svg+xml"}


def page_template(name: str, package: str = _PACKAGE) -> Template:
    """Load a template, which escapes all text and refuses undefined names.

    Parameters
    ----------
    name : str
        File name in the folder ``templates`` of the package.
    package : str
        Package of the template. It may extend and import the report's templates.

    Raises
    ------
    ModuleNotFoundError
        If Jinja2 is not installed.
    """
    pages = environment(package, _PACKAGE)
    pages.filters |= {"data_uri": data_uri, "percent": percent, "thousands": thousands}
    return pages.get_template(name)


def data_uri(picture: bytes) -> str:
    """Return a PNG or SVG file as a data URI."""
    data = base64.b64encode(picture).decode("ascii")
    return f"data:{_MEDIA_TYPES[picture[:4]]};base64,{data}"


def percent(share: float, digits: int = 0) -> str:
    """Return a share as a percentage."""
    return f"{share:.{digits}%}"


def thousands(number: int) -> str:
    """Return a number with commas between thousands."""
    return f"{number:,}"
