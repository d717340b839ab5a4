"""Which of many image files can be used, found out before any work is done."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from numbers import Integral
from typing import Any

import numpy as np

from striate.core.threads import available_threads

from .read_images import ImageError, find_images, read_image

# Threads check so many files before the next are handed to them.
_FILES_AT_A_TIME = 256


def readable_images(
    paths: Any,
    *,
    channels: int | None = None,
    min_size: Any = 1,
    on_error: str = "raise",
    progress: Callable[[list[Any]], Iterable[Any]] | None = None,
) -> tuple[list[Any], dict[Any, str]]:
    """Find out which image files can be read, by reading them.

    A file that is damaged, empty, gone, an animation or no image stops `fit` and `transform` with
    a message that names it. With ``on_error="skip"`` this leaves such files out beforehand, so
    that labels can be made for those that remain, and rows of features always match them.

    Parameters
    ----------
    paths : path of a folder or list of paths of files
        Of a folder, the images that `find_images` lists.
    channels : {1, 3} or None, default=None
        1 and 3 when images will be turned into grey or colour: then their kinds may differ. With
        None, images whose number of channels is not that of most others cannot be used.
    min_size : int or (int, int), default=1
        Images of less height or width cannot be used either: those smaller than a patch, which is
        ``features.patch_shape_[:2]``.
    on_error : {"raise", "skip"}, default="raise"
        What to do about files that cannot be used: raise an error that names the first, or leave
        them out.
    progress : callable, default=None
        Goes through a list and shows how far it is: ``tqdm.tqdm`` or ``rich.progress.track``.

    Returns
    -------
    paths : list of paths
        The files that can be used, in their order, as they were given.
    skipped : dict
        The others: path → reason, in one line. Empty with ``on_error="raise"``.

    Raises
    ------
    ImageError
        With ``on_error="raise"``, if a file cannot be used; with "skip", if none can.
    ValueError
        If `on_error` is neither.
    OSError
        If the folder cannot be listed.

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
    paths = listed(paths)
    size = (min_size, min_size) if isinstance(min_size, Integral) else tuple(min_size)
    skipped, kinds = {}, {}
    watched = (progress or iter)(paths)
    for path, shape in zip(watched, _shapes(paths, channels), strict=True):
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
    return [path for path in paths if path not in skipped], skipped


def check_on_error(on_error: str) -> None:
    """Raise a ValueError unless it is "raise" or "skip"."""
    if on_error not in ("raise", "skip"):
        raise ValueError(f'on_error must be "raise" or "skip", got {on_error!r}')


def listed(paths: Any) -> list[Any]:
    """List the files of a folder, or those of a list, as they were given."""
    if isinstance(paths, str | os.PathLike):
        return list(find_images(paths))
    paths = list(paths)
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            raise ValueError(f"paths of image files are needed, got a {type(path).__name__}")
    if not paths:
        raise ValueError("the list of images is empty; at least one is needed")
    return paths


def _shapes(paths: Iterable[Any], channels: int | None) -> Iterator[Any]:
    """The shape of each image, or the error in its place."""

    def shape(path: Any) -> Any:
        try:
            return read_image(path, np.float32, channels=channels).shape
        except ImageError as error:
            return error

    rest = iter(paths)
    with ThreadPoolExecutor(available_threads(), "striate-reading") as pool:
        while some := list(islice(rest, _FILES_AT_A_TIME)):
            yield from pool.map(shape, some)


def _unusable(path: Any, shape: Any, size: tuple[int, ...]) -> str | None:
    """Say why an image cannot be used, or nothing."""
    if isinstance(shape, ImageError):
        return str(shape)
    if shape[0] < size[0] or shape[1] < size[1]:
        pixels = f"{shape[0]} x {shape[1]} pixels, where {size[0]} x {size[1]} are needed"
        return f"{os.fspath(path)}: is {pixels}"
    return None


def _of_other_kinds(kinds: dict[Any, int]) -> list[tuple[Any, str]]:
    """Name the images that are grey where most are in colour, or the other way round."""
    if not kinds:
        return []
    words = {1: "grey", 3: "in colour"}
    most = Counter(kinds.values()).most_common(1)[0][0]
    return [
        (path, f"{os.fspath(path)}: is {words[kind]}, but most of the images are {words[most]}")
        for path, kind in kinds.items()
        if kind != most
    ]
