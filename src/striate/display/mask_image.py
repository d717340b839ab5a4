"""A mask as an image, with the numbers of connections per input and per unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .axis_ticks import set_whole_ticks
from .sized_figure import write_caption, write_title
from .style import PALETTE, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Largest number of cells of the image in each direction.
MOST_CELLS = 400
_DOTS = 1200
_MOST_BARS = 30
_NAMED_INPUTS = 40
_RULED_CELLS = 64
_WHITE_TO_BLUE = ("white", "#A9CCE6", "#4F9BCB", PALETTE[0])
_LINE = "#E4E4E4"


class MaskImage(NamedTuple):
    """A mask, its numbers of connections, and the shape or the names of its inputs."""

    mask: Any  # csc_array of bool (n_inputs, n_units)
    units_per_input: NDArray[np.int64]
    inputs_per_unit: NDArray[np.int64]
    image_shape: tuple[int, ...] | None
    names: NDArray[Any] | None

    @property
    def side_plots(self) -> list[str]:
        """Numbers of connections that are not all equal and are therefore plotted."""
        numbers = {"inputs": self.units_per_input, "units": self.inputs_per_unit}
        return [name for name, each in numbers.items() if each.min() != each.max()]

    @property
    def caption(self) -> str:
        """Number of connections, and what holds for all inputs or all units."""
        (n_inputs, n_units), n = self.mask.shape, int(self.mask.nnz)
        share = 100 * n / (n_inputs * n_units)
        first = f"{n:,} connections, {share:.3g}% of {n_inputs:,} inputs × {n_units:,} units"
        parts = []
        if "units" not in self.side_plots:
            parts.append(f"each unit sees {_count(self.inputs_per_unit[0], 'input')}")
        elif n_blind := int(np.sum(self.inputs_per_unit == 0)):
            parts.append(f"{_count(n_blind, 'unit')} without inputs")
        if "inputs" not in self.side_plots:
            parts.append(f"each input is seen by {_count(self.units_per_input[0], 'unit')}")
        elif n_unseen := int(np.sum(self.units_per_input == 0)):
            parts.append(f"{_count(n_unseen, 'input')} seen by no unit")
        second = "; ".join(parts)
        return f"{first}\n{second[0].upper()}{second[1:]}" if parts else first

    def draw_on(self, figure: Figure | SubFigure, title: str | None) -> dict[str, Axes]:
        """Draw the mask, the plots beside it, the caption and the title."""
        mosaic: Any = [["mask", side] for side in self.side_plots] or [["mask"]]
        ratios = [1.45, 1] if self.side_plots else [1]
        axes: dict[str, Axes] = figure.subplot_mosaic(mosaic, width_ratios=ratios)
        self._draw_mask(axes["mask"])
        if "inputs" in axes and self.image_shape is not None:
            self._draw_units_per_pixel(axes["inputs"], self.image_shape)
        elif "inputs" in axes:
            _draw_histogram(axes["inputs"], self.units_per_input, "Units per input", "Inputs")
        if "units" in axes:
            _draw_histogram(axes["units"], self.inputs_per_unit, "Inputs per unit", "Units")
        write_caption(figure, self.caption)
        write_title(figure, title)
        return axes

    def _draw_mask(self, ax: Axes) -> None:
        """Draw inputs downwards, units to the right, and connections in blue."""
        shares, (down, across) = density(self.mask)
        n_inputs, n_units = self.mask.shape
        # More dots than the axes have on a page, so that matplotlib averages them, edges included.
        finer = [-(-_DOTS // n) for n in shares.shape]
        image = ax.imshow(
            shares.astype(np.float32).repeat(finer[0], axis=0).repeat(finer[1], axis=1),
            cmap=_colormap(),
            vmin=0,
            vmax=float(shares.max()) or 1.0,
            extent=(-0.5, shares.shape[1] * across - 0.5, shares.shape[0] * down - 0.5, -0.5),
            aspect="auto",
            interpolation="antialiased",
        )
        ax.set(xlim=(-0.5, n_units - 0.5), ylim=(n_inputs - 0.5, -0.5), xlabel="Unit")
        ax.spines[["top", "right"]].set_visible(True)
        self._label_axes(ax)
        if max(down, across) > 1:
            bar = _add_colorbar(ax, image, whole=False)
            cell = f"{_count(down, 'input')} × {_count(across, 'unit')}"
            bar.set_label(f"Connections present per {cell}", fontsize=8)
            bar.ax.yaxis.set_major_formatter(_percent)
        elif max(shares.shape) <= _RULED_CELLS:
            self._draw_rules(ax)

    def _label_axes(self, ax: Axes) -> None:
        """Label inputs by their names if there are names and room, otherwise by numbers."""
        set_whole_ticks(ax.xaxis, 6)
        if self.names is not None and len(self.names) <= _NAMED_INPUTS:
            names = [str(name) for name in self.names]
            ax.set_yticks(np.arange(len(names)), names, fontsize=6.5)
            ax.tick_params(axis="y", length=0)
        else:
            set_whole_ticks(ax.yaxis, 6)
            ax.set_ylabel("Input")

    def _draw_rules(self, ax: Axes) -> None:
        """Draw lines between the cells."""
        n_inputs, n_units = self.mask.shape
        ax.set_xticks(np.arange(n_units + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(n_inputs + 1) - 0.5, minor=True)
        ax.grid(which="minor", color=_LINE, linewidth=0.4)
        ax.set_axisbelow(False)

    def _draw_units_per_pixel(self, ax: Axes, image_shape: tuple[int, ...]) -> None:
        counts = self.units_per_input.reshape(*image_shape[:2], -1).mean(axis=2)
        image = ax.imshow(counts, cmap=_colormap(), vmin=0, interpolation="nearest")
        ax.spines[["top", "right"]].set_visible(True)
        ax.set_title("Units per pixel", fontsize=8, pad=4)
        ax.set(xticks=[], yticks=[])
        _add_colorbar(ax, image, whole=True)


class Density(NamedTuple):
    """Shares of connections present in cells of several inputs and units."""

    shares: NDArray[np.float64]  # (cells down, cells across), from 0 to 1
    cell: tuple[int, int]  # numbers of inputs and units per cell


def density(mask: Any) -> Density:
    """Count the connections of a sparse matrix (n_inputs, n_units) in cells of equal size."""
    mask = sparse.coo_array(mask)
    down, across = (-(-n // MOST_CELLS) for n in mask.shape)
    shape = (-(-mask.shape[0] // down), -(-mask.shape[1] // across))
    inputs, units = mask.coords
    at = (inputs // down).astype(np.int64) * shape[1] + units // across
    counts = np.bincount(at, minlength=math.prod(shape)).reshape(shape)
    # The last cells may be smaller.
    sizes = [
        np.minimum(side, n - np.arange(0, n, side))
        for n, side in zip(mask.shape, (down, across), strict=True)
    ]
    return Density(counts / np.outer(*sizes), (down, across))


def _draw_histogram(ax: Axes, counts: NDArray[np.int64], label: str, ylabel: str) -> None:
    low, high = int(counts.min()), int(counts.max())
    width = -(-(high - low + 1) // _MOST_BARS)
    edges = np.arange(low, high + width + 1, width) - 0.5
    ax.hist(counts, edges.tolist(), color=PALETTE[0], rwidth=0.88)
    ax.set(xlabel=label, ylabel=ylabel)
    ax.tick_params(colors=QUIET)
    set_whole_ticks(ax.xaxis, 5)
    set_whole_ticks(ax.yaxis, 4)


def _colormap() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("connections", _WHITE_TO_BLUE)


def _add_colorbar(ax: Axes, image: Any, *, whole: bool) -> Any:
    from matplotlib.ticker import MaxNLocator

    bar: Any = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=4, integer=whole, steps=[1, 2, 2.5, 5, 10])
    bar.ax.tick_params(labelsize=7, length=2)
    return bar


def _percent(share: float, _: int) -> str:
    return f"{100 * share:.3g}%"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
