"""Run the code of a guide and of an example, and save their figures for the documentation.

.venv/bin/python tools/draw_pictures.py
"""

import os
import re
import tempfile
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt

from striate.display import style

ROOT = Path(__file__).parents[1]
# Names in docs/images of the figures in the order in which they are opened; None is not saved.
PICTURES = {
    "docs/sparse_networks.md": ["sparse_mask", "sparse_pathways", "sparse_zeros"],
    "docs/pixels.md": ["pixels", "satellite"],  # needs spyndex
    "examples/plot_local_fields.py": [None, None, "sparse_fields"],
}


def main() -> None:
    """Draw all pictures."""
    warnings.simplefilter("ignore")
    folder = tempfile.TemporaryDirectory()
    os.chdir(folder.name)  # guides write files
    for source, names in PICTURES.items():
        code = (ROOT / source).read_text(encoding="utf-8")
        if source.endswith(".md"):
            code = "\n".join(re.findall(r"```python\n(.*?)```", code, flags=re.DOTALL))
        exec(compile(code, source, "exec"), {})
        for number, name in zip(plt.get_fignums(), names, strict=True):
            if name is not None:
                with style():
                    plt.figure(number).savefig(ROOT / "docs" / "images" / f"{name}.png")
        plt.close("all")
    os.chdir(ROOT)
    folder.cleanup()


if __name__ == "__main__":
    main()
