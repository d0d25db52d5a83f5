"""The solution of a problem, each quantity by its equation."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.dropout import backward, forward, local_gradient
from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.problem import Problem

OVERFLOWS = "overflows: it is beyond the largest float64, 1.8e308, so smaller inputs are needed"


@dataclass(frozen=True, eq=False)
class Trace:
    """The forward and the backward pass of a problem, each quantity computed when first read.

    Every vector has n float64. Raises RequestError for a vector beyond the largest float64.
    """

    problem: Problem

    @cached_property
    def scale(self) -> float | None:
        """The scaling factor: 1/(1−p); 1 in inference; None, undefined, at p = 1."""
        if not self.problem.training:
            return 1.0
        return None if self.problem.p == 1 else 1 / (1 - self.problem.p)

    @cached_property
    def y(self) -> FloatArray:
        """The output: y = x ⊙ m/(1−p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite("y", forward(self.problem.x, self.problem.mask, self.problem.p))

    @cached_property
    def loss_value(self) -> float | None:
        """The loss L(y); None if ∂L/∂y was given, or if a sum is beyond the largest float64."""
        if self.problem.loss is None:
            return None
        try:
            with np.errstate(over="ignore"):
                value = float(LOSSES[self.problem.loss].value(self.y, self.y.size))
        except OverflowError:
            return None
        return value if math.isfinite(value) else None

    @cached_property
    def grad_y(self) -> FloatArray:
        """The upstream gradient: ∂L/∂y, as given, or from the loss."""
        y = self.y  # an overflow in the forward pass is reported first
        if self.problem.loss is None:
            assert self.problem.grad_y is not None
            return self.problem.grad_y
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = LOSSES[self.problem.loss].gradient(y, y.size)
        return self._finite("grad_y", gradient)

    @cached_property
    def local_grad(self) -> FloatArray:
        """The local gradient: ∂y_i/∂x_i = m_i/(1−p)."""
        return local_gradient(self.problem.x, self.problem.mask, self.problem.p)

    @cached_property
    def grad_x(self) -> FloatArray:
        """The gradient: ∂L/∂x = ∂L/∂y ⊙ m/(1−p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite("grad_x", backward(self.grad_y, self.problem.mask, self.problem.p))

    def _finite(self, name: str, result: FloatArray) -> FloatArray:
        """Make a result read-only; RequestError if it overflows."""
        finite = np.isfinite(result)
        if not finite.all():
            raise RequestError(f"element {np.argmin(finite) + 1} of {name} {OVERFLOWS}")
        result.flags.writeable = False
        return result
