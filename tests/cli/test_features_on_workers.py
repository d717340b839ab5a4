"""`striate features --scheduler` on worker processes."""

import pytest
from command_line import fail, succeed

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_workers_write_the_table_that_one_process_writes(features, gratings, tmp_path):
    succeed("features", features, gratings, "--out", tmp_path / "one.npy")
    settings = {"threads_per_worker": 1, "dashboard_address": ":0"}
    folder = tmp_path / "workers"
    with distributed.LocalCluster(n_workers=2, local_directory=folder, **settings) as cluster:
        address = cluster.scheduler_address
        succeed(
            "features", features, gratings, "--out", tmp_path / "two.npy", "--scheduler", address
        )
    for suffix in (".npy", ".csv"):
        one, two = ((tmp_path / name).with_suffix(suffix) for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {"workers"}
    assert left == {"one.npy", "one.csv", "two.npy", "two.csv"}
    printed = fail(
        "features", features, gratings, "--out", tmp_path / "no.npy", "--scheduler", address
    )
    assert "no scheduler of Dask answers there" in printed
