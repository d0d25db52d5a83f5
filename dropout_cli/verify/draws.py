"""Test the masks of a layer: their share, their independence, and whether calls have their own."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.verify import chance
from dropout_cli.verify.chance import LEVEL, Setting, Worst, by_shape

BIG = 1000  # elements of a mask that says something by itself
SAME = "same-mask-each-call"


class Draws(NamedTuple):
    """What the masks of several calls at one p say.

    n, kept: the number of elements, and of the kept. whole: the probability of so many.
    share, dependence, alike: the least likely of what is kept in all and in each place; of how
        elements depend on each other and on x; of how calls agree.
    told: the one that explains the others: "by-place", where it is the place, or the size of a
        call, that decides what is kept; "dependent"; or "".
    telling: whether it would show if each element were what another one is.
    setting: about which dependence is measured: q, or the share of the kept if that differs.
    """

    n: int
    kept: int
    whole: float
    share: Worst
    dependence: Worst
    alike: Worst
    told: str
    telling: bool
    setting: Setting


def examine(masks: Sequence[Mask], xs: Sequence[FloatArray], exact: Setting) -> Draws:
    """Examine the masks of several calls, each with its x, where `exact` says what is right."""
    n, kept = sum(mask.size for mask in masks), sum(int(mask.sum()) for mask in masks)
    whole = chance.of_share(kept, n, exact)
    setting = exact if whole >= LEVEL else Setting(kept / n, exact.step)
    # Sums are taken over large masks of odd size, of which many agree in one thing, and over others
    # of one shape; but over each mask alone, where they are alike.
    big = [mask for mask in masks if mask.size >= BIG and mask.size % 2]
    small = by_shape([mask for mask in masks if mask.size < BIG or not mask.size % 2])
    pooled = [some for some in (big, *small) if some]
    alike = _alike(big, small, setting)
    if repeated := _repeated(masks):
        alike = alike._replace(name=SAME)
    own = alike.chance >= LEVEL  # each call has a mask of its own
    groups = pooled if own else [[mask] for mask in masks]
    x_of = {id(mask): x for mask, x in zip(masks, xs, strict=True)}
    dependence = _dependence(groups, x_of, setting)
    if one := shared(masks):
        dependence = dependence._replace(name=one)

    told = "dependent" if dependence.chance < LEVEL else ""
    in_all, share = _share([masks][:own], pooled, exact)
    fails = share.chance < LEVEL and not (share.key == "all" and whole < LEVEL)
    if fails and not one and not repeated and share.log < min(dependence.log, 0.3 * alike.log):
        told = "by-place"  # which makes elements depend on each other, and calls agree
    else:
        in_all, share = _share([masks][:own], groups, exact)
        if max(in_all.chance, share.chance) < LEVEL:
            share = in_all  # that the share is wrong says more than where
    telling = _telling(big or masks, setting)
    return Draws(n, kept, whole, share, dependence, alike, told, telling, setting)


def _alike(big: Sequence[Mask], small: Sequence[Sequence[Mask]], setting: Setting) -> Worst:
    """Find the two calls whose masks agree the most."""
    between = [chance.between_calls(big, setting)] if len(big) > 1 else []
    several = [some for some in small if len(some) > 1]
    lags = [chance.lags([np.stack(some)], setting, unit=some[0].size) for some in several]
    return chance.worst(between, lags)._replace(name="masks-alike")


def _dependence(
    groups: Sequence[Sequence[Mask]], x_of: Mapping[int, FloatArray], setting: Setting
) -> Worst:
    """Find how elements depend on each other, or on x."""
    lags = [chance.lags(some, setting) for some in groups]
    on_x = [
        sums for some in groups
        for sums in chance.on_x(some, [x_of[id(mask)] for mask in some], setting)
    ]  # fmt: skip
    counts = [sums for some in groups for sums in chance.fixed_counts(some, setting)]
    found = chance.worst(lags, on_x, counts)
    lag = "neighbours-alike" if found.label == "1" else "mask-repeats"
    names = {"lag": lag, "calls": "fixed-count", "rows": "fixed-count"}
    says_more = chance.worst(on_x).log < found.log / 2  # x, than a distance or a count
    name = "depends-on-x" if says_more else names.get(found.key, "depends-on-x")
    return found._replace(name=name)


def _share(
    together: Sequence[Sequence[Mask]], groups: Sequence[Sequence[Mask]], exact: Setting
) -> tuple[Worst, Worst]:
    """Find the least likely of the numbers kept in all, and of those and the places'."""
    wholes = [chance.whole(some, exact) for some in (*together, *groups)]
    places = [sums for some in groups for sums in chance.shares(some, exact)]
    return chance.worst(wholes), chance.worst(wholes, places)


def _telling(masks: Sequence[Mask], setting: Setting) -> bool:
    """Tell whether it would show if each element were what another one is."""
    n = sum(mask.size for mask in masks)
    variance, step, _ = setting.products(n)
    complete = n * min(setting.variance, step)
    log = chance.log_bound(complete, variance, step)
    return bool(math.exp(log) * max(mask.size for mask in masks) < LEVEL)


def _repeated(masks: Sequence[Mask]) -> bool:
    """Tell whether all calls of one shape have one mask."""
    several = [some for some in by_shape(masks) if len(some) > 6]  # fewer may by chance
    varied = [some for some in several if some[0].any() and not some[0].all()]
    return any(all((mask == some[0]).all() for mask in some) for some in varied)


def shared(masks: Sequence[Mask]) -> str | None:
    """Name the mistake by which all elements along some axes have one mask, if there is one."""
    large = [mask for mask in masks if mask.size > 500] or masks
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
