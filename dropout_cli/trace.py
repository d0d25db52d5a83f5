"""Everything that follows from a problem, each quantity by its equation."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.dropout import backward, forward, local_gradient
from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.problem import Problem


@dataclass(frozen=True, eq=False)
class Trace:
    """The forward and the backward pass of a problem. Each quantity is computed when first read.

    Every vector has n float64. A result beyond the largest float64 raises RequestError.
    """

    problem: Problem

    @cached_property
    def scale(self) -> float | None:
        """What the kept are multiplied by: 1/(1−p); 1 in inference; None, undefined, at p = 1."""
        if not self.problem.training:
            return 1.0
        return None if self.problem.p == 1 else 1 / (1 - self.problem.p)

    @cached_property
    def y(self) -> FloatArray:
        """The output: y = x ⊙ m/(1−p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _finite_and_frozen(
                "y", forward(self.problem.x, self.problem.mask, self.problem.p)
            )

    @cached_property
    def loss_value(self) -> float | None:
        """The loss L(y); None where the upstream gradient was given without one."""
        if self.problem.loss is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            return float(
                _finite_and_frozen("loss", LOSSES[self.problem.loss].value(self.y, self.y.size))
            )

    @cached_property
    def grad_y(self) -> FloatArray:
        """The upstream gradient: ∂L/∂y, as given, or from the loss."""
        y = self.y  # the forward pass comes first, even where the gradient does not need it
        if self.problem.loss is None:
            assert self.problem.grad_y is not None
            return self.problem.grad_y
        with np.errstate(over="ignore", invalid="ignore"):
            return _finite_and_frozen("grad_y", LOSSES[self.problem.loss].gradient(y, y.size))

    @cached_property
    def local_grad(self) -> FloatArray:
        """The local gradient: ∂y_i/∂x_i = m_i/(1−p)."""
        return local_gradient(self.problem.x, self.problem.mask, self.problem.p)

    @cached_property
    def grad_x(self) -> FloatArray:
        """The gradient: ∂L/∂x = ∂L/∂y ⊙ m/(1−p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _finite_and_frozen(
                "grad_x", backward(self.grad_y, self.problem.mask, self.problem.p)
            )


class Part(NamedTuple):
    """Some elements of a trace: its vectors there, and what holds for the whole.

    loss: a name in LOSSES, or None. n: the number of elements of the whole trace.
    """

    x: FloatArray
    p: float
    mask: Mask | None
    y: FloatArray
    grad_y: FloatArray
    local_grad: FloatArray
    grad_x: FloatArray
    loss: str | None
    n: int


def take(trace: Trace, elements: slice | list[int]) -> Part:
    """These elements of the trace."""
    problem = trace.problem
    return Part(
        x=problem.x[elements],
        p=problem.p,
        mask=None if problem.mask is None else problem.mask[elements],
        y=trace.y[elements],
        grad_y=trace.grad_y[elements],
        local_grad=trace.local_grad[elements],
        grad_x=trace.grad_x[elements],
        loss=problem.loss,
        n=problem.x.size,
    )


def _finite_and_frozen(name: str, result: FloatArray | float) -> FloatArray:
    """The result, read-only; RequestError where it overflows."""
    result = np.asarray(result)
    finite = np.isfinite(result)
    if not finite.all():
        where = f"[{int(np.argmin(finite)) + 1}]" if result.ndim else ""
        raise RequestError(
            f"{name}{where} overflows: it is beyond the largest float64, 1.8e308, so smaller inputs"
            " are needed"
        )
    result.flags.writeable = False
    return result
