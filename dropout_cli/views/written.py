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

    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

SUMMED = 1000  # elements whose exact sum takes milliseconds


def sign(shown: Iterable[str], values: Iterable[Fraction]) -> str:
    """Choose = where every number shown is exact or a blank, ≈ where one of them is rounded."""
    pairs = zip(shown, values, strict=True)
    return "=" if all(t == BLANK or Fraction(t) == value for t, value in pairs) else "≈"


class Written:
    """The vectors of a trace, computed in fractions from its numbers as they are written."""

    def __init__(self, trace: Trace, messages: Messages) -> None:
        """Take the trace, and p as the messages write it."""
        self.problem = trace.problem
        self.p = Fraction(messages.probability(trace.problem.p))
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

    def loss_sign(self, shown: str) -> str:
        """Choose the sign before the loss; ≈ where too many elements are summed to be exact."""
        n = self.problem.x.size
        if n > SUMMED:
            return "≈"
        return sign([shown], [Fraction(exact.loss(self.problem.loss, [], n)(self.y))])

    def _masked(self, values: list[Fraction]) -> list[Fraction]:
        mask = None if self.trace.mask is None else self.trace.mask.tolist()
        return exact.forward(values, mask, self.p)


def _written(values: Iterable[float]) -> list[Fraction]:
    return [Fraction(repr(float(value))) for value in values]
