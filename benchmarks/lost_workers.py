"""Run work on two Dask processes while one of them is killed again and again; print the results."""

import argparse
import json
import logging
import os
import signal
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np


def fit_network(folder, client):
    """Return the bits of L-BFGS on 784-100-10."""
    from striate import MLPClassifier

    estimator = MLPClassifier((100,), solver="lbfgs", max_iter=20, tol=0, random_state=0)
    return b"".join(each.tobytes() for each in estimator.fit(*_rows()).coefs_)


def fit_linear(folder, client):
    """Return the bits of `LinearClassifier`."""
    from striate import LinearClassifier

    return LinearClassifier(random_state=0).fit(*_rows()).coef_.tobytes()


def extract(folder, client):
    """Return the bits of the features of image files."""
    from PIL import Image

    from striate import PatchFeatures, SparseAutoencoder, extract_features

    photos, rng = folder / "photos", np.random.default_rng(0)
    if not photos.exists():
        photos.mkdir()
        for i in range(1500):
            pixels = rng.integers(0, 256, (32, 32), dtype=np.uint8)
            Image.fromarray(pixels).save(photos / f"{i:06}.png")
    files = sorted(photos.iterdir())
    learner = SparseAutoencoder(50, max_iter=3, random_state=0)
    features = PatchFeatures(learner, patch_size=6, n_patches=1000, random_state=0).fit(files[:50])
    out = folder / "X.npy"
    extract_features(features, files, out, client=client)
    found = out.read_bytes()
    out.unlink()
    return found


#: Locks that Dask keeps beside the folders of its workers, killed or not.
OF_DASK = ("workers/dask-scratch-space/global.lock", "workers/dask-scratch-space/purge.lock")
WORK = {"lbfgs": fit_network, "linear": fit_linear, "features": extract}


def _rows(n=20_000):
    import dask.array

    from striate import RowBlocks

    rng = np.random.default_rng(0)
    X, y = rng.random((n, 784), np.float32), rng.integers(10, size=n)
    return RowBlocks(dask.array.from_array(X, chunks=(1000, 784))), y


class Killer(threading.Thread):
    """Kills one of two workers at random moments."""

    def __init__(self, cluster, client, kills, end):
        super().__init__(daemon=True)
        self._cluster, self._client, self._kills, self._end = cluster, client, kills, end
        self.n_killed = 0

    def run(self):
        rng = np.random.default_rng(0)
        while self.n_killed < self._kills and time.monotonic() < self._end:
            time.sleep(rng.uniform(0.2, 2))
            processes = [nanny.pid for nanny in self._cluster.workers.values() if nanny.pid]
            # Not one that is just starting, which its nanny would not start once more.
            if len(processes) == len(self._client.nthreads()) == 2:
                os.kill(rng.choice(processes), signal.SIGKILL)
                self.n_killed += 1


class Lines(logging.Handler):
    """Keeps what Striate logs."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=100, help="longest time of killing")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    from distributed import Client, LocalCluster

    lines, work = Lines(), WORK[options.work]
    logging.getLogger("striate").addHandler(lines)
    with tempfile.TemporaryDirectory(prefix="striate-lost-") as name:
        folder = Path(name)
        workers = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
        with (
            LocalCluster(**workers, local_directory=folder / "workers") as cluster,
            Client(cluster) as client,
        ):
            quiet = work(folder, client)
            killer = Killer(cluster, client, options.kills, time.monotonic() + options.seconds)
            killer.start()
            same, n_repeats = True, 0
            while killer.is_alive():
                same &= work(folder, client) == quiet
                n_repeats += 1
        left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        left = [path for path in left if not path.startswith("photos") and path not in OF_DASK]
    found = {"killed": killer.n_killed, "same": same, "repeats": n_repeats, "left": left}
    print(json.dumps(found | {"lines": lines.lines}))


if __name__ == "__main__":
    main()
