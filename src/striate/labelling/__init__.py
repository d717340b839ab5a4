"""Labelling of images on a page of this computer, beside a classifier that learns meanwhile."""
