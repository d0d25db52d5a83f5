"""Everything that follows from a problem, each quantity by its equation."""

from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.dropout import backward, forward, local_gradient
from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.problem import Problem

OVERFLOWS = "overflows: it is beyond the largest float64, 1.8e308, so smaller inputs are needed"


@dataclass(frozen=True, eq=False)
class Trace:
    """The forward and the backward pass of a problem. Each quantity is computed when first read.

    elements: which of the problem's elements, as an index; all n unless it is given.

    Every vector has a float64 for each of them. A result beyond the largest float64 raises
    RequestError.
    """

    problem: Problem
    elements: EllipsisType | slice | list[int] = ...

    @property
    def x(self) -> FloatArray:
        """The input."""
        return self.problem.x[self.elements]

    @property
    def mask(self) -> Mask | None:
        """The mask; None in inference."""
        return None if self.problem.mask is None else self.problem.mask[self.elements]

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
            return self._finite("y", forward(self.x, self.mask, self.problem.p))

    @cached_property
    def loss_value(self) -> float | None:
        """The loss L(y), or these elements' share of it; None where ∂L/∂y was given without one."""
        if self.problem.loss is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            value = LOSSES[self.problem.loss].value(self.y, self.problem.x.size)
        if not np.isfinite(value):
            raise RequestError(f"loss {OVERFLOWS}")
        return float(value)

    @cached_property
    def grad_y(self) -> FloatArray:
        """The upstream gradient: ∂L/∂y, as given, or from the loss."""
        y = self.y  # the forward pass comes first, even where the gradient does not need it
        if self.problem.loss is None:
            assert self.problem.grad_y is not None
            return self.problem.grad_y[self.elements]
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = LOSSES[self.problem.loss].gradient(y, self.problem.x.size)
        return self._finite("grad_y", gradient)

    @cached_property
    def local_grad(self) -> FloatArray:
        """The local gradient: ∂y_i/∂x_i = m_i/(1−p)."""
        return local_gradient(self.x, self.mask, self.problem.p)

    @cached_property
    def grad_x(self) -> FloatArray:
        """The gradient: ∂L/∂x = ∂L/∂y ⊙ m/(1−p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite("grad_x", backward(self.grad_y, self.mask, self.problem.p))

    def _finite(self, name: str, result: FloatArray) -> FloatArray:
        """The result, read-only; RequestError where it overflows."""
        finite = np.isfinite(result)
        if not finite.all():
            i = np.arange(self.problem.x.size)[self.elements][np.argmin(finite)]
            raise RequestError(f"{name}[{i + 1}] {OVERFLOWS}")
        result.flags.writeable = False
        return result


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
        x=trace.x[elements],
        p=problem.p,
        mask=None if trace.mask is None else trace.mask[elements],
        y=trace.y[elements],
        grad_y=trace.grad_y[elements],
        local_grad=trace.local_grad[elements],
        grad_x=trace.grad_x[elements],
        loss=problem.loss,
        n=problem.x.size,
    )
