"""Run the command line with ``python -m striate``."""

from striate.cli import main

if __name__ == "__main__":
    main()
