"""The order of the files, which two processes share: as little as possible is compiled twice.

A process takes the next whole file when it has done one. What takes long comes first, so that both
end together.
"""

from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
#: Files that compile much, or take long. Those that stand next to each other compile different
#: code, and later ones find on disk what they need.
FIRST = [
    "core/test_objective.py",
    "tables/test_tabular.py",
    "images/test_dictionary_encoder.py",
    "images/test_transform_maps.py",
    "solvers/test_minibatch.py",
    "core/test_masked_objective.py",
    "solvers/test_masked_minibatch.py",
    "estimators/test_sparse_autoencoder.py",
    "estimators/test_mlp.py",
    "test_checkpoint.py",
    "test_persistence.py",
    "estimators/test_connectivity.py",
    "export/test_same_outputs.py",
    "solvers/test_steps.py",
    "estimators/test_stored_rows.py",
    "estimators/test_input_forms.py",
    "test_demo.py",
    "native/test_compile.py",
]


def place_of(items):
    """Return the key by which to sort tests: `FIRST`, then files of many tests, then of few."""
    places = {HERE / name: at for at, name in enumerate(FIRST)}
    n_tests = Counter(item.path for item in items)
    return lambda item: (places.get(item.path, len(FIRST)), -n_tests[item.path])
