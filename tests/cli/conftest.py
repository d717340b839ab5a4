"""Images with two classes, and features and a model learned from them."""

import pytest
from command_line import QUICK, grating, succeed


@pytest.fixture(scope="session")
def gratings(tmp_path_factory):
    """Make a folder with two classes of grey images."""
    folder = tmp_path_factory.mktemp("gratings")
    for axis, name in enumerate(["across", "down"]):
        (folder / name).mkdir()
        for seed in range(8):
            grating(axis, seed).save(folder / name / f"{seed}.png")
    return folder


@pytest.fixture(scope="session")
def features(gratings, tmp_path_factory):
    path = tmp_path_factory.mktemp("features") / "features.skops"
    succeed("learn", gratings, "--out", path, *QUICK)
    return path


@pytest.fixture(scope="session")
def model(gratings, features, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.skops"
    succeed("train", gratings, "--features", features, "--out", path)
    return path
