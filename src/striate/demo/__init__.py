"""The lecture on real images, in pictures, numbers and one page."""

from .run_demo import run

__all__ = ["run"]
