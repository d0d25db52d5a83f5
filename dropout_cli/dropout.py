"""What dropout computes, forward and backward.

With the mask m (1 = kept, 0 = dropped) and the drop probability p:

                 training                       inference

    forward      y = x ⊙ m/(1−p)                y = x
    backward     ∂L/∂x = ∂L/∂y ⊙ m/(1−p)        ∂L/∂x = ∂L/∂y

Once drawn, the mask is a constant, so dropout is the linear map D = diag(m/(1−p)), the identity in
inference. D is its own Jacobian, and it is diagonal: Dᵀ = D. That is why the map that carries x
forward is the one that carries ∂L/∂y backward.
"""

import numpy as np
from numpy.typing import ArrayLike

from dropout_cli.arrays import FloatArray, as_floats, as_mask, as_probability


def forward(x: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """Compute the forward pass: y_i = m_i · x_i / (1−p).

    x: any shape. Floats keep their type, float32 too; integers become float64.
    mask: the shape of x, 1 (kept) and 0 (dropped); None in inference, where y = x.
    p: the probability of dropping an element, 0 ≤ p ≤ 1.

    Returns y, of the shape and type of x; exactly 0 where m_i = 0.
    Raises RequestError for an invalid x, mask or p, and for a mask impossible at this p.
    """
    return _scale_kept(as_floats(x, "x"), mask, p)


def local_gradient(x: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """Compute the local gradient, the diagonal of the Jacobian: ∂y_i/∂x_i = m_i / (1−p).

    Arguments and errors as in forward; only the shape and the type of x matter. In inference the
    gradient is 1 everywhere.
    """
    return _scale_kept(np.ones_like(as_floats(x, "x")), mask, p)


def backward(grad_y: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """Compute the backward pass: ∂L/∂x_i = ∂L/∂y_i · m_i / (1−p).

    grad_y: the upstream gradient ∂L/∂y, any shape.
    mask: the mask that the forward pass used, of the same shape; None in inference.
    p: the drop probability that the forward pass used, 0 ≤ p ≤ 1.

    Returns ∂L/∂x, of the shape and type of grad_y; exactly 0 where m_i = 0.
    Raises RequestError for an invalid grad_y, mask or p, and for a mask impossible at this p.
    """
    return _scale_kept(as_floats(grad_y, "grad_y"), mask, p)


def _scale_kept(v: FloatArray, mask: ArrayLike | None, p: float) -> FloatArray:
    """Compute D·v: v_i/(1−p) where kept, 0 where dropped; v itself in inference."""
    p = as_probability(p)
    if mask is None:
        return v.copy()
    kept = as_mask(mask, v.shape, p)
    scaled = np.asarray(v * kept)
    if p < 1:  # at p = 1 nothing is kept, and 1−p is 0
        wide = np.result_type(scaled, np.float32)  # in float16, 1−p itself could round to 0
        np.divide(scaled, 1 - p, out=scaled, dtype=wide, casting="same_kind")
    scaled += 0  # a dropped −v is −0, and becomes 0
    return scaled
