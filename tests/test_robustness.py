"""A part of the campaign of bad inputs, its verdicts, and what it found."""

import os

import numpy as np
import pytest
from benchmarks.robustness.campaign import show
from benchmarks.robustness.case import AGREES, FAILURES, MESSAGE, TRACEBACK, WRONG, Case, judge
from benchmarks.robustness.families import FAMILIES
from benchmarks.robustness.worker import try_one
from PIL import Image
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer

from striate import (
    ConnectivityDisplay,
    DictionaryEncoder,
    FeatureDisplay,
    LinearClassifier,
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    PatchFeatures,
    SelfTaughtClassifier,
    ShiftDisplay,
    SparseAutoencoder,
    ZCAWhitening,
    check_gradient,
    inspect_units,
    maximal_inputs,
    shift_sensitivity,
)
from striate.files.atomic_writing import check_writable
from striate.files.image_collection import ImageCollection
from striate.persistence import load, save

X = np.random.default_rng(0).normal(size=(30, 5))
Y = np.arange(30) % 3


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Cases write files."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="cases make pipes, and fork")
def test_a_part_of_the_campaign_fails_nowhere():
    outcomes = [try_one(number, 0) for number in range(60)]
    assert [each for each in outcomes if each.verdict in FAILURES] == []
    assert len({each.family for each in outcomes}) > 10


def test_a_case_is_the_same_each_time(capsys):
    for _ in range(2):
        show(7)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == shown[2:4]
    assert sum(share for _, share in FAMILIES) > 100  # shares in percent, about


def _refuse():
    MLPClassifier(alpha=-1).fit(X, Y)


def _slip():
    return X @ Y


@pytest.mark.parametrize(
    ("attempt", "more", "verdict"),
    [
        (lambda: X, {"twin": lambda: X.copy()}, AGREES),
        (lambda: X, {"twin": lambda: X + 1e-9}, WRONG),
        (lambda: X, {"twin": lambda: X + 1e-9, "tolerance": 1e-8}, AGREES),
        (lambda: X, {"twin": lambda: X[1:]}, WRONG),
        (lambda: [np.nan], {}, WRONG),
        (lambda: X, {"refused": True}, WRONG),
        (_refuse, {"refused": True}, MESSAGE),
        (_refuse, {"twin": lambda: X}, WRONG),
        (_slip, {"refused": True}, TRACEBACK),
    ],
)
def test_the_verdict_of_a_case(attempt, more, verdict):
    assert judge(lambda: Case("", "", attempt, **more))[0] == verdict


def test_a_model_trained_by_minibatches_is_saved(tmp_path):
    for solver in ("adam", "sgd"):
        model = MLPClassifier((4,), solver=solver, max_iter=300, tol=0.1, random_state=0)
        save(model.fit(X, Y), tmp_path / "model.skops")
        np.testing.assert_array_equal(load(tmp_path / "model.skops").predict(X), model.predict(X))


def test_features_are_saved_with_the_range_of_their_images(tmp_path):
    images = np.random.default_rng(0).integers(0, 1024, (3, 12, 12), dtype=np.uint16)
    encoder = DictionaryEncoder(2, dictionary="patches", random_state=0)
    model = PatchFeatures(encoder, patch_size=3, n_patches=20, random_state=0).fit(images)
    save(model, tmp_path / "features.skops")
    loaded = load(tmp_path / "features.skops")
    assert loaded.used_range_ == model.used_range_ == (0, 1023 / 65535)
    model.used_range_ = (1.0, 0.0)
    with pytest.raises(ValueError, match="used_range_: must be"):
        save(model, tmp_path / "features.skops")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (DictionaryEncoder(3, random_state=0), "whose distances are beyond float64"),
        (ZCAWhitening(), "whose squares are beyond float64"),
        (LinearClassifier(alphas=1), "became NaN or infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_fit_whose_numbers_overflow_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X * 1e200, Y)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.filterwarnings("ignore:.*max_iter|.*Maximum iterations")
@pytest.mark.parametrize("number", [np.uint8, np.int64, np.longdouble])
def test_parameters_may_be_scalars_of_numpy(number):
    settings = {"max_iter": 2, "batch_size": 8, "solver": "adam", "random_state": 0}
    plain = SparseAutoencoder(3, **settings).fit(X)
    if number is np.longdouble:
        odd = {"weight_decay": number(1e-4), "tol": number(1e-7)}
    else:
        odd = {"max_iter": number(2), "batch_size": number(8)}
    model = SparseAutoencoder(3, **settings | odd).fit(X)
    np.testing.assert_array_equal(model.components_, plain.components_)
    assert all(type(getattr(model, name)) is number for name in odd)


@pytest.mark.filterwarnings("ignore:.*max_iter|.*Maximum iterations")
def test_true_is_one_where_a_number_is_due():
    settings = {"max_iter": 2, "solver": "adam", "random_state": 0}
    one, true = (SparseAutoencoder(3, batch_size=n, **settings).fit(X) for n in (1, True))
    np.testing.assert_array_equal(one.components_, true.components_)
    assert true.batch_size is True


def test_whole_numbers_beyond_64_bits_are_refused():
    with pytest.raises(ValueError, match="'max_iter' parameter of MLPClassifier does not fit"):
        MLPClassifier(max_iter=2**63).fit(X, Y)


@pytest.mark.parametrize(
    ("data", "y", "message"),
    [
        (np.zeros((30, 5), "M8[s]"), Y, "X must hold numbers, got dtype datetime64"),
        ([[10**400] * 5] * 30, Y, "beyond the range of float64"),
        (X, np.array(["a", *Y[1:]], object), "y must hold numbers only, or text only"),
        (X, np.array([{}, *Y[1:]], object), "objects of type dict, int"),
    ],
)
@pytest.mark.parametrize("model", [MLPClassifier(), LinearClassifier()])
def test_records_times_and_mixed_objects_are_refused(model, data, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(data, y)


@pytest.mark.parametrize("kind", ["M8[s]", "U1", [("a", "f8")]])
def test_a_regressor_refuses_targets_that_are_not_numbers(kind):
    with pytest.raises(ValueError, match="y must hold numbers"):
        MLPRegressor().fit(X, np.zeros(30, kind))


@pytest.mark.parametrize("alphas", [{1.0}, ["a"], [[1.0], [1.0, 2.0]], [10**400], [], [[1.0]]])
def test_alphas_are_positive_numbers(alphas):
    with pytest.raises(ValueError, match="alphas must be|The 'alphas' parameter"):
        LinearClassifier(alphas=alphas).fit(X, Y)


def test_more_folds_than_rows_are_as_many_as_rows():
    few, many = (LinearClassifier(validation_folds=n, random_state=0) for n in (30, 2**40))
    np.testing.assert_array_equal(few.fit(X, Y).coef_, many.fit(X, Y).coef_)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_not_loaded(tmp_path):
    os.mkfifo(tmp_path / "model.skops")
    with pytest.raises(ValueError, match="is not a regular file, but a pipe"):
        load(tmp_path / "model.skops")


def test_a_link_to_itself_is_not_written(tmp_path):
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(OSError, match="is a link that leads to itself"):
        check_writable(tmp_path / "out")


def test_an_image_of_pillow_without_pixels_is_refused():
    with pytest.raises(ValueError, match=r"image 0: is empty, its size is \(0, 4\)"):
        ImageCollection([Image.new("L", (0, 4))])[0]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: FeatureDisplay(X).plot(ax=3), "ax must be axes"),
        (lambda: FeatureDisplay(X).plot(cmap="odd"), "cmap must be a colormap"),
        (lambda: FeatureDisplay(X, image_shape=("a", "b")).plot(), "image_shape must be"),
        (lambda: FeatureDisplay(X[:, :4]).plot(scale=X), "scale must be"),
        (lambda: FeatureDisplay(X[:, :4]).plot(n_columns=object()), "n_columns must be"),
        (lambda: ConnectivityDisplay(X).plot(figure="odd"), "figure must be"),
        (lambda: ConnectivityDisplay(X, image_shape=1).plot(), "image_shape=1 does not match"),
        (lambda: LossCurveDisplay([[1.0]]).plot(title=3), "title must be"),
        (lambda: LossCurveDisplay([[1.0]]).plot(log=X), "log must be"),
        (lambda: LossCurveDisplay(3).plot(), "loss_curves must be"),
        (lambda: FeatureDisplay([[1.0], [1.0, 2.0]]).plot(), "components must be"),
        (lambda: FeatureDisplay(sparse.coo_array(X[0])).plot(), "components must be"),
        (lambda: LossCurveDisplay(sparse.eye_array(3)).plot(), "loss_curves must be"),
        (lambda: ShiftDisplay(3).plot(), "sensitivities must be"),
    ],
)
def test_displays_check_their_arguments(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, [1.0]), "fun must be a function"),
        ((lambda theta: (0.0, theta), [[1.0]]), "theta must be a vector"),
        ((lambda theta: (0.0, theta), ["a"]), "theta must be a vector"),
        ((lambda theta: (np.nan, theta), [1.0]), "not finite at theta"),
    ],
)
def test_a_gradient_check_checks_its_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_gradient(*arguments)


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_few_labels_with_sparse_rows_in_the_other_byte_order():
    odd = sparse.dia_array(X)
    odd.data = odd.data.astype(">f8")
    labels = np.where(np.arange(30) < 20, Y, -1)
    features = SparseAutoencoder(2, max_iter=2, random_state=0)
    fitted = [
        SelfTaughtClassifier(features, LinearClassifier(alphas=1)).fit(data, labels)
        for data in (sparse.csr_array(X), odd)
    ]
    np.testing.assert_array_equal(*(model.classifier_.coef_ for model in fitted))


def test_windows_too_large_for_the_images_take_no_memory():
    with pytest.raises(ValueError, match="image 0: is 9 x 9 pixels, too small for windows"):
        shift_sensitivity(FunctionTransformer(), np.ones((2, 9, 9)), 1, window_size=2**62)


def test_maximal_inputs_refuse_what_are_no_weights():
    for components in (
        [["a", "b"]],
        [[1.0], [1.0, 2.0]],
        [[10**400]],
        [[np.nan]],
        sparse.csr_array((0, 3)),
    ):
        with pytest.raises(ValueError, match="components must be weights"):
            maximal_inputs(components)


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr"])
def test_sparse_matrices_are_checked_before_anything_converts_them(kind):
    broken = sparse.csr_array(X).asformat(kind)
    broken.indices[3] = 10**6  # SciPy's conversions write there
    labels = np.where(np.arange(30) < 20, Y, -1)
    for use in (
        SparseAutoencoder(2).fit,
        lambda W: MLPClassifier().fit(W, Y),
        lambda W: SelfTaughtClassifier(SparseAutoencoder(2), MLPClassifier()).fit(W, labels),
        maximal_inputs,
        lambda W: FeatureDisplay(W).plot(),
        lambda W: ConnectivityDisplay(W).plot(),
    ):
        with pytest.raises(ValueError, match="the indices of a sparse matrix"):
            use(broken)


@pytest.mark.parametrize("function", [inspect_units, LossCurveDisplay.from_estimator])
def test_a_damaged_matrix_in_place_of_an_estimator_is_not_read(function, monkeypatch):
    damaged = sparse.csr_array(np.eye(5))
    damaged.indptr[1] = -1  # its text, made by SciPy, overruns memory
    monkeypatch.setattr(sparse.csr_array, "__str__", lambda self: pytest.fail("it was read"))
    arguments = [np.eye(5)] if function is inspect_units else []
    with pytest.raises(TypeError, match="csr_array is not an estimator"):
        function(damaged, *arguments)


def test_a_schedule_that_fails_says_so():
    with pytest.raises(ValueError, match="learning_rate must be a function of the share"):
        MLPClassifier(learning_rate=len, max_iter=2).fit(X, Y)
