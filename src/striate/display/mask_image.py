"""A mask as a picture: the share of connections in each of its cells, and how many there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .style import PALETTE, QUIET, write_caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Cells of the picture, down and across, at most.
MOST_CELLS = 400
_DOTS = 1200
_MOST_BARS = 30
_NAMED_INPUTS = 40
_RULED_CELLS = 64
_WHITE_TO_BLUE = ("white", "#A9CCE6", "#4F9BCB", PALETTE[0])
_LINE = "#E4E4E4"


class MaskPicture(NamedTuple):
    """A mask, how many connections inputs and units have, and what the inputs are."""

    mask: Any  # csc_array of bool (n_inputs, n_units)
    per_input: NDArray[np.int64]
    per_unit: NDArray[np.int64]
    image_shape: tuple[int, ...] | None
    names: NDArray | None

    @property
    def sides(self) -> list[str]:
        """What differs from input to input or from unit to unit, and so has a picture."""
        each = {"inputs": self.per_input, "units": self.per_unit}
        return [name for name, counts in each.items() if counts.min() != counts.max()]

    def draw(self, figure: Figure | SubFigure, title: str | None) -> dict[str, Axes]:
        """Draw all that there is to see."""
        mosaic: Any = [["mask", side] for side in self.sides] or [["mask"]]
        ratios = [1.45, 1] if self.sides else [1]
        axes: Any = figure.subplot_mosaic(mosaic, width_ratios=ratios)
        self._draw_mask(axes["mask"])
        if "inputs" in axes and self.image_shape is not None:
            self._draw_image(axes["inputs"])
        elif "inputs" in axes:
            _draw_histogram(axes["inputs"], self.per_input, "Units that see an input", "Inputs")
        if "units" in axes:
            _draw_histogram(axes["units"], self.per_unit, "Inputs that a unit sees", "Units")
        write_caption(figure, self.caption)
        if title is not None:
            figure.suptitle(title, x=0.01, ha="left")
        return axes

    @property
    def caption(self) -> str:
        """What all have in common."""
        (n_inputs, n_units), n = self.mask.shape, int(self.mask.nnz)
        share = 100 * n / (n_inputs * n_units)
        first = f"{n:,} connections, {share:.3g}% of {n_inputs:,} inputs × {n_units:,} units"
        parts = []
        unseen, blind = int(np.sum(self.per_input == 0)), int(np.sum(self.per_unit == 0))
        if "units" not in self.sides:
            parts.append(f"each unit sees {_number(self.per_unit[0], 'input')}")
        elif blind:
            parts.append(f"{_number(blind, 'unit')} without any")
        if "inputs" not in self.sides:
            parts.append(f"each input is seen by {_number(self.per_input[0], 'unit')}")
        elif unseen:
            parts.append(f"{_number(unseen, 'input')} seen by none")
        *_, cell = density(self.mask)
        if max(cell) > 1:
            parts.append(f"a cell of the picture has {cell[0]} × {cell[1]}")
        second = "; ".join(parts)
        return f"{first}\n{second[0].upper()}{second[1:]}" if parts else first

    def _draw_mask(self, ax: Axes) -> None:
        """Draw inputs downwards, units to the right, and what is connected in colour."""
        shares, (down, across) = density(self.mask)
        n_inputs, n_units = self.mask.shape
        # More dots than any axes will have, so that cells are averaged and keep their edges.
        finer = [-(-_DOTS // n) for n in shares.shape]
        image = ax.imshow(
            shares.astype(np.float32).repeat(finer[0], axis=0).repeat(finer[1], axis=1),
            cmap=_ramp(),
            vmin=0,
            vmax=float(shares.max()) or 1.0,
            extent=(-0.5, shares.shape[1] * across - 0.5, shares.shape[0] * down - 0.5, -0.5),
            aspect="auto",
            interpolation="antialiased",
        )
        ax.set(xlim=(-0.5, n_units - 0.5), ylim=(n_inputs - 0.5, -0.5), xlabel="Unit")
        ax.spines[["top", "right"]].set_visible(True)
        if max(shares.shape) <= _RULED_CELLS and max(down, across) == 1:
            ax.set_xticks(np.arange(n_units + 1) - 0.5, minor=True)
            ax.set_yticks(np.arange(n_inputs + 1) - 0.5, minor=True)
            ax.grid(which="minor", color=_LINE, linewidth=0.4)
            ax.set_axisbelow(False)
        if self.names is not None and n_inputs <= _NAMED_INPUTS:
            ax.set_yticks(np.arange(n_inputs), [str(name) for name in self.names], fontsize=6.5)
            ax.tick_params(axis="y", length=0)
        else:
            ax.set_ylabel("Input")
        for axis in (ax.xaxis, ax.yaxis) if self.names is None else (ax.xaxis,):
            _whole_ticks(axis, 6)
        if max(down, across) > 1:
            bar = _colorbar(ax, image, whole=False)
            bar.set_label("Share that is connected", fontsize=8)
            bar.ax.yaxis.set_major_formatter(_percent)

    def _draw_image(self, ax: Axes) -> None:
        assert self.image_shape is not None
        counts = self.per_input.reshape(*self.image_shape[:2], -1).mean(axis=2)
        image = ax.imshow(counts, cmap=_ramp(), vmin=0, interpolation="nearest")
        ax.spines[["top", "right"]].set_visible(True)
        ax.set_title("Units that see each pixel", fontsize=8, pad=4)
        ax.set(xticks=[], yticks=[])
        _colorbar(ax, image, whole=True)


class Density(NamedTuple):
    """Share of connections in cells of some inputs and some units."""

    shares: NDArray[np.float64]  # (cells down, cells across), from 0 to 1
    cell: tuple[int, int]  # inputs and units of a cell


def density(mask: Any) -> Density:
    """Count the connections of a sparse matrix (n_inputs, n_units) in cells of equal size."""
    mask = sparse.coo_array(mask)
    down, across = (-(-n // MOST_CELLS) for n in mask.shape)
    shape = (-(-mask.shape[0] // down), -(-mask.shape[1] // across))
    inputs, units = mask.coords
    at = (inputs // down).astype(np.int64) * shape[1] + units // across
    counts = np.bincount(at, minlength=math.prod(shape)).reshape(shape)
    # The last cells may hold less.
    sizes = [
        np.minimum(side, n - np.arange(0, n, side))
        for n, side in zip(mask.shape, (down, across), strict=True)
    ]
    return Density(counts / np.outer(*sizes), (down, across))


def _draw_histogram(ax: Axes, counts: NDArray, label: str, ylabel: str) -> None:
    low, high = int(counts.min()), int(counts.max())
    width = -(-(high - low + 1) // _MOST_BARS)
    edges = np.arange(low, high + width + 1, width) - 0.5
    ax.hist(counts, edges.tolist(), color=PALETTE[0], rwidth=0.88)
    ax.set(xlabel=label, ylabel=ylabel)
    ax.tick_params(colors=QUIET)
    _whole_ticks(ax.xaxis, 5)
    _whole_ticks(ax.yaxis, 4)


def _ramp() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("connections", _WHITE_TO_BLUE)


def _whole_ticks(axis: Any, most: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter("{x:,.0f}")


def _colorbar(ax: Axes, image: Any, *, whole: bool) -> Any:
    from matplotlib.ticker import MaxNLocator

    bar: Any = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=4, integer=whole, steps=[1, 2, 2.5, 5, 10])
    bar.ax.tick_params(labelsize=7, length=2)
    return bar


def _percent(share: float, _: int) -> str:
    return f"{100 * share:.3g}%"


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
