"""Find the items that a network treats as similar, by the directions of their embeddings.

The neighbors are found as recommendations are in `top_k`, by a pass over all pairs, here of items.
"""

import keras
import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend.top_k import TopUnseen


def item_vectors(model: keras.Model) -> np.ndarray:
    """Return vectors float32 [n_items, factors] whose dot products are similarities, -1 to 1.

    They are the cosines of the item embeddings of GMF's half. Each column counts by how much it
    moves logits from user to user: by the standard deviation of its user embeddings, and by its
    weight in the logit. So a column that is the same for all users, such as a bias of the items,
    does not count. An embedding of length 0 is similar to nothing.
    """
    weights = {weight.path: weight.numpy() for weight in model.weights}
    users, items = (weights[f"gmf_{side}_embedding/embeddings"] for side in ("user", "item"))
    kernel = weights["logit/kernel"][: items.shape[1], 0]
    return _unit(items * (users.std(axis=0) * kernel))


def neighbors(vectors: np.ndarray, k: int) -> TopUnseen:
    """Return the k items most similar to each item, without itself; fewer where there are fewer."""
    items = np.arange(len(vectors), dtype=np.int32)
    top = TopUnseen(items, InteractionSet(items, items, items.size), k)

    def similarity(some: np.ndarray) -> np.ndarray:
        return np.clip(vectors[some] @ vectors.T, -1, 1)  # rounding may pass 1 by a bit

    ranking.score_all("the item embeddings", similarity, items, items.size, [top])
    return top


def _unit(embeddings: np.ndarray) -> np.ndarray:
    """Scale each row to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    scaled: np.ndarray = np.divide(
        embeddings, lengths, out=np.zeros_like(embeddings), where=lengths > 0
    )
    return scaled
