"""Test the masks of a layer: their share, their independence, and whether calls have their own."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.verify import chance
from dropout_cli.verify.chance import LEVEL, Setting, Sums, Worst, by_shape

BIG = 1000  # elements of a mask that says something by itself


class Draws:
    """The masks of several calls at one p.

    p: the drop probability. grid: the step of the layer's random numbers. masks: each with its x.
    """

    def __init__(self, p: float, grid: float, masks: Sequence[tuple[Mask, FloatArray]]) -> None:
        """Take the masks: large ones of odd size, of which many agree in one thing, and others."""
        self.p, self.masks = p, [mask for mask, _ in masks]
        self.xs = {id(mask): x for mask, x in masks}
        self.exact = Setting(1 - p, grid)
        self.n = sum(mask.size for mask in self.masks)
        self.kept = sum(int(mask.sum()) for mask in self.masks)
        self.big = [mask for mask in self.masks if mask.size >= BIG and mask.size % 2]
        self.small = by_shape([mask for mask in self.masks if mask.size < BIG or not mask.size % 2])

    @cached_property
    def setting(self) -> Setting:
        """The mean that dependence is measured about: q, or the share of the kept if it differs."""
        fits = self.whole >= LEVEL
        return self.exact if fits else Setting(self.kept / self.n, self.exact.step)

    @property
    def pooled(self) -> list[list[Mask]]:
        """The masks whose sums are taken together: large odd ones, and others of one shape."""
        return [some for some in (self.big, *self.small) if some]

    @property
    def groups(self) -> list[list[Mask]]:
        """The same; where calls have masks that are alike, each mask alone."""
        return self.pooled if self.alike.chance >= LEVEL else [[mask] for mask in self.masks]

    @cached_property
    def alike(self) -> Worst:
        """The probability that two calls have masks that agree as much as the most alike do."""
        between = [chance.between_calls(self.big, self.setting)] if len(self.big) > 1 else []
        small = [some for some in self.small if len(some) > 1]
        lags = [chance.lags([np.stack(some)], self.setting, unit=some[0].size) for some in small]
        return chance.worst(between, lags)

    @cached_property
    def dependence(self) -> Worst:
        """The probability of the masks, if elements depend neither on each other nor on x."""
        groups, setting = self.groups, self.setting
        lags = [chance.lags(some, setting) for some in groups]
        counts = [sums for some in groups for sums in chance.fixed_counts(some, setting)]
        return chance.worst(lags, self._on_x, counts)

    @cached_property
    def _on_x(self) -> list[Sums]:
        return [
            sums for some in self.groups
            for sums in chance.on_x(some, [self.xs[id(mask)] for mask in some], self.setting)
        ]  # fmt: skip

    @property
    def name(self) -> str:
        """The name of the mistake that explains the dependence."""
        key, label = self.dependence.key, self.dependence.label
        lag = "neighbours-alike" if label == "1" else "mask-repeats"
        names = {"lag": lag, "calls": "fixed-count", "rows": "fixed-count"}
        if chance.worst(self._on_x).log < self.dependence.log / 2:  # x says more than a distance
            key = "size"
        return self.shared or names.get(key, "depends-on-x")

    @property
    def whole(self) -> float:
        """The probability that so many are kept in all."""
        return chance.of_share(self.kept, self.n, self.exact)

    @property
    def can_fail(self) -> bool:
        """Whether any number of kept elements would be that unlikely."""
        return min(chance.of_share(k, self.n, self.exact) for k in (0, self.n)) < LEVEL

    @cached_property
    def biased(self) -> bool:
        """Whether it is the place, or the size of a call, that decides what is kept."""
        _, found = self._places(self.pooled)
        if found.chance >= LEVEL or (found.key == "all" and self.whole < LEVEL):
            return False
        if self.repeated or self.shared:
            return False
        return found.log < min(self.dependence.log, 0.3 * self.alike.log)  # a bias is alike, too

    @cached_property
    def share(self) -> Worst:
        """The probability that so many are kept, in all and in each place."""
        if self.biased:
            return self._places(self.pooled)[1]
        whole, found = self._places(self.groups)
        fails = found.chance < LEVEL and whole.chance < LEVEL
        return whole if fails else found  # that the share is wrong says more than where

    def _places(self, groups: Sequence[Sequence[Mask]]) -> tuple[Worst, Worst]:
        """Find the least likely of the numbers kept in all, and of those and the places'."""
        together = [self.masks] if self.alike.chance >= LEVEL else []
        wholes = [chance.whole(some, self.exact) for some in (*together, *groups)]
        shares = [sums for some in groups for sums in chance.shares(some, self.exact)]
        return chance.worst(wholes), chance.worst(wholes, shares)

    @property
    def can_show_dependence(self) -> bool:
        """Whether it would show if each element were what another one is."""
        masks = self.big or [mask for some in self.small for mask in some]
        n = sum(mask.size for mask in masks)
        variance, step, _ = self.setting.products(n)
        complete = n * min(self.setting.variance, step)
        log = chance.log_bound(complete, variance, step)
        return bool(math.exp(log) * max(mask.size for mask in masks) < LEVEL)

    @property
    def repeated(self) -> bool:
        """Whether all calls of one shape have one mask."""
        several = [some for some in by_shape(self.masks) if len(some) > 6]  # fewer may by chance
        varied = [some for some in several if some[0].any() and not some[0].all()]
        return any(all((mask == some[0]).all() for mask in some) for some in varied)

    @property
    def shared(self) -> str | None:
        """The name of the mistake by which all elements along some axes have one mask, if any."""
        large = [mask for mask in self.masks if mask.size > 500] or self.masks
        several = [mask for mask in large if mask.ndim > 1]
        varied = [mask for mask in several if mask.any() and not mask.all()]
        if several and not varied:
            return "one-mask-for-batch"
        for mask in varied:
            long = [k for k in range(mask.ndim) if mask.shape[k] > 1]
            axes = [k for k in long if (mask == mask.take([0], axis=k)).all()]
            if axes == [k for k in long if k > 1] != []:
                return "whole-channels"
            if axes:
                return "one-mask-for-every-" + ("column" if mask.ndim - 1 in axes else "row")
        return None


def grid_step(bits: int) -> float:
    """Return by how much a probability may differ from the p that was asked for.

    bits: the precision of the type in which random numbers are drawn. They lie on a grid, in
    float32 as coarse as 2^−23, in a narrower type 2^(1−bits); a step of it is lost at the
    threshold, and less than one in rounding p.
    """
    return 2.0 ** (2 - min(bits, 24))
