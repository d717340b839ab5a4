"""Image files found in folders, by their suffixes."""

import os
import warnings
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

#: Suffixes of the files that are found in folders. A file that is given itself may have any name.
IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf"}
    | {".jpg", ".jpx", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
#: Suffixes of images that are not read; in folders they are counted, and passed over.
UNREADABLE_SUFFIXES = frozenset(
    {".apng", ".arw", ".cr2", ".cr3", ".czi", ".dcm", ".dds", ".dicom", ".djvu", ".dng", ".eps"}
    | {".exr", ".fit", ".fits", ".fts", ".hdr", ".heic", ".heif", ".hif", ".ico", ".jxl", ".jxr"}
    | {".lif", ".lsm", ".mha", ".mrxs", ".nd2", ".ndpi", ".nef", ".nii", ".nrrd", ".oib", ".orf"}
    | {".pcx", ".pef", ".pfm", ".psd", ".raf", ".rw2", ".sgi", ".srw", ".svg", ".svs", ".tga"}
    | {".vsi", ".wmf", ".xcf"}
)


def find_images(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    skipped: dict[Path, str] | None = None,
) -> list[Path]:
    """List image files: files as they are given, and those in folders.

    Folders and all their sub-folders are searched for names that end in one of
    ``IMAGE_SUFFIXES``, in upper or lower case. Hidden files and folders (whose name starts with a
    dot) are passed over. Links to folders are followed; each folder is searched once, also if
    several links lead to it or links form a loop.

    Parameters
    ----------
    paths : path or iterable of paths
        Files and folders.
    skipped : dict or None, default=None
        Collects the files and folders that cannot be accessed: path → reason, in one line. With
        None, the first of them raises an error.

    Returns
    -------
    list of Path
        In the order of `paths`, sorted by name within each folder; each file once.

    Raises
    ------
    FileNotFoundError
        If one of `paths` does not exist.
    PermissionError
        If a folder cannot be listed, unless `skipped` is given.
    ValueError
        If none of them holds an image file.

    Warns
    -----
    UserWarning
        If there are images in the folders that Striate cannot read, such as HEIC or DICOM.

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
    search = _Search(skipped)
    found: dict[Path, None] = {}
    for path in given:
        found |= dict.fromkeys(search.images_of(path))
    folders = ", ".join(map(str, given)) or "an empty list"
    if not found:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        reasons = [f"looked for {kinds}"]
        if search.passed_over:
            reasons.append(f"passed over: {search.counts}")
        reasons += search.skipped.values()
        raise ValueError(f"no image files found in {folders} ({'; '.join(reasons)})")
    if search.passed_over:
        warnings.warn(
            f"{folders}: passed over: {search.counts}; these kinds of images cannot be read, "
            "convert them to PNG or TIFF",
            stacklevel=2,
        )
    return list(found)


class _Search:
    """A search in files and folders, each folder once."""

    def __init__(self, skipped: dict[Path, str] | None) -> None:
        self.passed_over: Counter[str] = Counter()
        self.skipped: dict[Path, str] = {} if skipped is None else skipped
        self._strict = skipped is None
        self._searched: set[str] = set()

    @property
    def counts(self) -> str:
        """Numbers of files that were passed over, by suffix."""
        return ", ".join(f"{n} {suffix}" for suffix, n in self.passed_over.most_common())

    def images_of(self, path: Path) -> list[Path]:
        """List the images in a folder, or the file itself."""
        try:
            is_folder = bool(path.stat()) and path.is_dir()
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(f"{path}: no such file or folder") from None
        except OSError as error:
            self._skip(path, error)
            return []
        return self._images_below(path) if is_folder else [path]

    def _images_below(self, folder: Path) -> list[Path]:
        found = []
        folders, links = deque([folder]), deque[Path]()
        while folders or links:  # links last: a folder is named by its own name if it has one here
            parent = folders.popleft() if folders else links.popleft()
            for entry in self._entries(parent):
                path, suffix = Path(entry.path), Path(entry.name).suffix.lower()
                if _is_folder(entry):
                    (links if entry.is_symlink() else folders).append(path)
                elif suffix in IMAGE_SUFFIXES:
                    found.append(path)
                elif suffix in UNREADABLE_SUFFIXES:
                    self.passed_over[suffix] += 1
        return sorted(found)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """List a folder that was not searched before, by name, without what is hidden."""
        real = os.path.realpath(folder)
        if real in self._searched:
            return []
        self._searched.add(real)
        try:
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            self._skip(folder, error)
            return []
        return sorted(visible, key=lambda entry: entry.name)

    def _skip(self, path: Path, error: OSError) -> None:
        if self._strict:
            raise error
        self.skipped[path] = f"{path}: {(error.strerror or str(error)).lower()}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; false for a link that leads nowhere."""
    try:
        return entry.is_dir()
    except OSError:
        return False
