"""The lecture's whole story on real images, in pictures, numbers and one page."""

from striate.demo.story import run

__all__ = ["run"]
