"""What a picture calls a unit, and how it marks those of no use."""

from __future__ import annotations

from typing import NamedTuple

from striate.analysis.unit_inspection import UnitInspection

from .style import PALETTE

LIVE, DEAD, DUPLICATE = PALETTE[0], PALETTE[1], PALETTE[3]


class UnitName(NamedTuple):
    """A unit in words."""

    number: str
    mean: str  # its mean activation
    flaw: str  # empty where there is none
    color: str


def name_of(inspection: UnitInspection, unit: int) -> UnitName:
    """Describe one unit."""
    flaw, color = "", LIVE
    if inspection.dead[unit]:
        flaw, color = "dead", DEAD
    elif inspection.duplicate[unit]:
        flaw, color = f"same as {inspection.duplicate_of[unit]}", DUPLICATE
    mean = rf"$\hat{{\rho}}$ = {inspection.mean_activation[unit]:.3g}"
    return UnitName(str(unit), mean, flaw, color)
