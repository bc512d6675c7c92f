"""Score every item of a block of users at once, by the logits of GMF, MLP and NeuMF.

The exact ranking asks for each pair of user and item, so the parts that depend on one of them alone
are computed once: the first layer of the tower is a sum of a user part and an item part. The rest
is computed in tiles that stay in a core's cache. The code is numpy: of the ways tried on the
default network (core time per pair: numpy 28 ns, XLA 30 to 160 by size of the tile, TensorFlow 52
to 350) numpy needs the smallest tiles and no tracing. `models.neumf.scorer` scores single pairs,
and `training.neumf_logits` scores a few items of each user.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ncf_assets.ncf.evaluation.ranking import BlockScorer

if TYPE_CHECKING:  # other machines score by weights, without TensorFlow
    import keras

CACHE = 2**19  # chosen: floats of a tile's activations; a quarter of it takes a third more time
# the weights of each half
ITEMS = {half: f"{half}_item_embedding/embeddings" for half in ("gmf", "mlp")}
USERS = {half: f"{half}_user_embedding/embeddings" for half in ("gmf", "mlp")}
# multiplications of a product for which OpenBLAS copies no operand on processors with AVX-512: by
# parts of this size, ranking takes four fifths of the time
SMALL_PRODUCT = 10**6
FEWEST_PAIRS = 256  # chosen: smaller tiles would cost more in calls than in arithmetic


@dataclass(frozen=True)
class Dense:
    """A dense layer: kernel [n_in, n_out], bias [n_out]."""

    kernel: np.ndarray
    bias: np.ndarray


def block_scorer(model: "keras.Model") -> BlockScorer:
    """Return a scorer with the model's present weights.

    Raise ValueError for a network whose hidden layers are not ReLU.
    """
    from keras.activations import relu

    for layer in model.layers:
        activation = getattr(layer, "activation", None)
        if layer.name.startswith("mlp_hidden_") and activation is not relu:
            found = getattr(activation, "__name__", activation)
            raise ValueError(
                f"Hidden layers must have the activation relu, found {found} in {layer.name}."
                " Add it to neumf_scorer."
            )
    return from_weights({weight.path: weight.numpy() for weight in model.weights})


class NetworkScores:
    """A network by its weights, as `models.model_selection` asks for a model."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.scores = from_weights(weights)


def from_weights(weights: Mapping[str, Any]) -> BlockScorer:
    """Return a scorer of a network of `models.neumf` by its weights, arrays by variable path."""
    return ItemSide(weights).scorer(weights)


class ItemSide:
    """What the logits of a network of `models.neumf` need that does not depend on users.

    `weights` are arrays by variable path, among which those of users may lack. Items with equal
    embeddings have equal logits, to the last bit.
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        weights = {path: np.asarray(weight) for path, weight in weights.items()}
        items = {half: weights[path] for half, path in ITEMS.items() if path in weights}
        self._first, self._index = _distinct(list(items.values()))
        kernel, self._bias = weights["logit/kernel"], weights["logit/bias"]
        # under NeuMF's logit the GMF half comes first, then the MLP half
        factors = items["gmf"].shape[1] if "gmf" in items else 0
        self._halves: dict[str, _Product | _Tower] = {}
        if "gmf" in items:
            self._halves["gmf"] = _Product(items["gmf"][self._first], kernel[:factors, 0])
        if "mlp" in items:
            logit = Dense(kernel[factors:], np.zeros_like(self._bias))
            layers = [*_hidden_layers(weights), logit]
            self._halves["mlp"] = _Tower(items["mlp"][self._first], layers)

    def scorer(self, weights: Mapping[str, Any]) -> BlockScorer:
        """Return a scorer of the users whose embeddings are among these weights."""
        embeddings = {half: np.asarray(weights[USERS[half]]) for half in self._halves}

        def score(users: np.ndarray) -> np.ndarray:
            scores = np.full((users.size, self._first.size), self._bias, np.float32)
            for name, half in self._halves.items():
                half.add_to(scores, embeddings[name][users])
            return scores if self._index is None else np.take(scores, self._index, axis=1)

        return score


def _distinct(embeddings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return items int64 [m] whose rows in `embeddings` differ, and each item's index among them.

    BLAS adds in an order that depends on a column's position, so equal items are scored once. The
    indices are None where all items differ, as they do in a network that has not collapsed.
    """
    rows = np.concatenate(embeddings, axis=1) + np.float32(0)  # a negative zero becomes positive
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, index = np.unique(as_bytes, return_index=True, return_inverse=True)
    return (np.arange(len(rows)), None) if first.size == len(rows) else (first, index)


class _Product:
    """The GMF half: one matrix product, with the logit's kernel folded into the users' side."""

    def __init__(self, items: np.ndarray, kernel: np.ndarray) -> None:
        # a product for the few users of a block takes half as long by columns
        self._items = np.ascontiguousarray(items.T)  # [factors, n_items]
        self._kernel = kernel  # [factors]

    def add_to(self, scores: np.ndarray, users: np.ndarray) -> None:
        """Add the half's part of the logits of users [b, factors] to scores [b, n_items]."""
        scores += (users * self._kernel) @ self._items


class _Tower:
    """The MLP half. Activations are [width, pairs], so that long rows are added and compared."""

    def __init__(self, items: np.ndarray, layers: Sequence[Dense]) -> None:
        first, *self._above = layers
        n_user = len(first.kernel) - items.shape[1]
        self._user_kernel = first.kernel[:n_user]  # [n_user, width]
        self._bias = first.bias
        self._item_part = np.ascontiguousarray((items @ first.kernel[n_user:]).T)  # [width, n]
        self._n_items = len(items)
        self._widths = [layer.bias.size for layer in layers]
        self._pairs = max(FEWEST_PAIRS, CACHE // sum(self._widths))  # of a tile

    def add_to(self, scores: np.ndarray, users: np.ndarray) -> None:
        """Add the half's part of the logits of users [b, n_user] to scores [b, n_items]."""
        user_part = (users @ self._user_kernel + self._bias).T  # [width, b]
        height = max(1, self._pairs // self._n_items)  # users of a tile, more if items are few
        buffers = _TileBuffers(self._widths, height * min(self._pairs, self._n_items))
        for start in range(0, self._n_items, self._pairs):
            items = slice(start, start + self._pairs)
            tile = self._item_part[:, None, items]  # [width, 1, t]
            for row in range(0, len(users), height):
                rows = slice(row, row + height)
                scored = scores[rows, items]
                values = buffers.of_layer(0, scored.size)
                np.add(tile, user_part[:, rows, None], out=values.reshape(-1, *scored.shape))
                scored += self._forward(buffers, values).reshape(scored.shape)

    def _forward(self, buffers: "_TileBuffers", values: np.ndarray) -> np.ndarray:
        """Return the logits [1, pairs] that follow from the first layer's sums [width, pairs]."""
        pairs = values.shape[1]
        for i, layer in enumerate(self._above, start=1):
            np.maximum(values, buffers.zeros[:pairs], out=values)
            below, values = values, buffers.of_layer(i, pairs)
            step = max(1, SMALL_PRODUCT // layer.kernel.size)
            for start in range(0, pairs, step):
                part = slice(start, start + step)
                np.matmul(layer.kernel.T, below[:, part], out=values[:, part])
            values += layer.bias[:, None]
        return values


class _TileBuffers:
    """Memory of one tile's activations, reused by all tiles so that it stays in the cache."""

    def __init__(self, widths: Sequence[int], pairs: int) -> None:
        self._layers = [np.empty(width * pairs, np.float32) for width in widths]
        self._widths = widths
        # numpy compares with an array four times faster than with a number
        self.zeros = np.zeros(pairs, np.float32)

    def of_layer(self, i: int, pairs: int) -> np.ndarray:
        """Return the array [width, pairs] for the activations of layer i."""
        width = self._widths[i]
        return self._layers[i][: width * pairs].reshape(width, pairs)


def _hidden_layers(weights: Mapping[str, np.ndarray]) -> list[Dense]:
    """Return the tower's hidden layers, the lowest first."""
    n = sum(path.startswith("mlp_hidden_") and path.endswith("/kernel") for path in weights)
    names = [f"mlp_hidden_{i}" for i in range(1, n + 1)]
    return [Dense(weights[f"{name}/kernel"], weights[f"{name}/bias"]) for name in names]
