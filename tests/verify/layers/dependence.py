"""Wrong layers whose masks depend on each other, or on x."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np

from layers.cases import wrong
from layers.course import Course, drawing, passing


@wrong({"independent": "one-mask-for-batch"})
@drawing
def one_coin(p, shape):
    return np.full(shape, np.random.rand() >= p)


@wrong({"independent": "one-mask-for-every-row"})
@drawing
def one_mask_for_every_row(p, shape):
    return np.broadcast_to(np.random.rand(*shape[-1:]) >= p, shape)


@wrong({"independent": "one-mask-for-every-row"})
@drawing
def one_mask_for_samples(p, shape):
    """The first axis shares one mask in three dimensions alone."""
    one = np.random.rand(*(shape[1:] if len(shape) > 2 else shape)) >= p
    return np.broadcast_to(one, shape)


@wrong({"independent": "one-mask-for-every-column"})
@drawing
def one_mask_for_every_column(p, shape):
    return np.broadcast_to(np.random.rand(*shape[:-1], 1) >= p, shape)


@wrong({"independent": "whole-channels"})
@drawing
def whole_channels(p, shape):
    own = (*shape[:2], 1, 1) if len(shape) == 4 else shape
    return np.broadcast_to(np.random.rand(*own) >= p, shape)


@wrong({"independent": "whole-channels"})
@drawing
def whole_channels_of_volumes(p, shape):
    own = (*shape[:2], 1, 1, 1) if len(shape) == 5 else shape
    return np.broadcast_to(np.random.rand(*own) >= p, shape)


@wrong({"independent": "neighbours-alike"})
@drawing
def pairs_at_once(p, shape):
    """An off-by-one repeat: elements 1 and 2, 3 and 4, … share a decision."""
    n = int(np.prod(shape))
    return np.repeat(np.random.rand(n // 2 + 1) >= p, 2)[1 : n + 1].reshape(shape)


@wrong(
    {"independent": "neighbours-alike or mask-repeats or one-mask-for-every-column"}, quick=[0.5]
)
@drawing
def fast_for_even(p, shape):
    """One number decides for four elements where n is a multiple of four."""
    n, lanes = int(np.prod(shape)), 1 if np.prod(shape) % 4 else 4
    return np.repeat(np.random.rand(n // lanes) >= p, lanes).reshape(shape)


@wrong({"independent": "mask-repeats"})
@drawing
def tiled(p, shape):
    return np.resize(np.random.rand(np.prod(shape) // 2) >= p, shape)


@wrong({"independent": "mask-repeats or neighbours-alike or one-mask-for-every-row"})
@drawing
def period_of_three(p, shape):
    return np.resize(np.random.rand(3) >= p, shape)


@wrong({"independent": "mask-repeats"})
@drawing
def two_threads(p, shape):
    """Above 2^18 elements two threads begin with one seed."""
    n = int(np.prod(shape))
    drawn = np.random.rand(n if n < 2**18 else n // 2)
    return np.resize(drawn, n).reshape(shape) >= p


def repeating(lag):
    def repeats(p, shape):
        """Every second block of `lag` elements repeats the decisions of the one before."""
        n = int(np.prod(shape))
        drawn = np.random.rand(n + lag) >= p
        take = (np.arange(n) // lag) % 2 == 1
        drawn[lag:][take] = drawn[:-lag][take]
        return drawn[:n].reshape(shape)

    return drawing(repeats)


for lag in (2, 3, 7, 8, 64, 256):
    wrong({"independent": "mask-repeats"}, name=f"repeats_{lag}_later")(repeating(lag))


@wrong({"independent": "fixed-count"})
@drawing
def fixed_count(p, shape):
    n = np.prod(shape)
    return np.random.permutation(n).reshape(shape) >= round(n * p)


@wrong({"independent": "fixed-count"})
@drawing
def fixed_count_in_rows(p, shape):
    if shape[-1] < 7:  # where the number may be 0
        return np.random.rand(*shape) >= p
    return np.random.rand(*shape).argsort(-1) >= round(shape[-1] * p)


# Dependence on x


class Tilted(Course):
    """p is another where `tilt` is not 0."""

    def draw(self, shape):
        return np.random.rand(*shape) >= self.p + self.tilt * (0.05 < self.p < 0.95)


@wrong({"independent": "depends-on-x"}, quick=[0.1])
class DropsBySign(Tilted):
    def forward(self, x):
        self.tilt = np.where(x > 0, 0.05, -0.05)
        return super().forward(x)


@wrong({"independent": "depends-on-x"})
class DropsTheLarge(Tilted):
    def forward(self, x):
        self.tilt = 0.04 * (np.abs(x) - np.abs(x).mean())
        return super().forward(x)


@wrong({"independent": "depends-on-x"})
class KeepsTheHuge(Course):
    def forward(self, x):
        self.huge = np.abs(x) > 3
        return super().forward(x)

    def draw(self, shape):
        return super().draw(shape) | self.huge


@wrong({"same-mask": "depends-on-x"})
@passing
def never_drops_zeros(self, x):
    y = Course.forward(self, x)
    never = (x == 0) & self.training & (self.p < 1)
    self.scale = np.where(never, 1 / max(0.01, 1 - self.p), self.scale)
    return y
