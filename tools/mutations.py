"""Put small faults into a copy of the source, one at a time, and see whether the tests find them.

    python tools/mutations.py                 the short tests, for every fault
    python tools/mutations.py tied noise/     for those whose name or file holds one of these words
    python tools/mutations.py --long tied     the long tests of the fault's subject as well

A fault is found if a test fails. The files that concern it are run first, then all short tests. The
last line says how many were found; the exit status is 1 if any was missed. It takes about an hour.
Needs the packages of `pip install -e ".[test]"`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from mutation_table import FAULTS, Fault

ROOT = Path(__file__).parents[1]
COPIED = ("benchmarks", "docs", "examples", "src", "tests", "tools", ".github")
#: Folders of compiled code, which is not to be shared between faults.
COMPILED = ("native", "core", "solvers", "images")
#: The test that the sound texts are there.
OF_THE_TABLE = "tests/test_structure.py::test_the_table_of_small_faults_is_up_to_date"
#: Seconds after which a run is stopped, since a fault may let a loop go on for ever.
LIMIT = 3600


class Outcome(NamedTuple):
    """What a fault came to: the test that found it, or "" for none, and the seconds it took."""

    found_by: str
    seconds: float


class Copy:
    """A copy of the tree, in which one fault at a time is tried.

    Parameters
    ----------
    folder : Path
        An empty folder.
    long : bool
        Whether to run the long tests of a fault's subject too.
    """

    def __init__(self, folder: Path, long: bool) -> None:
        self.tree, self.long = folder / "tree", long
        self.compiled, self.faulty = folder / "compiled", folder / "compiled faulty"
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, self.tree / name, ignore=_ignored)
        for path in ROOT.iterdir():
            if path.is_file() and path.name != ".git":
                shutil.copy2(path, self.tree / path.name)

    def try_fault(self, fault: Fault) -> Outcome:
        """Apply a fault, run tests until one fails, and mend it."""
        path = self.tree / "src" / "striate" / fault.file
        sound, begin = path.read_text(encoding="utf-8"), time.monotonic()
        if sound.count(fault.old) != 1:
            raise SystemExit(
                f"{fault.name}: {fault.file} holds the old text {sound.count(fault.old)} times, "
                "not once; bring tools/mutation_table.py up to date"
            )
        path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
        shutil.rmtree(self.faulty, ignore_errors=True)
        cache = self.faulty if fault.file.startswith(COMPILED) else self.compiled
        try:
            failing = (self.failing_test(run, cache) for run in self._runs(fault))
            found_by = next(filter(None, failing), "")
        finally:
            path.write_text(sound, encoding="utf-8")
        return Outcome(found_by, time.monotonic() - begin)

    def _runs(self, fault: Fault) -> list[list[str]]:
        """Return the arguments of each run of pytest: first what concerns the fault."""
        own = list(fault.tests)
        rest = [f"--deselect={each}" for each in own]
        runs = [[*own, "-m", "not long"], [*rest, "-m", "not long"]]
        return [*runs, [*own, "-m", "long"]] if self.long else runs

    def failing_test(self, arguments: list[str], cache: Path) -> str:
        """Return the first test that fails, or "", with compiled code in this folder."""
        environment = os.environ | {
            "PYTHONPATH": str(self.tree / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(cache),
        }
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "--tb=no",
            "-rfE",
            "-p",
            "no:cacheprovider",
            f"--deselect={OF_THE_TABLE}",
        ]
        try:
            done = subprocess.run(
                [*command, *arguments], cwd=self.tree, env=environment, capture_output=True,
                text=True, timeout=LIMIT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"none within {LIMIT} seconds"
        if done.returncode in (0, 5):  # 5: no test was selected
            return ""
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.MULTILINE)
        return failed[1] if failed else f"pytest, which ended with {done.returncode}"


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Leave out what is built."""
    return {name for name in names if name in ("__pycache__", "_build", "generated", "gallery")}


def main() -> int:
    """Try the chosen faults, print what became of each, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="parts of the names of faults")
    parser.add_argument("--long", action="store_true", help="run the long tests, too")
    given = parser.parse_args()
    words = given.words or [""]
    chosen = [f for f in FAULTS if any(word in f"{f.file}: {f.name}" for word in words)]
    n_found = 0
    with tempfile.TemporaryDirectory(prefix="striate-mutations-") as folder:
        copy = Copy(Path(folder), given.long)
        files = dict.fromkeys(test for fault in chosen for test in fault.tests)
        failing = copy.failing_test([*files, "-m", "not long"], copy.compiled)
        if failing:
            raise SystemExit(f"{failing} fails without any fault")
        for fault in chosen:
            outcome = copy.try_fault(fault)
            n_found += bool(outcome.found_by)
            result = f"found by {outcome.found_by}" if outcome.found_by else "MISSED"
            print(f"{fault.file}: {fault.name}: {result} ({outcome.seconds:.0f} s)", flush=True)
    print(f"found {n_found} of {len(chosen)}")
    return int(n_found < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
