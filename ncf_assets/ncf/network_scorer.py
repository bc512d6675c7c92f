"""The logits of GMF, MLP and NeuMF for whole users at once: every item, in one block.

The exact ranking asks for each pair of user and item, so what belongs to one of them alone is
computed once: the first layer of the tower is a sum of a user part and an item part. The rest is
done in tiles that stay in a core's cache. In numpy: of the ways tried on the default network (core
time per pair: numpy 28 ns, XLA 30 to 160 by size of the tile, TensorFlow 52 to 350) it needs the
smallest tiles and no tracing. Single pairs are scored by `neumf.scorer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from ncf_assets.ncf.ranking import BlockScorer

CACHE = 2**19  # ours: floats of a tile's activations; a quarter of it takes a third more time
ITEMS = {"gmf": "gmf_item_embedding", "mlp": "mlp_item_embedding"}  # layers of the halves
FEWEST_PAIRS = 256  # ours: smaller tiles would cost more in calls than in arithmetic


@dataclass(frozen=True)
class Dense:
    """A dense layer: kernel [n_in, n_out], bias [n_out]."""

    kernel: np.ndarray
    bias: np.ndarray


def block_scorer(model: keras.Model) -> BlockScorer:
    """A scorer with the model's weights as they are now; layers are found by their names.

    Items with equal embeddings have equal logits, to the last bit. ValueError for a network whose
    hidden layers are not ReLU.
    """
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    items = {half: weights[name][0] for half, name in ITEMS.items() if name in weights}
    first, place = _distinct(list(items.values()))
    kernel, bias = weights["logit"]
    # under NeuMF's logit the GMF half comes first, then the MLP half
    factors = items["gmf"].shape[1] if "gmf" in items else 0
    halves: list[_Product | _Tower] = []
    if "gmf" in items:
        users = weights["gmf_user_embedding"][0]
        halves.append(_Product(users, items["gmf"][first], kernel[:factors, 0]))
    if "mlp" in items:
        logit = Dense(kernel[factors:], np.zeros_like(bias))
        users = weights["mlp_user_embedding"][0]
        halves.append(_Tower(users, items["mlp"][first], [*_hidden_layers(model), logit]))

    def score(users: np.ndarray) -> np.ndarray:
        scores = np.full((users.size, first.size), bias, np.float32)
        for half in halves:
            half.add_to(scores, users)
        return scores if place is None else np.take(scores, place, axis=1)

    return score


def _distinct(embeddings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Items int64 [m] whose rows in `embeddings` differ, and each item's place among them.

    BLAS adds in an order that depends on a column's place, so equal items are scored once. The
    places are None where all differ, as they do in a network that has not collapsed.
    """
    rows = np.concatenate(embeddings, axis=1) + np.float32(0)  # of two zeros only the positive one
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
    return (np.arange(len(rows)), None) if first.size == len(rows) else (first, place)


class _Product:
    """The GMF half: one matrix product, the logit's kernel folded into the users' side."""

    def __init__(self, users: np.ndarray, items: np.ndarray, kernel: np.ndarray) -> None:
        self._users = users  # [n_users, factors]
        self._items = items  # [n_items, factors]
        self._kernel = kernel  # [factors]

    def add_to(self, scores: np.ndarray, users: np.ndarray) -> None:
        """Add the half's part of the logits to scores [b, n_items]."""
        scores += (self._users[users] * self._kernel) @ self._items.T


class _Tower:
    """The MLP half. Activations are [width, pairs], so that long rows are added and compared."""

    def __init__(self, users: np.ndarray, items: np.ndarray, layers: Sequence[Dense]) -> None:
        first, *self._above = layers
        n_user = users.shape[1]
        self._users = users
        self._user_kernel = first.kernel[:n_user]  # [n_user, width]
        self._bias = first.bias
        self._item_part = np.ascontiguousarray((items @ first.kernel[n_user:]).T)  # [width, n]
        self._n_items = len(items)
        self._widths = [layer.bias.size for layer in layers]
        self._pairs = max(FEWEST_PAIRS, CACHE // sum(self._widths))  # of a tile

    def add_to(self, scores: np.ndarray, users: np.ndarray) -> None:
        """Add the half's part of the logits to scores [b, n_items]."""
        user_part = (self._users[users] @ self._user_kernel + self._bias).T  # [width, b]
        together = max(1, self._pairs // self._n_items)  # users of a tile, where items are few
        room = _Room(self._widths, together * min(self._pairs, self._n_items))
        for start in range(0, self._n_items, self._pairs):
            items = slice(start, start + self._pairs)
            tile = self._item_part[:, None, items]  # [width, 1, t]
            for row in range(0, users.size, together):
                rows = slice(row, row + together)
                scored = scores[rows, items]
                values = room.of_layer(0, scored.size)
                np.add(tile, user_part[:, rows, None], out=values.reshape(-1, *scored.shape))
                scored += self._climb(room, values).reshape(scored.shape)

    def _climb(self, room: "_Room", values: np.ndarray) -> np.ndarray:
        """From the first layer's sums [width, pairs] to the logits [1, pairs]."""
        pairs = values.shape[1]
        for i, layer in enumerate(self._above, start=1):
            np.maximum(values, room.zeros[:pairs], out=values)
            values = np.matmul(layer.kernel.T, values, out=room.of_layer(i, pairs))
            values += layer.bias[:, None]
        return values


class _Room:
    """Memory of one tile's activations, kept from tile to tile so that it stays in the cache."""

    def __init__(self, widths: Sequence[int], pairs: int) -> None:
        self._layers = [np.empty(width * pairs, np.float32) for width in widths]
        self._widths = widths
        # numpy compares with an array four times faster than with a number
        self.zeros = np.zeros(pairs, np.float32)

    def of_layer(self, i: int, pairs: int) -> np.ndarray:
        """Where the activations [width, pairs] of layer i are kept."""
        width = self._widths[i]
        return self._layers[i][: width * pairs].reshape(width, pairs)


def _hidden_layers(model: keras.Model) -> list[Dense]:
    """The tower's hidden layers, the lowest first."""
    found = {x.name: x for x in model.layers if x.name.startswith("mlp_hidden_")}
    layers = [found[f"mlp_hidden_{i}"] for i in range(1, len(found) + 1)]
    for layer in layers:
        if layer.activation is not keras.activations.relu:
            raise ValueError(
                "hidden layers must have the activation relu, found"
                f" {layer.activation.__name__} in {layer.name}; add it to network_scorer"
            )
    return [Dense(*layer.get_weights()) for layer in layers]
