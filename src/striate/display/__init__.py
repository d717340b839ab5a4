"""Pictures of learned features and of the loss, after scikit-learn's Display convention."""

from striate.display.connectivity import ConnectivityDisplay
from striate.display.features import FeatureDisplay
from striate.display.loss_curves import LossCurveDisplay
from striate.display.receptive_fields import ReceptiveFieldsDisplay
from striate.display.shifts import ShiftDisplay
from striate.display.style import PALETTE, style
from striate.display.units import UnitsDisplay

__all__ = [
    "PALETTE",
    "ConnectivityDisplay",
    "FeatureDisplay",
    "LossCurveDisplay",
    "ReceptiveFieldsDisplay",
    "ShiftDisplay",
    "UnitsDisplay",
    "style",
]
