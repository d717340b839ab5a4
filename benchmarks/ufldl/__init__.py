"""The exercises of the UFLDL tutorial, compared with published results."""
