"""The two passes in exact fractions, from decimal numbers as written: p = 0.1 is 1/10.

Shown numbers are compared with them: = if a number is exact, ≈ if it is rounded.
"""

from collections.abc import Iterable
from fractions import Fraction

from dropout_cli.proof import exact
from dropout_cli.trace import Trace
from dropout_cli.words.messages import Messages

SUMMED = 1000  # elements whose exact sum takes milliseconds


class Written:
    """The vectors of some elements of a trace, computed in fractions from numbers as written."""

    def __init__(self, trace: Trace, elements: slice | list[int] = slice(None)) -> None:
        """Compute both passes of the elements."""
        problem = trace.problem
        mask = None if problem.mask is None else problem.mask[elements].tolist()
        self.p = Fraction(Messages.probability(problem.p))
        self.x = [as_written(value) for value in problem.x[elements]]
        self.y: list[Fraction] = exact.forward(self.x, mask, self.p)
        if problem.loss is None:
            self.grad_y = [as_written(value) for value in trace.grad_y[elements]]
        else:
            self.grad_y = exact.loss_gradient(problem.loss, self.y, problem.x.size)
        ones = [Fraction(1)] * len(self.x)
        self.local_grad: list[Fraction] = exact.forward(ones, mask, self.p)
        self.grad_x: list[Fraction] = exact.forward(self.grad_y, mask, self.p)


def sign(shown: Iterable[str], values: Iterable[Fraction | float]) -> str:
    """Choose = if every number shown is exact, ≈ if one of them is rounded."""
    exactly = all(Fraction(s) == as_written(value) for s, value in zip(shown, values, strict=True))
    return "=" if exactly else "≈"


def as_written(value: Fraction | float) -> Fraction:
    """Convert a float to the decimal number that is written for it: 0.1 to 1/10."""
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))
