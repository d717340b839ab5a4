"""Measure the compilation time of the demo: run in a new process with an empty cache."""

import contextlib
import io
import json
import tempfile
import time


def demo():
    """Run the demo on minimal data: which functions are compiled does not depend on its size."""
    from striate.demo.demo_settings import Settings
    from striate.demo.run_demo import run

    settings = Settings(
        n_features=4, n_patches=200, max_iter=2, n_labels=(5,), n_splits=2, n_windows=1
    )
    with tempfile.TemporaryDirectory() as folder:
        silent = contextlib.redirect_stdout(io.StringIO())
        with silent, contextlib.redirect_stderr(io.StringIO()):
            run(folder, settings)


def main():
    start = time.perf_counter()
    from numba.core import event

    compiled: list[float] = []
    with event.install_timer("numba:compile", compiled.append):
        demo()
    print(json.dumps({"compiling": sum(compiled), "in all": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
