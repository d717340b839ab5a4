"""Run all or selected benchmarks, and write docs/benchmarks.md and other pages."""

import argparse
import importlib
from itertools import chain

from .environment import HAS_TORCH, KERNEL_VARIABLES, WITHOUT_TORCH, description, restart_without
from .page_sections import PAGE, write, write_picture

#: Name on the command line, and module whose `measure()` returns a `Report`.
BENCHMARKS = {
    "objective": "bench_objective",
    "features": "bench_image_features",
    "encoders": "bench_encoders",
    "layers": "bench_layers",
    "whitening": "bench_whitening",
    "training": "bench_patch_autoencoder",
    "autoencoder": "bench_digit_autoencoder",
    "first-use": "bench_first_use",
    "perceptron": "bench_perceptron",
    "options": "bench_options",
    "many-fits": "bench_many_fits",
    "segmentation": "bench_segmentation",
    "sparse-networks": "bench_sparse_networks",
    "sparse-digits": "bench_sparse_digits",
    "tables": "bench_tables",
    "table-turns": "bench_table_turns",
    "outliers": "bench_outliers",
    "scale-training": "bench_stored_training",
    "scale-shuffle": "bench_shuffle_buffer",
    "scale-linear": "bench_stored_linear",
    "scale-workers": "bench_worker_sums",
    "scale-killed": "bench_lost_workers",
    "scale-cost": "bench_cluster_cost",
    "scale-images": "bench_stored_images",
    "robustness": "robustness.campaign",
}
#: Names for several of them.
GROUPS = {"scale": [name for name in BENCHMARKS if name.startswith("scale-")]}
#: Pages other than docs/benchmarks.md.
PAGES = {
    "robustness": PAGE.with_name("reliability.md"),
    **dict.fromkeys(("tables", "table-turns"), PAGE.with_name("tables.md")),
    "outliers": PAGE.with_name("outliers.md"),
    **dict.fromkeys(GROUPS["scale"], PAGE.with_name("scale.md")),
}


def main(arguments=None):
    names = ", ".join([*BENCHMARKS, *GROUPS])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument(
        "--no-page", action="store_true", help="print the tables without writing a file"
    )
    parser.add_argument(
        "--case", type=int, metavar="N", help="with robustness: show this one of its cases"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="the sizes of the targets, which take hours and 20 GB of disk, where those are larger",
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in {*BENCHMARKS, *GROUPS}]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; choose from: {names}")
    if options.case is not None:
        if options.names != ["robustness"]:
            parser.error("--case N is for robustness: python -m benchmarks robustness --case N")
        importlib.import_module(".robustness.campaign", __package__).show(options.case)
        return
    restart_without(KERNEL_VARIABLES)
    if not HAS_TORCH:
        print(WITHOUT_TORCH, flush=True)
    for name in chain(*(GROUPS.get(each, [each]) for each in options.names or BENCHMARKS)):
        print(f"\nMeasuring: {name} …", flush=True)
        module = importlib.import_module(f".{BENCHMARKS[name]}", __package__)
        report = module.measure(**(getattr(module, "FULL", {}) if options.full else {}))
        report.remarks.append(f"Measured {description()}.")
        report.show()
        if not options.no_page:
            page = PAGES.get(name, PAGE)
            write(name, report.markdown(), page)
            for file, png in report.pictures.items():
                write_picture(file, png)
            print(f"Written to {page}", flush=True)


if __name__ == "__main__":
    main()
