"""The layers of the README's examples: a right one, and one with the commonest mistake."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np


class Dropout:
    def __init__(self, p):
        self.p, self.training = p, True

    def keeps(self, u):
        return u >= self.p

    def forward(self, x):
        if self.training and self.p < 1:
            self.factor = self.keeps(np.random.random(x.shape)) / (1 - self.p)
        else:
            self.factor = 0 if self.training else 1
        return (x * self.factor).astype(x.dtype)

    def backward(self, grad_y):
        return (grad_y * self.factor).astype(grad_y.dtype)


class Careless(Dropout):
    def keeps(self, u):
        return u < self.p
