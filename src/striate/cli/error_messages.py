"""Errors and warnings of commands as one line on standard error, and the exit status."""

import io
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from typer import Abort
from typer.core import TyperGroup

ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as in shells


class InterruptedWorkError(Exception):
    """Raised instead of KeyboardInterrupt if work can be resumed; the message says how."""


class OneLineErrors(TyperGroup):
    """Group of commands whose exceptions become one-line messages."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; exit with 0, with 2 after an error, or with 130 after Ctrl-C."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # file names may hold any bytes
        reason = "interrupted; no file was written"
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                status = super().main(
                    args, prog_name, complete_var, False, windows_expand_args, **extra
                )
        except (KeyboardInterrupt, Abort):
            status = INTERRUPTED
        except InterruptedWorkError as interruption:
            status, reason = INTERRUPTED, str(interruption)
        except Exception as error:
            message = _explanation(error)
            if message is None:
                raise  # a bug: a report of it needs the traceback
            say(message)
            status = ERROR
        if status == INTERRUPTED:
            say(reason)
        sys.exit(status)


def _explanation(error: Exception) -> str | None:
    """Return the reason in one line, or None if the error is not the user's."""
    if hasattr(error, "format_message"):  # typer's own: a missing option, an unknown command
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "striate"
        return f"{error.format_message().rstrip('.')}. See: {command} --help"
    if isinstance(error, OSError) and error.strerror:
        file = f"{error.filename}: " if error.filename else ""
        return f"{file}{error.strerror[0].lower()}{error.strerror[1:]}"
    if isinstance(error, MemoryError):
        return "not enough memory; use smaller images, or fewer patches (--n-patches)"
    if isinstance(error, ValueError | OSError):
        return str(error)
    if isinstance(error, ImportError) and "pip install" in str(error):
        return str(error)
    return None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")


def say(text: str) -> None:
    """Print a message to standard error, in one line."""
    print("striate:", " ".join(text.splitlines()), file=sys.stderr)
