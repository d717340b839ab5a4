"""Run all or selected benchmarks, and write docs/benchmarks.md."""

import argparse
import importlib

from .environment import HAS_TORCH, KERNEL_VARIABLES, WITHOUT_TORCH, description, restart_without
from .page import PAGE, write, write_picture

#: Name on the command line, and module whose `measure()` returns a `Report`.
SUBJECTS = {
    "objective": "objective",
    "features": "image_features",
    "encoders": "encoders",
    "whitening": "whitening",
    "training": "training",
    "autoencoder": "autoencoder",
    "first-use": "first_use",
    "perceptron": "perceptron",
    "sparse-networks": "sparse_networks",
    "sparse-digits": "sparse_digits",
}


def main(arguments=None):
    names = ", ".join(SUBJECTS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument(
        "--no-page", action="store_true", help="print the tables without writing a file"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in SUBJECTS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; choose from: {names}")
    restart_without(KERNEL_VARIABLES)
    if not HAS_TORCH:
        print(WITHOUT_TORCH, flush=True)
    for name in options.names or SUBJECTS:
        print(f"\nMeasuring: {name} …", flush=True)
        report = importlib.import_module(f".{SUBJECTS[name]}", __package__).measure()
        report.remarks.append(f"Measured {description()}.")
        report.show()
        if not options.no_page:
            write(name, report.markdown())
            for file, png in report.pictures.items():
                write_picture(file, png)
            print(f"Written to {PAGE}", flush=True)


if __name__ == "__main__":
    main()
