"""Prediction by a fitted classifier on the features of a fitted transformer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _classifier_has(method: str) -> Callable[[Any], bool]:
    """Return a check that the classifier, fitted or not, has the method."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


class FeatureClassifier(TransformerMixin, ClassifierMixin, BaseEstimator):
    """Methods that follow from `features_` and `classifier_`, once a subclass has fitted them."""

    features: Any
    classifier: Any
    features_: Any
    classifier_: Any

    def transform(self, X: Any) -> Any:
        """Return the features of each row.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        return self.features_.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Return the names of the features.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names: npt.NDArray[Any] = self.features_.get_feature_names_out(input_features)
        return names

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the predicted label of each row.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._call_classifier("predict", X)

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._call_classifier("predict_proba", X)

    @available_if(_classifier_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the log-probability of each class.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._call_classifier("predict_log_proba", X)

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X: Any) -> npt.NDArray[Any]:
        """Return the decision values of the classifier.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._call_classifier("decision_function", X)

    def _call_classifier(self, method: str, X: Any) -> npt.NDArray[Any]:
        """Call a method of the classifier on the features of X."""
        check_is_fitted(self)
        outputs: npt.NDArray[Any] = getattr(self.classifier_, method)(self.features_.transform(X))
        return outputs

    @property
    def n_features_in_(self) -> int:
        """Number of features seen during `fit`, if `features_` has it."""
        return int(self.features_.n_features_in_)

    @property
    def feature_names_in_(self) -> npt.NDArray[Any]:
        """Names of the features seen during `fit`, if `features_` has them."""
        names: npt.NDArray[Any] = self.features_.feature_names_in_
        return names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if hasattr(self.features, "__sklearn_tags__"):
            tags.input_tags = replace(get_tags(self.features).input_tags)
        if hasattr(self.classifier, "__sklearn_tags__"):
            tags.input_tags.allow_nan &= get_tags(self.classifier).input_tags.allow_nan
        return tags
