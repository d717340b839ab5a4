import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from striate.display import PALETTE, FeatureDisplay, LossCurveDisplay, style


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["savefig.dpi"] == 200
        assert [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]] == list(PALETTE)
    FeatureDisplay(np.eye(4)).plot()
    LossCurveDisplay([2, 1]).plot()
    assert dict(mpl.rcParams) == before


WITHOUT_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None
from striate.display import FeatureDisplay, LossCurveDisplay, UnitsDisplay, style
displays = FeatureDisplay([[1.0]]), LossCurveDisplay([1]), UnitsDisplay(None, None)
for draw in (*(display.plot for display in displays), style().__enter__):
    try:
        draw()
    except ImportError as error:
        assert "pip install striate[app]" in str(error), error
    else:
        raise AssertionError(draw)
"""


@pytest.mark.long
def test_without_matplotlib():
    subprocess.run([sys.executable, "-c", WITHOUT_MATPLOTLIB], check=True)
