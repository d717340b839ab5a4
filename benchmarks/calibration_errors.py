"""Whether probabilities hold on new images: the expected calibration error by number of labels.

    python -m benchmarks.calibration_errors FOLDER [FOLDER ...]

The classifier of `striate train` is trained on some labels of each class, drawn ten times, and
predicts all other images; beside it, the same classifier without calibration.
"""

import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from striate.analysis.image_classifier import new_image_classifier
from striate.analysis.reliability import Reliability

from .folder_features import FolderFeatures, folder_features

N_LABELS = (10, 50)


def errors(data: FolderFeatures, n: int, n_draws: int = 10) -> dict[bool, list[float]]:
    """Return claimed and true accuracy and the error, with calibration and without."""
    found: dict[bool, list[list[float]]] = {False: [], True: []}
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        rows = [rng.permutation(np.flatnonzero(data.y == k))[:n] for k in np.unique(data.y)]
        train = np.concatenate(rows)
        test = np.setdiff1d(np.arange(len(data.y)), train)
        for calibrate in found:
            head = new_image_classifier(len(train)).set_params(classifier__calibrate=calibrate)
            p = head.fit(data.X[train], data.y[train]).predict_proba(data.X[test])
            correct = p.argmax(axis=1) == data.y[test]
            error = Reliability.of(p.max(axis=1), correct).error
            found[calibrate].append([p.max(axis=1).mean(), correct.mean(), error])
    return {key: np.mean(each, axis=0).tolist() for key, each in found.items()}


def main(arguments: list[str]) -> None:
    with threadpool_limits(1, user_api="blas"):
        for folder in arguments:
            for encoder in ("autoencoder", "omp1"):
                data = folder_features(Path(folder), encoder)
                for n in N_LABELS:
                    for calibrate, (claimed, correct, error) in errors(data, n).items():
                        print(
                            f"{data.name} {encoder} {n} labels, calibrated {calibrate}: claimed "
                            f"{claimed:.1%}, correct {correct:.1%}, error {error:.1%}",
                            flush=True,
                        )


if __name__ == "__main__":
    main(sys.argv[1:])
