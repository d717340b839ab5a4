"""Print the lowest version of each package that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(project):
    """Return the constraints of all dependencies of a project, of its extras too.

    >>> lowest(
    ...     {
    ...         "name": "p",
    ...         "dependencies": ["numpy>=2.0", "dask[array]>=2026.1"],
    ...         "optional-dependencies": {"dev": ["p[app]", "pytest>=8.3,<10"]},
    ...     }
    ... )
    ['numpy==2.0', 'dask==2026.1', 'pytest==8.3']
    """
    extras = project.get("optional-dependencies", {}).values()
    requirements = [*project["dependencies"], *(each for extra in extras for each in extra)]
    return [
        _pinned(requirement)
        for requirement in requirements
        if not requirement.startswith(f"{project['name']}[")
    ]


def _pinned(requirement):
    found = re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)(,.*)?", requirement)
    if found is None:
        raise ValueError(f"{PYPROJECT}: {requirement!r} has no lowest version; write name>=version")
    return f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print(*lowest(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]), sep="\n")
