"""What a figure looks like on the screen and in a file."""

import io

import matplotlib.pyplot as plt
import numpy as np

from striate.display import style


def saved_pixels(figure):
    """Levels of red of a figure saved as PNG, (rows, columns)."""
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png")
    file.seek(0)
    return np.rint(255 * plt.imread(file)[..., 0]).astype(int)


def assert_nothing_is_cut_off(figure):
    """Check that all texts and axes lie within the figure, on the screen and in a file."""
    for dpi in (200, 100):
        figure.set_dpi(dpi)
        with style():
            figure.draw_without_rendering()
        subfigures = figure.subfigs or [figure]
        texts = [text for each in [figure, *subfigures] for text in each.texts if text.get_text()]
        box = figure.bbox
        for artist in [*texts, *figure.axes]:
            found = artist.get_tightbbox()
            assert box.x0 - 1 <= found.x0 <= found.x1 <= box.x1 + 1, artist
            assert box.y0 - 1 <= found.y0 <= found.y1 <= box.y1 + 1, artist
