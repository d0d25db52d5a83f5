"""The two passes in exact fractions of the numbers as they are written: p = 0.1 is 1/10.

What is shown is held against them, to say = where it is exact and ≈ where it is rounded.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from dropout_cli.proof import exact
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

SUMMED = 1000  # elements whose exact sum takes milliseconds


def sign(told: Iterable[str], values: Iterable[Fraction]) -> str:
    """= where every number is told in full, or is a blank; ≈ where one of them is rounded."""
    pairs = zip(told, values, strict=True)
    return "=" if all(t == BLANK or Fraction(t) == value for t, value in pairs) else "≈"


class Written:
    """What follows from a trace's numbers as they are written, for the elements that it is of."""

    def __init__(self, trace: Trace, voice: Voice) -> None:
        """Take the trace, whose p is written as the voice tells it."""
        self.problem = trace.problem
        self.p = Fraction(voice.probability(trace.problem.p))
        self.trace = trace

    @cached_property
    def x(self) -> list[Fraction]:
        """The input."""
        return _written(self.trace.x)

    @cached_property
    def y(self) -> list[Fraction]:
        """The output."""
        return self._masked(self.x)

    @cached_property
    def grad_y(self) -> list[Fraction]:
        """The upstream gradient, as given or from the loss."""
        if self.problem.loss is None:
            return _written(self.trace.grad_y)
        return exact.loss_gradient(self.problem.loss, self.y, self.problem.x.size)

    @cached_property
    def local_grad(self) -> list[Fraction]:
        """The local gradient."""
        return self._masked([Fraction(1)] * self.trace.x.size)

    @cached_property
    def grad_x(self) -> list[Fraction]:
        """The gradient."""
        return self._masked(self.grad_y)

    def loss_sign(self, told: str) -> str:
        """The sign before the loss; ≈ where there are too many elements to sum them exactly."""
        n = self.problem.x.size
        if n > SUMMED:
            return "≈"
        return sign([told], [Fraction(exact.loss(self.problem.loss, [], n)(self.y))])

    def _masked(self, values: list[Fraction]) -> list[Fraction]:
        mask = None if self.trace.mask is None else self.trace.mask.tolist()
        return exact.forward(values, mask, self.p)


def _written(values: Iterable[float]) -> list[Fraction]:
    return [Fraction(repr(float(value))) for value in values]
