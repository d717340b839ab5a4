"""Features of many image files in one .npy file; an interrupted run is resumed."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .block_features import BlockRows, BlockTask, checked_rows, rows_of_block, transformed
from .check_files import check_on_error, list_files
from .image_collection import ImageCollection
from .resumable_table import ResumableTable

# Images per checkpoint: the most work a crash can lose; one fsync each.
_IMAGES_PER_CHECKPOINT = 32


class ExtractedFeatures(NamedTuple):
    """Result of `extract_features`."""

    features: npt.NDArray[Any]
    paths: list[Any]
    skipped: dict[Any, str]


def extract_features(
    features: Any,
    paths: Any,
    out: str | os.PathLike[str],
    *,
    channels: int | None = None,
    on_error: str = "raise",
    progress: Callable[[list[int]], Iterable[int]] | None = None,
    client: Any = None,
) -> ExtractedFeatures:
    """Compute features of image files into a .npy file, and resume an interrupted run.

    The same call, repeated after a crash, a kill or an error, keeps what is done and computes the
    rest. The result is the same, to the last bit, as that of an uninterrupted run. `out` appears
    when it is complete; until then there are ``out.part`` and ``out.journal``.

    Parameters
    ----------
    features : fitted transformer of images
        A `PatchFeatures`, or a pipeline that starts with one.
    paths : path of a folder or list of paths of files
        Image files; in a folder, those that `find_images` lists.
    out : path
        The file to write, by convention with the suffix ``.npy``. An existing file is replaced.
    channels : {1, 3} or None, default=None
        1 converts colour to grey, 3 converts grey to colour.
    on_error : {"raise", "skip"}, default="raise"
        What to do about an image that cannot be used: raise an error that names it, or fill its
        row with NaN, continue, and report it. To have no such rows, leave these images out
        beforehand with `readable_images`.
    progress : callable, default=None
        Function that wraps an iteration in a progress bar: ``tqdm.tqdm`` or
        ``rich.progress.track``.
    client : distributed.Client, default=None
        A cluster of Dask, over whose workers the images are spread. They must see the files under
        the same names. A block whose worker dies is computed by another one.

    Returns
    -------
    features : ndarray of shape (n_images, n_features)
        Read-only memory map of the file, which need not fit in memory.
    paths : list of paths
        Image of each row.
    skipped : dict
        Images whose rows are NaN, and folders that cannot be listed: path → reason, in one line
        that names it.

    Raises
    ------
    ValueError
        If an image cannot be used (with "skip": if none can); if the interrupted run had other
        features, other images or another number of channels.
    OSError
        If the disk is full or `out` cannot be written. What is done is kept.

    Warns
    -----
    UserWarning
        If images were skipped.

    Notes
    -----
    Whether the features are the same is decided by the features of an image of noise, wherever
    the transformer comes from. A processor that rounds differently counts as other features. An
    image whose file has changed since (its size in bytes or its time) is computed again, and so is
    one that was skipped.

    Only one process at a time may write to `out`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from PIL import Image
    >>> from striate import PatchFeatures, SparseAutoencoder, extract_features
    >>> pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)
    >>> learner = SparseAutoencoder(4, tol=0.1, random_state=0)
    >>> features = PatchFeatures(learner, patch_size=5, n_patches=200, random_state=0)
    >>> features = features.fit(pixels)
    >>> with TemporaryDirectory() as folder:
    ...     for i in range(5):
    ...         Image.fromarray(pixels[i]).save(Path(folder, f"{i}.png"))
    ...     X, paths, skipped = extract_features(features, folder, Path(folder, "X.npy"))
    ...     X.shape
    (5, 36)
    """
    check_on_error(on_error)
    skip = on_error == "skip"
    unlisted: dict[Path, str] = {}
    files = list_files(paths, unlisted if skip else None)
    extraction = _Extraction(features, files, channels, skip)
    table = ResumableTable(Path(out))
    extraction.probe(table.plan)
    plan = extraction.plan()
    _check_same(table, plan)
    try:
        table.open(plan)
        with _mentioning_what_is_kept(table):
            extraction.fill(table, progress or iter, client)
            table.finish()
    finally:
        table.close()
    skipped = extraction.skipped
    if skipped:
        _warn(skipped, len(files))
    return ExtractedFeatures(np.load(table.out, mmap_mode="r"), files, skipped | unlisted)


class _Extraction:
    """Features of image files, computed one block at a time."""

    def __init__(self, features: Any, paths: list[Any], channels: int | None, skip: bool) -> None:
        self.features, self.paths, self.channels, self.skip = features, paths, channels, skip
        self.skipped: dict[Any, str] = {}

    def probe(self, earlier: dict[str, Any] | None) -> None:
        """Compute the features of noise, in the image shape of an earlier run or the first image.

        They tell one transformer from another, and the number of columns.
        """
        self.shape = earlier["probe"] if earlier else self._shape_of_first()
        noise = np.random.RandomState(0).random_sample((1, *self.shape)).astype(np.float32)
        try:
            self.of_noise = checked_rows(self.features.transform(noise))
        except ValueError:
            if not earlier:
                raise
            self.of_noise = np.empty((1, 0))  # other features, for images of another kind

    def plan(self) -> dict[str, Any]:
        """Return the description of the table, by which a resumed run recognizes it."""
        names = "\0".join(os.path.abspath(os.fspath(path)) for path in self.paths)
        return {
            "shape": [len(self.paths), self.of_noise.shape[1]],
            "dtype": self.of_noise.dtype.str,
            "probe": self.shape,
            "features": hashlib.sha256(self.of_noise.tobytes()).hexdigest(),
            "images": hashlib.sha256(os.fsencode(names)).hexdigest(),
            "channels": self.channels,
            "images in a block": _IMAGES_PER_CHECKPOINT,
        }

    def fill(
        self,
        table: ResumableTable,
        progress: Callable[[list[int]], Iterable[int]],
        client: Any = None,
    ) -> None:
        """Compute the blocks that are missing or whose files have changed."""
        blocks = range(-(-len(self.paths) // _IMAGES_PER_CHECKPOINT))
        missing = [k for k in blocks if table.done.get(k) != self._stamp(k)]
        computed: Iterator[BlockRows]
        if client is None:
            computed = map(partial(rows_of_block, self.features), map(self._task, missing))
        else:
            from .cluster_extraction import rows_from_workers

            computed = rows_from_workers(client, self.features, map(self._task, missing))
        for _, block in zip(progress(missing), computed, strict=True):
            self.skipped |= block.skipped
            # A resumed run tries a skipped image again.
            first, stamp = block.k * _IMAGES_PER_CHECKPOINT, block.stamp
            table.write(block.k, first, block.rows, None if block.skipped else stamp)
        in_order = (path for path in self.paths if path in self.skipped)
        self.skipped = {path: self.skipped[path] for path in in_order}

    def _task(self, block: int) -> BlockTask:
        shape, dtype = self.of_noise.shape[1], self.of_noise.dtype
        paths, stamp = self._paths_of(block), self._stamp(block)
        return BlockTask(block, stamp, paths, self.channels, self.skip, shape, dtype)

    def _paths_of(self, block: int) -> list[Any]:
        first = block * _IMAGES_PER_CHECKPOINT
        return self.paths[first : first + _IMAGES_PER_CHECKPOINT]

    def _stamp(self, block: int) -> str:
        """Return a digest that changes when a file of the block does."""
        stamps = [_size_and_time(path) for path in self._paths_of(block)]
        return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]

    def _image(self, path: Any) -> npt.NDArray[Any]:
        """Read an image as the features read it."""
        images = ImageCollection([path], channels=self.channels).to_find_range().with_missing()
        known = getattr(self.features, "steps", [("", self.features)])[0][1]
        known = getattr(known, "estimator", known)  # frozen, in a pipeline
        return (images.as_learned(known) if hasattr(known, "reading_") else images)[0]

    def _shape_of_first(self) -> list[int]:
        """Return height, width and channels of the first image that can be used."""
        reasons = []
        for path in self.paths:
            try:
                transformed(self.features, [path], self.channels)
                return list(self._image(path).shape)
            except ValueError as error:
                if not self.skip:
                    raise
                reasons.append(str(error))
        raise ValueError(f"none of {len(reasons)} images can be used; {reasons[0]}")


@contextmanager
def _mentioning_what_is_kept(table: ResumableTable) -> Iterator[None]:
    """Add to the message of an error that the run can be resumed."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{error}; what was computed is kept in {table.part}") from error
    except OSError as error:
        reason = f"{error.strerror or error}; what was computed is kept, repeat the call to resume"
        raise OSError(error.errno, reason, error.filename or str(table.part)) from error


def _check_same(table: ResumableTable, plan: dict[str, Any]) -> None:
    """Raise a ValueError if the interrupted run wrote another table."""
    earlier = table.plan
    if earlier is None or earlier == plan:
        return
    if earlier["images"] != plan["images"]:
        other = f"another list of images ({earlier['shape'][0]}, now {plan['shape'][0]})"
    elif earlier["channels"] != plan["channels"]:
        other = f"channels={earlier['channels']}"
    else:
        other = "other features, or on a processor that rounds differently"
    raise ValueError(f"{table.part}: was started with {other}; {table.restart_hint}")


def _size_and_time(path: Any) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _warn(skipped: dict[Any, str], n_images: int) -> None:
    some = "; ".join(list(skipped.values())[:3])
    more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    warnings.warn(
        f"{len(skipped)} of {n_images} images were skipped, their rows are NaN: {some}{more}",
        stacklevel=3,
    )
