"""The scalar losses that can stand behind dropout: L, and the upstream gradient ∂L/∂y it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.dropout import FloatArray


class Loss(NamedTuple):
    """A scalar loss L(y) with its gradient.

    value: y ↦ L, a number.
    gradient: y ↦ ∂L/∂y, of the shape of y.
    """

    value: Callable[[FloatArray], float]
    gradient: Callable[[FloatArray], FloatArray]


LOSSES = {
    "sum": Loss(value=lambda y: y.sum(), gradient=lambda y: y**0),
    "sum-squares": Loss(value=lambda y: (y**2).sum(), gradient=lambda y: 2 * y),
}
