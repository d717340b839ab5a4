"""Figures of features, units, masks and trainings, with scikit-learn's Display interface."""

from .connectivity_display import ConnectivityDisplay
from .diagnosis_display import DiagnosisDisplay
from .feature_display import FeatureDisplay
from .loss_curve_display import LossCurveDisplay
from .receptive_fields_display import ReceptiveFieldsDisplay
from .shift_display import ShiftDisplay
from .style import PALETTE, style
from .units_display import UnitsDisplay

__all__ = [
    "PALETTE",
    "ConnectivityDisplay",
    "DiagnosisDisplay",
    "FeatureDisplay",
    "LossCurveDisplay",
    "ReceptiveFieldsDisplay",
    "ShiftDisplay",
    "UnitsDisplay",
    "style",
]
