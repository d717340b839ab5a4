"""Self-taught learning: features from all rows, a classifier from those that have a label."""

from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
    is_classifier,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .missing_labels import labeled_scorer, labels_to_learn
from .row_indexing import join_rows, select_rows
from .sklearn_private import (
    HasMethods,
    check_method_params,
    fit_context,
    num_samples,
    routing_enabled,
)


def _classifier_has(method):
    """Whether the classifier, fitted or not, has the method."""

    def check(self):
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


class SelfTaughtClassifier(
    CallbackSupportMixin, MetaEstimatorMixin, TransformerMixin, ClassifierMixin, BaseEstimator
):
    """Features learned from all rows, labelled or not, and a classifier from the labelled ones.

    A row without a label has the label -1, as everywhere in scikit-learn's semi-supervised
    learning. Unlabelled rows may be of other classes than the labelled ones: features are learned
    without labels, and need only be of use for both.

    Parameters
    ----------
    features : transformer
        Learns the features: a `SparseAutoencoder`, a `PatchFeatures`, scikit-learn's `PCA`, a
        pipeline of several steps. It is cloned, and fitted without labels. In scikit-learn's
        `FrozenEstimator` it is taken as it was fitted before.
    classifier : classifier
        Cloned, and fitted to the features of the labelled rows.

    Attributes
    ----------
    features_ : transformer
        The fitted one.
    classifier_ : classifier
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        The labels that occur, without -1.
    n_labeled_, n_unlabeled_ : int
        Numbers of rows with a label, and of others that the features were learned on.
    n_features_in_ : int
        Number of features seen in `fit`, if `features_` has it.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X had any and `features_` has them.

    See Also
    --------
    labeled_scorer : Any scorer, for the labelled rows alone.
    PatchFeatures : Features of images.
    sklearn.semi_supervised.SelfTrainingClassifier : Learns from its own surest predictions.

    Notes
    -----
    What X may be is up to `features`: with `PatchFeatures`, images of any sizes or paths of files.

    `score` counts labelled rows only, so a grid search may be given y with -1 in it. Its folds
    should be stratified, which they are when nothing else is asked for: -1 is then one more class
    and every fold keeps the share of each label. (For text beside -1 the folds must be given,
    ``cv=KFold(5, shuffle=True)``, or the labels be numbered: `pandas.factorize` numbers them, and
    gives -1 where one is missing.) If all labelled rows of a fold's training part are of one
    class, or its test part has none, the score of that fold is NaN and a warning says why.

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
    ...     40, sparsity_target=0.1, sparsity_weight=0.3, max_iter=100, random_state=0
    ... )
    >>> model = SelfTaughtClassifier(autoencoder, LogisticRegression(C=10, max_iter=1000))
    >>> model.fit(X, known)
    SelfTaughtClassifier(...)
    >>> model.score(X[100:], y[100:]) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "features": [HasMethods(["fit", "transform"])],
        "classifier": [HasMethods(["fit", "predict"])],
    }

    def __init__(self, features, classifier):
        self.features = features
        self.classifier = classifier

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)  # the two parts check their own parameters
    def fit(self, X, y, unlabeled=None, **fit_params):
        """Learn features from all rows, and the classifier from those with a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or whatever `features` takes
            Sparse matrices, frames, arrays and lists of images are passed on as they are.
        y : array-like of shape (n_samples,)
            Numbers or text; the number -1 where the label is not known.
        unlabeled : like X, default=None
            More rows to learn features from, of any class. In cross-validation these take part in
            every fold, where the rows of X take turns. (scikit-learn would divide them too if
            they were just as many as the rows of X: then append them to X instead, with -1.)
        **fit_params : dict
            For `fit` of the classifier, as `sample_weight`. What has one value a row of X is cut
            to the labelled rows. With scikit-learn's metadata routing enabled, what the classifier
            requested.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no row or only one class is labelled, if y does not fit X, is continuous or has NaN,
            or if `unlabeled` has other columns than X.
        """
        if not is_classifier(self.classifier):
            raise ValueError(f"classifier must be a classifier, got {self.classifier!r}")
        rows, labels = labels_to_learn(X, y)
        params = check_method_params(X, self._params_of_classifier(fit_params), rows)
        everything = X if unlabeled is None else join_rows(X, unlabeled, "unlabeled")
        context = self._init_callback_context(max_subtasks=2)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        features, classifier = clone(self.features), clone(self.classifier)
        with _task(self, context, "features", features):
            features.fit(everything, None)  # not every fit has a default for y
        with _task(self, context, "classifier", classifier):
            classifier.fit(features.transform(select_rows(X, rows)), labels, **params)
        self.features_, self.classifier_ = features, classifier
        self.classes_ = classifier.classes_
        self.n_labeled_ = len(rows)
        self.n_unlabeled_ = num_samples(everything) - len(rows)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _params_of_classifier(self, fit_params):
        if routing_enabled():
            return process_routing(self, "fit", **fit_params)["classifier"]["fit"]
        return fit_params

    def get_metadata_routing(self):
        """What parameters of `fit` go where, as scikit-learn's metadata routing asks.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(classifier=self.classifier, method_mapping=mapping)

    def transform(self, X):
        """Features of rows.

        Parameters
        ----------
        X : like that of `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        return self.features_.transform(X)

    def get_feature_names_out(self, input_features=None):
        """Names of what `transform` returns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return self.features_.get_feature_names_out(input_features)

    def predict(self, X):
        """Label of each row.

        Parameters
        ----------
        X : like that of `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._of_features(X, "predict")

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X):
        """Probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : like that of `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._of_features(X, "predict_proba")

    @available_if(_classifier_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : like that of `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._of_features(X, "predict_log_proba")

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X):
        """What the classifier decides by.

        Parameters
        ----------
        X : like that of `fit`

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._of_features(X, "decision_function")

    def _of_features(self, X, method):
        check_is_fitted(self)
        return getattr(self.classifier_, method)(self.features_.transform(X))

    def score(self, X, y, sample_weight=None):
        """Share of labelled rows whose label is predicted.

        Parameters
        ----------
        X : like that of `fit`
        y : array-like of shape (n_samples,)
            Rows of label -1 are left out.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return labeled_scorer()(self, X, y, sample_weight=sample_weight)

    @property
    def n_features_in_(self):
        """Number of features seen in `fit`, if `features_` has it."""
        return self.features_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features seen in `fit`, if `features_` has them."""
        return self.features_.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.features, "__sklearn_tags__"):
            tags.input_tags = replace(get_tags(self.features).input_tags)
        if hasattr(self.classifier, "__sklearn_tags__"):
            tags.input_tags.allow_nan &= get_tags(self.classifier).input_tags.allow_nan
        return tags


@contextmanager
def _task(estimator, context, name, part):
    """The fit of a part, as a step of the whole for callbacks to follow."""
    task = context.subcontext(task_name=name)
    with task.propagate_callback_context(part):
        task.call_on_fit_task_begin(estimator=estimator)
        yield
        task.call_on_fit_task_end(estimator=estimator)
