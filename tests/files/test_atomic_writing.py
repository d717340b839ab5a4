"""Files that are written whole or not at all, also by processes that are killed."""

import errno
import os
import subprocess
import sys
import time

import pytest

from striate.files.atomic_writing import check_writable, replacing, write_file
from striate.files.disk_space import NO_SPACE, size_text
from striate.files.resumable_table import ResumableTable

LEFT = ".striate-0123456789abcdef.png"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def age(path, seconds=60):
    """Make a file look older than it is."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_files_that_killed_processes_left_are_removed(tmp_path):
    for name in (LEFT, ".striate-0123456789abcdef", ".striate-notes.txt", ".other"):
        (tmp_path / name).touch()
        age(tmp_path / name, 100_000)
    check_writable(tmp_path / "features.skops")
    assert names(tmp_path) == [".other", ".striate-notes.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_file_that_is_being_written_is_not_removed(tmp_path):
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        age(temporary)
        check_writable(tmp_path / "b.txt")
        assert names(tmp_path) == [temporary.name]
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_while_it_writes(tmp_path):
    code = """if True:
        import os, signal, sys
        from striate.files.atomic_writing import replacing
        with replacing(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.txt"], check=False)
    (left,) = tmp_path.iterdir()
    age(left)
    check_writable(tmp_path / "b.txt")
    assert names(tmp_path) == []


# --- a full disk ----------------------------------------------------------------------------


@pytest.fixture(params=NO_SPACE, ids=errno.errorcode.get)
def full(request, monkeypatch):
    """A disk on which nothing can be written; the reason as the system puts it."""

    def refuse(path, content):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    return os.strerror(request.param)


def test_a_full_disk_is_named_with_what_is_needed(tmp_path, full):
    with pytest.raises(OSError, match=rf"{full}: 3\.42 MB needed: '.*a\.txt'"):
        write_file(tmp_path / "a.txt", bytes(3_420_000))
    assert names(tmp_path) == []


def test_other_errors_are_left_as_they_are(tmp_path):
    with pytest.raises(IsADirectoryError), replacing(tmp_path / "a.txt"):
        raise IsADirectoryError(21, "Is a directory", "folder")


@pytest.mark.parametrize("step", ["open", "write", "finish"])
def test_a_table_names_its_file_on_a_full_disk(tmp_path, monkeypatch, step):
    import numpy as np

    def refuse(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    table = ResumableTable(tmp_path / "X.npy")
    actions = {
        "open": lambda: table.open({"shape": [2, 3], "dtype": "<f4"}),
        "write": lambda: table.write(0, 0, np.zeros((2, 3)), "stamp"),
        "finish": table.finish,
    }
    for name, action in actions.items():
        if name == step:
            monkeypatch.setattr("striate.files.resumable_table._to_disk", refuse)
            with pytest.raises(
                OSError, match=r"No space left on device: '.*X\.npy\.(part|journal)"
            ):
                action()
            table.close()
            return
        action()


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (12_345, "12.3 kB"), (10**9, "1 GB")],
)
def test_sizes_in_words(n, text):
    assert size_text(n) == text
    assert size_text(999_900) == "1 MB"
    assert size_text(5e15) == "5e+03 TB"


def test_a_full_standard_output_is_named(monkeypatch):
    from types import SimpleNamespace

    from striate.cli.commands.predict_command import _write

    def refuse(table):
        raise OSError(errno.ENOSPC, "No space left on device")

    full = SimpleNamespace(buffer=SimpleNamespace(write=refuse))
    monkeypatch.setattr("striate.cli.commands.predict_command.sys", SimpleNamespace(stdout=full))
    with pytest.raises(
        OSError, match="No space left on device: 461 bytes needed: 'standard output'"
    ):
        _write(bytes(461), 3, None)
