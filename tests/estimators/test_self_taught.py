"""SelfTaughtClassifier: features from all rows, a classifier from the labelled ones."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import SelfTaughtClassifier, SparseAutoencoder, labeled_scorer

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]
NAMES = [f"p{j}" for j in range(64)]
KNOWN = np.where(np.arange(300) < 100, Y, -1)
HEAD = LogisticRegression(max_iter=1000)
MODEL = SelfTaughtClassifier(PCA(10), HEAD)
IDENTITY = FunctionTransformer()


class Witness(TransformerMixin, BaseEstimator):
    """Transformer that returns X as an array, and records its inputs."""

    def fit(self, X, y=None):
        self.seen_, self.y_ = X, y
        return self

    def transform(self, X):
        self.transformed_ = X
        return X if isinstance(X, np.ndarray) or sparse.issparse(X) else np.asarray(X)


WITNESS = SelfTaughtClassifier(Witness(), HEAD)


FREE = {"sparsity_weight": 0, "weight_decay": 0, "max_iter": 20}

# scikit-learn takes these labels from semi-supervised classifiers only if it knows them by name.
EXPECTED = {"check_classifiers_classes": "its labels -1 and 1 mean unlabelled and one class"}


@parametrize_with_checks(
    [
        SelfTaughtClassifier(SparseAutoencoder(10, random_state=0, **FREE), RidgeClassifier()),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [SelfTaughtClassifier(PCA(), LogisticRegression())],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_checks_with_scikit_learns_parts(estimator, check):
    check(estimator)


# --- rows that each part learns from --------------------------------------------------------


def test_features_see_all_rows_and_the_classifier_the_labelled_ones():
    model = clone(MODEL).fit(X, KNOWN)
    features = PCA(10).fit(X)
    np.testing.assert_allclose(np.abs(model.features_.components_), np.abs(features.components_))
    head = clone(HEAD).fit(model.features_.transform(X[:100]), Y[:100])
    np.testing.assert_array_equal(model.classifier_.coef_, head.coef_)
    np.testing.assert_array_equal(model.classes_, np.arange(10))
    assert (model.n_labeled_, model.n_unlabeled_) == (100, 200)
    np.testing.assert_array_equal(model.transform(X), model.features_.transform(X))
    F = model.transform(X)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        expected = getattr(head, method)(F)
        np.testing.assert_array_equal(getattr(model, method)(X), expected)
    assert list(model.get_feature_names_out())[:2] == ["pca0", "pca1"]


def test_unlabelled_rows_of_other_classes():
    """As in UFLDL: features from digits 5 to 9, the classifier for 0 to 4."""
    low = Y < 5
    model = clone(WITNESS).fit(X[low], Y[low], unlabeled=X[~low])
    np.testing.assert_array_equal(model.features_.seen_, np.concatenate([X[low], X[~low]]))
    np.testing.assert_array_equal(model.classes_, np.arange(5))
    assert (model.n_labeled_, model.n_unlabeled_) == (low.sum(), (~low).sum())


def test_features_are_fitted_without_copies_and_without_labels():
    model = clone(WITNESS).fit(X, Y)
    assert model.features_.seen_ is X
    assert model.features_.transformed_ is X
    assert model.features_.y_ is None
    assert clone(WITNESS).fit(X, KNOWN).features_.seen_ is X


def test_parts_are_cloned_unless_frozen():
    model = clone(MODEL).fit(X, KNOWN)
    assert not hasattr(model.features, "components_")
    assert not hasattr(model.classifier, "coef_")
    pca = PCA(5).fit(X[:50])
    frozen = SelfTaughtClassifier(FrozenEstimator(pca), HEAD).fit(X, KNOWN)
    np.testing.assert_array_equal(frozen.transform(X), pca.transform(X))


@pytest.mark.parametrize(
    "kind",
    [
        np.asarray,
        sparse.csr_array,
        sparse.coo_array,
        sparse.csc_matrix,
        lambda X: X.tolist(),
        lambda X: pd.DataFrame(X, columns=NAMES, index=np.arange(len(X)) % 7),
        lambda X: pl.DataFrame(X, schema=NAMES),
    ],
)
def test_rows_of_every_kind(kind):
    known = np.random.default_rng(0).permutation(KNOWN)
    model = SelfTaughtClassifier(TruncatedSVD(10, random_state=0), HEAD)
    expected = clone(model).fit(X, known, unlabeled=X[:50]).predict(X)
    fitted = clone(model).fit(kind(X), known, unlabeled=kind(X[:50]))
    assert np.mean(fitted.predict(kind(X)) == expected) > 0.99
    assert fitted.n_unlabeled_ == 250
    witness = clone(WITNESS).fit(kind(X), known, unlabeled=kind(X[:50]))
    seen, chosen = witness.features_.seen_, witness.features_.transformed_
    if not sparse.issparse(seen):  # which become CSR
        assert type(seen) is type(chosen) is type(kind(X))


def test_images_of_several_sizes_become_a_list():
    images = list(np.random.default_rng(0).random((4, 5, 6)))
    larger = np.random.default_rng(1).random((2, 7, 6))
    pixel = FunctionTransformer(lambda images: np.array([[image[0, 0]] for image in images]))
    model = SelfTaughtClassifier(make_pipeline(Witness2(), pixel), HEAD)
    for given in (images, np.array(images)):
        model.fit(given, [0, 1, -1, 0], unlabeled=larger)
        assert [image.shape for image in model.features_[0].seen_] == [(5, 6)] * 4 + [(7, 6)] * 2
    model.fit(np.array(images), [0, 1, -1, 0], unlabeled=larger[:, :5])
    assert model.features_[0].seen_.shape == (6, 5, 6)


class Witness2(Witness):
    """Transformer that returns X unchanged."""

    def transform(self, X):
        return X


def test_feature_names():
    frame = pd.DataFrame(X, columns=NAMES)
    model = clone(MODEL).fit(frame, KNOWN)
    assert model.n_features_in_ == 64
    assert list(model.feature_names_in_) == list(frame)
    model.fit(X, KNOWN)
    assert not hasattr(model, "feature_names_in_")
    assert not hasattr(clone(WITNESS).fit(X, KNOWN), "n_features_in_")


# --- labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array([1, 0, -1, 1], dtype=np.int8), [0, 1]),
        ([1.0, 0.0, -1.0, 1.0], [0, 1]),
        (np.array([1, 0, -1, 1], dtype=object), [0, 1]),
        (np.array(["b", "a", -1, "b"], dtype=object), ["a", "b"]),
        (np.array(["b", "a", np.int64(-1), "b"], dtype=object), ["a", "b"]),
        (pd.Series(["b", "a", -1, "b"]), ["a", "b"]),
        (pd.factorize(pd.Series(["b", "a", None, "b"]))[0], [0, 1]),
        (pd.Series([1, 0, -1, 1], dtype="Int64"), [0, 1]),
        (pl.Series([1, 0, -1, 1]), [0, 1]),
        (["b", "a", "b", "b"], ["a", "b"]),
        ([True, False, True, True], [False, True]),
        (np.array([255, 0, 255, 0], dtype=np.uint8), [0, 255]),
    ],
)
def test_labels(y, classes):
    model = SelfTaughtClassifier(IDENTITY, HEAD).fit(X[:4], y)
    assert list(model.classes_) == classes
    assert model.n_labeled_ == sum(label != -1 for label in np.asarray(y).tolist())
    assert set(model.predict(X)) <= set(classes)
    assert model.score(X[:4], y) == 1


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([-1, -1, -1, -1], "all rows are unlabelled"),
        ([3, -1, 3, 3], "all labelled rows have one class, 3; a classifier needs at least two"),
        ([0, 1, -1], "X has 4 rows, but y has 3 labels"),
        ([0.5, 1, -1, 2], "Unknown label type: continuous"),
        ([0, 1, np.nan, -1], "y has NaN or infinity; use -1 for a row without a label"),
        ([0, 1, None, -1], "y has labels of these types: NoneType, int. Give either text"),
        (pd.Series(["a", "b", None, "a"]), "types: float, str|types: NoneType, str"),
        (np.array(["a", 1, -1, 2], dtype=object), "labels of these types: int, str"),
        (["a", "b", -1, "a"], "y has the text '-1'.*np.array(labels, dtype=object)"),
        (np.array(["a", "b", "-1", -1], dtype=object), "y has the text '-1'"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], "y should be a 1d array"),
    ],
)
def test_wrong_labels(y, message):
    message = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=message):
        clone(MODEL).fit(X[:4], y)


@pytest.mark.parametrize(
    ("x", "unlabeled", "message"),
    [
        (X, X[:, :5], r"unlabeled must have rows like those of X, got shape \(300, 5\)"),
        (X, X[0], "unlabeled must have rows like those of X, got shape"),
        (X, sparse.csr_array(X[:, :5]), "unlabeled must have rows like those of X"),
        (X, pd.DataFrame(X), "X is a ndarray, but unlabeled is a DataFrame; give both as"),
        (pd.DataFrame({"a": Y, "b": Y}), pd.DataFrame({"b": Y}), "has b where X has a"),
        (pd.DataFrame({"a": Y}), pd.DataFrame({"a": Y, "b": Y}), "has b where X has none"),
    ],
)
def test_wrong_unlabelled_rows(x, unlabeled, message):
    with pytest.raises(ValueError, match=message):
        clone(WITNESS).fit(x, KNOWN, unlabeled=unlabeled)


@pytest.mark.parametrize(
    ("features", "classifier", "message"),
    [
        (3, HEAD, "'features' parameter .* must be an object implementing 'fit' and 'transform'"),
        (HEAD, HEAD, "'features' parameter .* must be an object implementing"),
        (PCA(), PCA(), "'classifier' parameter .* must be an object implementing"),
        (PCA(), Ridge(), r"classifier must be a classifier, got Ridge\(\)"),
    ],
)
def test_wrong_parts(features, classifier, message):
    with pytest.raises(ValueError, match=message):
        SelfTaughtClassifier(features, classifier).fit(X, KNOWN)


def test_methods_are_those_of_the_classifier():
    model = SelfTaughtClassifier(PCA(), RidgeClassifier())
    assert hasattr(model, "decision_function")
    assert not hasattr(model, "predict_proba")
    with pytest.raises(NotFittedError):
        model.decision_function(X)


# --- scores, cross-validation, metadata -----------------------------------------------------


def test_score_counts_labelled_rows():
    model = clone(MODEL).fit(X, KNOWN)
    correct = model.predict(X[:100]) == Y[:100]
    assert model.score(X, KNOWN) == correct.mean()
    weight = np.arange(300.0)
    expected = np.average(correct, weights=weight[:100])
    assert model.score(X, KNOWN, sample_weight=weight) == pytest.approx(expected)
    with pytest.raises(ValueError, match="no labels to score"):
        model.score(X, np.full(300, -1))


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "neg_log_loss"])
def test_labelled_scorer(scoring):
    model = clone(MODEL).fit(X, KNOWN)
    scorer = labeled_scorer(scoring)
    expected = sklearn.metrics.get_scorer(scoring)(model, X[:100], Y[:100])
    assert scorer(model, X, KNOWN) == expected
    assert pickle.loads(pickle.dumps(scorer))(model, X, KNOWN) == expected
    weight = np.arange(300.0)
    of_labelled = sklearn.metrics.get_scorer(scoring)(
        model, X[:100], Y[:100], sample_weight=weight[:100]
    )
    assert scorer(model, X, KNOWN, sample_weight=weight) == of_labelled
    assert repr(scorer).startswith("labeled_scorer(make_scorer(")


def test_custom_scorer():
    def one(estimator, X, y):
        assert -1 not in y
        return float(len(X))

    assert labeled_scorer(one)(MODEL, X, KNOWN) == 100
    for wrong in (None, 3, "no_such_scorer"):
        with pytest.raises(ValueError, match="scor"):
            labeled_scorer(wrong)


@pytest.mark.parametrize("scoring", [None, labeled_scorer("balanced_accuracy")])
def test_grid_search(scoring):
    known = np.where(np.arange(300) % 2, Y, -1)
    pipeline = make_pipeline(StandardScaler(), SelfTaughtClassifier(PCA(2), HEAD))
    name = "selftaughtclassifier"
    grid = {
        f"{name}__features": [PCA(2), PCA(20), IDENTITY],
        f"{name}__classifier__C": [0.01, 1],
    }
    search = GridSearchCV(pipeline, grid, scoring=scoring, cv=3, error_score="raise")
    search.fit(X, known)
    assert search.best_score_ > 0.8
    assert search.best_params_[f"{name}__features"] != PCA(2)
    assert search.predict(X).shape == (300,)


def test_every_fold_uses_all_unlabelled_rows():
    model = SelfTaughtClassifier(Witness(), HEAD)
    seen = []

    def score(estimator, X, y):
        seen.append(len(estimator.features_.seen_))
        return 0.0

    cross_val_score(model, X, Y, cv=3, params={"unlabeled": X[:50]}, scoring=score)
    assert seen == [250] * 3


def test_folds_without_labels_warn_with_the_reason():
    one_class = np.where(np.arange(300) < 10, Y, np.where(np.arange(300) < 200, 0, -1))
    with (
        pytest.warns(FitFailedWarning, match="all labelled rows have one class, 0"),
        pytest.warns(UserWarning, match="no labels to score"),
    ):
        scores = cross_val_score(MODEL, X, one_class, cv=KFold(3))
    assert np.isnan(scores).tolist() == [True, False, True]


def test_sample_weight_of_labelled_rows_is_passed_on():
    weight = np.linspace(0.1, 5, 300)
    expected = clone(HEAD).fit(X[:100], Y[:100], sample_weight=weight[:100]).coef_
    model = SelfTaughtClassifier(IDENTITY, HEAD).fit(X, KNOWN, sample_weight=weight)
    np.testing.assert_array_equal(model.classifier_.coef_, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        head = clone(HEAD).set_fit_request(sample_weight=True)
        routed = SelfTaughtClassifier(IDENTITY, head).set_fit_request(unlabeled=True)
        routed.fit(X, KNOWN, sample_weight=weight)
        np.testing.assert_array_equal(routed.classifier_.coef_, expected)
        search = GridSearchCV(
            routed.set_score_request(sample_weight=False), {"classifier__C": [1]}, cv=2
        )
        search.fit(X, KNOWN, sample_weight=weight, unlabeled=X[:40])
        assert search.best_estimator_.n_unlabeled_ == 240
        np.testing.assert_array_equal(search.best_estimator_.classifier_.coef_, expected)
        with pytest.raises(ValueError, match="sample_weight"):
            SelfTaughtClassifier(IDENTITY, HEAD).fit(X, KNOWN, sample_weight=weight)


@pytest.mark.parametrize("scored_by", ["score", "labeled_scorer"])
def test_sample_weight_can_be_requested_for_the_score_of_a_search(scored_by):
    weight = np.linspace(0.1, 5, 300)
    with sklearn.config_context(enable_metadata_routing=True):
        means = {}
        for requested in (True, False):
            model = SelfTaughtClassifier(PCA(3), clone(HEAD).set_fit_request(sample_weight=True))
            scoring = labeled_scorer() if scored_by == "labeled_scorer" else None
            (scoring or model).set_score_request(sample_weight=requested)
            search = GridSearchCV(model, {"classifier__C": [1]}, cv=2, scoring=scoring)
            search.fit(X, KNOWN, sample_weight=weight)
            (means[requested],) = search.cv_results_["mean_test_score"]
        assert 0 < means[True] != means[False] > 0
        unset = GridSearchCV(model, {}, cv=2, scoring=labeled_scorer())
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            unset.fit(X, KNOWN, sample_weight=weight)


def test_callbacks_reach_the_parts(capsys):
    autoencoder = SparseAutoencoder(3, max_iter=4, random_state=0)
    model = SelfTaughtClassifier(autoencoder, HEAD)
    model.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, KNOWN)
    shown = capsys.readouterr().out
    assert "SelfTaughtClassifier" in shown
    assert "SparseAutoencoder" in shown
    assert not hasattr(model.features_, "_parent_callback_ctx")


def test_pickle():
    model = clone(MODEL).fit(X, KNOWN)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
