"""Change of the features of an image when the image moves by some pixels."""

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from striate.display import ShiftDisplay

from .demo_settings import Settings
from .learned_features import pooled
from .photographs import Image

WINDOW = 96
SHIFTS = (1, 2, 4, 8)
POOL_GRID = (3, 3)
NOT_POOLED, POOLED = "not pooled", "pooled, mean"


def changes(images: list[Image], model: Pipeline, settings: Settings) -> ShiftDisplay:
    """Measure and draw how the features of windows change when the window moves.

    Returns
    -------
    ShiftDisplay
        With a name for each kind of features in its `sensitivities`.
    """
    n_positions = WINDOW - model[-1].patch_shape_[0] + 1
    kinds = {
        "pixels": FunctionTransformer(),
        "whitened pixels": model[0],
        NOT_POOLED: pooled(model, pool_grid=(n_positions, n_positions)),
        "pooled, maximum": pooled(model, pool_grid=POOL_GRID, pooling="max"),
        POOLED: pooled(model, pool_grid=POOL_GRID),
    }
    return ShiftDisplay.from_estimator(
        kinds,
        images,
        SHIFTS,
        window_size=WINDOW,
        n_windows=settings.n_windows,
        random_state=settings.seed,
    )
