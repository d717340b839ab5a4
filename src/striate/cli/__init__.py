"""The command `striate`."""

import sys


def main() -> None:
    """Run the command line; every error that a user can cause ends in one line and status 2."""
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            "striate: the command line needs typer and rich: pip install 'striate[app]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:  # while Python still reads the modules
        sys.exit(130)
    app(prog_name="striate")
