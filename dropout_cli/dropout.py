"""What dropout computes, forward and backward.

With the mask m (1 = kept, 0 = dropped) and the drop probability p:

                 training                       inference

    forward      y = x ⊙ m/(1−p)                y = x
    backward     ∂L/∂x = ∂L/∂y ⊙ m/(1−p)        ∂L/∂x = ∂L/∂y

Once drawn, the mask is a constant, so dropout is the linear map D = diag(m/(1−p)), the identity in
inference. D is its own Jacobian, and it is diagonal: Dᵀ = D. That is why the map that carries x
forward is the one that carries ∂L/∂y backward.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_cli.errors import RequestError

FloatArray = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def forward(x: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """The forward pass: y_i = m_i · x_i / (1−p).

    x: any shape. Floats keep their type, float32 too; integers become float64.
    mask: the shape of x, 1 (kept) and 0 (dropped); None in inference, where y = x.
    p: the probability of dropping an element, 0 ≤ p ≤ 1.

    Returns y, of the shape and type of x; exactly 0 where m_i = 0.
    Raises RequestError where x, mask or p is not so, or the mask cannot happen at this p.
    """
    return _scale_kept(as_floats(x, "x"), mask, p)


def local_gradient(x: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """The local gradient, the diagonal of the Jacobian: ∂y_i/∂x_i = m_i / (1−p).

    Arguments and errors as in forward. x gives the shape and the type alone: the gradient is the
    same for every x. In inference it is 1 everywhere.
    """
    return _scale_kept(np.ones_like(as_floats(x, "x")), mask, p)


def backward(grad_y: ArrayLike, mask: ArrayLike | None, p: float) -> FloatArray:
    """The backward pass: ∂L/∂x_i = ∂L/∂y_i · m_i / (1−p).

    grad_y: the upstream gradient ∂L/∂y, any shape.
    mask: the mask that the forward pass used, of the same shape; None in inference.
    p: the drop probability that the forward pass used, 0 ≤ p ≤ 1.

    Returns ∂L/∂x, of the shape and type of grad_y; exactly 0 where m_i = 0.
    Raises RequestError where grad_y, mask or p is not so, or the mask cannot happen at this p.
    """
    return _scale_kept(as_floats(grad_y, "grad_y"), mask, p)


def _scale_kept(v: FloatArray, mask: ArrayLike | None, p: float) -> FloatArray:
    """D·v: v_i/(1−p) where kept, 0 where dropped; v itself in inference."""
    p = as_probability(p)
    if mask is None:
        return v.copy()
    kept = as_mask(mask, v.shape, p)
    # Only the kept are divided: the dropped are +0 whatever v holds, and p = 1 never divides by 0.
    return np.divide(v, 1 - p, out=np.zeros_like(v), where=kept)


def as_probability(p: float) -> float:
    """The drop probability p as a float, 0 ≤ p ≤ 1; RequestError for anything else."""
    try:
        value = float(p)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"p is {p!r}, but it must be a number from 0 to 1") from None
    if not 0 <= value <= 1:
        raise RequestError(f"p is {value!r}, but a probability lies from 0 to 1")
    return value


def as_mask(mask: ArrayLike, shape: tuple[int, ...], p: float) -> Mask:
    """The mask as booleans, checked.

    Raises RequestError for another shape than shape, for values other than 0 and 1, and for a mask
    that cannot happen: a 0 at p = 0, a 1 at p = 1.
    """
    bits = np.asarray(mask)
    if bits.shape != shape:
        raise RequestError(
            f"mask has {_extent(bits.shape)}, but it must have {_extent(shape)}, as x does"
        )
    if bits.dtype.kind not in "biuf":
        raise RequestError(f"mask must hold 0 and 1, but its type is {bits.dtype}")
    if bits.dtype != np.bool_:
        wrong = (bits != 0) & (bits != 1)
        if np.any(wrong):
            where, value = _first(bits, wrong)
            raise RequestError(f"mask{where} is {value:.17g}, but a mask holds only 0 and 1")
    kept = bits.astype(np.bool_)
    if p == 0 and not kept.all():
        raise RequestError(f"mask{_first(kept, ~kept)[0]} is 0, but p = 0 drops no element")
    if p == 1 and kept.any():
        raise RequestError(f"mask{_first(kept, kept)[0]} is 1, but p = 1 drops every element")
    return kept


def as_floats(values: ArrayLike, name: str) -> FloatArray:
    """The values as finite floats: floats keep their type, integers become float64.

    Raises RequestError, naming the element, for what is not a number, nan or infinite.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise RequestError(f"{name} must hold real numbers, but its type is {array.dtype}")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        where, value = _first(array, ~finite)
        raise RequestError(f"{name}{where} is {value}, but it must be a finite number")
    return array


def _first(array: NDArray[Any], where: Mask) -> tuple[str, Any]:
    """The first element where this holds: its index, from 1 and written [i], and its value."""
    index = tuple(int(k) for k in np.argwhere(where)[0])
    return (str([k + 1 for k in index]) if index else ""), array[index]


def _extent(shape: tuple[int, ...]) -> str:
    return f"length {shape[0]}" if len(shape) == 1 else f"shape {shape}"
