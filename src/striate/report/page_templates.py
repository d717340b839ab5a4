"""Jinja2 templates of self-contained pages: pictures are embedded, there is no script."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

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
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Jinja2, which fills in the page, is missing: pip install 'striate[app]'"
        ) from error
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_PACKAGE)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "percent": percent, "thousands": thousands}
    return environment.get_template(name)


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
