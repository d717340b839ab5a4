"""Local receptive fields: windows compared with a slow loop, and wrong parameters."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone

from striate import LocalReceptiveFields

CASES = [
    ((12,), 4, 3, False),
    (12, (5,), (1,), False),
    (10, 3, 2, True),
    ((7,), 7, 1, True),
    ((9, 9), 3, 2, False),
    ((6, 9), (2, 4), (3, 1), False),
    ((8, 5), (8, 5), 1, False),
    ((8, 8), 1, 1, False),
    ((6, 5, 3), (3, 2), 2, False),
    ((6, 7, 4), 3, (2, 3), True),
    ((5, 6), (4, 3), 2, True),
    (np.array([6, 6]), np.array([2, 2]), np.int64(2), False),
]


def by_loop(image_shape, field_size, stride, periodic):
    """Return the inputs of each window, and the number of windows in each direction."""
    image_shape = tuple(np.atleast_1d(image_shape))
    pixels, bands = image_shape[:2], image_shape[2] if len(image_shape) == 3 else 1
    n = len(pixels)
    size = np.broadcast_to(field_size, n)
    step = np.broadcast_to(stride, n)
    index = np.arange(np.prod(pixels) * bands).reshape(*pixels, bands)
    begins = [
        [b for b in range(0, pixels[d], step[d]) if periodic or b + size[d] <= pixels[d]]
        for d in range(n)
    ]
    windows = []
    for corner in itertools.product(*begins):
        seen = []
        for offset in itertools.product(*map(range, size)):
            pixel = tuple((corner[d] + offset[d]) % pixels[d] for d in range(n))
            seen += index[pixel].tolist()
        windows.append(seen)
    return np.array(windows), tuple(map(len, begins))


@pytest.mark.parametrize(("image_shape", "field_size", "stride", "periodic"), CASES)
@pytest.mark.parametrize("n_maps", [1, 3])
def test_windows_are_those_of_a_loop(image_shape, field_size, stride, periodic, n_maps):
    fields = LocalReceptiveFields(
        image_shape, field_size, stride=stride, n_maps=n_maps, periodic=periodic
    )
    windows, places = by_loop(image_shape, field_size, stride, periodic)
    assert fields.output_shape == (*places, n_maps)
    assert all(type(n) is int for n in fields.output_shape)
    np.testing.assert_array_equal(fields.windows(), windows)
    mask = fields.mask()
    expected = np.zeros((np.prod(image_shape), len(windows) * n_maps), dtype=bool)
    for unit in range(expected.shape[1]):  # the maps of a window are adjacent
        expected[windows[unit // n_maps], unit] = True
    np.testing.assert_array_equal(mask.toarray(), expected)
    assert mask.dtype == bool
    assert mask.has_canonical_format
    assert mask.nnz == expected.sum()


def test_a_row_is_the_flattened_image():
    image = np.random.default_rng(0).normal(size=(7, 6, 3))
    fields = LocalReceptiveFields(image.shape, (3, 2), stride=(2, 2), n_maps=4)
    sums = (image.ravel() @ fields.mask()).reshape(fields.output_shape)
    np.testing.assert_allclose(sums[1, 2], image[2:5, 4:6].sum())
    seen = image.ravel()[fields.windows()].reshape(3, 3, 3, 2, 3)
    np.testing.assert_array_equal(seen[1, 2], image[2:5, 4:6])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"field_size": 9}, r"field_size=9 is larger than image_shape=\(8, 8\)"),
        ({"field_size": (8, 9)}, r"field_size=\(8, 9\) is larger than image_shape=\(8, 8\)"),
        ({"field_size": 9, "periodic": True}, "larger than image_shape"),
        ({"field_size": (2, 2, 2)}, r"field_size=\(2, 2, 2\) must be a whole number of pixels"),
        ({"field_size": (2.5, 2)}, "field_size=.* must be a whole number of pixels"),
        ({"field_size": (np.inf, 2)}, "field_size=.* must be a whole number of pixels"),
        ({"field_size": ("a", "b")}, "field_size=.* must be a whole number of pixels"),
        ({"field_size": 2.5}, "'field_size' parameter of LocalReceptiveFields"),
        ({"field_size": 0}, "'field_size' parameter of LocalReceptiveFields"),
        ({"field_size": None}, "'field_size' parameter of LocalReceptiveFields"),
        ({"stride": (1, 0)}, r"stride=\(1, 0\) must be a whole number of pixels"),
        ({"stride": -1}, "'stride' parameter"),
        ({"n_maps": 0}, "'n_maps' parameter"),
        ({"n_maps": 1.5}, "'n_maps' parameter"),
        ({"periodic": 3}, "'periodic' parameter"),
        ({"image_shape": (8, 8, 3, 2)}, r"must be \(n,\), \(height, width\) or \(height, width, b"),
        ({"image_shape": ()}, r"image_shape=\(\) must be \(n,\)"),
        ({"image_shape": (8, -8)}, "image_shape=.* must be"),
        ({"image_shape": (8, np.nan)}, "image_shape=.* must be"),
        ({"image_shape": ((8, 8), (8, 8))}, "image_shape=.* must be"),
        ({"image_shape": ((8, 8), 8)}, "image_shape=.* must be"),
        ({"image_shape": "8x8"}, "'image_shape' parameter"),
    ],
)
def test_wrong_parameters(settings, message):
    fields = LocalReceptiveFields(**{"image_shape": (8, 8), "field_size": 3, **settings})
    for use in (fields.mask, fields.windows, lambda: fields.output_shape):
        with pytest.raises(ValueError, match=message):
            use()


def test_it_is_a_description_with_parameters():
    fields = LocalReceptiveFields((8, 8), 4, stride=2)
    again = clone(fields).set_params(n_maps=3)
    assert again.output_shape == (3, 3, 3)
    assert fields.output_shape == (3, 3, 1)
    assert repr(fields) == "LocalReceptiveFields(field_size=4, image_shape=(8, 8), stride=2)"
