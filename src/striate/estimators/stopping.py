"""What a multilayer perceptron does after each epoch, as scikit-learn's does."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning


def begin_record(mlp):
    """First values of what is recorded over the epochs, as public attributes of the estimator."""
    mlp.n_iter_ = mlp.t_ = 0
    mlp.loss_curve_ = []
    mlp._no_improvement_count = 0
    mlp.best_loss_ = None if mlp.early_stopping else np.inf
    mlp.validation_scores_ = [] if mlp.early_stopping else None
    mlp.best_validation_score_ = -np.inf if mlp.early_stopping else None


class AfterEpoch:
    """Records an epoch, and adapts the learning rate or ends the training at a plateau.

    Parameters
    ----------
    mlp : MultilayerPerceptron
        Whose public attributes are the record.
    batches : Minibatch
        What is trained.
    validation : tuple or None
        Rows held out for early stopping: X, y, sample_weight.
    progress : Progress
    incremental : bool
        Whether this is `partial_fit`, which ends after one epoch.
    """

    def __init__(self, mlp, batches, validation, progress, incremental):
        self.mlp, self.batches, self.validation = mlp, batches, validation
        self.progress, self.incremental = progress, incremental
        self.best_theta = batches.theta.copy()

    def __call__(self, terms):
        """True if it was the last epoch."""
        mlp, batches = self.mlp, self.batches
        mlp.n_iter_ += 1
        mlp.t_ += batches.n_rows
        mlp.loss_ = mlp._reported(terms)
        stop = self.progress(batches.theta, mlp.loss_)
        if self.validation is None:
            mlp._check_finite_loss()
            self._compare_loss()
        else:
            self._compare_score()
        if mlp.solver == "sgd" and mlp.learning_rate == "invscaling":
            batches.learning_rate = mlp.learning_rate_init / (mlp.t_ + 1) ** mlp.power_t
        if mlp._no_improvement_count > mlp.n_iter_no_change:
            stop |= self._at_plateau()
        if not stop and not self.incremental and mlp.n_iter_ == mlp.max_iter:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return stop or self.incremental

    def _compare_loss(self):
        mlp = self.mlp
        improved = mlp.loss_ <= mlp.best_loss_ - mlp.tol
        mlp._no_improvement_count = 0 if improved else mlp._no_improvement_count + 1
        mlp.best_loss_ = min(mlp.best_loss_, mlp.loss_)

    def _compare_score(self):
        mlp = self.mlp
        score = mlp._validation_score(*self.validation)
        mlp.validation_scores_.append(score)
        if mlp.verbose:
            print(f"Validation score: {score:f}")
        worse = score < mlp.best_validation_score_ + mlp.tol
        mlp._no_improvement_count = mlp._no_improvement_count + 1 if worse else 0
        if score > mlp.best_validation_score_:
            mlp.best_validation_score_ = score
            self.best_theta = self.batches.theta.copy()

    def _at_plateau(self):
        """Lowers an adaptive learning rate, or tells to stop: then it is true."""
        mlp, batches = self.mlp, self.batches
        what = "Training loss" if self.validation is None else "Validation score"
        message = (
            f"{what} did not improve more than tol={mlp.tol:f} for {mlp.n_iter_no_change} "
            "consecutive epochs."
        )
        adaptive = mlp.solver == "sgd" and mlp.learning_rate == "adaptive"
        stop = not adaptive or batches.learning_rate <= 1e-6
        if stop:
            message += " Learning rate too small. Stopping." if adaptive else " Stopping."
        else:
            batches.learning_rate /= 5
            mlp._no_improvement_count = 0
            message += f" Setting learning rate to {batches.learning_rate:f}"
        if mlp.verbose:
            print(message)
        return stop
