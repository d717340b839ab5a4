"""Pictures of images for the page, as the classifier sees them."""

import io
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from striate.files.image_collection import ImageCollection
from striate.files.read_images import as_picture

_LONGER_SIDE = 1000  # pixels
_SMALL_SIDE = 96
_MOST_KEPT = 32


class LabelPictures:
    """PNG files of images; the last ones are kept.

    Files are read and drawn again, so that no bytes of a file reach the browser as they are.

    Parameters
    ----------
    files : list of Path
        The images.
    used_range : tuple of (float, float)
        Values of black and white of images of 16 bits.
    reading : dict or None, default=None
        How the files are read: both as the fitted attributes of the features.
    """

    def __init__(
        self,
        files: list[Path],
        used_range: tuple[float, float],
        reading: Mapping[str, Any] | None = None,
    ) -> None:
        self._files, self._used_range, self._reading = files, used_range, reading
        self._kept: dict[tuple[int, int], bytes] = {}
        self._lock = Lock()

    def png(self, index: int, *, small: bool = False) -> bytes:
        """Return the picture of an image, of 1000 pixels at most, or of 96 if it is to be small.

        Raises
        ------
        IndexError
            If there is no such image.
        ValueError
            If its file has vanished or cannot be read.
        """
        if not 0 <= index < len(self._files):
            raise IndexError(f"there is no image {index}")
        side = _SMALL_SIDE if small else _LONGER_SIDE
        with self._lock:
            if (index, side) in self._kept:
                return self._kept[index, side]
        picture = self._drawn(self._files[index], side)
        with self._lock:
            self._kept[index, side] = picture
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return picture

    def _drawn(self, file: Path, side: int) -> bytes:
        from PIL import Image

        images = ImageCollection([file]).with_range(self._used_range, self._reading)
        image = as_picture(images.to_look_at()[0])
        pixels = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        content = io.BytesIO()
        picture.save(content, format="png", compress_level=1)
        return content.getvalue()
