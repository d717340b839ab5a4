"""Structure of the sources, read without importing them."""

import ast
import graphlib
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from file_order import FIRST, HERE

ROOT = Path(__file__).parents[1]
PACKAGE, BENCHMARKS = ROOT / "src" / "striate", ROOT / "benchmarks"
WALL = PACKAGE / "estimators" / "sklearn_private.py"

# Attributes of scikit-learn's objects that are not public.
PRIVATE_ATTRIBUTES = re.compile(r"_skl_\w+|_score_func")
# A full name with a private part, such as that of a class in a saved file.
PRIVATE_PATH = re.compile(r"\bsklearn(\.\w+)*\._[a-z]\w*", re.IGNORECASE)

SAYS_NOTHING = {"utils.py", "helpers.py", "common.py", "misc.py"}
REPEATED = {"__init__.py", "__main__.py"}

MAX_PARAMETERS = 8
SIGNATURES_GIVEN = {
    "native/blas.py: _gemm",  # by BLAS
    "cli/commands/compare_command.py: compare",  # by the options of the command
    "cli/commands/learn_command.py: learn",
    "cli/commands/outliers_command.py: outliers",
    "cli/commands/segment_command.py: segment",
    "cli/commands/train_command.py: train",
}


@cache
def tree_of(path):
    """The parsed source of a file, which several tests read."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path):
    """All nodes of that tree."""
    return list(ast.walk(tree_of(path)))


def is_private(dotted):
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


def private_names(path):
    """Private names of scikit-learn in a file: imported, as attributes, and in strings."""
    from_sklearn = set()  # names in this file that scikit-learn's modules and classes have
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names = {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
        else:
            continue
        names = {here: name for here, name in names.items() if name.split(".")[0] == "sklearn"}
        from_sklearn.update(names)
        yield from filter(is_private, names.values())
    for node in nodes_of(path):
        if isinstance(node, ast.Attribute):
            if PRIVATE_ATTRIBUTES.fullmatch(node.attr) or (
                is_private(node.attr) and ast.unparse(node).split(".")[0] in from_sklearn
            ):
                yield ast.unparse(node)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (PRIVATE_PATH.search(node.value) or PRIVATE_ATTRIBUTES.fullmatch(node.value))
        ):
            yield node.value


def test_private_names_of_sklearn_are_in_one_file():
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        if path != WALL
        for name in private_names(path)
    }
    assert sorted(found) == []
    assert list(private_names(WALL))


@pytest.mark.parametrize(
    ("code", "private"),
    [
        ("from sklearn.utils import check_array", False),
        ("from sklearn.utils import _safe_indexing", True),
        ("from sklearn.utils._param_validation import Interval", True),
        ("def f():\n    import sklearn.utils._param_validation", True),
        ("import sklearn\nsklearn.__version__", False),
        ("import sklearn\nsklearn.utils._safe_indexing", True),
        ("from sklearn import utils as u\nu._safe_indexing", True),
        ("from .fit import _train\n_train._count", False),
        ("NAMES = ['sklearn.metrics._scorer._Scorer']", True),
        ("NAMES = ['sklearn.metrics.get_scorer', 'sklearn.__version__']", False),
        ("vars(mlp)['_skl_callbacks']", True),
        ("scorer._score_func", True),
        ("self._loss", False),
    ],
)
def test_the_search_for_private_names(tmp_path, code, private):
    path = tmp_path / "module.py"
    path.write_text(code, encoding="utf-8")
    assert bool(list(private_names(path))) == private


def test_file_names_are_unique_and_say_what_is_inside():
    names = [path.name for folder in (PACKAGE, BENCHMARKS) for path in folder.rglob("*.py")]
    repeated = {name for name, n in Counter(names).items() if n > 1} - REPEATED
    assert repeated == set()
    assert SAYS_NOTHING.isdisjoint(names)


def too_long_signatures(path):
    """Functions with more positional parameters than a reader can keep apart."""
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            parameters = [p.arg for p in (*node.args.posonlyargs, *node.args.args)]
            n = len(parameters) - (parameters[:1] in (["self"], ["cls"]))
            if n > MAX_PARAMETERS:
                yield node.name


def test_functions_have_few_parameters():
    """Compiled functions, too; not constructors of estimators, whose parameters are named."""
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name in too_long_signatures(path)
    }
    assert sorted(found - SIGNATURES_GIVEN) == []


def imported_modules(path, package):
    """Modules of the package that a file imports as soon as it is imported itself."""
    inside = path.relative_to(package.parent).with_suffix("").parts
    waiting = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join((*inside[: -node.level], *filter(None, [node.module])))
            base = base if node.level else node.module
            for alias in node.names:
                name = f"{base}.{alias.name}"
                is_module = module_file(name, package).exists()
                yield name if is_module else base


def module_file(name, package):
    path = package.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_among(package):
    """{file: files that it imports} of a package."""
    graph = {}
    for path in package.rglob("*.py"):
        files = {module_file(name, package) for name in imported_modules(path, package)}
        graph[path] = {file for file in files if file.is_relative_to(package) and file.exists()}
    return graph


@pytest.mark.parametrize("package", [PACKAGE, BENCHMARKS], ids=lambda package: package.name)
def test_imports_have_no_circles(package):
    graph = imports_among(package)
    assert sum(map(len, graph.values())) > len(graph)  # imports were found
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("second", "circular"),
    [
        ("from . import first", True),
        ("from .first import f", True),
        ("import package.first", True),
        ("class A:\n    from package import first", True),
        ("def f():\n    from . import first", False),
        ("import numpy", False),
    ],
)
def test_the_search_for_circles(tmp_path, second, circular):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("from .second import g", encoding="utf-8")
    (package / "second.py").write_text(second, encoding="utf-8")
    sorter = graphlib.TopologicalSorter(imports_among(package))
    if circular:
        with pytest.raises(graphlib.CycleError):
            sorter.prepare()
    else:
        sorter.prepare()


def compiled_by(path):
    """Names of decorators in a file that compile: those of native/compile.py, and Numba's."""
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")
            if module[-1] == "compile" or module[0] == "numba":
                yield from (alias.asname or alias.name for alias in node.names)


def python_and_compiled(path):
    """Functions of a file, without those inside others: what Python runs, and what is compiled."""
    compilers, python, compiled = {*compiled_by(path), "numba"}, [], []
    waiting = [tree_of(path)]
    while waiting:
        for node in waiting.pop().body:
            if isinstance(node, ast.ClassDef):
                waiting.append(node)
            elif isinstance(node, ast.FunctionDef):
                roots = {re.match(r"\w+", ast.unparse(each))[0] for each in node.decorator_list}
                (compiled if roots & compilers else python).append(node)
    return python, compiled


def untyped_modules():
    """Modules in which pyproject.toml lets functions be without types."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    for override in config["overrides"]:
        if override.get("disallow_untyped_defs") is False:
            yield from override["module"]


def test_only_modules_with_compiled_functions_may_have_untyped_functions():
    found = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if python_and_compiled(path)[1]
    }
    assert sorted(found) == sorted(untyped_modules())


def test_functions_that_are_not_compiled_have_types():
    """mypy cannot tell them from the compiled functions of their module."""
    untyped = [
        f"{name}: {function.name}"
        for name in untyped_modules()
        for function in python_and_compiled(module_file(name, PACKAGE))[0]
        if function.returns is None
        or any(
            parameter.annotation is None and parameter.arg not in ("self", "cls")
            for parameter in (
                *function.args.posonlyargs,
                *function.args.args,
                *function.args.kwonlyargs,
            )
        )
    ]
    assert untyped == []


SHAPE = re.compile(r"\([^()]+,[^()]*\)")


def without_shapes(path):
    """Compiled functions that say nowhere what shape the arrays have whose numbers they take."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for function in python_and_compiled(path)[1]:
        parameters = {parameter.arg for parameter in function.args.args}
        indexed = any(
            isinstance(node, ast.Subscript)
            and getattr(node.value, "id", "") in parameters
            and not isinstance(node.slice, ast.Constant)
            for node in ast.walk(function)
        )
        decorators = ast.unparse(function.decorator_list)
        comment = lines[function.body[0].lineno - 2].partition("#")[2]
        if indexed and not decorators.startswith("specialize"):
            text = f"{ast.get_docstring(function)} {comment}"
            if not SHAPE.search(text):
                yield function.name


def test_compiled_functions_say_what_shapes_arrays_have():
    folders = [PACKAGE / name for name in ("core", "solvers", "images")]
    paths = [path for folder in folders for path in folder.rglob("*.py")]
    assert [f"{path.name}: {name}" for path in paths for name in without_shapes(path)] == []
    assert sum(len(python_and_compiled(path)[1]) for path in paths) > 100


def test_the_change_shown_in_the_guide_is_in_the_code():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (change,) = re.findall(r"^```diff\n(.+?)^```", page, re.DOTALL | re.MULTILINE)
    _, *files = re.split(r"^--- (\S+)\n", change, flags=re.MULTILINE)
    assert len(files) == 6
    for name, lines in zip(files[::2], files[1::2], strict=True):
        code = (ROOT / name).read_text(encoding="utf-8").splitlines()
        added = [line[1:] for line in lines.splitlines() if line.startswith("+")]
        assert [line for line in added if line not in code] == []


def test_the_table_of_small_faults_is_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from mutation_table import FAULTS

    texts = {fault.file: (PACKAGE / fault.file).read_text(encoding="utf-8") for fault in FAULTS}
    assert [fault.name for fault in FAULTS if texts[fault.file].count(fault.old) != 1] == []
    tests = {test for fault in FAULTS for test in fault.tests}
    assert [test for test in sorted(tests) if not (ROOT / test).is_file()] == []


def test_files_that_come_first_exist():
    assert [name for name in FIRST if not (HERE / name).is_file()] == []
