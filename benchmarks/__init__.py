"""How fast Striate is, beside other libraries: `python -m benchmarks`."""
