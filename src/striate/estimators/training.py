"""The training routine of all networks: from a problem, a solver and progress to a result."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.gradient_descent import gradient_descent
from striate.solvers.lbfgs import lbfgs
from striate.solvers.minibatch import SMALL_BATCH, Minibatch, Steps
from striate.solvers.result import Result, Status, diverged
from striate.solvers.saved_state import Changing, RandomNumbers, RowOrder
from striate.solvers.schedules import Schedule

from .all_or_nothing import is_part_of_a_fit
from .progress import Progress
from .restarts import Training, run_all
from .stopping import Decision, StoppingRule

#: Multiplications in J and ∇J below which a second thread does not pay off.
SMALL_OBJECTIVE = 5_000_000
#: Solvers that take steps over minibatches: they can continue with some rows at a time.
MINIBATCH_SOLVERS = ("sgd", "adam")

Theta = npt.NDArray[Any]


class Solver(ABC):
    """The settings of a solver, and how it minimizes a problem."""

    #: What a warning says if the solver ends at its limit: {n} iterations, {message}.
    limit_warning: str

    def is_small(self, problem: Problem) -> bool:
        """Return whether a second thread does not pay off."""
        return _is_small(problem.network, problem.n_rows)

    @abstractmethod
    def minimize(self, problem: Problem, theta: Theta, run: Any, progress: Progress) -> Result:
        """Minimize J from θ on; the value of the result is the loss that `progress` reports."""


class FullBatch(Solver):
    """A solver that asks for J and ∇J over all rows."""

    def minimize(self, problem: Problem, theta: Theta, run: Any, progress: Progress) -> Result:
        """Minimize J from θ on."""
        objective = Objective(problem, run)
        result = self.solve(
            objective,
            theta,
            l1=(problem.l1_weight, problem.network.n_weights),
            callback=lambda theta, _: progress(theta, progress.loss(objective.terms)),
            keeper=progress,
        )
        if result.status is Status.INTERRUPTED:  # whoever waits shall not wait for another J
            return result._replace(value=progress.losses[-1] if progress.losses else np.nan)
        objective(result.theta)
        return result._replace(value=progress.loss(objective.terms))

    @abstractmethod
    def solve(self, objective: Objective, theta: Theta, **common: Any) -> Result:
        """Call the solver's function."""


@dataclass(frozen=True)
class LBFGS(FullBatch):
    """L-BFGS: see `striate.solvers.lbfgs`."""

    max_iter: int
    ftol: float
    gtol: float = 0.0
    max_fun: int | None = None

    limit_warning = (
        "lbfgs failed to converge after {n} iteration(s): {message}. "
        "Increase it, or scale the data."
    )

    def solve(self, objective: Objective, theta: Theta, **common: Any) -> Result:
        """Call the solver's function."""
        return lbfgs(
            objective,
            theta,
            max_iter=self.max_iter,
            ftol=self.ftol,
            gtol=self.gtol,
            max_fun=self.max_fun,
            **common,
        )


@dataclass(frozen=True)
class GradientDescent(FullBatch):
    """Gradient descent over all rows: see `striate.solvers.gradient_descent`."""

    learning_rate: float
    max_iter: int
    tol: float

    limit_warning = (
        "gd failed to converge after {n} iteration(s): {message}. Increase max_iter or the "
        "learning rate, or scale the data."
    )

    def solve(self, objective: Objective, theta: Theta, **common: Any) -> Result:
        """Call the solver's function."""
        return gradient_descent(
            objective,
            theta,
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            tol=self.tol,
            **common,
        )


@dataclass(frozen=True)
class Epochs(Solver):
    """Epochs over minibatches: see `striate.solvers.minibatch`.

    Attributes
    ----------
    rule : SGD, Momentum, Nesterov or Adam
    batch_size, max_iter : int
    schedule : Schedule
        Learning rate of each step.
    steps : Steps, default=Steps()
        What belongs to the steps of every rule: decay, clipping, averaging.
    one_thread : bool, default=False
        Whether other trainings run beside this one: see `Minibatch`.
    factors : ndarray of shape (n_groups,), default=None
        By what the learning rate of each group of parameters is multiplied.
    stopping : StoppingRule
    random_state : RandomState
        Shuffles the rows before each epoch, if `shuffle`.
    rows : ndarray of int, default=None
        Indices of the rows of the problem to train on; by default all.
    n_rows_seen : int, default=0
        Rows of earlier epochs, for the schedule.
    state : dict
        What an earlier `Epochs` remembered, to continue from there if it had the same update rule
        and the same number of parameters.
    """

    rule: Any
    batch_size: int
    max_iter: int
    schedule: Schedule
    stopping: StoppingRule
    random_state: np.random.RandomState
    shuffle: bool = True
    rows: npt.NDArray[np.intp] | None = None
    n_rows_seen: int = 0
    steps: Steps = field(default_factory=Steps)
    one_thread: bool = False
    factors: npt.NDArray[Any] | None = None
    state: dict[str, Any] = field(default_factory=dict)

    limit_warning = (
        "Stochastic Optimizer: Maximum iterations ({n}) reached and the optimization hasn't "
        "converged yet. Increase max_iter, or tol."
    )

    def is_small(self, problem: Problem) -> bool:
        """Return whether a second thread does not pay off."""
        return min(self.batch_size, problem.n_rows) * problem.network.n_weights < SMALL_BATCH

    @property
    def validation_score(self) -> float | None:
        """The score of the validation rows with the weights that are kept, if there are any."""
        validation = self.stopping.validation
        return None if validation is None else validation.score_of_kept

    def minimize(self, problem: Problem, theta: Theta, run: Any, progress: Progress) -> Result:
        """Minimize J from θ on, which is updated in place."""
        batches = Minibatch(
            problem,
            run,
            theta,
            batch_size=self.batch_size,
            rule=self.rule,
            steps=self.steps,
            one_thread=self.one_thread,
        )
        if batches.resume(self.state):
            self.schedule.rate = self.state["rate"]
        by_blocks = problem.blocks is not None  # whose order is drawn when they are read
        order = RowOrder(
            np.arange(0 if by_blocks else problem.n_rows) if self.rows is None else self.rows
        )
        n_rows = problem.n_rows if by_blocks else len(order.rows)
        changing: dict[str, Changing] = {
            "batches": batches,
            "order": order,
            "random_state": RandomNumbers(self.random_state),
            "schedule": self.schedule,
            "stopping": self.stopping,
        }
        validation = self.stopping.validation
        if validation is not None:
            changing["validation"] = validation
        result = progress.resume(Result(theta, np.nan, 0, Status.LIMIT), changing)
        result = result._replace(theta=batches.solution)
        try:
            while result.status is Status.LIMIT and result.n_iter < self.max_iter:
                rates = self.schedule.rates(result.n_iter, batches.n_batches(n_rows))
                terms = self._epoch(batches, order, self._by_group(rates), problem)
                loss, n_iter = progress.loss(terms), result.n_iter + 1
                result = Result(batches.solution, loss, n_iter, Status.LIMIT)
                result = self._after_epoch(result, n_rows, progress)
                progress.keep(result, changing)
        except KeyboardInterrupt:
            result = result._replace(status=Status.INTERRUPTED)
        if result.status is Status.LIMIT and self.schedule.has_end:
            result = result._replace(status=Status.CONVERGED)
        kept = self.stopping.best_of(result.theta)
        if result.status is Status.STOPPED and result.message:
            # Rows that made the training diverge are perhaps not among those of the best score.
            with np.errstate(all="ignore"):
                is_finite = np.isfinite(Objective(problem, run)(kept)[0])
            result = result if is_finite else result._replace(status=Status.DIVERGED)
        progress.finish(result, changing)
        state = {**batches.state, "rate": self.schedule.rate}
        return result._replace(theta=kept, state=state)

    def _epoch(
        self, batches: Minibatch, order: RowOrder, rates: Any, problem: Problem
    ) -> dict[str, float]:
        """Take the steps of an epoch, over the rows in a new order."""
        if problem.blocks is not None:
            seed = self.random_state.randint(2**31 - 1) if self.shuffle else None
            return batches.epoch_of_blocks(seed, rates)
        if self.shuffle:
            self.random_state.shuffle(order.rows)
        return batches.epoch(order.rows, rates)

    def _by_group(self, rates: Any) -> Any:
        """Return the rates of each group of parameters."""
        return rates if self.factors is None else rates * self.factors

    def _after_epoch(self, result: Result, n_rows: int, progress: Progress) -> Result:
        """Report an epoch, and decide whether it is the last."""
        theta, value, n_iter = result.theta, result.value, result.n_iter
        asked_to_stop, rate = progress(theta, value), self.schedule.rate
        decision = self.stopping(theta, value)
        if decision is Decision.DIVERGED:
            remedy = f"Lower learning_rate (now {rate:g}) or scale the data."
            result = diverged(theta, value, n_iter, remedy)
            return result._replace(status=Status.STOPPED) if self.stopping.has_best else result
        self.schedule.after_epoch(self.n_rows_seen + n_iter * n_rows)
        if decision is Decision.PLATEAU and self._stops_at_plateau(progress):
            result = result._replace(status=Status.STOPPED)
        return result._replace(status=Status.CALLBACK) if asked_to_stop else result

    def _stops_at_plateau(self, progress: Progress) -> bool:
        """Lower the learning rate, or return true if it cannot be lowered."""
        rule, lowered = self.stopping, self.schedule.at_plateau()
        if lowered is not None:
            rule.n_no_improvement = 0
        progress.say(
            f"{rule.watched} did not improve more than tol={rule.tol:f} for {rule.patience} "
            f"consecutive epochs. {lowered or self.schedule.last_message}"
        )
        return lowered is None


def train(
    problem: Problem,
    trainings: Sequence[Training],
    *,
    to_convergence: bool = True,
    finish: Callable[[Result, Any], Result] = lambda result, run: result,
) -> Training:
    """Minimize J from several θ on, and return the best training; warn if it ended early.

    Parameters
    ----------
    problem : Problem
    trainings : sequence of Training
        Their θ, solvers and progress; minibatch solvers update θ in place. Small ones run side by
        side, if there are several.
    to_convergence : bool, default=True
        Whether to warn if the limit of iterations was reached; `partial_fit` does not.
    finish : callable, default=None
        Takes the result of a training and a team of threads, and returns the final result.

    Returns
    -------
    Training
        If the status of its result is DIVERGED, the estimator raises an error.

    Warns
    -----
    ConvergenceWarning
        If the limit of iterations was reached, or if training diverged after an epoch whose
        weights are kept.
    UserWarning
        If the training was interrupted (Ctrl-C): the result is what was reached.

    Raises
    ------
    KeyboardInterrupt
        If the training was interrupted before the end of the first iteration, so that there is
        nothing to keep, or as a step of another estimator's fit, which would go on otherwise.
    """
    side_by_side = len(trainings) > 1 and trainings[0].solver.is_small(problem)

    def run_one(training: Training) -> Result:
        with team(1) if side_by_side else team_for(problem.network, problem.n_rows) as run:
            solver, progress = training.solver, training.progress
            return finish(solver.minimize(problem, training.theta, run, progress), run)

    best = run_all(run_one, trainings, in_threads=side_by_side)
    result, solver = best.result, best.solver
    if result.status is Status.INTERRUPTED and (result.n_iter == 0 or is_part_of_a_fit()):
        raise KeyboardInterrupt
    caller = 7 if to_convergence else 6  # of `fit`, which has one wrapper more than `partial_fit`
    if result.status is Status.LIMIT and to_convergence:
        message = solver.limit_warning.format(n=result.n_iter, message=result.message)
        warnings.warn(message, ConvergenceWarning, stacklevel=caller)
    if result.status is Status.STOPPED and result.message:
        message = f"{result.message} The weights with the best validation score are kept."
        warnings.warn(message, ConvergenceWarning, stacklevel=caller)
    if result.status is Status.INTERRUPTED:
        warnings.warn("Training interrupted by user.", stacklevel=caller)
    return best


def takes_minibatches(estimator: Any) -> bool:
    """Return whether `partial_fit` is available; raise an AttributeError that says why not."""
    if estimator.solver not in MINIBATCH_SOLVERS:
        raise AttributeError(
            f"partial_fit needs a solver of minibatches, 'sgd' or 'adam', not {estimator.solver!r}"
        )
    return True


def team_for(network: Network, n_rows: int) -> Any:
    """Return a team of threads for J on n_rows rows: one thread if the work is small."""
    return team(1 if _is_small(network, n_rows) else None)


def _is_small(network: Network, n_rows: int) -> bool:
    return n_rows * network.n_weights < SMALL_OBJECTIVE
