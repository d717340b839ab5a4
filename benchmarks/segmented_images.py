"""Public images with a class for every pixel, strokes drawn on them, and mosaics of textures."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .image_datasets import FOLDER

#: Set: indices of training images and of test images. Others chose the defaults.
SPLITS = {
    "membranes": ((10, 11), (20, 21, 22, 23)),
    "nuclei": ((2,), (3,)),
    "brain": ((5, 7), (6, 8, 9)),
}
TEXTURES = ("brick", "grass", "gravel")
# Pixels on each side of the middle of a stroke.
_REACH = 12


@dataclass(frozen=True)
class SegmentedImages:
    """Images and the true class of each pixel, in pairs."""

    train: list[tuple[np.ndarray, np.ndarray]]
    test: list[tuple[np.ndarray, np.ndarray]]


def segmented_images(name, side=256):
    """Return a set of images; None if it is not in benchmarks/data/segmentation.

    There, NAME/images and NAME/masks have PNG files called 00.png, 01.png and so on:

    - "membranes": the 30 training sections of the ISBI 2012 challenge (Drosophila, electron
      microscopy); class 1 is membranes;
    - "nuclei": the quarters of the image of fluorescent nuclei that comes with stardist;
    - "brain": every eighth axial slice, from 50 on, of the T1 template MNI152 that comes with
      nilearn; classes from its maps of grey and white matter, where they exceed one half.

    "textures" are mosaics of three photographs of scikit-image, whose left halves make up the
    training image, and right halves the test images. `side` is the side of a mosaic.
    """
    if name == "textures":
        return SegmentedImages([_mosaic(10, 0, side)], [_mosaic(n, 1, side) for n in (11, 12)])
    folder = FOLDER / "segmentation" / name
    if not folder.is_dir():
        print(f"{name} is skipped: {folder} does not exist")
        return None
    train, test = ([_pair(folder, i) for i in part] for part in SPLITS[name])
    return SegmentedImages(train, test)


def strokes(truth, share, rng):
    """Return a mask of short straight strokes on a share of the pixels of each class."""
    mask = np.zeros_like(truth)
    for label in np.unique(truth):
        places = np.argwhere(truth == label)
        while (mask == label).sum() < share * len(places):
            angle, steps = rng.uniform(0, np.pi), np.arange(-_REACH, _REACH + 1)
            way = np.outer(steps, (np.sin(angle), np.cos(angle)))
            line = np.rint(places[rng.integers(len(places))] + way).astype(int)
            line = line[((line >= 0) & (line < truth.shape)).all(axis=1)]
            line = line[truth[tuple(line.T)] == label]
            mask[tuple(line.T)] = label
    return mask


def _pair(folder, i):
    def read(kind):
        with Image.open(folder / kind / f"{i:02}.png") as image:
            return np.asarray(image)

    return read("images"), read("masks")


def _mosaic(seed, half, side):
    """Return a mosaic of cells around random points, and its classes 1, 2 and 3."""
    from skimage import data

    rng = np.random.default_rng(seed)
    points = rng.integers(0, side, (9, 2))
    pixels = np.stack(np.mgrid[:side, :side], axis=-1)
    distances = ((pixels[:, :, np.newaxis] - points) ** 2).sum(axis=-1)
    classes = distances.argmin(axis=-1) % len(TEXTURES)
    image = np.zeros((side, side), dtype=np.uint8)
    for label, name in enumerate(TEXTURES):
        texture = getattr(data, name)()[:, 256 * half : 256 * (half + 1)]
        top = rng.integers(0, texture.shape[0] - side + 1)
        part = texture[top : top + side, :side].astype(float)
        part = 128 + 40 * (part - part.mean()) / part.std()  # equal brightness of all classes
        image[classes == label] = part.clip(0, 255)[classes == label]
    return image, (classes + 1).astype(np.uint8)
