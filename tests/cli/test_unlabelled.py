"""`striate train --unlabelled`: a classifier that learns from images without labels, too."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import fail, grating, succeed

from striate import SelfTaughtClassifier
from striate.analysis.cross_validation import cross_validate
from striate.cli import unlabelled_images
from striate.cli.skip_errors import SkippedImages
from striate.cli.unlabelled_images import unlabelled_files
from striate.persistence import load


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write stripes in one folder; return it and a table with labels of some of them."""
    folder = tmp_path_factory.mktemp("photos")
    lines = ["file,label"]
    for seed in range(12):
        for axis, name in enumerate(["across", "down"]):
            grating(axis, 80 + seed).save(folder / f"{name}{seed}.png")
            lines += [f"{name}{seed}.png,{name}"] if seed < 4 else []
    table = tmp_path_factory.mktemp("table") / "labels.csv"
    table.write_text("\n".join(lines))
    return folder, table


def test_the_rest_of_a_folder_is_learned_from(photos, features, tmp_path):
    folder, table = photos
    model, page = tmp_path / "m.skops", tmp_path / "r.html"
    words = ["train", folder, "-l", table, "-f", features, "-o", model]
    printed = succeed(*words, "--unlabelled", folder)
    assert "--unlabelled: 16 images without labels, used; accuracy with them " in printed
    assert re.search(r"accuracy on held-out images: [\d.]+% ± [\d.]+% over 4 folds", printed)
    estimator = load(model)
    assert isinstance(estimator[-1], SelfTaughtClassifier)
    assert (estimator[-1].n_labeled_, estimator[-1].n_unlabeled_) == (8, 16)
    assert estimator.trained_on_["unlabelled"] == str(folder)
    table_of_all = succeed("predict", model, folder).splitlines()[1:]
    right = [Path(line.split(",")[0]).name.startswith(line.split(",")[1]) for line in table_of_all]
    assert np.mean(right) > 0.9
    succeed("report", model, "-o", page)
    text = page.read_text()
    assert "learned from 16 images without labels, too" in text
    assert "without the images that have no labels, trained on fewer" in text
    assert "self-trained" in text
    printed_accuracy = re.search(r"held-out images: ([\d.]+%)", printed)[1]
    assert f"<b>{printed_accuracy}</b> accuracy on images it was not trained on" in text
    assert "accuracy " in succeed("show", model)


def test_features_are_learned_from_all_images(photos, tmp_path, monkeypatch):
    from striate.cli import encoder_choice, encoder_options

    monkeypatch.setattr(
        encoder_options, "_DICTIONARY", encoder_options.EncoderSettings(6, 6, 200, 2, True)
    )
    fit, seen = encoder_choice.fit_features, []
    monkeypatch.setattr(
        encoder_choice, "fit_features", lambda f, images: (seen.append(len(images)), fit(f, images))
    )
    folder, table = photos
    words = ["train", folder, "-l", table, "-o", tmp_path / "m.skops", "--unlabelled", folder]
    printed = succeed(*words)
    assert printed.startswith("--encoder auto: omp1, the most accurate on average\n")
    assert seen == [24]


def test_images_that_do_not_help_are_left_out(photos, features, tmp_path, monkeypatch):
    def wrong(*args, **kwargs):
        found = cross_validate(*args, **kwargs)
        return replace(found, probabilities=found.probabilities[:, ::-1])

    monkeypatch.setattr(unlabelled_images, "cross_validate", wrong)
    folder, table = photos
    words = ["train", folder, "-l", table, "-f", features, "-o", tmp_path / "m.skops"]
    printed = succeed(*words, "--unlabeled", folder)
    assert "16 images without labels, left out, since they do not help; accuracy with" in printed
    estimator = load(tmp_path / "m.skops")
    assert not isinstance(estimator[-1], SelfTaughtClassifier)
    assert estimator.trained_on_["unlabelled"] is None


def test_neither_labelled_images_nor_their_copies_are_without_label(photos, tmp_path):
    folder, _ = photos
    labelled = [folder / "across0.png", folder / "down0.png"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "copy.png").write_bytes(labelled[0].read_bytes())
    (other / "link.png").symlink_to(labelled[1])
    (other / "new.png").write_bytes((folder / "across7.png").read_bytes())
    assert unlabelled_files(other, labelled, SkippedImages(False)) == [other / "new.png"]


def test_one_image_per_class_is_enough(photos, features, tmp_path):
    folder, table = photos
    few = tmp_path / "few.csv"
    few.write_text("\n".join(table.read_text().splitlines()[:3]))
    words = ["train", folder, "-l", few, "-f", features, "-o", tmp_path / "m.skops"]
    printed = succeed(*words, "--unlabelled", folder)
    assert "not estimated" in printed
    assert load(tmp_path / "m.skops")[-1].n_unlabeled_ == 22


def test_a_report_needs_the_images_again(photos, features, tmp_path):
    folder, table = photos
    others = tmp_path / "others"
    others.mkdir()
    for seed in range(200, 204):
        grating(seed % 2, seed).save(others / f"{seed}.png")
    model = tmp_path / "m.skops"
    words = ["train", folder, "-l", table, "-f", features, "-o", model, "--unlabelled", others]
    succeed(*words)
    others.rename(tmp_path / "elsewhere")
    assert f"unlabelled images in {others}, which does not exist" in fail(
        "report", model, "-o", tmp_path / "r.html"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--unlabelled", "nowhere"], "--unlabelled nowhere: no such folder"),
        (["--unlabelled", ".", "--regression"], "--unlabelled: needs one class per image"),
        (["--unlabelled", ".", "--label-columns", "a"], "--unlabelled: needs one class per image"),
        (["--shrink", "2"], "--shrink: --features says how images are read"),
    ],
)
def test_options_that_do_not_go_together(photos, features, tmp_path, words, message):
    folder, table = photos
    given = ["train", folder, "-l", table, "-f", features, "-o", tmp_path / "m.skops", *words]
    assert message in fail(*given)


def test_a_folder_whose_images_all_have_labels(gratings, features, tmp_path):
    words = ["train", gratings, "-f", features, "-o", tmp_path / "m.skops"]
    assert "all images in it have labels" in fail(*words, "--unlabelled", gratings)
