"""Find the items that a network treats as similar, by the cosines between their embeddings.

The neighbors are found as recommendations are in `top_k`, by a pass over all pairs, here of items.
"""

import keras
import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.evaluation_negatives import InteractionSet
from ncf_assets.ncf.recommend.top_k import TopUnseen

EMBEDDINGS = ("gmf_item_embedding", "mlp_item_embedding")


def item_vectors(model: keras.Model) -> np.ndarray:
    """Return vectors float32 [n_items, width] whose dot product is the items' similarity, -1 to 1.

    The similarity is the mean over the network's halves of the cosine between the embeddings, so
    that neither half outweighs the other. An embedding of length 0 is similar to nothing.
    """
    halves = [x.get_weights()[0] for x in model.layers if x.name in EMBEDDINGS]
    units = [_unit(half) / np.sqrt(len(halves), dtype=np.float32) for half in halves]
    return np.concatenate(units, axis=1)


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
