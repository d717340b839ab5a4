"""Self-taught learning: features from all rows, a classifier from the labelled ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .feature_classifier import FeatureClassifier
from .fitted_attributes import Attribute, Instance, Labels, Whole
from .missing_labels import labeled_scorer, training_labels
from .row_indexing import join_rows, select_rows
from .self_training import SHARES, check_takes_weights, most_certain
from .sklearn_private import (
    HasMethods,
    Interval,
    check_method_params,
    fit_context,
    num_samples,
    routing_enabled,
)
from .training_record import record_of


class SelfTaughtClassifier(CallbackSupportMixin, MetaEstimatorMixin, FeatureClassifier):
    """Features learned from all rows, labelled or not, and a classifier from the labelled ones.

    The label -1 marks a row without a label, as in scikit-learn's semi-supervised learning.
    Unlabelled rows may belong to other classes than the labelled ones: features are learned
    without labels, and only need to be useful for both.

    Parameters
    ----------
    features : transformer
        Learns the features, for example `SparseAutoencoder`, `PatchFeatures`, scikit-learn's
        `PCA`, or a pipeline. It is cloned, and fitted without labels, unless it is fitted already
        and wrapped in scikit-learn's `FrozenEstimator`.
    classifier : classifier
        Classifier for the features. It is cloned, and fitted on the labelled rows.
    pseudo_label_weight : float, default=0.0
        If above 0, the classifier also learns from its own predictions of the unlabelled rows, with
        this weight beside 1 for labels (self-training). In four rounds, it is trained anew on the
        labelled rows and on the 20, 40, 60 and 80% of the others that it is surest of, equally many
        for each class. Unlabelled rows should then be of the same classes, about equally frequent.
        Helps most with few labels; 0.2 is a good value.

    Attributes
    ----------
    features_ : transformer
        Fitted transformer.
    classifier_ : classifier
        Fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    n_labeled_, n_unlabeled_ : int
        Number of training rows with and without a label.
    n_features_in_ : int
        Number of features seen during `fit`, if `features_` has it.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had any and `features_` has them.

    See Also
    --------
    labeled_scorer : Any scorer, on the labelled rows only.
    PatchFeatures : Features of images.
    KernelClassifier : A classifier for few labels, and for self-training.

    Notes
    -----
    X may be anything that `features` accepts: with `PatchFeatures`, images of any size or paths.

    `score` counts only labelled rows, so y may contain -1 in a grid search. Its folds should be
    stratified, which is scikit-learn's default for classifiers: -1 counts as one more class, and
    every fold has the same share of each label. For text labels with -1, pass the folds,
    ``cv=KFold(5, shuffle=True)``, or encode the labels with `pandas.factorize`, which gives -1 to
    missing ones. If the training part of a fold has labels of only one class, or its test part has
    no labels, the score of the fold is NaN, with a warning that gives the reason.

    References
    ----------
    .. [1] R. Raina, A. Battle, H. Lee, B. Packer and A. Y. Ng, "Self-taught learning: transfer
       learning from unlabeled data", ICML (2007).
    .. [2] Stanford UFLDL tutorial, "Self-taught learning".

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from striate import SelfTaughtClassifier, SparseAutoencoder
    >>> X, y = load_digits(return_X_y=True)
    >>> X /= 16
    >>> known = np.where(np.arange(len(y)) < 100, y, -1)
    >>> autoencoder = SparseAutoencoder(
    ...     40, sparsity_target=0.1, sparsity_weight=0.3, tol=0.002, random_state=0
    ... )
    >>> model = SelfTaughtClassifier(autoencoder, LogisticRegression(C=10, max_iter=1000))
    >>> model.fit(X, known)
    SelfTaughtClassifier(...)
    >>> model.score(X[100:], y[100:]) > 0.8
    True
    """

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        "features_": Instance(BaseEstimator),
        "classifier_": Instance(BaseEstimator),
        "classes_": Labels(),
        "n_labeled_": Whole(),
        "n_unlabeled_": Whole(),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "features": [HasMethods(["fit", "transform"])],
        "classifier": [HasMethods(["fit", "predict"])],
        "pseudo_label_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, features: Any, classifier: Any, *, pseudo_label_weight: float = 0.0) -> None:
        self.features = features
        self.classifier = classifier
        self.pseudo_label_weight = pseudo_label_weight

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)  # both parts check their parameters
    def fit(self, X: Any, y: Any, unlabeled: Any = None, **fit_params: Any) -> Self:
        """Learn features from all rows, and the classifier from the labelled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or anything that `features` accepts
            Training data. Sparse matrices, frames, arrays and lists of images are passed on as is.
        y : array-like of shape (n_samples,)
            Numbers or text; the number -1 where the label is unknown.
        unlabeled : like X, default=None
            Additional rows to learn features from, of any class. Every fold of a cross-validation
            uses all of them. (If there are exactly as many as rows of X, scikit-learn splits them
            too: append them to X instead, with label -1.)
        **fit_params : dict
            Parameters for `fit` of the classifier, for example `sample_weight`; only the values of
            the labelled rows are passed on. With scikit-learn's metadata routing enabled, those
            that the classifier requested.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are no labels or labels of only one class, if y has another length than X, is
            continuous or has NaN, or if `unlabeled` has other columns than X.
        """
        if not is_classifier(self.classifier):
            raise ValueError(f"classifier must be a classifier, got {self.classifier!r}")
        if self.pseudo_label_weight:
            check_takes_weights(self.classifier)
        rows, labels = training_labels(X, y)
        params = check_method_params(X, self._params_of_classifier(fit_params), rows)
        all_rows = X if unlabeled is None else join_rows(X, unlabeled, "unlabeled")
        context = self._init_callback_context(max_subtasks=2)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        features, classifier = clone(self.features), clone(self.classifier)
        record = record_of(self)
        with _task(self, context, "features", features), record.recording(features, "features"):
            features.fit(all_rows, None)  # not every fit has a default for y
        A = features.transform(select_rows(X, rows))
        with (
            _task(self, context, "classifier", classifier),
            record.recording(classifier, "classifier"),
        ):
            classifier.fit(A, labels, **params)
        if self.pseudo_label_weight:
            others = np.setdiff1d(np.arange(num_samples(all_rows)), rows)
            U = features.transform(select_rows(all_rows, others)) if len(others) else A[:0]
            classifier = self._self_trained(classifier, (A, labels, params), U)
        self.features_, self.classifier_ = features, classifier
        self.classes_ = classifier.classes_
        self.n_labeled_ = len(rows)
        self.n_unlabeled_ = num_samples(all_rows) - len(rows)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _self_trained(self, classifier: Any, labelled: tuple[Any, Any, Any], U: Any) -> Any:
        """Return a classifier that has also learned from its predictions of the features U."""
        A, labels, params = labelled
        given = params.get("sample_weight")
        weights = np.ones(len(labels)) if given is None else np.asarray(given)
        for share in SHARES if num_samples(U) else ():
            rows, predicted = most_certain(classifier, U, share)
            classifier = clone(self.classifier).fit(
                join_rows(A, select_rows(U, rows), "unlabeled"),
                np.concatenate([labels, predicted]),
                **{
                    **params,
                    "sample_weight": np.concatenate(
                        [weights, np.full(len(rows), self.pseudo_label_weight)]
                    ),
                },
            )
        return classifier

    def _params_of_classifier(self, fit_params: dict[str, Any]) -> dict[str, Any]:
        if routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params)["classifier"]["fit"]
        return fit_params

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing of the parameters of `fit`, for scikit-learn's metadata routing.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(classifier=self.classifier, method_mapping=mapping)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on the labelled rows.

        Parameters
        ----------
        X : as for `fit`
        y : array-like of shape (n_samples,)
            True labels; rows with label -1 are ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return labeled_scorer()(self, X, y, sample_weight=sample_weight)


@contextmanager
def _task(estimator: Any, context: Any, name: str, part: Any) -> Iterator[None]:
    """Report the fit of a part to callbacks, as a task within the whole fit."""
    task = context.subcontext(task_name=name)
    with task.propagate_callback_context(part):
        task.call_on_fit_task_begin(estimator=estimator)
        yield
        task.call_on_fit_task_end(estimator=estimator)
