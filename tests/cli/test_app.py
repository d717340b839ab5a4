"""The table of commands, their help, and the process that runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import fail, files_below, invoke, succeed
from typer.main import get_command

import striate
from striate.cli import commands, main
from striate.cli.app import COMMANDS, app
from striate.cli.encoder_options import Encoder

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_version():
    assert succeed("--version") == f"striate {striate.__version__}\n"


def test_every_command_has_its_own_file():
    folder = Path(commands.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {f"{name}_command" for name in COMMANDS}


def test_help_without_a_command():
    printed = succeed()
    assert printed == succeed("--help")
    summaries = [
        line for line in printed.splitlines() if line.split()[:1] in [[c] for c in COMMANDS]
    ]
    assert [line.split()[0] for line in summaries] == list(COMMANDS)
    assert all(len(line.split()) > 3 and line.endswith(".") for line in summaries)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name):
    printed = succeed(name, "-h")
    assert printed == succeed(name, "--help")
    assert f"Examples:\n    striate {name} " in printed
    assert "\b" not in printed
    assert "\\b" not in printed
    command = get_command(app).commands[name]
    for parameter in command.params:
        if parameter.hidden:  # an argument: the text describes it
            assert re.search(rf"{re.escape(parameter.metavar)}(?!\w)", command.help)
        else:
            assert parameter.help.endswith(".")


def test_help_lists_the_encoders_line_by_line():
    lines = succeed("learn", "--help").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("    auto "))
    table = lines[begin : begin + len(Encoder)]
    assert {line.split()[0] for line in table} == {encoder.value for encoder in Encoder}
    assert len({line.index(line.split(maxsplit=1)[1]) for line in table}) == 1  # one column
    assert lines[begin - 1] == lines[begin + len(Encoder)] == ""
    assert "(default: 400; autoencoder: 100)" in " ".join(" ".join(lines).split())


def test_help_imports_no_mathematics():
    code = f"""if True:
        import contextlib, io, json, sys
        from striate.cli import main
        for command in [[], *([name] for name in {COMMANDS})]:
            sys.argv = ["striate", *command, "--help"]
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
                main()
        print(json.dumps(sorted(sys.modules)))
    """
    imported = json.loads(in_a_process(code=code).stdout)
    assert not {"numpy", "numba", "scipy", "sklearn", "matplotlib", "PIL"} & set(imported)


def test_missing_packages_say_what_to_install(monkeypatch):
    monkeypatch.setattr("striate.cli.app.find_spec", lambda name: None if name == "PIL" else True)
    assert fail("show", "m.skops") == "striate: PIL is missing: pip install 'striate[app]'\n"


def test_interruption(gratings, tmp_path, monkeypatch):
    def interrupted(paths, skipped):
        raise KeyboardInterrupt

    monkeypatch.setattr("striate.cli.skip_errors.find_images", interrupted)
    line = fail("learn", gratings, "--out", tmp_path / "f.skops", status=130)
    assert line == "striate: interrupted; no file was written\n"
    assert files_below(tmp_path) == []


def test_bugs_keep_their_traceback(tmp_path, monkeypatch):
    def buggy(path):
        raise TypeError("a bug")

    monkeypatch.setattr("striate.cli.models.load_features", buggy)
    assert isinstance(invoke("show", tmp_path / "m.skops").exception, TypeError)


def in_a_process(*arguments, code=None, **options):
    program = ["-m", "striate"] if code is None else ["-c", code]
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.long
def test_a_real_process(model, gratings):
    result = in_a_process("predict", model, gratings / "down")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("file,label,probability\n")


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT of this kind")
def test_a_real_signal(gratings, tmp_path):
    code = """if True:
        import os, signal, striate.cli, striate.files.image_folders
        # A shell starts background jobs with the signal ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        def interrupted(paths, skipped):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        striate.files.image_folders.find_images = interrupted
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
