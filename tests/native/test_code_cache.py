"""Compiled code on disk: sound files are read, others replaced, and no disk is no obstacle."""

import errno
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from striate.native import code_cache
from striate.native.compile import kernel
from striate.native.function_pointers import _compile as compile_pointer
from striate.native.function_pointers import call
from striate.native.intrinsics import array_at

X = np.arange(3.0)


def total(x):
    result = 0.0
    for value in x:
        result += value
    return result


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    code_cache._warn.cache_clear()
    yield next(code_cache.folders(Path(__file__).parent))
    code_cache._warn.cache_clear()


def in_new_process(x=X):
    """Call the kernel as a process that has not compiled it does; return whether it was read."""
    compiled = kernel(total)
    assert compiled(x) == 3
    return sum(compiled.stats.cache_hits.values()) == 1


def files(folder):
    return sorted(folder.iterdir())


def test_code_is_read_by_the_next_process(folder):
    assert not in_new_process()
    assert in_new_process()
    assert [path.suffix for path in files(folder)] == [".nbc"]


def test_each_type_has_its_own_code(folder):
    assert not in_new_process()
    assert not in_new_process(X.astype(np.float32))
    assert len(files(folder)) == 2
    assert in_new_process()
    assert in_new_process(X.astype(np.float32))


def damage(kind, content):
    if kind == "empty":
        return b""
    if kind == "truncated":
        return content[: len(content) // 2]
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("kind", ["empty", "truncated", "one bit"])
def test_a_damaged_file_is_replaced(kind, folder):
    in_new_process()
    (path,) = files(folder)
    path.write_bytes(damage(kind, path.read_bytes()))
    assert not in_new_process()
    assert in_new_process()
    assert files(folder) == [path]


def test_a_sound_file_that_numba_cannot_load_is_replaced(folder, monkeypatch):
    in_new_process()
    with monkeypatch.context() as patch:
        patch.delattr("numba.core.compiler.CompileResult._rebuild")
        assert not in_new_process()
    assert in_new_process()


def test_code_of_another_version_is_not_read_but_removed(folder, monkeypatch):
    in_new_process()
    (old,) = files(folder)
    monkeypatch.setattr(code_cache, "_stamp", lambda folder: "another")
    assert not in_new_process()
    (new,) = files(folder)
    assert new != old


@pytest.mark.parametrize("disk", ["no folder", "full", "lost internal"])
def test_without_a_place_code_is_compiled_in_memory_with_one_warning(
    disk, folder, tmp_path, monkeypatch
):
    if disk == "no folder":
        (tmp_path / "file").touch()
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    elif disk == "full":

        def full(path, content):
            with path.open("wb") as file:
                file.write(content[:100])
            raise OSError(errno.ENOSPC, "no space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
    else:
        monkeypatch.delattr("numba.core.compiler.CompileResult._reduce")
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        assert not in_new_process()
    assert not in_new_process()  # without a second warning, which would be an error
    assert not folder.exists() or files(folder) == []


def test_the_home_is_not_needed(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert [each.name for each in code_cache.folders(Path("source"))] == ["__pycache__"]


def test_threads_that_write_at_once(folder):
    threads = [threading.Thread(target=in_new_process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert in_new_process()
    assert len(files(folder)) == 1


def test_a_function_pointer_without_the_class_of_numba_that_caches(folder, monkeypatch):
    def doubled(x, n):
        for i in range(n):
            array_at(x, (n,))[i] *= 2

    import numba
    from numba import types

    monkeypatch.delattr("numba.core.ccallback.CFunc")
    signature = types.void(types.CPointer(types.float64), types.intp)
    with pytest.raises(ImportError):
        from numba.core.ccallback import CFunc  # noqa: F401
    monkeypatch.setattr(numba, "cfunc", lambda signature, **options: lambda function: function)
    assert compile_pointer(doubled, "doubled", signature, {}) is doubled


def test_arrays_by_address_must_be_contiguous():
    @kernel
    def strided(address, x):
        call(address, (x[::2], 1))

    with pytest.raises(Exception, match="not C-contiguous"):
        strided(1, X)


def test_nothing_warns_where_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_new_process()


def test_functions_made_by_another_are_not_mistaken_for_each_other():
    def times(factor):
        @kernel
        def product(x):
            return factor * x[0]

        return product

    assert [times(factor)(X + 1) for factor in (2.0, 3.0)] == [2.0, 3.0]
