"""Estimators: networks behind scikit-learn's interface."""
