"""Odd files where an image or a model is expected, and odd places for output."""

import io
import os
import shutil
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .command_place import plain_folder, stripes


def _content(image: Any, **options: Any) -> bytes:
    """Return the content of an image's file, which Pillow could not write under any name."""
    content = io.BytesIO()
    image.save(content, **options)
    return content.getvalue()


def _saved(image: Any, **options: Any) -> Callable[[Path, Any], None]:
    def write(path: Path, rng: Any) -> None:
        path.write_bytes(_content(image(), **({"format": "png"} | options)))

    return write


def _changed(kind: str, n: int = 0, **options: Any) -> Callable[[Path, Any], None]:
    """Return a function that writes an image with n random bytes changed, or truncated (n = 0)."""

    def write(path: Path, rng: Any) -> None:
        data = bytearray(_content(stripes(0, 1), format=kind, **options))
        for i in rng.integers(len(data), size=n):
            data[i] = int(rng.integers(256))
        path.write_bytes(data[: None if n else int(rng.integers(len(data)))])

    return write


def _bomb(path: Path, rng: Any) -> None:
    """Write a PNG whose header declares more pixels than any machine has memory for."""
    data = bytearray(_content(stripes(0, 1), format="png"))
    data[16:24] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)


def _listening(path: Path, rng: Any) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name[:50])
    finally:
        os.chdir(here)


def _colour(mode: str, size: tuple[int, int] = (16, 16)) -> Callable[[], Any]:
    return lambda: Image.new(mode, size)


IMAGES: dict[str, Callable[[Path, Any], None]] = {
    "truncated PNG": _changed("png"),
    "truncated JPEG": _changed("jpeg"),
    "truncated TIFF": _changed("tiff"),
    "truncated BMP": _changed("bmp"),
    "truncated GIF": _changed("gif"),
    "truncated WebP": _changed("webp", lossless=True),
    "PNG, a byte changed": _changed("png", 1),
    "PNG, bytes changed": _changed("png", 9),
    "JPEG, bytes changed": _changed("jpeg", 9),
    "TIFF, bytes changed": _changed("tiff", 9),
    "compressed TIFF, bytes changed": _changed("tiff", 3, compression="tiff_lzw"),
    "BMP, bytes changed": _changed("bmp", 9),
    "GIF, bytes changed": _changed("gif", 3),
    "WebP, bytes changed": _changed("webp", 9, lossless=True),
    "JPEG 2000, bytes changed": _changed("jpeg2000", 9),
    "portable grey map, bytes changed": _changed("ppm", 3),
    "empty": lambda path, rng: path.touch(),
    "text": lambda path, rng: path.write_text("not an image"),
    "random bytes": lambda path, rng: path.write_bytes(rng.bytes(500)),
    "a folder": lambda path, rng: path.mkdir(),
    "a link to nothing": lambda path, rng: path.symlink_to("nothing.png"),
    "a link to itself": lambda path, rng: path.symlink_to(path.name),
    "a link to an image": lambda path, rng: path.symlink_to(plain_folder() / "images/a/0.png"),
    "a link to a folder": lambda path, rng: path.symlink_to(plain_folder() / "images"),
    "a link to a device": lambda path, rng: path.symlink_to("/dev/null"),
    "a link to an endless device": lambda path, rng: path.symlink_to("/dev/zero"),
    "a named pipe": lambda path, rng: os.mkfifo(path),
    "a socket": _listening,
    "more pixels than memory": _bomb,
    "16 bits": _saved(lambda: Image.fromarray(np.arange(256, dtype="u2").reshape(16, 16) * 200)),
    "transparent": _saved(_colour("RGBA")),
    "palette": _saved(_colour("P")),
    "one bit": _saved(_colour("1")),
    "CMYK": _saved(_colour("CMYK"), format="jpeg"),
    "floats": _saved(_colour("F"), format="tiff"),
    "NaN": _saved(lambda: Image.fromarray(np.full((16, 16), np.nan, "f4")), format="tiff"),
    "32 bits": _saved(_colour("I"), format="tiff"),
    "one pixel": _saved(_colour("L", (1, 1))),
    "very wide": _saved(_colour("L", (5000, 1))),
    "animation": _saved(
        _colour("L"), format="gif", save_all=True, append_images=[stripes(0, 1), stripes(1, 2)]
    ),
    "several pages": _saved(
        _colour("L"), format="tiff", save_all=True, append_images=[stripes(0, 1)]
    ),
    "an archive of a model": lambda path, rng: shutil.copy(plain_folder() / "model.skops", path),
    "missing": lambda path, rng: None,
}
NAMES = (
    "x.png",
    "x.PNG",
    "x",
    "x.txt",
    "x.png.skops",
    "-x.png",
    "x\ny.png",
    "x\udcff.png",
    "[red]x.png",
    "x" * 240 + ".png",
    " .png",
    "ü\N{SNOWMAN}.png",
    ".hidden.png",
    "a,b\"'.png",
)
# Files in the place of a model, besides those above.
MODELS: dict[str, Callable[[Path, Any], None]] = {
    **{name: IMAGES[name] for name in IMAGES if name.startswith(("a ", "empty", "text", "random"))},
    "missing": IMAGES["missing"],
    "an image": _changed("png", 1),
    "an array": lambda path, rng: np.save(open(path, "wb"), np.ones(3)),  # noqa: SIM115
    "truncated features": lambda path, rng: path.write_bytes(
        (plain_folder() / "features.skops").read_bytes()[: int(rng.integers(3000))]
    ),
    "features": lambda path, rng: shutil.copy(plain_folder() / "features.skops", path),
}
# Makes the place for the output in a folder, and returns its path.
OUTPUTS: dict[str, Callable[[Path, str], Any]] = {
    "in a folder that is missing": lambda folder, suffix: folder / "missing" / f"out{suffix}",
    "below a file": lambda folder, suffix: _file(folder / "file") / f"out{suffix}",
    "a folder": lambda folder, suffix: _folder(folder / f"out{suffix}"),
    "a full device": lambda folder, suffix: _link(folder / f"out{suffix}", "/dev/full"),
    "in /proc": lambda folder, suffix: Path("/proc") / f"out{suffix}",
    "in /dev/null": lambda folder, suffix: Path("/dev/null") / f"out{suffix}",
    "a name that is too long": lambda folder, suffix: folder / f"{'o' * 300}{suffix}",
    "a name at the limit": lambda folder, suffix: folder / f"{'o' * (255 - len(suffix))}{suffix}",
    "without a name": lambda folder, suffix: "",
    "a dot": lambda folder, suffix: ".",
    "a suffix alone": lambda folder, suffix: folder / suffix,
    "no suffix": lambda folder, suffix: folder / "out",
    "suffix of an image": lambda folder, suffix: folder / "out.png",
    "another suffix": lambda folder, suffix: folder / "out.odd",
    "a link to nothing": lambda folder, suffix: _link(folder / f"out{suffix}", "nothing"),
    "a link to itself": lambda folder, suffix: _link(folder / f"out{suffix}", f"out{suffix}"),
    "a link to a file": lambda folder, suffix: _link(
        folder / f"out{suffix}", str(_file(folder / "file"))
    ),
    "a named pipe": lambda folder, suffix: _pipe(folder / f"out{suffix}"),
    "an existing file": lambda folder, suffix: _file(folder / f"out{suffix}"),
    "with a line break": lambda folder, suffix: folder / f"o\nt{suffix}",
    "with odd bytes": lambda folder, suffix: folder / f"o\udcfft{suffix}",
    "sound": lambda folder, suffix: folder / f"out{suffix}",
}


def _file(path: Path) -> Path:
    path.write_text("old")
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path
