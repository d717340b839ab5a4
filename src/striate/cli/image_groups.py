"""The option `--groups`: images that are held out together."""

import os
import re
from pathlib import Path

from striate.files.label_table import GROUP, LabelTable

FOLDER = "folder"


def groups_of(
    option: str | None,
    folder: Path,
    files: list[Path],
    rows: list[dict[str, str]] | None,
    table: LabelTable | None,
) -> list[str] | None:
    """Return the group of each image, or None if images are held out one by one.

    Parameters
    ----------
    option : str or None
        A column of the table, "folder", or a regular expression with parentheses. With None, the
        column "group" is taken if there is one.
    folder : Path
        Folder of the images.
    files : list of Path
        The images.
    rows : list of dict or None
        Row of the table of each image, if there is a table.
    table : LabelTable or None
        The table.

    Raises
    ------
    ValueError
        If the option is none of these, if it does not suit a file, or if all images are in one
        group.
    """
    columns = [] if table is None else table.columns
    column = GROUP if option is None else option.strip().lower()
    if rows is not None and column in columns:
        found = [row[column] for row in rows]
    elif option is None:
        return None
    elif column == FOLDER:
        found = [_folder_below(file, folder, depth=1 if table is None else 0) for file in files]
    elif "(" in option:
        found = _matches(option, [os.path.relpath(file, folder) for file in files])
    else:
        known = f" of {table.path} (its columns are {', '.join(columns)})" if table else ""
        raise ValueError(
            f"--groups {option}: is not a column{known}; give a column of --labels, "
            f'"{FOLDER}", or a regular expression with parentheses around the group'
        )
    # An image without a group is one of its own; \0 is in no file name.
    found = [text or f"\0{i}" for i, text in enumerate(found)]
    if len(set(found)) == 1:
        raise ValueError(
            f"all images are in one group, {found[0]!r}; none could be held out to measure the "
            "accuracy: give other groups"
        )
    return found


def _folder_below(file: Path, folder: Path, depth: int) -> str:
    """Return the sub-folder of an image, below that of its class if `depth` is 1."""
    inside = Path(os.path.relpath(file, folder)).parts[depth:-1]
    if not inside:
        where = "the folder of its class" if depth else str(folder)
        raise ValueError(f"--groups {FOLDER}: {file} is in no sub-folder of {where}")
    return "/".join(inside)


def _matches(pattern: str, names: list[str]) -> list[str]:
    """Return what the parentheses of a regular expression match in each name."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"--groups {pattern}: is not a regular expression ({error})") from None
    found = []
    for name in names:
        match = compiled.search(name.replace(os.sep, "/"))
        if match is None or not compiled.groups:
            raise ValueError(f"--groups {pattern}: does not match {name}")
        found.append("\0".join(each or "" for each in match.groups()))
    return found
