"""The command line `striate`, assembled from its commands.

To add the command ``NAME``, write ``commands/NAME_command.py`` and add its name to `COMMANDS`. The
file defines

- the function ``NAME``: its annotated arguments are the options, its docstring is the help text,
  its body does the work;
- ``EXAMPLES``, a tuple of command lines for the end of the help text.

The function imports NumPy, scikit-learn and all of Striate that needs them in its body, so that
help texts and messages on wrong options appear at once.
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import rich
import typer

import striate

from .error_messages import OneLineErrors

#: In the order of `striate --help`.
COMMANDS = (
    *("demo", "learn", "label", "train", "compare", "predict", "report", "features", "segment"),
    *("show", "outliers", "map"),
)

_REQUIRED_PACKAGES = ("jinja2", "matplotlib", "PIL", "skops")

app = typer.Typer(
    cls=OneLineErrors,
    help="Learn features from images without labels, then train classifiers with few labels.",
    epilog="Example: striate learn photos/ --out features.skops",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"striate {striate.__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    # A missing package is reported now rather than after an hour of work.
    for package in _REQUIRED_PACKAGES:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"{package} is missing: pip install 'striate[app]'")
    rich.reconfigure(stderr=True)  # for progress bars: standard output holds only results


def _help(command: Callable[..., Any]) -> str:
    """Return the docstring; its indented paragraphs keep their line breaks."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    # click leaves the lines of a paragraph that starts with \b as they are.
    return "\n\n".join(f"\b\n{each}" if each.startswith(" ") else each for each in paragraphs)


def _examples(lines: tuple[str, ...]) -> str:
    return "\n  ".join(["\b\nExamples:", *lines])


def _add_command(name: str) -> None:
    module = import_module(f"striate.cli.commands.{name}_command")
    command = getattr(module, name)
    app.command(name, help=_help(command), epilog=_examples(module.EXAMPLES))(command)


for _name in COMMANDS:
    _add_command(_name)
