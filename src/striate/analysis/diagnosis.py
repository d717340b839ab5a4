"""The result of `diagnose`: findings as text, as HTML and as a picture."""

import html
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.estimators.column_faults import ColumnScales
from striate.estimators.finding import Finding

from .findings_text import findings_table
from .html_templates import environment
from .layer_activity import LayerActivity


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What is wrong with the training of a network, most serious first.

    The result of `diagnose`. Printing it shows a table, as does a notebook; iterating yields each
    `Finding`, and ``len(diagnosis)`` is their number: 0 if nothing was found.

    Attributes
    ----------
    findings : tuple of Finding
        What is wrong.
    not_checked : tuple of str
        What could not be checked, and why.
    estimator_name : str
        Class of the network.
    n_samples : int
        Number of rows of X.
    n_checked : int
        Number of rows that were looked at.
    loss_curve, validation_loss_curve : ndarray
        Loss after each step; empty if the estimator has none.
    step : {"epoch", "iteration"}
        Step after which the loss was recorded.
    scales : ColumnScales
        `mean`, `std`, `size` and `n_nonzero` of the columns that the network sees, each of
        shape (n_features,); `size` is the root mean square of the entries that are not 0.
    activities : tuple of LayerActivity
        For each hidden layer: name of the `activation`, and which units are `dead` or `saturated`;
        empty if there were too few rows.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns that the network sees, if it was fitted with any.
    """

    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    estimator_name: str
    n_samples: int
    n_checked: int
    loss_curve: NDArray[np.float64]
    validation_loss_curve: NDArray[np.float64]
    step: str
    scales: ColumnScales
    activities: tuple[LayerActivity, ...] = ()
    feature_names: NDArray[Any] | None = None

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def table(self) -> dict[str, list[str]]:
        """Return one row for each finding, as named columns for ``pandas.DataFrame``.

        Returns
        -------
        dict of str to list of str
            severity, subject, evidence, advice.
        """
        names = ("severity", "subject", "evidence", "advice")
        return {name: [getattr(each, name) for each in self] for name in names}

    def plot(self, **options: Any) -> Any:
        """Draw the loss curve, the scales of the columns and the activity of the units.

        Parameters
        ----------
        **options
            Parameters of `DiagnosisDisplay.plot`.

        Returns
        -------
        DiagnosisDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        # By name, as `striate` finds its public names: measuring does not depend on drawing.
        display = importlib.import_module("striate.display.diagnosis_display")
        return display.DiagnosisDisplay(self).plot(**options)

    @property
    def _heading(self) -> str:
        n = len(self.findings)
        count = "nothing found" if n == 0 else "1 finding" if n == 1 else f"{n} findings"
        rows = f"{self.n_samples:,} rows"
        if self.n_checked < self.n_samples:
            rows = f"{self.n_checked:,} of {rows}"
        return f"{self.estimator_name}, {rows}, {len(self.scales.std):,} columns: {count}"

    def __str__(self) -> str:
        lines = [self._heading]
        if self.findings:
            lines += ["", *findings_table(self.findings)]
        if self.not_checked:
            lines += ["", f"Not checked: {'; '.join(self.not_checked)}."]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        try:
            template = environment("striate.analysis").get_template("diagnosis.html")
        except ModuleNotFoundError:
            return f"<pre>{html.escape(str(self))}</pre>"
        return template.render(
            heading=self._heading, findings=self.findings, not_checked=self.not_checked
        )
