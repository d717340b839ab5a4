"""A model on one page: what it learned, its accuracy, and its mistakes."""
