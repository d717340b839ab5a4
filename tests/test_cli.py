"""The command line: learn, train, predict and show, and one line for every bad input."""

import csv
import io
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

import striate
from striate.cli import main
from striate.cli.app import app
from striate.cli.confusion import print_confusion
from striate.cli.progress import watched
from striate.persistence import load, save

QUICK = ["--n-features", "8", "--patch-size", "6", "--n-patches", "400", "--max-iter", "10"]


def run(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="striate")


def succeed(*arguments):
    result = run(*arguments)
    assert result.stderr == ""
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments, status=2):
    """Run a command that must fail; return its line."""
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == status
    assert result.stderr.startswith("striate: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    assert "Wrote" not in result.stdout
    return result.stderr


def grating(axis, seed, size=24):
    """Build stripes across (axis 0) or down (axis 1), with a random phase and some noise."""
    rng = np.random.default_rng([axis, seed])
    waves = 0.5 + 0.3 * np.sin(np.arange(size) + rng.uniform(0, 6))
    image = np.broadcast_to(np.expand_dims(waves, 1 - axis), (size, size))
    noisy = (image + rng.normal(0, 0.03, image.shape)).clip(0, 1)
    return Image.fromarray((255 * noisy).astype(np.uint8))


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture(scope="session")
def gratings(tmp_path_factory):
    """A folder with two classes of grey images."""
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


# --- what works -----------------------------------------------------------------------------


def test_learn_writes_features_and_their_picture(gratings, tmp_path):
    out = tmp_path / "features.skops"
    lines = succeed("learn", gratings, "--out", out, *QUICK).splitlines()
    assert lines[-2] == "Learned 8 features of 6×6 pixels, grey, from 16 images"
    assert lines[-1] == f"Wrote them to {out}, and their picture to {tmp_path / 'features.png'}"
    assert files_below(tmp_path) == ["features.png", "features.skops"]
    assert load(out).filters_.shape == (8, 6, 6, 1)
    with Image.open(tmp_path / "features.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10


def test_the_same_seed_gives_the_same_features(gratings, features, tmp_path):
    for name, seed in [("same.skops", 0), ("other.skops", 1)]:
        succeed("learn", gratings, "--out", tmp_path / name, *QUICK, "--seed", seed)
    expected = load(features).filters_
    np.testing.assert_array_equal(load(tmp_path / "same.skops").filters_, expected)
    assert not np.array_equal(load(tmp_path / "other.skops").filters_, expected)


def test_train_says_how_good_the_model_is(gratings, features, tmp_path):
    out = tmp_path / "model.skops"
    lines = succeed("train", gratings, "--features", features, "--out", out).splitlines()
    assert lines[:2] == ["across: 8 images", "down: 8 images"]
    assert lines[2].startswith("accuracy: ")
    assert lines[2].endswith(" over 5 folds (always the most frequent class: 50.0%)")
    assert lines[3].strip() == "true class (rows), taken for (columns)"
    assert lines[4].split() == ["across", "down"]
    counts = [line.split() for line in lines[5:7]]
    assert [row[0] for row in counts] == ["across", "down"]
    assert [sum(map(int, row[1:])) for row in counts] == [8, 8]
    assert lines[7] == f"Wrote the model to {out}"


def test_train_keeps_what_it_measured(model):
    kept = load(model).cross_validation_
    assert kept["accuracies"].shape == (5,)
    assert kept["baseline"] == 0.5
    assert kept["confusion"].sum() == len(load(model).trained_on_["checksums"]) == 16


def test_confusion_of_many_classes_is_told_in_pairs(capsys):
    confusion = np.diag(np.full(21, 3))
    confusion[2, 5] = 4
    print_confusion([f"class {k}" for k in range(21)], confusion)
    assert (
        capsys.readouterr().out == "most frequent mistakes:\n  class 2 taken for class 5: 4 of 7\n"
    )


def test_confusion_with_long_names_fits_a_terminal(capsys):
    print_confusion([f"class {k} of some length" for k in range(20)], np.full((20, 20), 2))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [str(k + 1) for k in range(20)]
    assert lines[20].split()[0] == "19"
    assert "…" not in "".join(lines)


def test_progress_is_shown_on_a_terminal(monkeypatch):
    shown = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("striate.cli.progress.get_console", lambda: shown)
    assert list(watched([1, 2, 3], "Counting")) == [1, 2, 3]
    assert "Counting" in shown.file.getvalue()


def test_train_with_one_image_a_class(gratings, features, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "few" / name).mkdir(parents=True)
        (tmp_path / "few" / name / "0.png").write_bytes((gratings / name / "0.png").read_bytes())
    out = tmp_path / "model.skops"
    printed = succeed("train", tmp_path / "few", "-f", features, "-o", out)
    assert "across: 1 image\n" in printed
    assert "accuracy: not estimated, because across has a single image" in printed
    assert not hasattr(load(out), "cross_validation_")


def test_predict_prints_a_table_and_nothing_else(model, tmp_path):
    for axis, name in enumerate(["across", "down"]):
        for seed in range(100, 104):
            grating(axis, seed, size=31).save(tmp_path / f"{name} {seed}.png")
    table = list(csv.DictReader(io.StringIO(succeed("predict", model, tmp_path))))
    assert [row["file"] for row in table] == [str(each) for each in sorted(tmp_path.iterdir())]
    assert all(row["label"] in os.path.basename(row["file"]) for row in table)
    assert all(0.5 <= float(row["probability"]) <= 1 for row in table)


def test_predict_writes_a_file(model, gratings, tmp_path):
    out = tmp_path / "predictions.csv"
    printed = succeed("predict", model, gratings / "down", "--out", out)
    assert printed == f"Wrote 8 predictions to {out}\n"
    assert out.read_text() == succeed("predict", model, gratings / "down")


def test_model_files_serve_python_too(model, gratings):
    files = sorted((gratings / "down").iterdir())
    assert list(load(model).predict(files)) == ["down"] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
def test_odd_file_names(model, gratings, tmp_path):
    content = (gratings / "down" / "0.png").read_bytes()
    for name in (b'comma, quote".png', b"\xff.png", "größe.png".encode()):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(content)
    result = run("predict", model, tmp_path)
    assert result.exit_code == 0
    assert b"\xff.png,down," in result.stdout_bytes
    assert len(list(csv.reader(io.StringIO(result.stdout)))) == 4


def test_show_says_what_is_in_a_file(features, model, tmp_path):
    printed = succeed("show", features, "--out", tmp_path / "a.png")
    for fact in ("features", "8", "6×6 pixels, grey", "SparseAutoencoder"):
        assert fact in printed
    assert "classes" not in printed
    assert "across, down" in succeed("show", model, "--out", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert succeed("show", model).endswith(f"to {model.with_suffix('.png')}\n")


def test_grey_features_of_colour_images(gratings, tmp_path):
    for name in ("across", "down"):
        (tmp_path / "colour" / name).mkdir(parents=True)
        for path in (gratings / name).iterdir():
            Image.open(path).convert("RGB").save(tmp_path / "colour" / name / path.name)
    features, model = tmp_path / "features.skops", tmp_path / "model.skops"
    succeed("learn", tmp_path / "colour", gratings, "--out", features, *QUICK, "--grey")
    assert load(features).patch_shape_ == (6, 6, 1)
    succeed("train", tmp_path / "colour", "--features", features, "--out", model)
    grey = succeed("predict", model, gratings / "down")
    colour = succeed("predict", model, tmp_path / "colour" / "down")
    assert [row[1:] for row in csv.reader(io.StringIO(colour))] == [
        row[1:] for row in csv.reader(io.StringIO(grey))
    ]


def test_colour_features_of_grey_images(gratings, tmp_path):
    for seed in range(4):
        stripes = [grating(axis, seed) for axis in (0, 1, 0)]
        Image.merge("RGB", stripes).save(tmp_path / f"{seed}.png")
    features, model = tmp_path / "features.skops", tmp_path / "model.skops"
    assert "6×6 pixels, colour" in succeed("learn", tmp_path, "--out", features, *QUICK)
    succeed("train", gratings, "--features", features, "--out", model)
    assert succeed("predict", model, gratings / "down").count("down,") == 8


def test_images_of_a_single_colour(gratings, features, model, tmp_path):
    Image.new("L", (24, 24), 128).save(tmp_path / "flat.png")
    succeed("learn", tmp_path, gratings, "--out", tmp_path / "features.skops", *QUICK)
    assert "flat.png," in succeed("predict", model, tmp_path / "flat.png")


def test_progress_is_shown_on_terminals(gratings, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("learn", gratings, "--out", tmp_path / "features.skops", *QUICK)
    assert result.exit_code == 0
    assert "PatchFeatures" in result.stderr
    assert "PatchFeatures" not in result.stdout


def test_demo_makes_its_folder_and_runs(tmp_path, monkeypatch):
    folders = []
    monkeypatch.setitem(
        sys.modules, "striate.demo", SimpleNamespace(run=lambda out, **_: folders.append(out))
    )
    succeed("demo", "--out", tmp_path / "a" / "story")
    assert folders == [tmp_path / "a" / "story"]
    assert folders[0].is_dir()


# --- help -----------------------------------------------------------------------------------


def test_version():
    assert succeed("--version") == f"striate {striate.__version__}\n"


def test_help_without_a_command():
    assert succeed() == succeed("--help")
    for command in ("demo", "learn", "train", "predict", "features", "show"):
        assert f"\n  {command} " in succeed("--help")
        printed = succeed(command, "-h")
        assert f"Examples:\n    striate {command} " in printed
        assert "\b" not in printed


# --- bad arguments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lern"], "No such command 'lern'"),
        (["learn"], "Missing argument 'IMAGES'. See: striate learn --help"),
        (["learn", "photos"], "Missing option '--out'"),
        (["learn", "photos", "--out", "f.skops", "--n-features", "0"], "'--n-features': "),
        (["learn", "photos", "--out", "f.skops", "--seed", "x"], "'--seed': "),
        (["learn", "photos", "--out", "f.skops", "--colour"], "No such option: --colour"),
        (["learn", "photos", "--out", "f.skops"], "photos: no such file or folder"),
        (["learn", "photos", "--out", "f.png"], "--out f.png: this is the name of an image"),
        (
            ["train", "photos", "--features", "f.skops", "--out", "m.skops"],
            "photos: no such folder",
        ),
        (["predict", "m.skops", "photos"], "m.skops: cannot be read (no such file"),
        (["predict", "m.skops", "--out", "a.jpg", "b.jpg"], "--out a.jpg: this is the name of an"),
        (["show", "m.skops"], "m.skops: cannot be read (no such file"),
        (["show", "m.skops", "--out", "m.pdf"], "--out m.pdf: pictures are PNG files"),
        (["show", "m.png"], "m.png: this is the name of a picture"),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in fail(*arguments)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [  # of the inputs none is there: the output is looked at first
        ["learn", "photos", "--out", "PLACE.skops"],
        ["train", "photos", "--features", "f.skops", "--out", "PLACE.skops"],
        ["predict", "m.skops", "photos", "--out", "PLACE.csv"],
        ["show", "m.skops", "--out", "PLACE.png"],
        ["report", "m.skops", "photos", "--out", "PLACE.html"],
        ["demo", "--out", "PLACE.html"],
    ],
)
@pytest.mark.parametrize("place", ["missing/new", "folder", "file/new"])
def test_output_is_checked_before_the_work(tmp_path, monkeypatch, arguments, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    out = arguments[-1].replace("PLACE", place)
    if arguments[0] == "demo":  # makes its folder
        out = "file"
    elif place == "folder":
        (tmp_path / out).mkdir()
    before = files_below(tmp_path)
    assert fail(*arguments[:-1], out).startswith(f"striate: {out}: ")
    assert files_below(tmp_path) == before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody may write")
def test_folders_that_cannot_be_written(gratings):
    line = fail("learn", gratings, "--out", "/proc/self/f.skops")
    assert line.startswith("striate: /proc/self/f.skops: the folder /proc/")
    assert fail("demo", "--out", "/proc/self").startswith("striate: /proc/self/index.html: the fol")


# --- bad images -----------------------------------------------------------------------------


def make_bad_images(folder, kind):
    """Write three good images, and one that is not."""
    for seed in range(3):
        grating(0, seed).save(folder / f"{seed}.png")
    bad = folder / "bad.png"
    good = (folder / "0.png").read_bytes()
    if kind == "zero bytes":
        bad.touch()
    elif kind == "truncated":
        bad.write_bytes(good[: len(good) // 2])
    elif kind == "text":
        bad.write_text("not an image")
    elif kind == "NaN":
        Image.fromarray(np.full((24, 24), np.nan, np.float32)).save(bad, "TIFF")
    elif kind == "infinity":
        Image.fromarray(np.full((24, 24), np.inf, np.float32)).save(bad, "TIFF")
    elif kind == "small":
        grating(0, 0, size=5).save(bad)
    elif kind == "colour":
        grating(0, 0).convert("RGB").save(bad)
    elif kind == "animated":
        frames = [grating(0, seed) for seed in range(3)]
        frames[0].save(bad, "GIF", save_all=True, append_images=frames[1:])


BAD_IMAGES = {
    "zero bytes": "the file is empty (0 bytes)",
    "truncated": "cannot be read (",
    "text": "not an image",
    "NaN": "floating-point pixels outside [0, 1]",
    "infinity": "floating-point pixels outside [0, 1]",
    "small": "5",
    "animated": "holds 3 images",
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
@pytest.mark.parametrize("command", ["learn", "train", "predict"])
def test_bad_images_are_named(features, model, gratings, tmp_path, command, kind):
    folder = tmp_path / "classes" / "one"
    folder.mkdir(parents=True)
    make_bad_images(folder, kind)
    (tmp_path / "classes" / "two").mkdir()
    grating(1, 0).save(tmp_path / "classes" / "two" / "0.png")
    before = files_below(tmp_path)
    arguments = {
        "learn": ["learn", folder, *QUICK],
        "train": ["train", folder.parent, "--features", features],
        "predict": ["predict", model, folder],
    }[command]
    line = fail(*arguments, "--out", tmp_path / "out.skops")
    assert str(folder / "bad.png") in line
    assert BAD_IMAGES[kind] in line
    assert files_below(tmp_path) == before


def test_mixed_channels_suggest_grey(tmp_path):
    make_bad_images(tmp_path, "colour")
    line = fail("learn", tmp_path, "--out", tmp_path / "f.skops", *QUICK)
    assert f"{tmp_path / 'bad.png'} has 3 channels" in line or "bad.png: has 3" in line
    assert "--grey" in line


def test_pictures_replace_no_image(tmp_path):
    grating(0, 0).save(tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    line = fail("learn", tmp_path, "--out", tmp_path / "photo.skops", *QUICK)
    assert f"would replace {tmp_path / 'photo.png'}, which is one of the images" in line
    assert (tmp_path / "photo.png").read_bytes() == before


def test_folders_without_images(gratings, features, model, tmp_path):
    (tmp_path / "notes.txt").touch()
    for arguments in (
        ["learn", tmp_path, "--out", tmp_path / "f.skops"],
        ["predict", model, tmp_path],
    ):
        assert f"no image files found in {tmp_path} (looked for" in fail(*arguments)
    train = ["train", tmp_path, "--features", features, "--out", tmp_path / "m.skops"]
    assert f"{tmp_path}: has 0 sub-folders" in fail(*train)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert f"no image files found in {tmp_path / 'one'}" in fail(*train)


# --- bad files ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["empty", "truncated", "text"])
@pytest.mark.parametrize("command", ["train", "predict", "show"])
def test_bad_model_files_are_named(gratings, model, tmp_path, command, kind):
    bad = tmp_path / "bad.skops"
    content = model.read_bytes()
    bad.write_bytes({"empty": b"", "truncated": content[:-100], "text": b"hello"}[kind])
    arguments = {
        "train": ["train", gratings, "--features", bad, "--out", tmp_path / "m.skops"],
        "predict": ["predict", bad, gratings],
        "show": ["show", bad],
    }[command]
    assert fail(*arguments).startswith(f"striate: {bad}: ")
    assert files_below(tmp_path) == ["bad.skops"]


def test_files_of_the_wrong_kind(gratings, features, model, tmp_path):
    from sklearn.preprocessing import StandardScaler

    scaler = tmp_path / "scaler.skops"
    save(StandardScaler(), scaler)
    assert "holds a StandardScaler without learned features" in fail("show", scaler)
    assert "holds no classifier" in fail("predict", features, gratings)
    line = fail("train", gratings, "--features", model, "--out", tmp_path / "m.skops")
    assert f"{model}: is a model; give features" in line


def test_features_of_other_channels_cannot_read_files(gratings, tmp_path):
    images = np.random.default_rng(0).random((4, 16, 16, 5))
    encoder = striate.SparseAutoencoder(3, max_iter=2, random_state=0)
    features = striate.PatchFeatures(encoder, patch_size=4, n_patches=100, random_state=0)
    save(features.fit(images), tmp_path / "f.skops")
    arguments = ["--features", tmp_path / "f.skops", "--out", tmp_path / "m.skops"]
    assert "f.skops: learned from images of 5 channels" in fail("train", gratings, *arguments)


# --- the end --------------------------------------------------------------------------------


def test_missing_packages_say_what_to_install(monkeypatch):
    monkeypatch.setattr("striate.cli.app.find_spec", lambda name: None if name == "PIL" else True)
    assert fail("show", "m.skops") == "striate: PIL is missing: pip install 'striate[app]'\n"


def test_interruption(gratings, tmp_path, monkeypatch):
    def interrupted(paths):
        raise KeyboardInterrupt

    monkeypatch.setattr("striate.cli.learning.find_images", interrupted)
    line = fail("learn", gratings, "--out", tmp_path / "f.skops", status=130)
    assert line == "striate: interrupted; no file was written\n"
    assert files_below(tmp_path) == []


def test_faults_of_ours_keep_their_traceback(monkeypatch):
    def faulty(path, out):
        raise TypeError("a fault")

    monkeypatch.setattr("striate.cli.showing.show_file", faulty)
    assert isinstance(run("show", "m.skops").exception, TypeError)


def in_a_process(*arguments, code=None, **options):
    program = ["-m", "striate"] if code is None else ["-c", code]
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_a_real_process(model, gratings):
    result = in_a_process("predict", model, gratings / "down")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("file,label,probability\n")
    result = in_a_process("predict", "m.skops", gratings)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "striate: m.skops: cannot be read (no such file or directory)\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT of this kind")
def test_a_real_signal(gratings, tmp_path):
    code = """if True:
        import os, signal, striate.cli, striate.cli.learning
        # A shell starts background jobs with the signal ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        def interrupted(paths):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        striate.cli.learning.find_images = interrupted
        striate.cli.main()
    """
    result = in_a_process("learn", gratings, "--out", tmp_path / "f.skops", code=code)
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr == "striate: interrupted; no file was written\n"


def test_missing_typer_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None; import striate.cli; striate.cli.main()"
    result = in_a_process(code=code)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "pip install 'striate[app]'" in result.stderr


def test_main_is_the_entry_point(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["striate", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert capsys.readouterr().out.startswith("striate ")
