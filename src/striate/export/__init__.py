"""Fitted models in other forms: ONNX, C and a module that needs NumPy alone."""
