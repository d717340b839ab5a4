"""Pictures of learned features and of the loss, after scikit-learn's Display convention."""

from .connectivity_display import ConnectivityDisplay
from .feature_display import FeatureDisplay
from .loss_curve_display import LossCurveDisplay
from .receptive_fields_display import ReceptiveFieldsDisplay
from .shift_display import ShiftDisplay
from .style import PALETTE, style
from .units_display import UnitsDisplay

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
