"""The stacked autoencoder: each layer is learned on the activations of the one below."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

from striate.core.row_blocks import RowBlocks

from .connectivity_masks import check_shapes, resolve_masks, resolve_sizes
from .fitted_attributes import INPUT, Attribute, Each, Floats, Instance, Whole
from .local_receptive_fields import LocalReceptiveFields
from .reconstruction import Layer, Reconstruction
from .sklearn_private import fit_context
from .sparse_autoencoder import SparseAutoencoder
from .training_record import record_of


class StackedAutoencoder(CallbackSupportMixin, Reconstruction):
    """Sparse autoencoders on top of each other, learned one by one from the input upwards.

    The first learns to reproduce X, the second to reproduce the activations of the first's hidden
    units, and so on. The activations of the last one are the features. `MLPClassifier` and
    `MLPRegressor` accept such a stack as their `pretraining`.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(100,)
        Number of hidden units of each autoencoder, from the input upwards.
    autoencoder : SparseAutoencoder, list of SparseAutoencoder or None, default=None
        Settings of all autoencoders, or a list with one entry per layer; `n_components` is taken
        from `hidden_layer_sizes`. None stands for ``SparseAutoencoder()``.
    random_state : int, RandomState instance or None, default=None
        Seed for the autoencoders whose own `random_state` is None.
    connectivity : mask, LocalReceptiveFields, list of these and None, or None, default=None
        Inputs that each hidden unit sees, as for `SparseAutoencoder`: a mask for the first layer,
        or a list with one entry per layer, None for a dense one. It determines the layer sizes.

    Attributes
    ----------
    autoencoders_ : list of SparseAutoencoder
        The fitted autoencoders, from the input upwards: their weights, losses and mean activations.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had any.

    See Also
    --------
    SparseAutoencoder : One layer of the stack.
    MLPClassifier : Accepts a stack as `pretraining`, and fine-tunes all of its layers.

    Notes
    -----
    While a layer above the first is learned, its input, the activations of all rows, is in memory;
    for an X that is read by blocks, they are computed again at each reading.

    References
    ----------
    .. [1] Y. Bengio, P. Lamblin, D. Popovici and H. Larochelle, "Greedy layer-wise training of deep
       networks", NIPS (2006).
    .. [2] A. Ng and others, "UFLDL tutorial: stacked autoencoders", Stanford (2013).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from striate import SparseAutoencoder, StackedAutoencoder
    >>> X = load_digits().data / 16
    >>> one = SparseAutoencoder(sparsity_weight=0.3, tol=0.01)
    >>> stack = StackedAutoencoder((25, 10), autoencoder=one, random_state=0).fit(X)
    >>> [layer.components_.shape for layer in stack.autoencoders_]
    [(25, 64), (10, 25)]
    >>> stack.inverse_transform(stack.transform(X)).shape
    (1797, 64)
    """

    #: For `Checkpoint`.
    _has_records: ClassVar[bool] = True
    _fitted: ClassVar[Mapping[str, Attribute]] = {
        **INPUT,
        "autoencoders_": Each(
            Instance(
                SparseAutoencoder, {"n_features_in_": Whole("in"), "intercept_": Floats(("out",))}
            ),
            layers=True,
        ),
    }

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "hidden_layer_sizes": ["array-like"],
        "autoencoder": [SparseAutoencoder, list, None],
        "random_state": ["random_state"],
        "connectivity": ["array-like", "sparse matrix", LocalReceptiveFields, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        *,
        autoencoder: SparseAutoencoder | list[SparseAutoencoder] | None = None,
        random_state: Any = None,
        connectivity: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.autoencoder = autoencoder
        self.random_state = random_state
        self.connectivity = connectivity

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn one layer after the other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are no layers, if the number of autoencoders differs from that of layers, or
            as for `SparseAutoencoder.fit`.
        """
        A = self._validated(X, reset=True)
        record = record_of(self, X=A)
        random_state = record.random_state(self.random_state)
        autoencoders = self._new_autoencoders(A.shape[1], random_state)
        context = self._init_callback_context(max_subtasks=len(autoencoders))
        context.call_on_fit_task_begin(estimator=self, X=X)
        for i, autoencoder in enumerate(autoencoders):
            task = context.subcontext(task_name="layer")
            with task.propagate_callback_context(autoencoder), warnings.catch_warnings():
                if self.connectivity is not None:  # `resolve_masks` has warned already
                    warnings.filterwarnings("ignore", "connectivity of layer 0", UserWarning)
                with record.recording(autoencoder, f"layer {i}"):
                    autoencoder.fit(A)
            if autoencoder is not autoencoders[-1]:
                A = _encoded(autoencoder, A)
        self.autoencoders_ = autoencoders
        context.call_on_fit_task_end(estimator=self, X=X)
        return self

    def _new_autoencoders(
        self, n_features: int, random_state: np.random.RandomState
    ) -> list[SparseAutoencoder]:
        masks = resolve_masks(self.connectivity, getattr(self, "feature_names_in_", None))
        sizes = resolve_sizes(self, masks)
        if not sizes:
            raise ValueError("hidden_layer_sizes is empty: a stack has at least one layer.")
        given = SparseAutoencoder() if self.autoencoder is None else self.autoencoder
        templates = given if isinstance(given, list) else [given] * len(sizes)
        if len(templates) != len(sizes):
            raise ValueError(
                f"autoencoder is a list of {len(templates)}, but hidden_layer_sizes has "
                f"{len(sizes)} layers: give one autoencoder per layer, or a single one for all."
            )
        check_shapes(masks, [n_features, *sizes])
        masks += [None] * (len(sizes) - len(masks))
        autoencoders = []
        for size, template, mask in zip(sizes, templates, masks, strict=True):
            seed = random_state.randint(np.iinfo(np.int32).max)
            autoencoder = clone(template).set_params(n_components=size)
            if template.random_state is None:
                autoencoder.set_params(random_state=seed)
            if mask is not None:
                autoencoder.set_params(connectivity=mask)
            autoencoders.append(autoencoder)
        return autoencoders

    def encoder_layers(self) -> list[Layer]:
        """Return W (n_in, n_out), b (n_out,) and f of each hidden layer, from the input upwards.

        Returns
        -------
        list of tuple
        """
        check_is_fitted(self)
        return [autoencoder.as_layer() for autoencoder in self.autoencoders_]

    def decoder_layers(self) -> list[Layer]:
        """Return W (n_in, n_out), b (n_out,) and f of each decoder, from the top layer downwards.

        Returns
        -------
        list of tuple
        """
        check_is_fitted(self)
        return [
            layer
            for autoencoder in reversed(self.autoencoders_)
            for layer in autoencoder.decoder_layers()
        ]


def _encoded(autoencoder: SparseAutoencoder, A: Any) -> Any:
    """Return the activations of a fitted layer: whenever they are read, if A is read by blocks."""
    if not isinstance(A, RowBlocks):
        return autoencoder.transform(A)
    return A.mapped(autoencoder.transform, len(autoencoder.intercept_))
