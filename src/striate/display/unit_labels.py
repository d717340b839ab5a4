"""Texts and colours for units, and for those that are dead or duplicates."""

from __future__ import annotations

from typing import NamedTuple

from striate.analysis.unit_inspection import UnitInspection

from .style import PALETTE

LIVE, DEAD, DUPLICATE = PALETTE[0], PALETTE[1], PALETTE[3]


class UnitLabel(NamedTuple):
    """Texts that describe a unit."""

    number: str
    mean: str  # mean activation
    flaw: str  # "dead", "same as 1" or ""
    color: str


def label_unit(inspection: UnitInspection, unit: int) -> UnitLabel:
    """Describe one unit."""
    flaw, color = "", LIVE
    if inspection.dead[unit]:
        flaw, color = "dead", DEAD
    elif inspection.duplicate[unit]:
        flaw, color = f"same as {inspection.duplicate_of[unit]}", DUPLICATE
    mean = float(inspection.mean_activation[unit])
    # There is room for six characters.
    number = f"{mean:.3g}" if 1e-3 <= abs(mean) < 1e3 or mean == 0 else f"{mean:.0e}"
    number = number.replace("-", "−")
    return UnitLabel(str(unit), rf"$\hat{{\rho}}$ = {number}", flaw, color)
