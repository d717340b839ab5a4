"""Solvers: what minimises J, given J and ∇J or the rows themselves."""
