"""The two passes in exact fractions of the numbers as they are written: p = 0.1 is 1/10.

Shown numbers are compared with them: = where a number is exact, ≈ where it is rounded.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from dropout_cli.proof import exact
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropout_cli.trace import Part
    from dropout_cli.words.messages import Messages

SUMMED = 1000  # elements whose exact sum takes milliseconds


def sign(shown: Iterable[str], values: Iterable[Fraction]) -> str:
    """Choose = where every number shown is exact or a blank, ≈ where one of them is rounded."""
    pairs = zip(shown, values, strict=True)
    return "=" if all(BLANK in s or Fraction(s) == value for s, value in pairs) else "≈"


class Written:
    """The vectors of some elements, computed in fractions from their numbers as written."""

    def __init__(self, part: Part, messages: Messages) -> None:
        """Take some elements of a trace, and p as the messages write it."""
        self.part, self.p = part, Fraction(messages.probability(part.p))

    @cached_property
    def x(self) -> list[Fraction]:
        """The input."""
        return as_written(self.part.x)

    @cached_property
    def y(self) -> list[Fraction]:
        """The output."""
        return self._masked(self.x)

    @cached_property
    def grad_y(self) -> list[Fraction]:
        """The upstream gradient, as given or from the loss."""
        if self.part.loss is None:
            return as_written(self.part.grad_y)
        return exact.loss_gradient(self.part.loss, self.y, self.part.n)

    @cached_property
    def local_grad(self) -> list[Fraction]:
        """The local gradient."""
        return self._masked([Fraction(1)] * self.part.x.size)

    @cached_property
    def grad_x(self) -> list[Fraction]:
        """The gradient."""
        return self._masked(self.grad_y)

    def loss_sign(self, shown: str) -> str:
        """Choose the sign before the loss; ≈ for a sum of too many elements to be exact."""
        n = self.part.n
        if n > SUMMED:
            return "≈"
        return sign([shown], [Fraction(exact.loss(self.part.loss, [], n)(self.y))])

    def _masked(self, values: list[Fraction]) -> list[Fraction]:
        mask = None if self.part.mask is None else self.part.mask.tolist()
        return exact.forward(values, mask, self.p)


def as_written(values: Iterable[float]) -> list[Fraction]:
    """Read each value as it is written, with as many digits as tell it from any other."""
    return [Fraction(repr(float(value))) for value in values]
