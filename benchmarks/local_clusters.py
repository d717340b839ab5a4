"""Clusters of Dask on this machine, and a slow network."""

import subprocess
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


@contextmanager
def slow_loopback(megabytes_per_second):
    """Limit what programs of this machine send each other; yield whether the system let us.

    Linux lets the superuser do so, by the program `tc`.
    """
    rate = f"tbf rate {8 * megabytes_per_second}mbit burst 256kb latency 2s"
    try:
        subprocess.run(["tc", *f"qdisc add dev lo root {rate}".split()], check=True)
    except (OSError, subprocess.CalledProcessError):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["tc", "qdisc", "del", "dev", "lo", "root"], check=True)
