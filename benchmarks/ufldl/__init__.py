"""The exercises of the UFLDL tutorial beside the published numbers."""
