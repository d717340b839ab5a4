"""The command line `striate`."""

import sys


def main() -> None:
    """Run the command line; a user's error prints one line and exits with status 2."""
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
    except KeyboardInterrupt:  # while modules are still being imported
        sys.exit(130)
    app(prog_name="striate")
