"""PNG files of learned features, in Striate's style."""

from benchmarks.png_files import png
from striate import FeatureDisplay
from striate.display import style


def units(components, image_shape=None, *, n_columns=None, sort="none"):
    """Plot a grid of the inputs that maximally activate each unit."""
    display = FeatureDisplay(components, image_shape=image_shape)
    return png(display.plot(n_columns=n_columns, sort=sort).figure_)


def whitening(patches, correlations):
    """Plot patches above matrices of correlations.

    Parameters
    ----------
    patches : dict of str to ndarray of shape (n, n_pixels)
        By title.
    correlations : dict of str to ndarray of shape (d, d)
        By title; as many as `patches`.
    """
    from matplotlib import pyplot as plt

    with style():
        figure, axes = plt.subplots(2, len(patches), figsize=(7, 4.2))
        for ax, (title, rows) in zip(axes[0], patches.items(), strict=True):
            rows = rows.clip(-3 * rows.std(), 3 * rows.std())
            FeatureDisplay(rows).plot(ax=ax, scale="common", title=title)
        for ax, (title, values) in zip(axes[1], correlations.items(), strict=True):
            ax.imshow(values, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            ax.set(title=title, xticks=[], yticks=[])
            ax.spines[:].set(visible=True)
        return png(figure)
