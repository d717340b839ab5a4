"""Processes that try cases one after the other, and are replaced when they hang or die."""

import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from .case import CRASH, HANG, Case, judge

#: Seconds for one case, and for the first one of a process, which imports and compiles.
LIMIT, FIRST_LIMIT = 60, 400
# Memory of a worker: a parameter may ask for more than the machine has.
_MOST_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    number: int
    family: str
    text: str
    verdict: str
    details: str


def try_cases(numbers: Iterable[int], seed: int, n_workers: int) -> Iterator[Outcome]:
    """Try cases in several processes; yield their outcomes as they come."""
    waiting = iter(numbers)
    workers = [_Worker(seed) for _ in range(n_workers)]
    busy = [worker for worker in workers if worker.give(next(waiting, None))]
    try:
        while busy:
            ready = wait([worker.pipe for worker in busy], timeout=0.5)
            for worker in list(busy):
                outcome = worker.outcome(worker.pipe in ready)
                if outcome is None:
                    continue
                yield outcome
                if not worker.give(next(waiting, None)):
                    busy.remove(worker)
    finally:
        for worker in workers:
            worker.end()


def try_one(number: int, seed: int, begin: Callable[[str, str], None] = lambda *_: None) -> Outcome:
    """Try a case in this process; `begin` is told its family and what is tried."""
    from .families import make_case

    family, text = "", f"making case {number}"

    def make() -> Case:
        nonlocal family, text
        case = make_case(number, seed)
        family, text = case.family, case.text
        begin(family, text)
        return case

    n_threads = 1 + (number % 4 == 0)  # every fourth with two
    verdict, details = judge(make, n_threads)
    return Outcome(number, family, text, verdict, details)


class _Worker:
    """A process, and the case that it is trying."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._start()

    def _start(self) -> None:
        # Not a fork: threads of this process may hold locks.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._folder = tempfile.mkdtemp(prefix="striate-campaign-")
        self._process = context.Process(target=_work, args=(theirs, self._seed, self._folder))
        self._process.start()
        theirs.close()
        self._limit = FIRST_LIMIT

    def give(self, number: int | None) -> bool:
        """Give it a case; return whether there was one."""
        if number is None:
            return False
        self._number, self._until = number, time.monotonic() + self._limit
        self._family, self._text = "", f"making case {number}"
        self.pipe.send(number)
        return True

    def outcome(self, ready: bool) -> Outcome | None:
        """Return the outcome, or None if the case is still being tried."""
        if ready:
            try:
                said = self.pipe.recv()
            except EOFError:
                self._process.join()
                return self._replaced(CRASH, _ending(self._process.exitcode))
            if isinstance(said, Outcome):
                self._limit = LIMIT
                return said
            self._family, self._text = said
        if time.monotonic() > self._until:
            return self._replaced(HANG, f"no end after {self._limit} s")
        return None

    def _replaced(self, verdict: str, details: str) -> Outcome:
        self.end()
        self._start()
        return Outcome(self._number, self._family, self._text, verdict, details)

    def end(self) -> None:
        """End the process, and what it left."""
        self._process.kill()
        self._process.join()
        self.pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"ended by {signal.Signals(-exitcode).name}"
    return f"ended with status {exitcode}"


def _work(pipe: "Connection[Any, Any]", seed: int, folder: str) -> None:
    os.chdir(folder)  # cases name files that are not there, and write some
    tempfile.tempdir = folder
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        pipe.send(try_one(number, seed, lambda *words: pipe.send(words)))
