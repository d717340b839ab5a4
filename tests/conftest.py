"""Settings of all tests."""

import gc
import threading

import hypothesis
import pytest
from file_order import place_of
from threadpoolctl import threadpool_limits

# What is slow depends on what else the machine does.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


# What is imported and collected stays until the end. To look through it again and again for what is
# not in use any more takes a quarter of the time of collecting, and more in each test after it.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """Sort the files alike in each process."""
    items.sort(key=place_of(items))


@pytest.fixture(scope="session", autouse=True)
def sixteen_cores():
    """Let tests choose their numbers of threads, whatever machine they run on.

    Those that choose none have one: threads of a BLAS and of OpenMP that wait in a loop for each
    other, beside another process that tests, would take most of the time.
    """
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setattr("striate.native.threads.cpu_count", lambda: 16)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Let commands keep features in a folder of the tests, not in that of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("STRIATE_CACHE_GB", raising=False)
        yield


@pytest.fixture
def two_threads_start(monkeypatch):
    """Let two threads start, and refuse more, as a system does at its limit (`ulimit -u`)."""
    start, started = threading.Thread.start, []

    def limited(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    return started
