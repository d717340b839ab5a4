"""Cases of images in memory: dtypes, shapes, containers and Pillow's modes."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.preprocessing import FunctionTransformer

from striate import DictionaryEncoder, ImageWhitening, PatchFeatures, shift_sensitivity

from .case import Case
from .odd_values import VALUES, as_numpy
from .subjects import pick

_SHAPE = (4, 12, 10)


def _features(**params: Any) -> PatchFeatures:
    encoder = DictionaryEncoder(4, dictionary="patches", random_state=0)
    settings = {"patch_size": 3, "n_patches": 60, "pool_grid": (2, 2), "random_state": 0}
    return PatchFeatures(encoder, **(settings | params))


@cache
def _fitted(channels: int) -> PatchFeatures:
    return _features().fit(_plain(channels))


@cache
def _plain(channels: int) -> Any:
    images = np.random.default_rng(1).integers(0, 256, (*_SHAPE, channels))
    return (images / np.float32(255)).astype(np.float32)


def _uses(channels: int) -> dict[str, Callable[[Any], Any]]:
    return {
        "PatchFeatures.fit": lambda images: _features().fit(images).transform(_plain(channels)),
        "PatchFeatures.transform": lambda images: _fitted(channels).transform(images),
        "PatchFeatures.sample_patches": lambda images: _fitted(channels).sample_patches(
            images, 20, random_state=0
        ),
        "ImageWhitening.transform": lambda images: list(
            ImageWhitening().fit(images).transform(images)
        ),
        "shift_sensitivity": lambda images: (
            shift_sensitivity(FunctionTransformer(), images, (1, 2), random_state=0).mean
        ),
    }


# Of images (n, h, w, c) in [0, 1] whose values are multiples of 1/255.
_LEGAL: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda x: np.round(255 * x).astype("u1"),
    "big-endian floats": lambda x: x.astype(">f4"),
    "signed bytes": lambda x: (np.round(255 * x) - 128).astype("i1"),
    "columns first": np.asfortranarray,
    "from last to first": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every second pixel": lambda x: x.repeat(2, 1).repeat(2, 2)[:, ::2, ::2],
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "list of arrays": list,
    "tuple of arrays": tuple,
    "array of objects": lambda x: _objects(list(x)),
    "generator": lambda x: (image for image in x),
    "map": lambda x: map(np.asarray, list(x)),
    "values of a dict": lambda x: dict(enumerate(x)).values(),
    "pandas column": lambda x: pd.Series(list(x)),
    "list of bytes and floats": lambda x: [np.round(255 * x[0]).astype("u1"), *x[1:]],
    "masked array without masked values": np.ma.array,
    "Pillow's": lambda x: [
        Image.fromarray(np.round(255 * image).astype("u1").squeeze()) for image in x
    ],
}
_SIXTEEN = ("u2", ">u2", "i2", ">i2")
_BAD: dict[str, Callable[[Any], Any]] = {
    "without data": lambda x: [x[0], np.full_like(x[1], np.nan)],
    "with infinity": lambda x: _with(x, np.inf),
    "too large for float32": lambda x: list(_with(x.astype("g"), 1e300)),
    "no images": lambda x: x[:0],
    "no rows": lambda x: x[:, :0],
    "no columns": lambda x: x[:, :, :0],
    "no channels": lambda x: x[..., :0],
    "one axis": lambda x: x.ravel(),
    "two axes": lambda x: x[0, ..., 0],
    "five axes": lambda x: x[..., np.newaxis],
    "without axes": lambda x: np.array(1.0),
    "integers of 32 bits": lambda x: (255 * x).astype("i4"),
    "integers of 64 bits": lambda x: (255 * x).astype("u8"),
    "complex": lambda x: x.astype(complex),
    "text": lambda x: np.full(x.shape, "a"),
    "objects of None": lambda x: np.full(x.shape, None),
    "dates": lambda x: np.zeros(x.shape, "M8[s]"),
    "records": lambda x: np.zeros(x.shape, [("a", "f8")]),
    "an empty list": lambda x: [],
    "a list of None": lambda x: [None],
    "a list with None": lambda x: [x[0], None],
    "a list of words": lambda x: ["a.png", "b.png"],
    "a list of numbers": lambda x: [1.0, 2.0],
    "ragged": lambda x: [[[1.0, 2.0], [1.0]]],
    "ragged channels": lambda x: [[[[1.0], [1.0, 2.0]]]],
    "an image of no pixels": lambda x: [x[0], x[1, :0]],
    "images of several channels": lambda x: [x[0], np.repeat(x[1], 2, axis=-1)],
    "a dict": lambda x: dict(enumerate(x)),
    "a set": lambda x: {"a.png"},
    "None": lambda x: None,
    "a number": lambda x: 3,
    "an object": lambda x: object(),
    "a class": lambda x: Image.Image,
    "a word": lambda x: "images",
    "bytes of a file": lambda x: b"\x89PNG",
    "no text": lambda x: "",
    "a zero byte in a path": lambda x: ["a\0b.png"],
    "too long a path": lambda x: ["a" * 5000],
    "an empty generator": lambda x: iter([]),
    "a generator that fails": lambda x: _failing(x),
    "a single image of Pillow": lambda x: Image.new("L", (8, 8)),
}
_MODES = ("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "RGBX")
_MODES += ("RGBa", "La", "I;16", "I;16L", "I;16B", "I;16N")
_EXTREME: dict[str, Callable[[Any], Any]] = {
    "huge": lambda x: x * np.float32(1e30),
    "huge, float64": lambda x: x.astype("f8") * 1e200,
    "denormal": lambda x: x * np.float32(1e-42),
    "zeros": np.zeros_like,
    "booleans": lambda x: x > 0.5,
    "float16": lambda x: x.astype("f2"),
    "with NaN": lambda x: _with(x, np.nan),
    "with NaN, float16": lambda x: _with(x.astype("f2"), np.nan),
    "longdouble": lambda x: x.astype("g"),
    "one pixel": lambda x: x[:, :1, :1],
    "one row": lambda x: x[:, :1],
    "one column": lambda x: x[:, :, :1],
    "as large as a patch": lambda x: x[:, :3, :3],
    "one image": lambda x: x[:1],
    "channels first": lambda x: np.moveaxis(x, -1, 1),
    "many channels": lambda x: np.repeat(x, 9, axis=-1),
    "no axis of channels": lambda x: x[..., 0],
    "several sizes": lambda x: [x[0], x[1, :5], x[2, :, :4], x[3, :3, :3]],
}


def legal_images(rng: np.random.Generator) -> Case:
    """Images in an odd form give the numbers of plain ones."""
    channels = int(pick(rng, [1, 3]))
    what, use = pick(rng, [*_LEGAL, *_SIXTEEN]), pick(rng, _uses(channels))
    x = _plain(channels)
    action = _uses(channels)[use]
    text = f"{use}, {channels} channels, images: {what}"
    if what in _SIXTEEN:
        limits = np.iinfo(what)
        odd = (np.round(65535 * x.astype(float)) + limits.min).astype(what)
        plain = odd.astype(odd.dtype.newbyteorder("="))
        return Case("images", text, lambda: action(odd), lambda: action(plain))
    tolerance = 2e-3 if "bytes" in what or what == "Pillow's" else 0.0
    return Case("images", text, lambda: action(_LEGAL[what](x)), lambda: action(x), tolerance)


def bad_images(rng: np.random.Generator) -> Case:
    """Images that are bad must be refused."""
    channels = int(pick(rng, [1, 3]))
    what, use = pick(rng, _BAD), pick(rng, _uses(channels))
    action, x = _uses(channels)[use], _plain(channels)
    # Floats are taken as they are, also those that only float64 can hold.
    text = f"{use}, {channels} channels, images: {what}"
    return Case("images", text, lambda: action(_BAD[what](x)), refused=True)


def odd_images(rng: np.random.Generator) -> Case:
    """Images of extreme values, sizes and modes give finite results, or a message."""
    channels = int(pick(rng, [1, 3]))
    use = pick(rng, _uses(channels))
    action, x = _uses(channels)[use], _plain(channels)
    if rng.random() < 0.5:
        mode, size = pick(rng, _MODES), pick(rng, [(10, 12), (1, 1), (0, 0), (3, 3), (0, 4)])
        text = f"{use}, {channels} channels, images: Pillow's of mode {mode} and size {size}"
        return Case("images", text, lambda: action(_pillow(mode, size)))
    what = pick(rng, _EXTREME)
    text = f"{use}, {channels} channels, images: {what}"
    return Case("images", text, lambda: action(_EXTREME[what](x)))


def image_parameters(rng: np.random.Generator) -> Case:
    """Parameters of image estimators are refused or do their work; NumPy's scalars count."""
    x = _plain(1)
    whitening = rng.random() < 0.1
    model: Any = ImageWhitening() if whitening else _features()
    given = model.get_params(deep=False)
    parameter = pick(rng, given)
    equal = as_numpy(rng, given[parameter])
    name = type(model).__name__
    if equal is not None and rng.random() < 0.25:
        text, value = f"{name}({parameter}={equal!r})", equal
        twin = lambda: model.fit(x).transform(x)  # noqa: E731
    else:
        what = pick(rng, VALUES)
        text, value, twin = f"{name}({parameter}: {what})", VALUES[what], None

    def attempt() -> Any:
        odd: Any = ImageWhitening() if whitening else _features()
        return odd.set_params(**{parameter: value}).fit(x).transform(x)

    return Case("parameters", f"{text}.fit", attempt, twin)


def _pillow(mode: str, size: tuple[int, int]) -> Any:
    rng = np.random.default_rng(0)
    image = Image.new(mode, size)
    if image.size == (10, 12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.putdata([_pixel(image, rng) for _ in range(120)])
    return [image, image]


def _pixel(image: Any, rng: Any) -> Any:
    n = len(image.getbands())
    values = [int(v) for v in rng.integers(0, 256, n)]
    return values[0] if n == 1 else tuple(values)


def _objects(items: list[Any]) -> Any:
    found = np.empty(len(items), object)
    for i, item in enumerate(items):
        found[i] = item
    return found


def _with(x: Any, value: float) -> Any:
    x = x.copy()
    x[1, 2, 3] = value
    return x


def _failing(x: Any) -> Any:
    yield x[0]
    raise ValueError("the caller's generator failed")


FAMILIES = ((legal_images, 6), (bad_images, 6), (odd_images, 5), (image_parameters, 6))
