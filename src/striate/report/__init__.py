"""A model on one page: what it learned, how often it is right, and where it is wrong."""
