"""Describe the machine that is measured, and limit the number of threads."""

import contextlib
import datetime
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

#: Variables that make OpenBLAS use the kernel of a different processor, which may halve its speed.
KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
#: Variables by which users limit the number of threads: reported, not changed.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "torch",
    "kymatio",
    "pyod",
    "lightgbm",
    "catboost",
    "pytabkit",
)

HAS_TORCH = importlib.util.find_spec("torch") is not None
WITHOUT_TORCH = "PyTorch is not installed, its rows are omitted (pip install torch, the CPU build)"


def restart_without(variables, module="benchmarks"):
    """Restart this command if one of the variables is set: BLAS reads them when it is loaded."""
    if any(name in os.environ for name in variables):
        env = {name: value for name, value in os.environ.items() if name not in variables}
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=env, check=False).returncode)


def description():
    """Return one line with date, machine and versions."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = [f"Python {platform.python_version()}", *map(_version, PACKAGES)]
    set_from_outside = [
        f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ
    ]
    parts = [
        now,
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        ", ".join(filter(None, versions)),
        _blas(),
        ", ".join(set_from_outside) or "no thread limit set",
    ]
    return "; ".join(parts)


def _version(package):
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor():
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        facts = dict(part.split(":", 1) for part in lines if ":" in part)
        facts = {name.strip(): value.strip() for name, value in facts.items()}
        if "model name" in facts:
            family = f"family {facts.get('cpu family', '?')}, model {facts.get('model', '?')}"
            return f"{facts['model name']} ({family})"
    return platform.processor() or "unknown processor"


def _blas():
    """Describe NumPy's and SciPy's BLAS and their kernels; raise if a variable sets the kernel."""
    from threadpoolctl import threadpool_info

    if any(name in os.environ for name in KERNEL_VARIABLES):
        raise RuntimeError(f"unset {' and '.join(KERNEL_VARIABLES)} for a benchmark")
    found = {
        f"{info['internal_api']} {info['version']} ({info.get('architecture', '?')} kernel)"
        for info in threadpool_info()
        if info["user_api"] == "blas"
    }
    return ", ".join(sorted(found))


@contextlib.contextmanager
def threads(n):
    """Limit BLAS, Striate (which uses as many threads as BLAS) and PyTorch to n threads."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with threadpool_limits(n, user_api="blas"):
        if torch:
            torch.set_num_threads(n)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
