"""Symmetries: an image and its flipped and turned copies have the same features, bit for bit."""

import numpy as np
import pytest
from all_pairs import all_pairs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from striate import DeepPatchFeatures, DictionaryEncoder, PatchFeatures, ZCAWhitening
from striate.images.image_symmetries import GROUPS, copies_of, ordered_copies

RNG = np.random.default_rng(0)
SQUARE, WIDE = RNG.random((3, 17, 17, 2)), RNG.random((3, 15, 21, 1))
SOFT = DictionaryEncoder(7, dictionary="omp1", encoding="soft_threshold", random_state=0)
# Written with NumPy's own functions; the result does not depend on how ImageCopy is built.
TURNED = [lambda image, k=k: np.rot90(image, k) for k in range(4)]
MEMBERS = {
    "flips": [lambda x: x, np.flipud, np.fliplr, lambda x: x[::-1, ::-1]],
    "rotations": TURNED,
    "all": [*TURNED, *(lambda image, f=f: np.fliplr(f(image)) for f in TURNED)],
}


def features(**settings):
    settings = {"patch_size": 5, "n_patches": 200, "random_state": 0, **settings}
    return PatchFeatures(SOFT, **settings)


@pytest.mark.parametrize("group", MEMBERS)
def test_the_copies_are_the_members_of_the_group(group):
    image = np.arange(6).reshape(2, 3, 1)
    got, expected = (
        sorted((each.shape, each.tobytes()) for each in copies)
        for copies in (
            [copy.of(image) for copy in GROUPS[group]],
            [member(image) for member in MEMBERS[group]],
        )
    )
    assert got == expected


@pytest.mark.parametrize(
    ("flips", "symmetries", "same_as"),
    [(True, "rotations", "all"), (True, "flips", "flips"), (False, None, None)],
)
def test_mirror_images_are_one_more_symmetry(flips, symmetries, same_as):
    assert copies_of(flips, symmetries) == GROUPS[same_as]


@given(
    hnp.arrays(np.float32, st.tuples(*[st.integers(1, 4)] * 3), elements=st.integers(0, 1)),
    st.sampled_from(sorted(MEMBERS)),
    st.data(),
)
def test_the_order_of_copies_is_that_of_each_copy(image, group, data):
    member = data.draw(st.sampled_from(MEMBERS[group]))
    expected = ordered_copies(image, GROUPS[group])
    got = ordered_copies(member(image), GROUPS[group])
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


POOLED = [
    {},
    {"pooling": "max", "pool_grid": [(1, 1), (2, 3)]},
    {"pooling": "sum", "stride": 2, "pool_overlap": 0.5, "signed_sqrt": True},
    {"pool_size": 4, "patch_size": (4, 5)},
    {"flips": True, "encoder": DictionaryEncoder(9, random_state=0)},
]


@pytest.mark.parametrize(
    ("group", "settings", "images"),
    all_pairs([(g, s, i) for g in MEMBERS for s in POOLED for i in (SQUARE, WIDE)]),
)
def test_copies_have_the_same_bits(group, settings, images):
    if "pool_size" in settings and group != "flips":
        images = SQUARE  # the cells of turned windows are others
    learned = features(symmetries=group).set_params(**settings).fit(images)
    expected = learned.transform(list(images))
    for member in MEMBERS[group]:
        np.testing.assert_array_equal(learned.transform([*map(member, images)]), expected)


@pytest.mark.parametrize("pooling", ["mean", "max", "sum"])
@pytest.mark.parametrize("group", MEMBERS)
def test_features_are_pooled_over_the_copies(group, pooling):
    alone = features(pooling=pooling, pool_grid=(2, 2)).fit(WIDE)
    views = [alone.transform([*map(member, WIDE)]) for member in MEMBERS[group]]
    expected = {"mean": np.mean, "max": np.max, "sum": np.sum}[pooling](views, axis=0)
    got = alone.set_params(symmetries=group).transform(WIDE)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_copies_have_the_same_bits_in_all_layers():
    layers = [
        features(symmetries="all", pool_grid=(2, 2)),
        features(symmetries="all", pool_grid=(2, 2), patch_size=2, whitening=ZCAWhitening(1.0)),
    ]
    learned = DeepPatchFeatures(layers, n_channels=3, random_state=0).fit(WIDE)
    expected = learned.transform(WIDE)
    for member in MEMBERS["all"]:
        np.testing.assert_array_equal(learned.transform([*map(member, WIDE)]), expected)
    assert learned.min_image_size_[0] == learned.min_image_size_[1]
    with pytest.raises(ValueError, match=r"layers\[1\] has symmetries=None, and layers\[0\] has"):
        DeepPatchFeatures([layers[0], features()]).fit(WIDE)


def test_every_copy_must_hold_a_patch():
    learned = features(patch_size=(3, 9), symmetries="rotations", pool_grid=(1, 1)).fit(SQUARE)
    assert learned.min_image_size_ == (9, 9)
    low = SQUARE[:, :8]
    with pytest.raises(ValueError, match="image 0: is 17 x 8 pixels, smaller than a patch of 3 x"):
        learned.transform(low)
    assert learned.set_params(symmetries="flips").transform(low).shape == (3, 14)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"symmetries": "turns"}, "The 'symmetries' parameter"),
        ({"symmetries": "all", "pool_size": (3, 4)}, "pool_size must be square, got"),
    ],
)
def test_symmetries_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        features(**settings).fit(SQUARE)
