"""Clusters of Dask on this machine."""

from contextlib import contextmanager


@contextmanager
def cluster(n_workers, **options):
    """Yield a client of a cluster with some processes of one thread."""
    from distributed import Client, LocalCluster

    workers = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": "6GB"}
    with (
        LocalCluster(n_workers=n_workers, **workers) as local,
        Client(local, **options) as client,
    ):
        yield client
