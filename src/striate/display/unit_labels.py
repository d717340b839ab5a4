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
    mean = rf"$\hat{{\rho}}$ = {inspection.mean_activation[unit]:.3g}"
    return UnitLabel(str(unit), mean, flaw, color)
