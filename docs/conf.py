"""Sphinx: Markdown pages, numpydoc, an example gallery; nothing is fetched from the network."""

import re
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import striate

project = "Striate"
author = "the Striate developers"
copyright = f"2026, {author}"
version = release = striate.__version__

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
root_doc = "index"
nitpicky = False
default_role = "code"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_title = "Striate"
html_show_sphinx = False
html_copy_source = False


def without_its_references(app, what, name, obj, options, lines):
    """Remove scikit-learn's cross-references from inherited docstrings."""
    if (getattr(obj, "__module__", None) or "").startswith("sklearn."):
        reference = re.compile(r":(?:ref|term):`([^`<]*?)(?: <[^`]*>)?`")
        lines[:] = [reference.sub(r"\1", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", without_its_references)


# A warning in an example is an error, as in the tests.
warnings.filterwarnings("error", module=r"striate")
