"""The option `--skip-errors`: leave out images that cannot be used, and list them at the end."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from striate.files.check_files import readable_images
from striate.files.decoded_pixels import ImageError
from striate.files.image_folders import find_images

from .plurals import plural
from .progress_bar import progress


class SkippedImages:
    """Images left out because of `--skip-errors`; without the option, their errors are raised.

    Parameters
    ----------
    skip : bool
        Whether the option was given.

    Attributes
    ----------
    reasons : dict of {Path: str}
        Why each of the images was left out, or a folder that cannot be listed, in one line.
    """

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.reasons: dict[Path, str] = {}
        self._n_unlisted = 0

    def find(self, paths: list[Path] | Path) -> list[Path]:
        """List the images in files and folders; folders that cannot be listed may be skipped.

        Raises
        ------
        OSError
            If a path does not exist, or cannot be accessed and is not to be skipped.
        ValueError
            If there are no images.
        """
        unlisted: dict[Path, str] = {}
        files = find_images(paths, skipped=unlisted if self.skip else None)
        self.reasons |= unlisted
        self._n_unlisted += len(unlisted)
        return files

    def check(
        self, files: list[Path], channels: int | None, min_size: Any, **choices: Any
    ) -> list[Path]:
        """Read all files if errors are to be skipped, and return those that can be used.

        `choices` are those of `readable_images`: page, bands and range.

        Raises
        ------
        ImageError
            If none can be used.
        """
        if not self.skip:
            return files
        usable, reasons = readable_images(
            files,
            channels=channels,
            min_size=min_size,
            **choices,
            on_error="skip",
            progress=partial(progress, title="Checking images"),
        )
        self.reasons |= reasons
        return usable

    def apply(self, function: Callable[[list[Path]], Any], files: list[Path]) -> list[Any]:
        """Apply a function to all files at once, or if that fails, to each usable file alone."""
        try:
            return [function(files)]
        except ValueError:
            if not self.skip:
                raise
        results = []
        for file in files:
            try:
                results.append(function([file]))
            except ValueError as error:
                self.reasons[file] = str(error)
        return results

    def remove_from(self, files: list[Path]) -> list[Path]:
        """Return the files that were not skipped.

        Raises
        ------
        ImageError
            If none is left.
        """
        usable = [file for file in files if file not in self.reasons]
        if not usable:
            raise ImageError(f"none of {len(files)} images can be used; {self.reasons[files[0]]}")
        return usable

    def report(self) -> None:
        """Print the skipped images and the reasons to standard error."""
        if self.reasons:
            n_images = len(self.reasons) - self._n_unlisted
            numbers = {"image": n_images, "folder": self._n_unlisted}
            counts = [plural(n, noun) for noun, n in numbers.items() if n]
            print(f"striate: skipped {' and '.join(counts)}:", file=sys.stderr)
        for reason in self.reasons.values():
            print(f"  {' '.join(reason.splitlines())}", file=sys.stderr)
