"""Neural networks and self-taught image features for scikit-learn."""

import gc
import importlib

__version__ = "0.1.0.dev0"

# Where each public name is. It is imported when it is first used: the command line need not wait
# for the mathematics, nor the networks for the images.
_MODULES = {
    "ConnectivityDisplay": "striate.display.connectivity",
    "DictionaryEncoder": "striate.images.dictionary",
    "FeatureDisplay": "striate.display.features",
    "ImageWhitening": "striate.images.whitening",
    "LinearClassifier": "striate.estimators.linear",
    "LocalReceptiveFields": "striate.estimators.receptive_fields",
    "LossCurveDisplay": "striate.display.loss_curves",
    "MLPClassifier": "striate.estimators.mlp_classifier",
    "MLPRegressor": "striate.estimators.mlp_regressor",
    "PatchFeatures": "striate.images.features",
    "PatchScaler": "striate.images.patches",
    "ReceptiveFieldsDisplay": "striate.display.receptive_fields",
    "SelfTaughtClassifier": "striate.estimators.self_taught",
    "ShiftDisplay": "striate.display.shifts",
    "ShiftSensitivity": "striate.images.shifts",
    "SparseAutoencoder": "striate.estimators.autoencoder",
    "StackedAutoencoder": "striate.estimators.stacked",
    "UnitInspection": "striate.estimators.inspection",
    "UnitsDisplay": "striate.display.units",
    "ZCAWhitening": "striate.images.whitening",
    "check_gradient": "striate.core.gradient_check",
    "extract_features": "striate.images.extraction",
    "find_images": "striate.images.reading",
    "inspect_units": "striate.estimators.inspection",
    "labeled_scorer": "striate.estimators.labels",
    "maximal_inputs": "striate.core.maximal",
    "readable_images": "striate.images.readable",
    "shift_sensitivity": "striate.images.shifts",
}

__all__ = list(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    # An import makes many objects and hardly any garbage; looking for it takes a third of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return getattr(importlib.import_module(_MODULES[name]), name)
    finally:
        if collects:
            gc.enable()


def __dir__():
    return sorted([*globals(), *__all__])
