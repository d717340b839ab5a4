"""Masks in a folder, found by the names of their images."""

from collections import defaultdict
from pathlib import Path

from striate.files.image_folders import IMAGE_SUFFIXES

_SUFFIXES = IMAGE_SUFFIXES | {".npy"}


def masks_of(files: list[Path], folder: Path) -> list[Path | None]:
    """Return the mask of each image: the file in a folder that has its name, but for the suffix.

    Raises
    ------
    NotADirectoryError
        If the folder does not exist.
    ValueError
        If two images or masks have the same name, a mask has no image, or there is none.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "no such folder"
        raise NotADirectoryError(f"{folder}: {reason}")
    check_names(files)
    found = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            found[path.stem].append(path)
    for paths in found.values():
        if len(paths) > 1:
            raise ValueError(f"{paths[1]}: there is {paths[0].name}, too; keep one mask per image")
    names = {file.stem for file in files}
    for stem, (path, *_) in found.items():
        if stem not in names:
            raise ValueError(f"{path}: there is no image called {stem}; name masks as their images")
    if not found:
        raise ValueError(f"{folder}: has no masks; save one per labelled image, under its name")
    return [found[file.stem][0] if file.stem in found else None for file in files]


def check_names(files: list[Path]) -> None:
    """Raise a ValueError if two images have the same name, but for folder and suffix."""
    seen: dict[str, Path] = {}
    for file in files:
        if file.stem in seen:
            raise ValueError(
                f"{file}: has the name of {seen[file.stem]}; the names of masks and results come "
                "from those of images, so give each its own"
            )
        seen[file.stem] = file
