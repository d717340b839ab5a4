"""Labelling of one folder: labels, what is asked next, and the thread that learns meanwhile."""

import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .label_book import BY_CLUSTER, CONFIRMED, NOT_SURE, LabelBook
from .label_clusters import similar_images
from .label_gain import expected_accuracy
from .label_learning import Knowledge, learn
from .label_order import next_images, similarity_space

# Images that the page knows in advance, so that it can load their pictures.
_AHEAD = 8
# Images that are chosen at a time.
_BATCH = 24
# Share of new labels from which on the classifier is trained again.
_NEW_SHARE = 0.05
_MOST_LETTERS = 100
# Pictures of a cluster on the map.
_SHOWN = 12


class LabelSession:
    """Labelling of one folder.

    All methods may be called from any thread. Training never keeps them waiting.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    files : list of Path
        The images.
    book : LabelBook
        Their labels.
    X : ndarray of shape (n_images, n_features)
        Their features.
    classes : sequence of str
        Classes to begin with; those of the labels are added.
    on_error : callable
        Called with the error if training fails.
    """

    def __init__(
        self,
        folder: Path,
        files: list[Path],
        book: LabelBook,
        X: NDArray[Any],
        classes: Sequence[str] = (),
        on_error: Callable[[Exception], None] = print,
    ) -> None:
        self.folder, self.files, self.book, self.X = folder, files, book, X
        used = dict.fromkeys(label for label in book.labels if label)
        self.classes = list(dict.fromkeys([*map(checked_class, classes), *used]))
        self.knowledge: Knowledge | None = None
        self.curve: list[tuple[int, float]] = []
        self._on_error = on_error
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._skipped: dict[int, None] = {}
        self._history: list[int | None] = []  # images that were skipped; None for a label
        self._queue: list[int] = []
        self._spare = np.random.default_rng(0).permutation(len(files)).tolist()
        self._learned_from: list[str] = []
        self._clusters: list[list[int]] = []
        self._closed = False
        self._is_learning = False
        self._thread = threading.Thread(target=self._learn_until_closed, daemon=True)

    def start(self) -> None:
        """Start learning in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop learning after what is being learned now."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # --- what the page does ---------------------------------------------------------------------

    def label(self, index: int, label: str, *, again: bool = False) -> None:
        """Label an image; `again` if it had a label that the classifier disputes.

        Raises
        ------
        ValueError
            If there is no such image or class.
        OSError
            If the table of labels cannot be written.
        """
        with self._changed:
            self._check(index)
            if label not in self.classes:
                raise ValueError(f"there is no class {label!r}; add it first")
            self.book.set(index, label, CONFIRMED if again else "")
            self._history.append(None)
            self._changed.notify_all()

    def label_cluster(self, cluster: int, label: str) -> None:
        """Label all images of a cluster that have no label, and that are not "not sure".

        Raises
        ------
        ValueError, OSError
            As `label`; also if all of them have a label.
        """
        with self._changed:
            if not 0 <= cluster < len(self._clusters):
                raise ValueError(f"there is no cluster {cluster}")
            if label not in self.classes:
                raise ValueError(f"there is no class {label!r}; add it first")
            images = self._without_label(self._clusters[cluster], self.book.labels)
            if not images:
                raise ValueError("all images of this cluster have a label")
            self.book.set_all(images, label, BY_CLUSTER)
            self._history.append(None)
            self._changed.notify_all()

    def not_sure(self, index: int) -> None:
        """Note that nobody can tell the class of an image; it is not asked again.

        Raises
        ------
        ValueError, OSError
            As `label`.
        """
        with self._changed:
            self._check(index)
            self.book.set(index, "", NOT_SURE)
            self._history.append(None)
            self._changed.notify_all()

    def skip(self, index: int) -> None:
        """Ask about an image again only after all others."""
        with self._lock:
            self._check(index)
            self._skipped[index] = None
            self._history.append(index)

    def undo(self) -> int | None:
        """Take back the last label or skip; return its image, or None if there is none.

        Raises
        ------
        ValueError, OSError
            As `label`.
        """
        with self._changed:
            if not self._history:
                return None
            index = self._history[-1]
            if index is None:
                index = self.book.undo()
            else:
                self._skipped.pop(index, None)
            self._history.pop()
            self._changed.notify_all()
            return index

    def add_class(self, name: str) -> None:
        """Add a class.

        Raises
        ------
        ValueError
            If it is no name.
        """
        with self._lock:
            name = checked_class(name)
            if name not in self.classes:
                self.classes.append(name)

    def state(self, *, again: bool = False, first: int | None = None) -> dict[str, Any]:
        """Return what the page shows.

        Parameters
        ----------
        again : bool, default=False
            Whether to show labels that the classifier disputes, instead of new images.
        first : int or None, default=None
            Image to show first.
        """
        with self._lock:
            labels = self.book.labels
            disputed = self._disputed(labels)
            ahead = disputed[:_AHEAD] if again else self._ahead(labels)
            if first is not None:
                ahead = [first, *(i for i in ahead if i != first)]
            known, expected = self.knowledge, expected_accuracy(self.curve)
            return {
                "classes": [{"name": name, "count": labels.count(name)} for name in self.classes],
                "n_images": len(labels),
                "n_labels": sum(map(bool, labels)),
                "n_not_sure": sum(self.book.note(i) == NOT_SURE for i in range(len(labels))),
                "n_disputed": len(disputed),
                "queue": [self._item(i, labels[i]) for i in ahead],
                "accuracy": None if known is None else known.accuracy,
                "n_learned": 0 if known is None else known.n_labels,
                "confusion": None
                if known is None or known.confusion is None
                else known.confusion._asdict(),
                "curve": self.curve,
                "expected": None if expected is None else expected._asdict(),
                "is_learning": self._is_learning,
            }

    def map(self) -> dict[str, Any]:
        """Return the clusters of similar images that the page shows; none until they are found."""
        with self._lock:
            labels = self.book.labels
            return {
                "clusters": [self._cluster_item(rows, labels) for rows in self._clusters],
                "classes": [{"name": name, "count": labels.count(name)} for name in self.classes],
            }

    # --- the order ------------------------------------------------------------------------------

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.files):
            raise ValueError(f"there is no image {index}")

    def _is_open(self, index: int, labels: list[str]) -> bool:
        return (
            not labels[index] and index not in self._skipped and self.book.note(index) != NOT_SURE
        )

    def _without_label(self, rows: list[int], labels: list[str]) -> list[int]:
        return [i for i in rows if not labels[i] and self.book.note(i) != NOT_SURE]

    def _cluster_item(self, rows: list[int], labels: list[str]) -> dict[str, Any]:
        counts = Counter(labels[i] for i in rows if labels[i])
        item: dict[str, Any] = {
            "images": rows[:_SHOWN],
            "n_images": len(rows),
            "n_open": len(self._without_label(rows, labels)),
            "labels": [{"name": name, "count": n} for name, n in counts.most_common()],
        }
        if self.knowledge is not None:
            p = self.knowledge.probabilities[rows].mean(axis=0)
            item |= {"guess": self.knowledge.classes[p.argmax()], "probability": float(p.max())}
        return item

    def _ahead(self, labels: list[str]) -> list[int]:
        """Return the next images: chosen ones, then others, then skipped ones."""
        found: dict[int, None] = {}
        for index in (*self._queue, *self._spare):
            if self._is_open(index, labels):
                found[index] = None
                if len(found) == _AHEAD:
                    return list(found)
        again = [i for i in self._skipped if not labels[i] and self.book.note(i) != NOT_SURE]
        return [*found, *again][:_AHEAD]

    def _disputed(self, labels: list[str]) -> list[int]:
        """Return the images whose label is disputed, and was not changed or confirmed since."""
        known = self.knowledge
        if known is None:
            return []
        return [
            i
            for i in known.disputed
            if labels[i] == self._learned_from[i] and self.book.note(i) != CONFIRMED
        ]

    def _item(self, index: int, label: str) -> dict[str, Any]:
        item: dict[str, Any] = {"index": index, "name": self.book.names[index], "label": label}
        if self.knowledge is not None:
            p = self.knowledge.probabilities[index]
            item |= {"guess": self.knowledge.classes[p.argmax()], "probability": float(p.max())}
        return item

    # --- learning -------------------------------------------------------------------------------

    def _learn_until_closed(self) -> None:
        try:
            space = similarity_space(self.X)
            clusters = [rows.tolist() for rows in similar_images(space)]
            with self._lock:
                self._clusters = clusters
            while True:
                with self._changed:
                    while not (self._closed or self._has_news()):
                        self._changed.wait()
                    if self._closed:
                        return
                    labels, self._is_learning = self.book.labels, True
                self._learn(labels, space)
        except Exception as error:  # the thread must not end in silence
            with self._lock:
                self._is_learning = False
            self._on_error(error)

    def _has_news(self) -> bool:
        labels = self.book.labels
        if not self._learned_from:
            return True
        n_new = sum(a != b for a, b in zip(labels, self._learned_from, strict=True))
        used_up = not any(self._is_open(i, labels) for i in self._queue)
        return n_new >= max(3, _NEW_SHARE * sum(map(bool, labels))) or (used_up and n_new > 0)

    def _learn(self, labels: list[str], space: NDArray[Any]) -> None:
        knowledge = learn(self.X, labels)
        with self._lock:
            is_open = [self._is_open(i, labels) for i in range(len(labels))]
        probabilities = None if knowledge is None else knowledge.probabilities
        n_labels = sum(map(bool, labels))
        chosen = next_images(
            space, probabilities, np.flatnonzero(~np.array(is_open)), _BATCH, n_labels=n_labels
        )
        with self._lock:
            self._learned_from, self._queue = labels, chosen.tolist()
            self._is_learning = False
            self.knowledge = knowledge
            if knowledge is not None and knowledge.accuracy is not None:
                self.curve.append((knowledge.n_labels, knowledge.accuracy))


def checked_class(name: str) -> str:
    """Return the name of a class without spaces around it.

    Raises
    ------
    ValueError
        If it is empty, too long, or has characters that cannot be seen.
    """
    name = name.strip()
    if not name or len(name) > _MOST_LETTERS:
        raise ValueError(f"the name of a class has 1 to {_MOST_LETTERS} letters, not {len(name)}")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise ValueError("the name of a class must not have control characters")
    return name
