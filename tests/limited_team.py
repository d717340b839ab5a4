"""Teams of threads in tests of kernels."""

from contextlib import contextmanager, nullcontext

from threadpoolctl import threadpool_limits

from striate.native.threads import team


@contextmanager
def limited_team(n_threads):
    """Give a team of this many threads. Tests have one anyway, and limits take milliseconds."""
    with threadpool_limits(n_threads) if n_threads > 1 else nullcontext(), team(n_threads) as run:
        assert run.n_threads == n_threads
        yield run
