"""Cases of commands that are killed, and of disks that are full: in processes of their own."""

import contextlib
import os
import pickle
import resource
import shutil
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from striate.persistence import load

from .case import BrokenPromiseError, Case, CommandMessage
from .command_cases import arguments_of, check_written, suffix_of
from .command_place import files_in, invoke, plain_folder
from .subjects import pick

_COMMANDS = ("learn", "train", "predict", "features", "show")
_OLD = b"old"


def killed(rng: np.random.Generator) -> Case:
    """Kill a command: it leaves old files or whole new ones, and can be run again."""
    command, seconds = pick(rng, _COMMANDS), float(rng.uniform(0, 0.5))
    exists = bool(rng.random() < 0.5)

    def attempt() -> None:
        out, clean = _place(command, exists), _uninterrupted(command)
        arguments = arguments_of(command, out)
        process = _fork(lambda: invoke(*arguments))
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.result()
        _check_each(command, out, clean)
        for path in out.parent.iterdir():  # temporary files are removed when they are no longer new
            os.utime(path, (0, 0))
        invoke(*arguments)
        if _contents(out.parent) != clean:
            raise BrokenPromiseError(_differences(_contents(out.parent), clean))
        shutil.rmtree(out.parent)

    text = f"striate {command}, killed after {seconds:.3f} s{', over old files' * exists}"
    return Case("killed commands", text, attempt)


def full_disk(rng: np.random.Generator) -> Case:
    """Fill the disk: the command ends with a message, and leaves the files as they were."""
    command, n_bytes = pick(rng, _COMMANDS), int(10 ** rng.uniform(0, 5))
    exists = bool(rng.random() < 0.5)

    def attempt() -> None:
        out, clean = _place(command, exists), _uninterrupted(command)
        before = _contents(out.parent)

        def run() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
            invoke(*arguments_of(command, out))

        error = _fork(run).result()
        after = _contents(out.parent)
        shutil.rmtree(out.parent)
        wanted = clean if error is None else before
        if after != wanted and not (error and command == "features"):  # what it has is kept
            raise BrokenPromiseError(f"{_differences(after, wanted)} after: {error}")
        if error is not None:
            raise error

    text = f"striate {command}, files of at most {n_bytes} bytes{', over old files' * exists}"
    return Case("full disks", text, attempt)


class _Child:
    """A process that was forked from this one, warm."""

    def __init__(self, pid: int, answers: int) -> None:
        self.pid, self._answers = pid, answers

    def result(self) -> Exception | None:
        """Wait; return its error, or None also if it was killed."""
        with open(self._answers, "rb") as file:
            data = file.read()
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            raise BrokenPromiseError(f"ended by signal {os.WTERMSIG(status)}")
        return pickle.loads(data) if data else None  # what this module wrote


def _fork(action: Callable[[], Any]) -> _Child:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return _Child(pid, ours)
    error: Exception | None = None
    try:
        action()
    except Exception as raised:  # of any kind: the parent process judges it
        error = raised
    except BaseException as raised:
        error = BrokenPromiseError(repr(raised))
    with contextlib.suppress(Exception):
        known = isinstance(error, CommandMessage | BrokenPromiseError | None)
        answer = error if known else BrokenPromiseError(f"traceback: {error!r}")
        os.write(theirs, pickle.dumps(answer))
    os._exit(0)


def _place(command: str, exists: bool) -> Path:
    out = Path(mkdtemp()) / f"out{suffix_of(command)}"
    if exists:
        out.write_bytes(_OLD)
    return out


@cache
def _uninterrupted(command: str) -> dict[str, Any]:
    """Return the files that a command writes, by name."""
    plain_folder()
    out = _place(command, False)
    invoke(*arguments_of(command, out))
    return _contents(out.parent)


def _contents(folder: Path) -> dict[str, Any]:
    """Return the files in a folder by name; models as what they compute, since they hold dates."""
    found: dict[str, Any] = files_in(folder)
    images = plain_folder() / "images"
    for name, data in found.items():
        if name.endswith(".skops") and data != _OLD:
            model = load(folder / name)
            kind = "predict_proba" if hasattr(model, "predict_proba") else "transform"
            found[name] = getattr(model, kind)(images).tobytes()
    return found


def _check_each(command: str, out: Path, clean: dict[str, Any]) -> None:
    """Check that each file under its own name is old or whole."""
    for name, data in _contents(out.parent).items():
        if name in clean and data not in (_OLD, clean[name]):
            raise BrokenPromiseError(f"{name} is neither old nor whole")
    if out.exists() and out.read_bytes() != _OLD:
        check_written(command, out)


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
    return f"other files than without the interruption: {names}"


FAMILIES = ((killed, 0.7), (full_disk, 0.7))
