"""Checkpoints of trainings: an interrupted fit continues where it was, to the same bits."""

import io
import json
import os
import secrets
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils import check_scalar

import striate
from striate.estimators.training_identity import checksum_of
from striate.estimators.training_record import OtherTrainingError, Recorder, Store
from striate.files.atomic_writing import check_writable, write_file
from striate.files.declared_size import check_declared_size
from striate.files.regular_files import ENDLESS, is_endless
from striate.persistence import skops_io

# Name of the outermost record, and of the part of the archive that describes it.
_FIT = "fit"
_ABOUT = "checkpoint.json"
_FORMAT = "striate checkpoint 1"


class Checkpoint(Recorder):
    """Keep the state of a training in a file, and continue from it after an interruption.

    A callback in scikit-learn's convention, for `MLPClassifier`, `MLPRegressor`,
    `SparseAutoencoder`, `StackedAutoencoder`, `DictionaryEncoder`, `PatchFeatures`,
    `DeepPatchFeatures` and `SelfTaughtClassifier`. `fit` writes the file now and then. Where the
    file already exists, `fit` continues from it: after a crash, run the same script again. The
    result is that of an uninterrupted run, to the last bit; what was finished is returned at once.

    Parameters
    ----------
    path : path
        File to write, usually with the suffix ``.skops``; or a folder that exists, in which each
        fit has a file of its own, named after its parameters and data. A folder suits
        cross-validation and searches, whose fits are many.
    every_n_epochs : int, default=5
        Number of epochs (iterations, for solvers over all rows) between two states.
    resume : bool, default=True
        Whether to continue from a file that exists. If False, the fit begins anew, and replaces the
        file with its own first state.

    See Also
    --------
    striate.persistence.save : Saves a fitted estimator.

    Notes
    -----
    The file holds weights, moments of the optimizer, learning rate, stopping rule, loss curves,
    order of the rows and random numbers: two to four times the memory of the weights, and some
    twenty times for L-BFGS. It is written under a temporary name, flushed to the disk, and then
    renamed, so a whole one is there at any moment. It contains no code (skops, not pickle). Needs
    skops; "lbfgs" needs SciPy 1.15.

    A checkpoint of another training is refused, with a message that says what differs: parameters,
    initial weights, type, shape or checksum of the data, or Striate's version. Only `verbose` and
    `warm_start` may change, and `max_iter` may grow unless the learning rate depends on it. With
    ``random_state=None``, a fit continues with the random numbers of the interrupted one.

    Bits are the same for any number of threads, but not for other processors or other versions of
    the numerical libraries. `partial_fit` writes no checkpoints.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_digits
    >>> from striate import Checkpoint, SparseAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = SparseAutoencoder(9, solver="gd", max_iter=4, tol=0.5, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(f"{folder}/run.skops", every_n_epochs=2)
    ...     first = autoencoder.set_callbacks(checkpoint).fit(X).loss_
    ...     again = autoencoder.fit(X).loss_  # at once, from the file
    >>> first == again
    True
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every_n_epochs: int = 5, resume: bool = True
    ) -> None:
        self.path = os.fspath(path)
        self.every_n_epochs = check_scalar(every_n_epochs, "every_n_epochs", Integral, min_val=1)
        self.resume = resume

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, every_n_epochs={self.every_n_epochs})"

    def store(self, identity: dict[str, str]) -> tuple[Store, str]:
        """Return where the record of a training is kept, and its name there."""
        path, shared = Path(self.path), os.path.isdir(self.path)
        if shared:
            if identity.get("random_state") == "None":
                raise ValueError(
                    f"{self.path}: fits in a folder are told apart by their parameters and data, "
                    "so they need a random_state: set it to a number."
                )
            path /= f"{identity['estimator'].lower()}-{checksum_of(identity)}.skops"
        return _CheckpointFile(path, int(self.every_n_epochs), self.resume, shared), _FIT


class _CheckpointFile(Store):
    """An archive with one record for a fit, and one for each fit inside it.

    `shared` says that fits with the same name are the same, and may write it side by side.
    """

    def __init__(self, path: Path, every_n_epochs: int, resume: bool, shared: bool) -> None:
        self._skops = skops_io()
        check_writable(path)
        self._path, self.every_n_epochs, self._shared = path, every_n_epochs, shared
        self._lock = threading.Lock()
        self._parts: dict[str, bytes] = {}
        self._owner, self._replaces = secrets.token_hex(8), not resume
        if resume and path.exists():
            self._read_all()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a record, or None if there is none."""
        if name not in self._parts:
            return None
        data = self._parts[name]
        try:
            check_declared_size(data, 4 * len(data) + 2**24)
            untrusted = self._skops.get_untrusted_types(data=data)
            record = None if untrusted else self._skops.loads(data, trusted=[])
        except Exception as error:  # damaged bytes raise many kinds: BadZipFile, KeyError, …
            raise self.damaged(str(error) or type(error).__name__) from error
        if not isinstance(record, dict):
            raise self.damaged(f"it holds {', '.join(untrusted) or type(record).__name__}")
        return record

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Keep a record; the one that it replaces is there until this one is complete."""
        data = self._skops.dumps(record)
        with self._lock:
            self._check_owner()
            parts = {**self._parts, name: data}
            about = {"format": _FORMAT, "version": striate.__version__, "owner": self._owner}
            write_file(
                self._path, _archive({_ABOUT: json.dumps(about).encode(), **parts}), durable=True
            )
            self._parts, self._replaces = parts, False

    def refuse(self, reasons: list[str]) -> OtherTrainingError:
        """Return the error that says why a record does not belong to this training."""
        return OtherTrainingError(
            f"{self._path}: not resumed, because it is the checkpoint of another training: "
            f"{'; '.join(reasons)}. Repeat that training as it was; or begin anew with another "
            "name, without the file, or with resume=False. For several fits, as in a search, give "
            "Checkpoint a folder."
        )

    def damaged(self, reason: str) -> ValueError:
        """Return the error that says that a record makes no sense."""
        return ValueError(
            f"{self._path}: truncated, damaged, or not a checkpoint that Striate wrote ({reason}). "
            "Remove it to begin anew."
        )

    def _check_owner(self) -> None:
        """Raise unless the file is still this fit's own: two must not replace each other's."""
        if self._shared or self._replaces or not self._path.exists():
            return
        with self._open() as archive:
            owner = self._owner_of(archive)
        if owner != self._owner:
            raise ValueError(
                f"{self._path}: another fit has begun to write its checkpoint there. Give each fit "
                "a name of its own, or give Checkpoint a folder."
            )

    def _read_all(self) -> None:
        """Read who owns the file, and the records in it."""
        with self._open() as archive:
            self._owner = self._owner_of(archive)
            names = [name for name in archive.namelist() if name != _ABOUT]
            self._parts = {name: archive.read(name) for name in names}

    @contextmanager
    def _open(self) -> Iterator[zipfile.ZipFile]:
        """Open the file, and turn what is wrong with it into one error."""
        if is_endless(self._path):
            raise ValueError(f"{self._path}: {ENDLESS}")
        try:
            with zipfile.ZipFile(self._path) as archive:
                if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                    raise zipfile.BadZipFile("compressed")
                yield archive
        except (OSError, OtherTrainingError):
            raise
        except Exception as error:  # BadZipFile, KeyError, TypeError and others
            raise self.damaged(" ".join(str(error).split())) from error

    def _owner_of(self, archive: zipfile.ZipFile) -> str:
        about = json.loads(archive.read(_ABOUT))
        if (about["format"], about["version"]) != (_FORMAT, striate.__version__):
            raise self.refuse([f"Striate was {about['version']}, and is {striate.__version__}"])
        return str(about["owner"])


def _archive(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
