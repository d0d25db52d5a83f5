"""The problem: x, p, the mask and the upstream gradient, checked once."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from dropout_cli import masks
from dropout_cli.arrays import FloatArray, Mask, as_floats, as_mask, as_probability
from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES

EXAMPLE_X = (2.0, 4.0, 6.0, 8.0)
EXAMPLE_P = 0.5
EXAMPLE_MASK = (1, 0, 1, 0)
EXAMPLE_GRAD_Y = (0.1, 0.2, 0.3, 0.4)


class Drawn(NamedTuple):
    """The draw of a mask. rng: a name in masks.SOURCES. skip: the draws before it."""

    rng: str
    seed: int
    skip: int = 0


@dataclass(frozen=True, eq=False)
class Problem:
    """A complete dropout problem, as Problem.create checks it.

    x: the input, n ≥ 1 finite float64.
    p: the drop probability, 0 ≤ p ≤ 1.
    mask: n booleans, True = kept; None in inference.
    drawn: how the mask was drawn; None if it was given, and in inference.
    grad_y: the upstream gradient ∂L/∂y, n finite float64; None if a loss gives it.
    loss: a name in LOSSES; None if grad_y was given.
    shape: of the input before it was flattened.
    """

    x: FloatArray
    p: float
    mask: Mask | None
    drawn: Drawn | None
    grad_y: FloatArray | None
    loss: str | None
    shape: tuple[int, ...] | None = None

    @classmethod
    def create(
        cls,
        x: ArrayLike = EXAMPLE_X,
        p: float = EXAMPLE_P,
        mask: ArrayLike | None = None,
        *,
        seed: int | None = None,
        rng: str | None = None,
        skip: int | None = None,
        grad_y: ArrayLike | None = None,
        loss: str | None = None,
        training: bool = True,
    ) -> Self:
        """Create a problem of read-only copies; without arguments, the worked example.

        x: the input, n finite numbers.
        p: the drop probability, 0 ≤ p ≤ 1.
        mask: n values, 1 = kept, 0 = dropped. By default 1, 0, 1, 0 if n = 4, 0 < p < 1 and
            neither seed, rng nor skip is given; else it is drawn.
        seed: draw the mask from this seed, by default 0.
        rng: draw it with masks.SOURCES[rng], by default "numpy".
        skip: draw it after so many other draws, by default 0.
        grad_y: the upstream gradient, n finite numbers. By default, without a loss,
            0.1, 0.2, 0.3, 0.4 if n = 4; else ones, the gradient of the loss "sum".
        loss: a name in losses.LOSSES, for its upstream gradient.
        training: False for inference, which has no mask.

        Raises RequestError for an invalid argument, and for two that contradict each other.
        """
        x, p = _vector(x, "x"), as_probability(p)
        is_drawn = not (seed is None and rng is None and skip is None)
        if mask is not None and is_drawn:
            raise RequestError(
                "a given mask cannot be combined with a seed, rng or skip: give it, or have it"
                " drawn"
            )
        if not training and (mask is not None or is_drawn):
            raise RequestError("inference has no mask: mask, seed, rng and skip belong to training")
        drawn = kept = None
        if training and mask is None:
            if x.size == len(EXAMPLE_MASK) and 0 < p < 1 and not is_drawn:
                mask = EXAMPLE_MASK
            else:
                drawn = Drawn("numpy" if rng is None else rng, seed or 0, skip or 0)
                mask = masks.draw(drawn.rng, drawn.seed, x.size, p, drawn.skip)
        if mask is not None:
            kept = as_mask(mask, x.shape, p).copy()
            kept.flags.writeable = False
        return cls(x, p, kept, drawn, *_upstream(grad_y, loss, x.size))

    @property
    def training(self) -> bool:
        """Whether this is training, with a mask, not inference."""
        return self.mask is not None


def _upstream(
    grad_y: ArrayLike | None, loss: str | None, n: int
) -> tuple[FloatArray | None, str | None]:
    """Check the upstream gradient or the loss that gives it, or choose one."""
    if grad_y is not None and loss is not None:
        raise RequestError(
            "grad_y cannot be combined with a loss, which gives it: give one of the two"
        )
    if grad_y is None and loss is None and n == len(EXAMPLE_GRAD_Y):
        grad_y = EXAMPLE_GRAD_Y
    if grad_y is None:
        loss = "sum" if loss is None else loss
        if loss not in LOSSES:
            raise RequestError(f"loss is {loss!r}, but it must be one of {', '.join(LOSSES)}")
        return None, loss
    vector = _vector(grad_y, "grad_y")
    if vector.size != n:
        raise RequestError(
            f"grad_y has length {vector.size}, but it must have length {n}, as x does"
        )
    return vector, None


def _vector(values: ArrayLike, name: str) -> FloatArray:
    """Copy values into a read-only vector of float64."""
    vector = as_floats(values, name).astype(np.float64)
    if vector.ndim != 1:
        raise RequestError(f"{name} has {vector.ndim} dimensions, but it must be a vector")
    if vector.size == 0:
        raise RequestError(f"{name} is empty, but it must hold at least one number")
    vector.flags.writeable = False
    return vector
