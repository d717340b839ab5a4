"""Figures as PNG files."""

import io

import numpy as np

_DPI = 200


def png(figure):
    """Return the figure as PNG, with one byte per pixel if it is grey, and close it."""
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
