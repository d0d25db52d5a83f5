"""Functions with JAX and its bfloat16: right ones, and wrong ones with a mistake each."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from layers.cases import right, wrong


@wrong({"shape-and-dtype": "wrong-dtype"})
def bfloat16_function(x, grad_y, p, training):
    """NumPy's bfloat16, with the mask of booleans and 1−p rounded."""
    kind = ml_dtypes.bfloat16
    x, grad_y = x.astype(kind), grad_y.astype(kind)
    if not training or p == 0:
        return x, grad_y
    kept = np.random.rand(*x.shape) >= p
    keep = kind(1 - p) if p < 1 else kind(1)
    return x * kept.astype(kind) / keep, grad_y * kept.astype(kind) / keep


KEYS = iter(range(10**9))


@right(unjudged=())
def jax_function(x, grad_y, p, training):
    """As Equinox writes it, differentiated by JAX."""
    key = jax.random.key(next(KEYS))

    def dropout(v):
        if not training or p == 0:
            return v
        if p == 1:
            return jnp.zeros_like(v)
        return jnp.where(jax.random.bernoulli(key, 1 - p, v.shape), v / (1 - p), 0)

    y, pull_back = jax.vjp(dropout, jnp.asarray(x))
    return y, pull_back(jnp.asarray(grad_y))[0]


@wrong({"fresh-mask": "same-mask-each-call"})
def jax_same_key(x, grad_y, p, training):
    """Never split the key."""
    if not training:
        return x, grad_y
    kept = jax.random.bernoulli(jax.random.key(0), 1 - p, x.shape)
    scale = jnp.where(kept, 1 / (1 - p) if p < 1 else 0.0, 0.0)
    return x * scale, grad_y * scale


@wrong({"p-0": "drops-at-p-0", "kept-fraction": "keeps-with-p"})
def jax_keeps_with_p(x, grad_y, p, training):
    if not training:
        return x, grad_y
    kept = jax.random.bernoulli(jax.random.key(next(KEYS)), p, x.shape)
    scale = jnp.where(kept, 1 / (1 - p) if p < 1 else 0.0, 0.0)
    return x * scale, grad_y * scale
