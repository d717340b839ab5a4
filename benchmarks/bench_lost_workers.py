"""Workers that are killed at random moments: bits, files, and lines in the log."""

from .limited_process import StalledError, result_of
from .result_tables import Report, ValueTargets

NAMES = {
    "lbfgs": "L-BFGS, 784-100-10",
    "linear": "LinearClassifier",
    "features": "features of image files",
}


def measure(kills=10, seconds=100, works=tuple(NAMES)):
    """Kill one of two workers some times, or as often as some seconds allow."""
    table = ValueTargets()
    report = Report("Workers killed with SIGKILL", [table], [])
    for work in works:
        try:
            options = ("--kills", kills, "--seconds", seconds)
            found = result_of("lost_workers", work, *options, seconds=3 * seconds, n_threads=1)
        except StalledError as error:
            report.remarks.append(f"{NAMES[work]}: {error}.")
            continue
        what = f"{NAMES[work]}, a worker killed {found['killed']} times"
        table.at_least(f"{what}: same bits (1 for yes)", int(found["same"]), 1, "{:.0f}")
        table.at_most(f"{what}: files that are left", len(found["left"]), 0, "{:.0f}")
        lines = len(found["lines"])
        table.at_most(f"{what}: lines of Striate in the log", lines, found["killed"], "{:.0f}")
    return report
