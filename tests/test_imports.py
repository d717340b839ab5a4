"""Imports run one way, and importing Striate needs no extra package."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "striate"

# Lowest first: a module imports from its own layer and from those before it.
LAYERS = (
    {"native"},
    {"core"},
    {"solvers"},
    {"estimators"},
    {"tables"},
    {"files"},
    {"images"},
    {"analysis"},
    {"persistence", "checkpoint"},
    {"export"},
    {"display"},
    {"report"},
    {"labelling"},
    {"demo"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# The public names of `striate` itself, which stand above all parts that learn or measure.
PUBLIC = LEVEL["persistence"]
# scikit-learn's rules begin at the estimators.
WITHOUT_SKLEARN = {"native", "core", "solvers"}
ONLY_WHEN_USED = {
    *("matplotlib", "typer", "rich", "PIL", "skops", "skimage", "jinja2", "onnx"),
    *(
        "tifffile",
        "imagecodecs",
        "rasterio",
        "starlette",
        "uvicorn",
        "dask",
        "distributed",
        "zarr",
        "h5py",
    ),
}


def imported_names(path, package):
    """Absolute dotted names that the file imports, wherever in the file it does so."""
    module = path.relative_to(package.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module[: -node.level] if node.level else ()
            base += tuple((node.module or "").split(".")) if node.module else ()
            yield from (".".join((*base, alias.name)) for alias in node.names)


def forbidden_imports(package):
    """One line for each import that runs upwards, or that a layer must not make."""
    wrong = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts == ("__init__.py",):
            continue
        here = inside.parts[0].removesuffix(".py")
        if here not in LEVEL:
            wrong.append(f"{inside}: {here} has no place in LAYERS")
            continue
        for name in imported_names(path, package):
            top, _, rest = name.partition(".")
            if top == "sklearn" and here in WITHOUT_SKLEARN:
                wrong.append(f"{inside} imports {name}")
            if top == package.name:
                level = LEVEL.get(rest.split(".")[0], PUBLIC)
                if level > LEVEL[here]:
                    wrong.append(f"{inside} imports {name}")
    return wrong


def test_imports_run_one_way():
    assert forbidden_imports(PACKAGE) == []


def test_every_layer_is_there():
    found = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()}
    assert set(LEVEL) <= found


@pytest.mark.parametrize(
    ("file", "line", "wrong"),
    [
        ("core/losses.py", "import numpy", False),
        ("core/losses.py", "from .activations import sigmoid", False),
        ("core/losses.py", "from striate.core import activations", False),
        ("core/losses.py", "import sklearn.utils", True),
        ("core/losses.py", "from sklearn import utils", True),
        ("core/losses.py", "import striate", True),
        ("core/losses.py", "from striate import SparseAutoencoder", True),
        ("core/losses.py", "import striate.solvers.lbfgs", True),
        ("core/losses.py", "from ..solvers import lbfgs", True),
        ("core/losses.py", "from .. import solvers", True),
        ("core/__init__.py", "from .losses import squared", False),
        ("core/__init__.py", "from ..images import patches", True),
        ("core/losses.py", "def f():\n    import striate.display", True),
        ("core/deeper/losses.py", "from ...estimators import base", True),
        ("core/deeper/losses.py", "from ..activations import sigmoid", False),
        ("solvers/lbfgs.py", "from sklearn.exceptions import ConvergenceWarning", True),
        ("estimators/base.py", "from sklearn.base import BaseEstimator", False),
        ("estimators/base.py", "from ..solvers import lbfgs", False),
        ("estimators/base.py", "from striate.images.patches import sample", True),
        ("images/features.py", "from ..display import FeatureDisplay", True),
        ("images/features.py", "from ..estimators import autoencoder", False),
        ("cli.py", "from .persistence import load", False),
        ("cli.py", "from striate import PatchFeatures", False),
        ("demo/run_demo.py", "from ..images.patch_features import PatchFeatures", False),
        ("display/tiles.py", "from striate.cli import app", True),
        ("report/page.py", "from striate.display import style", False),
        ("display/style.py", "from striate.report import report_page", True),
        ("files/prefetch.py", "from striate.images import patches", True),
        ("export/c_export.py", "from striate.images import patches", False),
        ("persistence.py", "from striate.export import c_export", True),
        ("nowhere.py", "import numpy", True),
    ],
)
def test_the_check_itself(tmp_path, file, line, wrong):
    path = tmp_path / "striate" / file
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n", encoding="utf-8")
    assert bool(forbidden_imports(tmp_path / "striate")) == wrong


def in_new_process(code):
    """Return what the code prints as JSON, in a process where nothing is imported yet."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


IMPORT_ALL = """
import json, sys, types

class Missing:
    tried = []

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in HIDDEN:
            cls.tried.append(name)
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing)
import striate
from striate import *
listed = striate.__all__
here = {name: getattr(striate, name) for name in {*listed, *dir(striate), *vars(striate)}}
public = [name for name, value in here.items()
          if not name.startswith("_") and not isinstance(value, types.ModuleType)]
print(json.dumps([listed, public, Missing.tried]))
"""


@pytest.fixture(scope="module")
def imported():
    """What `striate` lists, exports and tries to import where no extra is installed."""
    return in_new_process(f"HIDDEN = {sorted(ONLY_WHEN_USED)!r}\n{IMPORT_ALL}")


def test_import_needs_no_extra_and_draws_nothing(imported):
    assert "matplotlib" not in imported[2]


def test_all_is_what_is_exported(imported):
    listed, public, _ = imported
    assert sorted(set(listed) - {"__version__"}) == sorted(public)
    assert len(set(listed)) == len(listed)


def test_api_page_lists_every_public_name():
    import striate

    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split()
    missing = set(striate.__all__) - {"__version__"} - set(page)
    assert not missing, "add these to docs/api.md"


def test_a_missing_name_of_sklearn_names_the_tested_versions(monkeypatch):
    path = PACKAGE / "estimators" / "sklearn_private.py"
    spec = importlib.util.spec_from_file_location("striate.estimators.imported_again", path)
    monkeypatch.delattr("sklearn.utils.multiclass._check_partial_fit_first_call")
    with pytest.raises(ImportError) as raised:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    message = str(raised.value)
    tested = r"Striate was tested with scikit-learn (1\.\d+); \d\.\d+\.\d+ is installed, which"
    version = re.match(tested, message)[1]
    assert "_check_partial_fit_first_call" in message
    assert f"pip install 'scikit-learn=={version}.*'" in message
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"scikit-learn>={version}" in pyproject["project"]["dependencies"]
