"""How much a description of an image changes when the image moves by some pixels."""

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
    """Measure and draw how descriptions of windows change when the window moves.

    Returns
    -------
    ShiftDisplay
        Its `sensitivities` has a name for each description.
    """
    n_positions = WINDOW - model[-1].patch_shape_[0] + 1
    descriptions = {
        "pixels": FunctionTransformer(),
        "whitened pixels": model[0],
        NOT_POOLED: pooled(model, pool_grid=(n_positions, n_positions)),
        "pooled, maximum": pooled(model, pool_grid=POOL_GRID, pooling="max"),
        POOLED: pooled(model, pool_grid=POOL_GRID),
    }
    return ShiftDisplay.from_estimator(
        descriptions,
        images,
        SHIFTS,
        window_size=WINDOW,
        n_windows=settings.n_windows,
        random_state=settings.seed,
    )
