"""Image files that cannot be used: passed over where that is asked for, and listed at the end."""

import sys
from collections.abc import Callable
from pathlib import Path

from striate.files.check_files import readable_images
from striate.images.patch_features import PatchFeatures

from .progress import watched


class Skipping:
    """What `--skip-errors` does; without it, nothing.

    Parameters
    ----------
    wanted : bool
    """

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.reasons: list[str] = []

    def usable(
        self, files: list[Path], channels: int | None, min_size: int | tuple[int, int]
    ) -> list[Path]:
        """Give the files that can be used.

        Raises
        ------
        ImageError
            If none can.
        """
        if not self.wanted:
            return files
        files, skipped = readable_images(
            files,
            channels=channels,
            min_size=min_size,
            on_error="skip",
            progress=lambda paths: watched(paths, "Checking images"),
        )
        self.reasons += skipped.values()
        return files

    def usable_by(self, features: PatchFeatures) -> Callable[[list[Path]], list[Path]]:
        """Like `usable`, for images of which features will be computed."""
        channels = features.patch_shape_[-1]
        if channels not in (1, 3):  # `images_for` says so
            return list
        return lambda files: self.usable(files, channels, smallest_size(features))

    def tell(self) -> None:
        """List what was passed over."""
        if self.reasons:
            n = len(self.reasons)
            print(f"striate: skipped {n} image{'s' if n != 1 else ''}:", file=sys.stderr)
        for reason in self.reasons:
            print(f"  {' '.join(reason.splitlines())}", file=sys.stderr)


def smallest_size(features: PatchFeatures) -> tuple[int, int]:
    """Height and width of the smallest image of which features can be computed."""
    grids = features.pool_grid if isinstance(features.pool_grid, list) else [features.pool_grid]
    cells = [max(grid[axis] for grid in grids) for axis in (0, 1)]
    if features.pool_size is not None:
        cells = [1, 1]
    height, width = (
        side + features.stride * (n - 1)
        for side, n in zip(features.patch_shape_[:2], cells, strict=True)
    )
    return height, width
