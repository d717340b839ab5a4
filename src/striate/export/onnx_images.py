"""Features of patches in ONNX: patches by a convolution, codes by products, cells by reductions."""

import numpy as np

from striate.images.encoding import NEAREST, DistanceEncoding
from striate.images.image_symmetries import ImageCopy
from striate.images.patches import NORMALIZATIONS

from .folded_layers import Layer
from .image_features import ImageFeatures, ImageLayer, Window
from .onnx_graph import OnnxGraph

_REDUCTIONS = {"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum"}
_OF_VIEWS = {"mean": "Mean", "max": "Max", "sum": "Sum"}


def image_features(
    graph: OnnxGraph, images: ImageFeatures, size: tuple[int, int], pixels: str
) -> str:
    """Add the nodes from pixels (n, h, w, c) to features (n, n_features).

    Raises
    ------
    ValueError
        If images of this size are too small for the cells.
    """
    copies, found = images.features.image_copies(), []
    views = [_copied(graph, copy, pixels) for copy in copies]
    sizes = [size[::-1] if copy.transposed else size for copy in copies]
    for layer in images.layers:
        codes = [_codes(graph, layer, view) for view in views]
        pooled = [
            _pooled(graph, layer, layer.windows(size), each)
            for size, each in zip(sizes, codes, strict=True)
        ]
        operator = _OF_VIEWS[layer.features.pooling]
        found.append(
            _rooted(graph, layer, graph.node(operator, *pooled) if len(pooled) > 1 else pooled[0])
        )
        if layer.map_step is not None:
            shapes = list(map(layer.map_shape, sizes))
            views = [_map(graph, layer, *each) for each in zip(shapes, codes, strict=True)]
            sizes = [_map_size(shape, layer.map_step.window) for shape in shapes]
    return graph.node("Concat", *found, axis=1) if len(found) > 1 else found[0]


def _rooted(graph: OnnxGraph, layer: ImageLayer, pooled: str) -> str:
    if not layer.features.signed_sqrt:
        return pooled
    root = graph.node("Sqrt", graph.node("Abs", pooled))
    return graph.node("Mul", graph.node("Sign", pooled), root)


def _map_size(shape: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the map of n_y × n_x positions; its last windows may be smaller."""
    height, width = (-(-n // side) for n, side in zip(shape, window, strict=True))
    return height, width


def _map(graph: OnnxGraph, layer: ImageLayer, shape: tuple[int, int], codes: str) -> str:
    """Add the nodes from codes (n, n_y, n_x, n_codes) to the map of the next layer."""
    step, is_max = layer.map_step, layer.features.pooling == "max"
    assert step is not None
    size, window = _map_size(shape, step.window), step.window
    missing = [m * side - n for m, side, n in zip(size, window, shape, strict=True)]
    filling = graph.array(np.finfo(graph.dtype).min if is_max else 0)
    whole = graph.node("Pad", codes, graph.indices([0] * 5 + [*missing, 0]), filling)
    n_codes = layer.features.patch_encoder_.n_codes
    windows = [0, size[0], window[0], size[1], window[1], n_codes]
    parts = graph.node("Reshape", whole, graph.indices(windows))
    if is_max:
        pooled = graph.node("ReduceMax", parts, axes=[2, 4], keepdims=0)
    else:
        total = graph.node("ReduceSum", parts, graph.indices([2, 4]), keepdims=0)
        counts = [
            np.minimum(side, n - side * np.arange(m))
            for m, side, n in zip(size, window, shape, strict=True)
        ]
        pooled = graph.node("Div", total, graph.array(np.outer(*counts)[..., np.newaxis]))
    pooled = _rooted(graph, layer, pooled)
    if step.weights is None or step.shift is None:
        return pooled
    return graph.layers([Layer(step.weights, step.shift)], pooled)


def _copied(graph: OnnxGraph, copy: ImageCopy, pixels: str) -> str:
    """Flip or turn images (n, h, w, c)."""
    if copy.transposed:
        pixels = graph.node("Transpose", pixels, perm=[0, 2, 1, 3])
    for axis, is_reversed in ((1, copy.upside_down), (2, copy.mirrored)):
        if is_reversed:
            numbers = map(graph.indices, ([-1], [np.iinfo(np.int64).min], [axis], [-1]))
            pixels = graph.node("Slice", pixels, *numbers)  # begin, end, axis, step
    return pixels


def _pooled(graph: OnnxGraph, layer: ImageLayer, windows: list[Window], codes: str) -> str:
    """Pool the codes of a view over the cells."""
    return graph.node("Concat", *(_cell(graph, layer, codes, each) for each in windows), axis=1)


def _cell(graph: OnnxGraph, layer: ImageLayer, codes: str, window: Window) -> str:
    top, bottom, left, right = window
    ends = map(graph.indices, ([top, left], [bottom, right], [1, 2]))
    inside, operator = graph.node("Slice", codes, *ends), _REDUCTIONS[layer.features.pooling]
    if operator == "ReduceSum":  # its axes are an input
        return graph.node(operator, inside, graph.indices([1, 2]), keepdims=0)
    return graph.node(operator, inside, axes=[1, 2], keepdims=0)


def _patches(graph: OnnxGraph, layer: ImageLayer, pixels: str) -> str:
    """Add the nodes from pixels to normalized patches (n, n_y, n_x, n_pixels)."""
    features, normalization = layer.features, layer.normalization
    n, shape = int(np.prod(features.patch_shape_)), features.patch_shape_
    # Patches are taken out as they are. A kernel that subtracts their mean would lose the contrast
    # of bright flat ones to rounding.
    kernel = graph.array(np.eye(n).reshape(n, *shape).transpose(0, 3, 1, 2))
    channels_first = graph.node("Transpose", pixels, perm=[0, 3, 1, 2])
    strides = [int(features.stride)] * 2
    patches = graph.node("Conv", channels_first, kernel, strides=strides)
    x = graph.node("Transpose", patches, perm=[0, 2, 3, 1])
    if normalization == NORMALIZATIONS[False]:
        return x
    x = graph.node("Sub", x, _mean(graph, x))
    if normalization == NORMALIZATIONS["mean"]:
        return x
    floor = graph.array(float(features.contrast_floor))
    variance = _mean(graph, graph.node("Mul", x, x))
    return graph.node("Div", x, graph.node("Sqrt", graph.node("Add", variance, floor)))


def _mean(graph: OnnxGraph, x: str) -> str:
    """Mean of the last axis, which stays as one number."""
    return graph.node("ReduceMean", x, axes=[-1], keepdims=1)


def _codes(graph: OnnxGraph, layer: ImageLayer, pixels: str) -> str:
    """Add the nodes from pixels (n, h, w, c) to codes (n, n_y, n_x, n_codes)."""
    x, encoding = graph.layers(layer.layers, _patches(graph, layer, pixels)), layer.encoding
    if isinstance(encoding, DistanceEncoding):
        return _nearest(graph, encoding, x) if encoding.kind == NEAREST else _triangle(
            graph, encoding, x
        )  # fmt: skip
    if encoding is None or not len(encoding.signs):
        return x
    threshold = graph.array(encoding.threshold)
    signed = [x if sign > 0 else graph.node("Neg", x) for sign in encoding.signs]
    codes = [graph.node("Relu", graph.node("Sub", each, threshold)) for each in signed]
    return graph.node("Concat", *codes, axis=-1)


def _closeness(graph: OnnxGraph, encoding: DistanceEncoding, x: str) -> str:
    """x·w_j − ‖w_j‖² / 2, the largest for the nearest w_j."""
    return graph.node(
        "Add", graph.node("MatMul", x, graph.array(encoding.W)), graph.array(encoding.b)
    )


def _nearest(graph: OnnxGraph, encoding: DistanceEncoding, x: str) -> str:
    nearest = graph.node("ArgMax", _closeness(graph, encoding, x), axis=-1, keepdims=0)
    n_units = graph.indices(encoding.W.shape[1])
    return graph.node("OneHot", nearest, n_units, graph.array([0, 1]), axis=-1)


def _triangle(graph: OnnxGraph, encoding: DistanceEncoding, x: str) -> str:
    """max(0, μ − d_j) with d_j = √(‖x‖² − 2 (z_j + b_j))."""
    squares = graph.node("ReduceSum", graph.node("Mul", x, x), graph.indices([-1]), keepdims=1)
    twice = graph.node("Mul", _closeness(graph, encoding, x), graph.array(2))
    distances = graph.node("Sqrt", graph.node("Relu", graph.node("Sub", squares, twice)))
    return graph.node("Relu", graph.node("Sub", _mean(graph, distances), distances))
