"""Small faults, each of which the short tests must find."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A text of a source file that is replaced by a faulty one.

    Parameters
    ----------
    name : str
        What is wrong, in some words.
    file : str
        The file, below src/striate.
    old, new : str
        The sound text, which the file holds once, and the faulty one.
    tests : tuple of str
        Files of tests that concern it, the quickest first.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _faults(tests: str, *rows: tuple[str, str, str, str]) -> list[Fault]:
    """Return faults that the same tests concern."""
    return [Fault(*row, tuple(f"tests/{each}" for each in tests.split())) for row in rows]


FAULTS = [
    *_faults(
        "native/test_lapack.py native/test_interruptible.py",
        (
            "rows are read as columns",
            "native/lapack.py",
            'triangle, transposed = L.T, "U", not transposed',
            'triangle, transposed = L.T, "U", transposed',
        ),
        (
            "the smallest eigenvalues are taken",
            "native/lapack.py",
            "(zero, zero, n - k + 1, n, zero)",
            "(zero, zero, 1, k, zero)",
        ),
        (
            "what Ctrl-C abandons goes on",
            "native/interruptible.py",
            "SetAsyncExc(number, error)",
            "SetAsyncExc",
        ),
    ),
    *_faults(
        "native/test_threads.py native/test_interpreted.py core/test_masked_products.py",
        (
            "the wrong thread number is passed",
            "native/threads.py",
            ".submit(self._share, kernel, t, T, *args)",
            ".submit(self._share, kernel, t - 1, T, *args)",
        ),
        (
            "limits of BLAS are not restored",
            "native/threads.py",
            "_set_limits(limits if self.inside else limits + self._of_process)",
            "_set_limits(limits)",
        ),
        (
            "a unit's last weight is left out",
            "native/vectors.py",
            "at, n = starts[u] - starts[lo], starts[u + 1] - starts[u]",
            "at, n = starts[u] - starts[lo], starts[u + 1] - starts[u] - 1",
        ),
        (
            "the last column is not transposed",
            "native/vectors.py",
            "for j in range(lo, min(lo + TILE, n_columns)):",
            "for j in range(lo, min(lo + TILE, n_columns - 1)):",
        ),
    ),
    *_faults(
        "native/test_code_cache.py native/test_compile.py core/test_activations.py "
        "core/test_objective.py",
        (
            "damaged compiled code is not recognized",
            "native/code_cache.py",
            "if hashlib.sha256(content[_CHECKSUM:]).digest() == content[:_CHECKSUM]:",
            "if len(content) > _CHECKSUM:",
        ),
        (
            "compiled code is stale after a change of its own folder",
            "native/code_cache.py",
            'sorted({folder, here, here.parent / "core"})',
            'sorted({here, here.parent / "core"})',
        ),
        (
            "an address is that of the other dtype",
            "native/function_pointers.py",
            'key = f"{name}-{dtype}", function.__code__',
            "key = name, function.__code__",
        ),
    ),
    *_faults(
        "core/test_objective.py core/test_activations.py",
        (
            "the gradient of the sparsity term lacks the range",
            "core/penalties.py",
            "s[j] = 1 / span * ((1 - q) / (1 - p) - q / p)",
            "s[j] = (1 - q) / (1 - p) - q / p",
        ),
        (
            "the ridge is not halved",
            "core/penalties.py",
            "return lam / 2 * total",
            "return lam * total",
        ),
        (
            "the hinge's gradient has the wrong sign",
            "core/losses.py",
            "D[i, j] = -w[i] * Y[i, j] * slack",
            "D[i, j] = w[i] * Y[i, j] * slack",
        ),
        (
            "the Poisson deviance lacks a term",
            "core/losses.py",
            "total += w[i] * (a - y)",
            "total += w[i] * a",
        ),
        (
            "the derivative of SiLU takes the other sigmoid",
            "core/activations.py",
            "return sigmoid(z) * (like(1, z) + z * sigmoid(-z))",
            "return sigmoid(z) * (like(1, z) + z * sigmoid(z))",
        ),
        (
            "ReLU hides NaN",
            "core/activations.py",
            "return like(0, z) if z < like(0, z) else z",
            "return z if z > like(0, z) else like(0, z)",
        ),
        (
            "the sparsity term forgets the weights of rows",
            "core/propagation.py",
            "d[i, j] += w[i] * s[j]",
            "d[i, j] += s[j] / d.shape[0]",
        ),
        (
            "sums of activations are those of the evaluation before",
            "core/objective.py",
            "if begin == 0 and first_pass_under_way:\n            sums[:] = 0",
            "if begin < 0:\n            sums[:] = 0",
        ),
        (
            "groups that wait write to the first values",
            "core/objective.py",
            "values=groups.values[begin:]",
            "values=groups.values",
        ),
        (
            "a block's last row is not kept",
            "core/objective.py",
            "hi = min(lo + BLOCK_ROWS, bounds[g + 1])",
            "hi = min(lo + BLOCK_ROWS, bounds[g + 1] - (g == 1))",
        ),
    ),
    *_faults(
        "core/test_noise.py core/test_tied.py core/test_masked_objective.py core/test_objective.py",
        (
            "masking keeps what it should drop",
            "core/noise.py",
            "kept = random_bits(low, high, j) >= least",
            "kept = random_bits(low, high, j) < least",
        ),
        (
            "noise is the same in every epoch",
            "solvers/minibatch.py",
            "self._set_seed(self._seed + 1)",
            "self._set_seed(self._seed)",
        ),
        (
            "a part of the columns begins too early",
            "core/design_matrix.py",
            "range(begin + np.searchsorted(columns[begin:beyond], lo), beyond)",
            "range(begin, beyond)",
        ),
        (
            "tied layers swap a and δ",
            "core/propagation.py",
            "add_transposed_times(d, lo, hi, units(block, layers, l - 1), of_slices)",
            "add_transposed_times(d, lo, hi, units(block, layers, l), of_slices)",
        ),
        (
            "masked tied layers do not swap inputs and outputs",
            "core/masked_layers.py",
            "                inputs, outputs = outputs, inputs",
            "                inputs, outputs = inputs, outputs",
        ),
    ),
    *_faults(
        "core/test_network.py estimators/test_mlp.py",
        (
            "the bound of the first weights forgets the bias",
            "core/network.py",
            "bound = np.sqrt(6 / (each + n_out + 1))",
            "bound = np.sqrt(6 / (each + n_out))",
        ),
        (
            "NaN in X is not noticed",
            "core/inference.py",
            "if check and not all_finite(x):",
            "if check and not all_finite(x[:1]):",
        ),
        (
            "the last row of a call is left out",
            "core/inference.py",
            "(lo, min(lo + n_rows, m))",
            "(lo, min(lo + n_rows, m) - 1)",
        ),
    ),
    *_faults(
        "solvers/test_minibatch.py solvers/test_masked_minibatch.py solvers/test_l1.py "
        "solvers/test_minima.py",
        (
            "the excess of split weights is halved",
            "solvers/lbfgs.py",
            "return 2 * self.mu * float(",
            "return self.mu * float(",
        ),
        (
            "weights shrink by the penalty, not by the step times it",
            "solvers/gradient_descent.py",
            "shrink(theta[: l1[1]], learning_rate * l1[0])",
            "shrink(theta[: l1[1]], l1[0])",
        ),
        (
            "Adam corrects its bias as in the first step",
            "solvers/update_rules.py",
            "/ (1 - beta_1**step.t)",
            "/ (1 - beta_1)",
        ),
        (
            "Nesterov's velocity takes the whole shrinkage",
            "solvers/update_rules.py",
            "m[i] += (theta[i] - w) / share",
            "m[i] += theta[i] - w",
        ),
        (
            "the first batch has a running mean of zeros",
            "solvers/epoch.py",
            "keep = KEPT_MEAN if n_steps > 0 else 0.0",
            "keep = KEPT_MEAN",
        ),
        (
            "biases are penalized",
            "solvers/epoch.py",
            "step[2] = n_steps, eta, kappa if has_weights else 0.0",
            "step[2] = n_steps, eta, kappa",
        ),
        (
            "the penalty of a short batch counts as a whole one",
            "solvers/epoch.py",
            "weights_sum += n * np.sum(batch.tile_values)",
            "weights_sum += capacity * np.sum(batch.tile_values)",
        ),
        (
            "a resumed rule forgets its number of steps",
            "solvers/minibatch.py",
            'self._n_steps = int(state["n_steps"])',
            "self._n_steps = 0",
        ),
    ),
    *_faults(
        "solvers/test_steps.py estimators/test_mlp_layers.py estimators/test_mlp_training.py "
        "core/test_objective.py",
        (
            "dropped units are not made up for",
            "core/dropout.py",
            "scale = like(1 / (1 - layer.dropped), zero)",
            "scale = like(1, zero)",
        ),
        (
            "units of all layers are dropped together",
            "core/dropout.py",
            "random_bits(low, high, layer.b_at + j) >= least",
            "random_bits(low, high, j) >= least",
        ),
        (
            "the norm of a gradient is that of one tile",
            "solvers/epoch.py",
            "np.sqrt(np.sum(batch.squares))",
            "np.sqrt(batch.squares[0])",
        ),
        (
            "short gradients are made longer",
            "solvers/epoch.py",
            "limit / norm if norm > limit else 1.0",
            "limit / norm",
        ),
        (
            "weights decay by λ, not by the step times it",
            "solvers/epoch.py",
            "1.0 - eta * weight_decay",
            "1.0 - weight_decay",
        ),
        (
            "an average of weights begins with the initial ones",
            "solvers/epoch.py",
            "1.0 - min(averaging, (n_steps - 1) / n_steps)",
            "1.0 - averaging",
        ),
        (
            "predictions take the last weights, not the average",
            "solvers/minibatch.py",
            "return average if average.size and self._n_steps else self.theta",
            "return self.theta",
        ),
        (
            "a schedule is a step ahead",
            "solvers/schedules.py",
            "self.n_before + n_iter + np.arange(n_batches) / n_batches",
            "self.n_before + n_iter + 1 + np.arange(n_batches) / n_batches",
        ),
        (
            "the pinball loss has the levels of the other side",
            "core/losses.py",
            "slope = above if d < 0 else below",
            "slope = below if d < 0 else above",
        ),
        (
            "Huber's loss is not smooth where it becomes linear",
            "core/losses.py",
            "w[i] * bounded * (d - bounded / 2)",
            "w[i] * bounded * d / 2",
        ),
        (
            "label smoothing forgets the other classes",
            "estimators/class_targets.py",
            "return (1 - share) * Y + share * even",
            "return (1 - share) * Y",
        ),
        (
            "intervals are one rank too narrow",
            "estimators/conformal_intervals.py",
            "np.partition(scores, rank - 1)[rank - 1]",
            "np.partition(scores, max(rank - 2, 0))[max(rank - 2, 0)]",
        ),
        (
            "the weights of classes are added",
            "estimators/class_weights.py",
            "weights *= of_classes[column]",
            "weights += of_classes[column]",
        ),
        (
            "validation rows are weighed as training rows",
            "estimators/mlp_validation.py",
            "mean_loss(call, outputs, targets, rows.sample_weight)",
            "mean_loss(call, outputs, targets)",
        ),
    ),
    *_faults(
        "estimators/test_mlp_parity.py estimators/test_mlp.py estimators/test_end_of_training.py "
        "estimators/test_sparse_autoencoder.py estimators/test_mlp_peer.py",
        (
            "training stops one epoch early",
            "estimators/stopping.py",
            "at_plateau = self.n_no_improvement > self.patience",
            "at_plateau = self.n_no_improvement >= self.patience",
        ),
        (
            "the best weights are not a copy",
            "estimators/validation.py",
            "self.best, self._best_theta = score, theta.copy()",
            "self.best, self._best_theta = score, theta",
        ),
        (
            "a perceptron has another default",
            "estimators/mlp_classifier.py",
            "alpha: float = 0.0001,",
            "alpha: float = 0.001,",
        ),
        (
            "rows are not shuffled",
            "estimators/training.py",
            "self.random_state.shuffle(order.rows)",
            "self.random_state.permutation(order.rows)",
        ),
        (
            "a score is not negated",
            "estimators/reconstruction.py",
            "return -_errors_of(X, layers).sum(axis=1, keepdims=True)",
            "return _errors_of(X, layers).sum(axis=1, keepdims=True)",
        ),
    ),
    *_faults(
        "estimators/test_pretraining.py estimators/test_self_taught.py "
        "estimators/test_linear_classifier.py estimators/test_connectivity.py "
        "estimators/test_connectivity_errors.py",
        (
            "decoders are in the order of encoders",
            "estimators/stacked_autoencoder.py",
            "for autoencoder in reversed(self.autoencoders_)",
            "for autoencoder in self.autoencoders_",
        ),
        (
            "rows without labels are scored",
            "estimators/missing_labels.py",
            "return self._scorer(estimator, select_rows(X, rows), labels, **params)",
            "return self._scorer(estimator, X, np.asarray(y), **params)",
        ),
        (
            "the weights of a left-out fold stay 0",
            "estimators/linear_problem.py",
            "self.weight[rows] = 1 if self._given is None",
            "self.weight[rows] = 0 if self._given is None",
        ),
        (
            "a warm start compares patterns the wrong way round",
            "estimators/connectivity_masks.py",
            "(fitted > mask).nnz",
            "(mask > fitted).nnz",
        ),
    ),
    *_faults(
        "images/test_image_symmetries.py",
        (
            "copies of an image are pooled in an order of their own",
            "images/image_symmetries.py",
            "else sorted(views, key=_by_content)",
            "else views",
        ),
        (
            "rotations are flips",
            "images/image_symmetries.py",
            "if sum(copy) % 2 == 0",
            "if not copy.transposed",
        ),
    ),
    *_faults(
        "images/test_missing_pixels.py",
        (
            "the mean counts patches that are left out",
            "images/cell_sums.py",
            "sums / np.maximum(n, 1)[:, np.newaxis]",
            "sums / self.cells.sizes[:, np.newaxis]",
        ),
        (
            "cells without patches are 0",
            "images/cell_sums.py",
            "sums[n == 0] = self.parts.sum(axis=0) / sums.dtype.type(self._n_complete.sum())",
            "pass",
        ),
        (
            "maps are filled in where data are missing",
            "images/map_blocks.py",
            "if complete is not None:",
            "if complete is None:",
        ),
    ),
    *_faults(
        "files/test_microscope_files.py files/test_declared_missing.py",
        (
            "premultiplied colours are multiplied again",
            "files/tiff_values.py",
            "shown = colours if premultiplied else colours * opacity",
            "shown = colours * opacity",
        ),
        (
            "a contiguous page is the one after",
            "files/tiff_pages.py",
            "series.dataoffset + k * size",
            "series.dataoffset + (k + 1) * size",
        ),
        (
            "floats are read in a range of their own",
            "files/pixel_reading.py",
            "known = self.value_range or self.float_range",
            "known = self.value_range or extremes(values)",
        ),
        (
            "a value for no data is a value",
            "files/missing_pixels.py",
            "if tag is not None:",
            "if tag is None:",
        ),
    ),
    *_faults(
        "images/test_patches.py images/test_convolution.py images/test_dictionary_encoder.py "
        "images/test_zca_whitening.py images/test_image_whitening.py "
        "images/test_patch_features.py",
        (
            "the mean does not count both views",
            "images/pooling.py",
            "parts / (n_views * cells.sizes[:, np.newaxis])",
            "parts / cells.sizes[:, np.newaxis]",
        ),
        (
            "the maximum of negative numbers is 0",
            "images/pooling.py",
            "-np.inf if pooling == MAX else 0",
            "0",
        ),
        (
            "the floor of the contrast is left out",
            "images/patches.py",
            "np.sqrt(variance + like(contrast_floor, mean))",
            "np.sqrt(variance)",
        ),
        (
            "the last position of a patch is never drawn",
            "images/patches.py",
            "room = (image.shape[0] - size[0] + 1, image.shape[1] - size[1] + 1)",
            "room = (image.shape[0] - size[0], image.shape[1] - size[1] + 1)",
        ),
        (
            "fused whitening has the shift of the wrong sign",
            "images/operator_fusion.py",
            "return affine.C @ W, b + affine.c @ W",
            "return affine.C @ W, b - affine.c @ W",
        ),
        (
            "the inverse of whitening whitens again",
            "images/zca_whitening.py",
            "interruptible(np.matmul, U * root, U.T)",
            "interruptible(np.matmul, U / root, U.T)",
        ),
        (
            "the filter of images is too flat",
            "images/image_whitening.py",
            "np.exp(-((r / self.cutoff) ** 4))",
            "np.exp(-((r / self.cutoff) ** 2))",
        ),
        (
            "of equally near atoms, all are chosen",
            "images/encoding.py",
            "if n_nearest > 1:",
            "if n_nearest > len(Z) + z.size:",
        ),
    ),
    *_faults(
        "images/test_deep_patch_features.py",
        (
            "smaller windows at the end are not means",
            "images/layer_pooling.py",
            "sizes = np.outer(down.sizes(), across.sizes())",
            "sizes = np.full((len(down.sizes()), len(across.sizes())), down.sizes()[0] ** 2)",
        ),
        (
            "bands of a large image begin at the wrong row",
            "images/layer_pooling.py",
            "first * self.patches.stride",
            "first * self.patches.height",
        ),
        (
            "the map of the mirror image is that of the image",
            "images/layer_pooling.py",
            "maps.extend(self._maps(same, complete, encode_and_pool, sums[shape]))",
            "maps.extend(self._maps(same[:1], complete, encode_and_pool, sums[shape]))",
        ),
        (
            "components of maps are not centred",
            "images/layer_stack.py",
            "(-channels.mean_.astype(np.float64) @ W)",
            "(0 * channels.mean_.astype(np.float64) @ W)",
        ),
        (
            "pieces of an image are taken a step too far apart",
            "images/map_extent.py",
            "step = self.step[0] * patches.stride, self.step[1] * patches.stride",
            "step = self.step[0] * patches.height, self.step[1] * patches.width",
        ),
    ),
    *_faults(
        "files/test_read_images.py files/test_feature_extraction.py "
        "files/test_atomic_writing.py files/test_prefetch.py files/test_image_folders.py "
        "files/test_sixteen_bits.py files/test_image_collection.py",
        (
            "photographs are not turned upright",
            "files/decoded_pixels.py",
            "np.dtype(dtype), ImageOps.exif_transpose(image)",
            "np.dtype(dtype), image",
        ),
        (
            "what is transparent lies on black",
            "files/decoded_pixels.py",
            "(rgba[..., :3] * opacity + (1 - opacity)).clip(0, 1)",
            "(rgba[..., :3] * opacity).clip(0, 1)",
        ),
        (
            "signed pixels are scaled as unsigned ones",
            "files/image_collection.py",
            "(image.astype(dtype) - dtype.type(low)) / dtype.type(high - low)",
            "image.astype(dtype) / dtype.type(high)",
        ),
        (
            "a block with skipped images counts as done",
            "files/feature_extraction.py",
            "None if block.skipped else stamp",
            "stamp",
        ),
        (
            "a journal is read beyond a damaged line",
            "files/resumable_table.py",
            "            if entry is None:\n                break",
            "            if entry is None:\n                continue",
        ),
        (
            "temporary files that are in use are removed",
            "files/atomic_writing.py",
            "                    elif free:\n",
            "                    else:\n",
        ),
        (
            "the last error is raised, not the first",
            "files/prefetch.py",
            "raise self._errors[min(self._errors)]",
            "raise self._errors[max(self._errors)]",
        ),
        (
            "a folder that is reached twice is listed twice",
            "files/image_folders.py",
            "        self._searched.add(real)\n",
            "",
        ),
    ),
    *_faults(
        "test_persistence.py",
        (
            "damaged sparse matrices are loaded",
            "persistence.py",
            "        _check_sparse(estimator)\n",
            "",
        ),
        (
            "callbacks are lost by saving",
            "persistence.py",
            "            setattr(each, CALLBACKS_ATTRIBUTE, callback)",
            "            pass",
        ),
        (
            "the size of a file is not limited",
            "persistence.py",
            "        check_declared_size(data, limit)\n",
            "",
        ),
    ),
    *_faults(
        "test_checkpoint.py solvers/test_lbfgs_steps.py estimators/test_restarts.py",
        (
            "arrays are not filled from a checkpoint",
            "solvers/saved_state.py",
            "        current[...] = given\n",
            "",
        ),
        (
            "the order of the rows is not checked",
            "solvers/saved_state.py",
            'raise ValueError("rows: not an order of the rows")',
            "pass",
        ),
        (
            "the order of the rows is not kept",
            "estimators/training.py",
            '            "order": order,\n',
            "",
        ),
        (
            "new noise starts over after an interruption",
            "solvers/minibatch.py",
            '        self._set_seed(int(state["seed"]))\n',
            "",
        ),
        (
            "the best epoch is forgotten after an interruption",
            "estimators/validation.py",
            'changing = ("scores", "losses", "best", "_best_theta")',
            'changing = ("scores", "losses", "best")',
        ),
        (
            "an average of the weights is lost after an interruption",
            "solvers/minibatch.py",
            "            self._optimizer.average[:] = self.theta\n",
            "",
        ),
        (
            "the random numbers of the beginning are not restored",
            "estimators/training_record.py",
            '                RandomNumbers(random_state).resume(self._record["random_state"])\n',
            "                pass\n",
        ),
        (
            "initial weights are not compared",
            "estimators/training_record.py",
            "        if before != start:\n",
            "        if False:\n",
        ),
        (
            "a checkpoint is not flushed to the disk",
            "checkpoint.py",
            ", durable=True",
            "",
        ),
        (
            "a fit replaces the checkpoint of another one",
            "checkpoint.py",
            "            self._check_owner()\n",
            "",
        ),
        (
            "the worst of several trainings is kept",
            "estimators/restarts.py",
            "best = max(trainings",
            "best = min(trainings",
        ),
    ),
    *_faults(
        "cli/test_error_messages.py cli/test_skip_errors.py cli/test_commands.py cli/test_app.py "
        "files/test_sixteen_bits.py",
        (
            "the command line forgets the used range",
            "cli/datasets.py",
            "images = ImageCollection(usable, channels=channels).as_learned(features)",
            "images = ImageCollection(usable, channels=channels)",
        ),
        (
            "the probability is that of another class",
            "cli/predictions.py",
            'f"{row.max():.4f}"',
            'f"{row[0]:.4f}"',
        ),
        (
            "an output is not checked before the work",
            "cli/commands/report_command.py",
            '    check_output(out, ".html", ".htm")\n',
            "",
        ),
        (
            "an error has the status of success",
            "cli/error_messages.py",
            "            status = ERROR\n",
            "            status = 0\n",
        ),
    ),
    *_faults(
        "display/test_tiles.py display/test_units_display.py display/test_loss_curve_display.py "
        "display/test_connectivity_display.py",
        (
            "a tile's channels are scaled apart",
            "display/tiles.py",
            'axis = (1, 2, 3) if scale == "tile" else None',
            'axis = (1, 2) if scale == "tile" else None',
        ),
        (
            "rows that do not excite a unit are shown",
            "display/unit_tiles.py",
            "self.activations[unit] > self.lowest[unit]",
            "self.activations[unit] >= self.lowest[unit]",
        ),
        (
            "epochs are counted from 0",
            "display/loss_curve_display.py",
            "ax.plot(np.arange(1, len(curve) + 1), curve,",
            "ax.plot(np.arange(len(curve)), curve,",
        ),
        (
            "inputs and units are swapped",
            "display/mask_image.py",
            'numbers = {"inputs": self.units_per_input, "units": self.inputs_per_unit}',
            'numbers = {"units": self.units_per_input, "inputs": self.inputs_per_unit}',
        ),
    ),
    *_faults(
        "estimators/test_training_faults.py estimators/test_column_faults.py "
        "analysis/test_diagnosed_faults.py analysis/test_diagnose.py "
        "display/test_diagnosis_display.py",
        (
            "a training that converges counts as too slow",
            "estimators/training_faults.py",
            "if late < _LATE_FALL:",
            "if late < 0:",
        ),
        (
            "the least serious finding comes first",
            "estimators/finding.py",
            "SEVERITIES.index(each.severity)",
            "-SEVERITIES.index(each.severity)",
        ),
        (
            "rare entries make a column small",
            "estimators/column_faults.py",
            "np.sqrt(squares / np.maximum(n_nonzero, 1))",
            "np.sqrt(squares / n)",
        ),
        (
            "training rows count as validation rows",
            "analysis/generalization_faults.py",
            "estimator.score(held_out.X, held_out.y)",
            "estimator.score(rows.X, rows.y)",
        ),
    ),
    *_faults(
        "test_report.py analysis/test_cross_validation.py analysis/test_shift_sensitivity.py "
        "cli/test_commands.py",
        (
            "the least confident mistakes are shown",
            "analysis/held_out_predictions.py",
            "np.argsort(-self.probabilities[wrong].max(axis=1)",
            "np.argsort(self.probabilities[wrong].max(axis=1)",
        ),
        (
            "shifts down and across are swapped",
            "analysis/shift_sensitivity.py",
            "enumerate(((shift, 0), (0, shift)))",
            "enumerate(((0, shift), (shift, 0)))",
        ),
        (
            "a model is tested on its training images",
            "report/class_scores.py",
            "    if new:\n",
            "    if True:\n",
        ),
        (
            "names are not escaped",
            "analysis/html_templates.py",
            "autoescape=True",
            "autoescape=False",
        ),
        (
            "the median is shown for the mean",
            "report/class_scores.py",
            '"accuracy": held_out.accuracies.mean(),',
            '"accuracy": held_out.accuracies.max(),',
        ),
    ),
    *_faults(
        "estimators/test_held_out_rows.py estimators/test_linear_classifier.py "
        "analysis/test_image_copies.py analysis/test_cross_validation.py "
        "labelling/test_label_server.py labelling/test_label_session.py "
        "labelling/test_label_book.py",
        (
            "rows of the same fold choose their own penalty",
            "estimators/alpha_choice.py",
            "others = total - totals if",
            "others = total + totals if",
        ),
        (
            "the temperature multiplies",
            "estimators/linear_classifier.py",
            "W.T / self.temperature_",
            "W.T * self.temperature_",
        ),
        (
            "a class is held out whole",
            "estimators/held_out_rows.py",
            "kept = [rows[known[codes[rows]]]",
            "kept = [rows[known[codes[rows]] | True]",
        ),
        (
            "copies of different groups are not joined",
            "analysis/image_copies.py",
            "    return labels[codes]\n",
            "    return codes\n",
        ),
        (
            "other origins may send labels",
            "labelling/label_server.py",
            "origin is None or origin in self._origins",
            "True",
        ),
        (
            "any host name is served",
            "labelling/label_server.py",
            'headers.get("host") in self._hosts',
            "True",
        ),
        (
            "an unsure image is asked again",
            "labelling/label_session.py",
            "index not in self._skipped and self.book.note(index) != NOT_SURE",
            "index not in self._skipped",
        ),
        (
            "an edit by hand is overwritten",
            "labelling/label_book.py",
            "        if stamp == self._stamp:\n",
            "        if stamp == self._stamp or self._table.rows:\n",
        ),
    ),
    *_faults(
        "export/test_folded_layers.py export/test_same_outputs.py",
        (
            "the shift of a folded scaler is lost",
            "export/folded_layers.py",
            "_product(below.b, layer.W) + layer.b",
            "layer.b",
        ),
        (
            "a clipped layer is merged with the one below",
            "export/folded_layers.py",
            'folded[-1].activation == "identity" and layer.limits is None:',
            'folded[-1].activation == "identity":',
        ),
    ),
    *_faults(
        "export/test_onnx_images.py",
        (
            "the last cell loses a position",
            "export/image_features.py",
            "    return first, last\n",
            "    return first, last - (last == len(part_of))\n",
        ),
    ),
    *_faults(
        "estimators/test_sklearn_conversion.py",
        (
            "scikit-learn's Adam gets its moments in the wrong order",
            "estimators/sklearn_conversion.py",
            "adam.ms, adam.vs, adam.t = first, second,",
            "adam.ms, adam.vs, adam.t = second, first,",
        ),
        (
            "the lowered learning rate is forgotten",
            "estimators/sklearn_conversion.py",
            'sgd.velocities, sgd.learning_rate = first, state["rate"]',
            "sgd.velocities = first",
        ),
    ),
]
