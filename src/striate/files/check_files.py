"""Checks of image files: which of many can be used, found out before any work is done."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Any

from striate.native.threads import available_threads

from .decoded_pixels import ImageError
from .image_collection import ImageCollection
from .image_folders import find_images

# Number of files handed to the threads at a time.
_FILES_AT_A_TIME = 256


def readable_images(
    paths: Any,
    *,
    channels: int | None = None,
    min_size: Any = 1,
    page: int | str | None = None,
    bands: Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
    shrink: int | None = None,
    on_error: str = "raise",
    progress: Callable[[list[Any]], Iterable[Any]] | None = None,
) -> tuple[list[Any], dict[Any, str]]:
    """Find out which image files can be read, by reading them.

    A file that is damaged, empty, missing, an animation or not an image stops `fit` and
    `transform` with a message that names it. With ``on_error="skip"``, this function leaves such
    files out beforehand, so that labels and rows of features both match the files that remain.

    Parameters
    ----------
    paths : path of a folder or list of paths of files
        Image files; in a folder, those that `find_images` lists.
    channels : {1, 3} or None, default=None
        1 or 3 if all images will be converted to grey or to colour: then their kinds may differ.
        With None, images whose number of channels differs from that of most others cannot be used.
    min_size : int or (int, int), default=1
        Smallest height and width of an image that can be used, after it is reduced:
        ``features.min_image_size_`` for a fitted `PatchFeatures`.
    page, bands, value_range, shrink : optional
        As in `read_image`. Without a range, floats and integers of 32 bits may have any values,
        since features that are learned from the images find one.
    on_error : {"raise", "skip"}, default="raise"
        What to do about files that cannot be used: raise an error that names the first, or leave
        them out.
    progress : callable, default=None
        Function that wraps an iteration in a progress bar: ``tqdm.tqdm`` or
        ``rich.progress.track``.

    Returns
    -------
    paths : list of paths
        The files that can be used, as they were given and in the same order.
    skipped : dict
        The others, and folders that cannot be listed: path → reason, in one line. Empty with
        ``on_error="raise"``.

    Raises
    ------
    ImageError
        With ``on_error="raise"``, if a file cannot be used; with "skip", if none can.
    ValueError
        If `on_error` is neither "raise" nor "skip".
    OSError
        If the folder cannot be listed, or with ``on_error="raise"`` one in it.

    Notes
    -----
    Every file is decoded in full, by several threads: a truncated one looks like any other until
    its end. Only sizes are kept, so memory does not grow with the number of images.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from PIL import Image
    >>> from striate import readable_images
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("a.png", "b.png"):
    ...         Image.fromarray(np.zeros((8, 8), np.uint8)).save(Path(folder, name))
    ...     Path(folder, "broken.png").touch()
    ...     paths, skipped = readable_images(folder, on_error="skip")
    >>> [path.name for path in paths]
    ['a.png', 'b.png']
    >>> [path.name for path in skipped]
    ['broken.png']
    """
    check_on_error(on_error)
    unlisted: dict[Path, str] = {}
    paths = list_files(paths, unlisted if on_error == "skip" else None)
    size = (min_size, min_size) if isinstance(min_size, Integral) else tuple(min_size)
    skipped: dict[Any, str] = {}
    kinds: dict[Any, int] = {}
    watched = (progress or iter)(paths)
    images = ImageCollection(
        paths, channels=channels, page=page, bands=bands, value_range=value_range, shrink=shrink
    )
    images = images.to_find_range().with_missing()
    for path, shape in zip(watched, _shapes(images), strict=True):
        reason = _unusable(path, shape, size)
        if reason is None:
            kinds[path] = shape[-1]
        elif on_error == "raise":
            raise ImageError(reason)
        else:
            skipped[path] = reason
    for path, reason in _of_other_kinds(kinds):
        if on_error == "raise":
            raise ImageError(reason)
        skipped[path] = reason
    if len(skipped) == len(set(paths)):
        raise ImageError(f"none of {len(paths)} images can be used; {next(iter(skipped.values()))}")
    return [path for path in paths if path not in skipped], skipped | unlisted


def check_on_error(on_error: str) -> None:
    """Raise a ValueError unless it is "raise" or "skip"."""
    if on_error not in ("raise", "skip"):
        raise ValueError(f'on_error must be "raise" or "skip", got {on_error!r}')


def list_files(paths: Any, unlisted: dict[Path, str] | None) -> list[Any]:
    """List the image files in a folder, or those of an iterable, as they were given.

    `unlisted` collects the folders that cannot be listed; with None, they raise an error.
    """
    if isinstance(paths, str | os.PathLike):
        return list(find_images(paths, skipped=unlisted))
    files = list(paths)
    for path in files:
        if not isinstance(path, str | os.PathLike):
            raise ValueError(f"paths of image files are needed, got a {type(path).__name__}")
    if not files:
        raise ValueError("the list of images is empty; at least one is needed")
    return files


def _shapes(images: ImageCollection) -> Iterator[Any]:
    """Yield the shape of each image, or the error that reading it raised."""

    def shape(index: int) -> Any:
        try:
            return images.read(index).shape
        except ImageError as error:
            return error

    rest = iter(range(len(images)))
    with ThreadPoolExecutor(available_threads(), "striate-reading") as pool:
        while some := list(islice(rest, _FILES_AT_A_TIME)):
            try:
                shapes = pool.map(shape, some)
            except RuntimeError:  # "can't start new thread"
                shapes = map(shape, some)
            yield from shapes


def _unusable(path: Any, shape: Any, size: tuple[int, ...]) -> str | None:
    """Return why an image cannot be used, or None if it can."""
    if isinstance(shape, ImageError):
        return str(shape)
    if shape[0] < size[0] or shape[1] < size[1]:
        pixels = f"{shape[0]} x {shape[1]} pixels, but {size[0]} x {size[1]} are needed"
        return f"{os.fspath(path)}: is {pixels}"
    return None


def _of_other_kinds(kinds: dict[Any, int]) -> list[tuple[Any, str]]:
    """Return the images that are grey if most are in colour, or vice versa, and say so."""
    if not kinds:
        return []
    words = {n: f"of {n} bands" for n in kinds.values()} | {1: "grey", 3: "in colour"}
    most = Counter(kinds.values()).most_common(1)[0][0]
    return [
        (path, f"{os.fspath(path)}: is {words[kind]}, but most of the images are {words[most]}")
        for path, kind in kinds.items()
        if kind != most
    ]
