"""Speed of Striate compared with other libraries: `python -m benchmarks`."""
