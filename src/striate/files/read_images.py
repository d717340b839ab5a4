"""Image files: found in folders, read into floating-point arrays (h, w, c)."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .pillow_warnings import quiet_pillow

#: Suffixes of the files that are found in folders. A file that is given itself may have any name.
IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)

# Pillow reads many more formats, some of them by other programs (EPS by Ghostscript).
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000", "AVIF")

# Formats whose first frame is the image: phones append a preview or a depth map to JPEGs.
_FIRST_FRAME_IS_THE_IMAGE = ("MPO",)

# Luma weights of red, green and blue (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


class ImageError(ValueError):
    """Error for an image file that cannot be used; the message names it and says why."""


def find_images(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """List image files: files as they are given, and those in folders.

    Folders and all their sub-folders are searched for names that end in one of
    ``IMAGE_SUFFIXES``, in upper or lower case. Hidden files and folders (whose name starts with a
    dot) and symbolic links to sub-folders are skipped.

    Parameters
    ----------
    paths : path or iterable of paths
        Files and folders.

    Returns
    -------
    list of Path
        In the order of `paths`, sorted by name within each folder; each file once.

    Raises
    ------
    FileNotFoundError
        If one of `paths` does not exist.
    ValueError
        If none of them holds an image file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from striate import find_images
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.JPG", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     [path.name for path in find_images(folder)]
    ['a.JPG', 'b.png']
    """
    given = [Path(paths)] if isinstance(paths, str | os.PathLike) else [Path(p) for p in paths]
    found: dict[Path, None] = {}
    for path in given:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        found |= dict.fromkeys(_images_below(path) if path.is_dir() else [path])
    if not found:
        folders = ", ".join(map(str, given)) or "an empty list"
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ValueError(f"no image files found in {folders} (looked for {kinds})")
    return list(found)


def _images_below(folder: Path) -> list[Path]:
    def fail(error: OSError) -> None:
        raise error

    found = []
    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES
        ]
    return sorted(found)


def read_image(
    path: str | os.PathLike[str], dtype: npt.DTypeLike = np.float32, *, channels: int | None = None
) -> npt.NDArray[Any]:
    """Read an image file into an array with values in [0, 1].

    Palettes, CMYK and the like become RGB; transparent pixels are shown on white; the camera's
    orientation (EXIF) is respected. Grey images of 16 bits are read in full, colour images of 16
    bits as 8. Colour is converted to grey as 0.299 R + 0.587 G + 0.114 B. Needs Pillow.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, BMP, GIF, WebP, PNM, JPEG 2000 or AVIF file that holds one image.
    dtype : dtype, default=float32
        Floating-point type of the result.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour, None keeps the file's channels.

    Returns
    -------
    ndarray of shape (h, w, 1) or (h, w, 3)
        Grey or RGB, C-contiguous.

    Raises
    ------
    ImageError
        If the file is missing, empty, truncated, damaged or not an image; if it holds several
        images (an animation, pages); if it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``,
        or pixels whose value for white is unknown (integers of 32 bits, floats outside [0, 1]).
    """
    _import_pillow()
    from PIL import Image, UnidentifiedImageError

    try:
        with quiet_pillow:
            pixels = _decode(path, np.dtype(dtype))
    except ImageError as error:
        raise ImageError(f"{os.fspath(path)}: {error}") from None
    except UnidentifiedImageError:
        kinds = ", ".join(_FORMATS)
        raise ImageError(
            f"{os.fspath(path)}: not an image in a supported format: {kinds}; "
            "grey or colour, with 8 or 16 bits per channel; read others, such as images of many "
            "bands, with another library, and pass arrays"
        ) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(
            f"{os.fspath(path)}: more than {Image.MAX_IMAGE_PIXELS} pixels; cut it into tiles, "
            "or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file"
        ) from None
    except Exception as error:
        if os.path.isdir(path):
            raise ImageError(
                f"{os.fspath(path)}: is a folder; list the images in it with find_images"
            ) from None
        # Damaged bytes make a decoder raise anything: SyntaxError, struct.error, KeyError.
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        raise ImageError(f"{os.fspath(path)}: cannot be read ({reason})") from error
    return with_channels(pixels, channels)


def _import_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401  (imported to see whether it is installed)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading image files needs Pillow: pip install 'striate[app]'", name="PIL"
        ) from error


def _decode(path: str | os.PathLike[str], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    from PIL import Image, ImageOps

    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ImageError("the file is empty (0 bytes)")
        Image.init()
        with Image.open(file, formats=[f for f in _FORMATS if f in Image.OPEN]) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format not in _FIRST_FRAME_IS_THE_IMAGE:
                raise ImageError(f"holds {frames} images; save the one you want as its own file")
            kind = image.format
            image.load()
            return _pixels(ImageOps.exif_transpose(image), kind, dtype)


def _pixels(image: Any, kind: str | None, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Convert a decoded image of any of Pillow's modes to an array (h, w, c) in [0, 1]."""
    if image.mode == "F":
        values: npt.NDArray[Any] = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):  # false for NaN too
            raise ImageError("has floating-point pixels outside [0, 1]; scale them first")
        return values.astype(dtype)[..., np.newaxis]
    if image.mode.startswith("I"):
        if image.mode == "I" and kind not in ("PNG", "PPM"):
            raise ImageError("has 32-bit or signed integer pixels; scale them to 8 or 16 bits")
        return _divided(image, 65535, dtype)[..., np.newaxis]
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        rgba = _divided(image.convert("RGBA"), 255, dtype)
        opacity = rgba[..., 3:]
        on_white = (rgba[..., :3] * opacity + (1 - opacity)).clip(0, 1)
        return np.ascontiguousarray(on_white[..., :1]) if grey else on_white
    pixels = _divided(image.convert("L" if grey else "RGB"), 255, dtype)
    return pixels[..., np.newaxis] if grey else pixels


def _divided(image: Any, white: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the pixels of a decoded image, divided by the value for white."""
    pixels: npt.NDArray[Any] = np.divide(np.asarray(image), white, dtype=dtype)
    return pixels


def with_channels(image: npt.NDArray[Any], channels: int | None) -> npt.NDArray[Any]:
    """Convert colour to grey (1) or grey to colour (3); None keeps the channels."""
    if channels == 1 and image.shape[-1] == 3:
        grey: npt.NDArray[Any] = image @ np.array(_LUMA, image.dtype)[:, np.newaxis]
        return grey.clip(image.min(), image.max())
    if channels == 3 and image.shape[-1] == 1:
        return np.repeat(image, 3, axis=-1)
    return image
