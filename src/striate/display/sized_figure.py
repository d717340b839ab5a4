"""Figures of a chosen size, all lengths in hundredths of an inch.

In the style these are the dots of a screen; files have two dots for each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .style import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_BORDER = 8  # white on each side
_TITLE = 26  # room for a title
_CAPTION = 20  # room for a caption
_FILE_DPI = 200
_CAPTION_FONT: Any = {"fontsize": 7.5, "color": QUIET}


def open_figure(width: float, height: float) -> Figure:
    """Open a figure in which the style's layout places the axes."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width / 100, height / 100))


def write_title(figure: Figure | SubFigure, title: str | None) -> None:
    """Write a title, if there is one, above everything in a figure."""
    if title is not None:
        figure.suptitle(title, x=0.01, ha="left")


def write_caption(figure: Figure | SubFigure, caption: str) -> None:
    """Write a caption below everything in a figure."""
    figure.supxlabel(caption, x=0.01, ha="left", **_CAPTION_FONT)


class SizedFigure:
    """A figure that fits content of a given size, with its axes at exact places.

    So each value of an image can cover a whole number of dots. The figure has room for the title
    and the caption, and is wide enough for them.
    """

    def __init__(
        self, width: float, height: float, title: str | None, caption: str | None = None
    ) -> None:
        import matplotlib.pyplot as plt
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        # Not layout="none": saving would then apply the style's layout.
        self.figure = plt.figure(layout=PlaceHolderLayoutEngine(True, True))
        self._title_font: Any = {"fontsize": plt.rcParams["axes.titlesize"]}
        self._above = _BORDER + (_TITLE if title else 0)
        self.content_width = max(
            width,
            self._text_width(title, self._title_font),
            self._text_width(caption, _CAPTION_FONT),
        )
        self._width = self.content_width + 2 * _BORDER
        self._height = self._above + height + (_CAPTION if caption else 0) + _BORDER
        # Backends round the number of dots down, hence a little more than a whole number.
        self.figure.set_size_inches((self._width + 1e-3) / 100, (self._height + 1e-3) / 100)

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes at a distance from the upper left corner of the content."""
        x = _BORDER + left
        y = self._height - self._above - top - height
        return self.figure.add_axes(
            (x / self._width, y / self._height, width / self._width, height / self._height)
        )

    def write_title(self, title: str | None) -> None:
        """Write a title, if there is one, in the upper left corner."""
        if title:
            x, y = _BORDER / self._width, 1 - _BORDER / self._height
            self.figure.text(x, y, title, va="top", **self._title_font)

    def write_caption(self, caption: str) -> None:
        """Write a caption in the lower left corner."""
        x, y = _BORDER / self._width, _BORDER / self._height
        self.figure.text(x, y, caption, va="bottom", **_CAPTION_FONT)

    def _text_width(self, text: str | None, font: Any) -> int:
        """Measure a text at the resolutions of files and of the screen, whose letters differ."""
        if not text:
            return 0
        widths = []
        for dpi in (_FILE_DPI, self.figure.dpi):
            self.figure.set_dpi(dpi)
            artist = self.figure.text(0, 0, text, **font)  # keeps the renderer of this resolution
            widths.append(100 * artist.get_window_extent().width / dpi)
            artist.remove()
        return math.ceil(max(widths))
