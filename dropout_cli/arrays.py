"""Conversion to vectors, masks and probabilities; RequestError for invalid values."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_cli.errors import RequestError

FloatArray = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def as_probability(p: float) -> float:
    """Convert p to a float, 0 ≤ p ≤ 1; RequestError for anything else."""
    try:
        value = float(p)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"p is {p!r}, but it must be a number from 0 to 1") from None
    if not 0 <= value <= 1:
        raise RequestError(f"p is {value!r}, but a probability lies from 0 to 1")
    return value + 0.0  # −0 becomes 0


def as_mask(mask: ArrayLike, shape: tuple[int, ...], p: float) -> Mask:
    """Convert a mask to booleans, without a copy if it has them already.

    Raises RequestError for another shape, for values other than 0 and 1, and for a mask impossible
    at p: a 0 at p = 0, a 1 at p = 1.
    """
    bits = np.asarray(mask)
    if bits.shape != shape:
        found, wanted = _extent(bits.shape), _extent(shape)
        raise RequestError(f"mask has {found}, but it must have {wanted}, a bit for each element")
    if bits.dtype.kind not in "biuf":
        raise RequestError(f"mask must hold 0 and 1, but its type is {bits.dtype}")
    kept = bits.astype(np.bool_, copy=False)
    if (wrong := kept != bits).any():
        where, value = _first("mask", bits, wrong)
        raise RequestError(f"{where} is {value:.17g}, but a mask holds only 0 and 1")
    if p == 0 and not kept.all():
        raise RequestError(f"{_first('mask', kept, ~kept)[0]} is 0, but p = 0 drops no element")
    if p == 1 and kept.any():
        raise RequestError(f"{_first('mask', kept, kept)[0]} is 1, but p = 1 drops every element")
    return kept


def as_floats(values: ArrayLike, name: str) -> FloatArray:
    """Convert values to finite floats: floats keep their type, integers become float64.

    Raises RequestError for anything that is not a number, and for the first nan or infinity.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise RequestError(f"{name} must hold real numbers, but its type is {array.dtype}")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        where, value = _first(name, array, ~finite)
        raise RequestError(f"{where} is {value}, but it must be a finite number")
    return array


def _first(name: str, array: NDArray[Any], wrong: Mask) -> tuple[str, Any]:
    """Return the name of the first wrong element, counted from 1, and its value."""
    index = np.argwhere(wrong)[0]
    place = (index + 1).tolist()
    where = f"element {place[0] if len(place) == 1 else place} of {name}" if place else name
    return where, array[tuple(index)]


def _extent(shape: tuple[int, ...]) -> str:
    return f"length {shape[0]}" if len(shape) == 1 else f"shape {shape}"
