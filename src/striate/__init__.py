"""Neural networks and self-taught image features for scikit-learn."""

import importlib
import typing

__version__ = "0.1.0.dev0"

# The module of each public name, which is imported at first use: the command line need not wait
# for the mathematics, nor the networks for the images.
_MODULES = {
    "Checkpoint": "striate.checkpoint",
    "ConnectivityDisplay": "striate.display.connectivity_display",
    "DeepPatchFeatures": "striate.images.deep_patch_features",
    "Diagnosis": "striate.analysis.diagnosis",
    "DiagnosisDisplay": "striate.display.diagnosis_display",
    "DictionaryEncoder": "striate.images.dictionary_encoder",
    "FeatureDisplay": "striate.display.feature_display",
    "Finding": "striate.estimators.finding",
    "ImageCollection": "striate.files.image_collection",
    "ImageWhitening": "striate.images.image_whitening",
    "KernelClassifier": "striate.estimators.kernel_classifier",
    "KernelRegressor": "striate.estimators.kernel_regressor",
    "LinearClassifier": "striate.estimators.linear_classifier",
    "LocalReceptiveFields": "striate.estimators.local_receptive_fields",
    "LossCurveDisplay": "striate.display.loss_curve_display",
    "MLPClassifier": "striate.estimators.mlp_classifier",
    "MLPRegressor": "striate.estimators.mlp_regressor",
    "PatchFeatures": "striate.images.patch_features",
    "PatchScaler": "striate.images.patch_scaler",
    "PixelClassifier": "striate.images.pixel_classifier",
    "ReceptiveFieldsDisplay": "striate.display.receptive_fields_display",
    "RowBlocks": "striate.core.row_blocks",
    "SelfTaughtClassifier": "striate.estimators.self_taught",
    "ShiftDisplay": "striate.display.shift_display",
    "ShiftSensitivity": "striate.analysis.shift_sensitivity",
    "SparseAutoencoder": "striate.estimators.sparse_autoencoder",
    "StackedAutoencoder": "striate.estimators.stacked_autoencoder",
    "TableEncoder": "striate.tables.table_encoder",
    "TabularClassifier": "striate.tables.tabular_classifier",
    "TabularRegressor": "striate.tables.tabular_regressor",
    "UnitInspection": "striate.analysis.unit_inspection",
    "UnitsDisplay": "striate.display.units_display",
    "WhitenedComponents": "striate.estimators.whitened_components",
    "ZCAWhitening": "striate.images.zca_whitening",
    "check_gradient": "striate.core.gradient_check",
    "diagnose": "striate.analysis.diagnose",
    "extract_features": "striate.files.feature_extraction",
    "find_images": "striate.files.image_folders",
    "inspect_units": "striate.analysis.unit_inspection",
    "labeled_scorer": "striate.estimators.missing_labels",
    "maximal_inputs": "striate.analysis.maximal_inputs",
    "read_image": "striate.files.read_images",
    "readable_images": "striate.files.check_files",
    "shift_sensitivity": "striate.analysis.shift_sensitivity",
    "to_c": "striate.export.c_export",
    "to_numpy": "striate.export.numpy_export",
    "to_onnx": "striate.export.onnx_export",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> typing.Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
