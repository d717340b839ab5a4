"""PNG files of what was learned, in Striate's style."""

import io

import numpy as np

from striate import FeatureDisplay
from striate.display import style

_DPI = 200


def png(figure):
    """The figure's PNG file, one byte a pixel where it is grey; the figure is closed."""
    from matplotlib import pyplot as plt
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI)
    plt.close(figure)
    with Image.open(drawn) as picture:
        rgb = picture.convert("RGB")
        red, green, blue = (np.asarray(band) for band in rgb.split())
        grey = np.array_equal(red, green) and np.array_equal(green, blue)
        (rgb.convert("L") if grey else rgb).save(packed, format="png", optimize=True)
    return packed.getvalue()


def units(components, image_shape=None, *, n_columns=None, sort="none"):
    """PNG of a grid with what each unit looks for."""
    display = FeatureDisplay(components, image_shape=image_shape)
    return png(display.plot(n_columns=n_columns, sort=sort).figure_)


def whitening(patches, covariances):
    """PNG of patches above, and the covariances of their pixels below.

    Parameters
    ----------
    patches : dict of str to ndarray of shape (n, n_pixels)
        By title.
    covariances : dict of str to ndarray of shape (d, d)
        By title; as many.
    """
    from matplotlib import pyplot as plt

    with style():
        figure, axes = plt.subplots(2, len(patches), figsize=(7, 5))
        for ax, (title, rows) in zip(axes[0], patches.items(), strict=True):
            rows = rows.clip(-3 * rows.std(), 3 * rows.std())
            FeatureDisplay(rows).plot(ax=ax, scale="common", title=title)
        for ax, (title, covariance) in zip(axes[1], covariances.items(), strict=True):
            largest = np.abs(covariance).max()
            ax.imshow(covariance, cmap="gray", vmin=-largest, vmax=largest)
            ax.set(title=title, xticks=[], yticks=[])
            ax.spines[:].set(visible=True)
        return png(figure)
