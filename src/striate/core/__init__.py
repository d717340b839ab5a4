"""The lecture's mathematics, compiled: NumPy, SciPy and Numba, no scikit-learn."""
