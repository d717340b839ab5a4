"""Measurements of a fitted model: its units, its invariances, its accuracy."""
