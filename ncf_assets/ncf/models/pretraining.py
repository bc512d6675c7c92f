"""Start a network from earlier models: from a factorization, from one half, or from both.

A layer has the same name in GMF, MLP and NeuMF, so weights are copied by name. The networks
themselves are in `neumf`.
"""

import keras
import numpy as np

from ncf_assets.ncf.models.ials import Factors

# chosen: logits of about -3 for a score of 0 and 5 for 1, which are the factorization's targets
FACTORS_SCALE, FACTORS_BIAS = 8.0, -3.0
NEGLIGIBLE = 1e-3  # chosen: a hundredth of a fresh value


def from_factors(gmf: keras.Model, factors: Factors) -> None:
    """Start GMF from a factorization of its width, in place: its logit ranks as the factors do.

    User and item embeddings become of about equal size, so that one penalty suits both. Rows of
    zeros, or almost, carry no knowledge and keep their fresh values: equal rows would tie, and
    their products would be too small to learn from. Raise ValueError if the factors do not fit.
    """
    sizes = [
        float(np.linalg.norm(x) / np.sqrt(len(x))) or 1.0 for x in (factors.users, factors.items)
    ]
    balance = np.sqrt(sizes[1] / sizes[0])
    scale = np.sqrt(FACTORS_SCALE)
    embeddings = {
        "gmf_user_embedding": factors.users * (scale * balance),
        "gmf_item_embedding": factors.items * (scale / balance),
    }
    for name, embedding in embeddings.items():
        (fresh,) = gmf.get_layer(name).get_weights()
        known = abs(embedding).max(axis=1, keepdims=True) > NEGLIGIBLE
        fits = embedding.shape == fresh.shape
        _set_layer(gmf, name, [np.where(known, embedding, fresh) if fits else embedding])
    width = factors.items.shape[1]
    _set_layer(gmf, "logit", [np.ones((width, 1)), np.array([FACTORS_BIAS])])


def from_gmf(neumf: keras.Model, gmf: keras.Model) -> None:
    """Start NeuMF's GMF half from a trained GMF, in place; its MLP half stays as it is.

    Raise ValueError if a layer does not fit.
    """
    _copy_half(gmf, neumf)
    kernel, bias = gmf.get_layer("logit").get_weights()  # [factors, 1], [1]
    fresh, _ = neumf.get_layer("logit").get_weights()  # [factors + layers[-1], 1]
    _set_layer(neumf, "logit", [np.concatenate([kernel, fresh[len(kernel) :]]), bias])


def from_both(neumf: keras.Model, gmf: keras.Model, mlp: keras.Model, alpha: float) -> None:
    """Start NeuMF from trained halves, in place (section 3.4.1).

    Its logit becomes alpha · GMF's + (1 - alpha) · MLP's. Raise ValueError if a layer does not fit.
    """
    for half in (gmf, mlp):
        _copy_half(half, neumf)
    gmf_kernel, gmf_bias = gmf.get_layer("logit").get_weights()  # [factors, 1], [1]
    mlp_kernel, mlp_bias = mlp.get_layer("logit").get_weights()  # [layers[-1], 1], [1]
    kernel = np.concatenate([alpha * gmf_kernel, (1 - alpha) * mlp_kernel])
    _set_layer(neumf, "logit", [kernel, alpha * gmf_bias + (1 - alpha) * mlp_bias])


def _copy_half(half: keras.Model, neumf: keras.Model) -> None:
    for layer in half.layers:
        if layer.weights and layer.name != "logit":
            _set_layer(neumf, layer.name, layer.get_weights())


def _set_layer(model: keras.Model, name: str, weights: list[np.ndarray]) -> None:
    own = {x.name: [tuple(w.shape) for w in x.weights] for x in model.layers}
    found = [w.shape for w in weights]
    if own.get(name) != found:
        raise ValueError(
            f"Weights that a model starts from must fit it: {name} is {found}, the model has"
            f" {own.get(name, 'none')}. Build both of the same users, items, factors and layers."
        )
    model.get_layer(name).set_weights(weights)
