"""A right layer in NumPy, as courses write it, and layers that differ from it in one function."""

# ruff: noqa: NPY002 (courses draw from the global generator)

from collections.abc import Callable
from typing import Any

import numpy as np


class Course:
    """The scaled mask is kept for backward."""

    def __init__(self, p):
        self.p = p
        self.training = True

    def forward(self, x):
        self.trained = self.training  # which may change before backward
        if not self.training:
            self.scale = np.ones_like(x)
        elif self.p == 1:
            self.scale = np.zeros_like(x)
        else:
            self.scale = self.draw(x.shape) / (1 - self.p)
        return x * self.scale

    def draw(self, shape):
        return np.random.rand(*shape) >= self.p

    def backward(self, grad_y):
        return grad_y * self.scale


def drawing(draw: Callable[[float, tuple[int, ...]], Any]) -> type[Course]:
    """Make a layer whose mask is draw(p, shape)."""
    return _named(draw, draw=lambda self, shape: draw(self.p, shape))


def passing(forward: Callable[[Any, Any], Any]) -> type[Course]:
    """Make a layer with this forward(self, x)."""
    return _named(forward, forward=forward)


def sending_back(backward: Callable[[Any, Any], Any]) -> type[Course]:
    """Make a layer with this backward(self, grad_y)."""
    return _named(backward, backward=backward)


def scaling(scale: Callable[[Any, float], Any]) -> type[Course]:
    """Make a layer that in training multiplies by scale(mask, p), in both passes."""

    def forward(self, x):
        if not self.training:
            return Course.forward(self, x)
        self.scale = scale(self.draw(x.shape), self.p)
        return x * self.scale

    return _named(scale, forward=forward)


def _named(function: Any, **methods: Any) -> type[Course]:
    return type(function.__name__, (Course,), methods)
