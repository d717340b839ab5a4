"""Features of image files that are computed once, and kept while files and features stay."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .atomic_writing import write_file
from .feature_extraction import ExtractedFeatures, extract_features


def kept_features(
    features: Any,
    source: Path,
    files: list[Path],
    out: Path,
    *,
    channels: int | None,
    progress: Callable[[list[int]], Iterable[int]],
) -> ExtractedFeatures:
    """Return the features in `out` if they are those of the files, or compute them.

    An interrupted computation is resumed. `out` and the files beside it may be deleted at any time.

    Parameters
    ----------
    features : fitted transformer of images
        The features.
    source : Path
        File that the features were loaded from, which tells them from others.
    files : list of Path
        The images.
    out : Path
        File of the features (.npy). What they are features of is written to a .json file beside.
    channels : {1, 3} or None
        As for `extract_features`.
    progress : callable
        Shows progress over blocks of images.

    Raises
    ------
    OSError, ValueError
        As `extract_features`, with ``on_error="skip"``.
    """
    record = out.with_suffix(".json")
    key = _key(source, files, channels)
    known = _known(record)
    if known.get("key") == key and out.is_file():
        skipped = {files[int(i)]: reason for i, reason in known["skipped"].items()}
        return ExtractedFeatures(np.load(out, mmap_mode="r"), files, skipped)
    record.unlink(missing_ok=True)

    def extract() -> ExtractedFeatures:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the caller lists skipped images
            return extract_features(
                features, files, out, channels=channels, on_error="skip", progress=progress
            )

    try:
        found = extract()
    except ValueError:
        # What was interrupted may be of other files or features: only a cache is lost.
        parts = [out.with_name(out.name + end) for end in (".part", ".journal")]
        if not any(part.exists() for part in parts):
            raise
        for part in parts:
            part.unlink(missing_ok=True)
        found = extract()
    reasons = {i: found.skipped[file] for i, file in enumerate(files) if file in found.skipped}
    write_file(record, json.dumps({"key": key, "skipped": reasons}).encode())
    return found


def _key(source: Path, files: list[Path], channels: int | None) -> str:
    """Return a digest of the features, and of the names, sizes and times of the files."""
    digest = hashlib.sha256(source.read_bytes())
    for file in files:
        with suppress(OSError):
            found = file.stat()
            digest.update(os.fsencode(f"\0{file.absolute()}\0{found.st_size}\0{found.st_mtime_ns}"))
    return f"{digest.hexdigest()} {channels}"


def _known(record: Path) -> dict[str, Any]:
    try:
        known = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
