"""Test the masks of a layer: their share, their independence, and whether they are fresh."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.verify import chance
from dropout_cli.verify.chance import LEVEL, Model, Worst, by_shape

BIG = 1000  # elements of a mask that is informative by itself
SAME = "same-mask-each-call"


class Draws(NamedTuple):
    """Statistics of the masks of several calls at one p.

    n, kept: the number of elements, and of the kept. whole: a bound on the probability of that
        number.
    share, dependence, alike: the least likely of what is kept in all and in each place; of how
        elements depend on each other and on x; of how calls agree.
    explains: the finding that explains the others: "by-place" if the place, or the size of a
        call, decides what is kept; "dependent"; or "".
    is_informative: whether complete dependence would be found.
    model: that dependence is measured against: q, or the share of the kept if that differs.
    """

    n: int
    kept: int
    whole: float
    share: Worst
    dependence: Worst
    alike: Worst
    explains: str
    is_informative: bool
    model: Model


def examine(masks: Sequence[Mask], xs: Sequence[FloatArray], exact: Model) -> Draws:
    """Examine the masks of several calls, each with its x. exact: the model of a right layer."""
    n, kept = sum(mask.size for mask in masks), sum(int(mask.sum()) for mask in masks)
    whole = chance.chernoff_bound(kept, n, exact)
    model = exact if whole >= LEVEL else Model(kept / n, exact.step)
    # Sums are taken over large masks of odd size, of which many agree in one thing, and over others
    # of one shape; but over each mask alone, where they are alike.
    big = [mask for mask in masks if mask.size >= BIG and mask.size % 2]
    small = by_shape([mask for mask in masks if mask.size < BIG or not mask.size % 2])
    pooled = [some for some in (big, *small) if some]
    alike = _alike(big, small, model)
    if repeated := _repeated(masks):
        alike = alike._replace(name=SAME)
    own = alike.chance >= LEVEL  # each call has a mask of its own
    groups = pooled if own else [[mask] for mask in masks]
    x_of = {id(mask): x for mask, x in zip(masks, xs, strict=True)}
    dependence = _dependence(groups, x_of, model)
    if one := shared(masks):
        dependence = dependence._replace(name=one)

    explains = "dependent" if dependence.chance < LEVEL else ""
    in_all, share = _share([masks][:own], pooled, exact)
    fails = share.chance < LEVEL and not (share.key == "all" and whole < LEVEL)
    if fails and not one and not repeated and share.log < min(dependence.log, 0.3 * alike.log):
        explains = "by-place"  # which makes elements depend on each other, and calls agree
    else:
        if not own:
            in_all, share = _share([], groups, exact)
        if max(in_all.chance, share.chance) < LEVEL:
            share = in_all  # a wrong share explains more than its place does
    informative = _is_informative(big or masks, model)
    return Draws(n, kept, whole, share, dependence, alike, explains, informative, model)


def _alike(big: Sequence[Mask], small: Sequence[Sequence[Mask]], model: Model) -> Worst:
    """Find the two calls whose masks agree the most."""
    between = [chance.between_calls(big, model)] if len(big) > 1 else []
    several = [some for some in small if len(some) > 1]
    lags = [chance.lags([np.stack(some)], model, unit=some[0].size) for some in several]
    return chance.worst(between, lags)._replace(name="masks-alike")


def _dependence(
    groups: Sequence[Sequence[Mask]], x_of: Mapping[int, FloatArray], model: Model
) -> Worst:
    """Find how elements depend on each other, or on x."""
    lags = [chance.lags(some, model) for some in groups]
    on_x = [
        sums for some in groups
        for sums in chance.on_x(some, [x_of[id(mask)] for mask in some], model)
    ]  # fmt: skip
    counts = [sums for some in groups for sums in chance.fixed_counts(some, model)]
    found = chance.worst(lags, on_x, counts)
    lag = "neighbours-alike" if found.label == "1" else "mask-repeats"
    names = {"lag": lag, "calls": "fixed-count", "rows": "fixed-count"}
    says_more = chance.worst(on_x).log < found.log / 2  # x, than a distance or a count
    name = "depends-on-x" if says_more else names.get(found.key, "depends-on-x")
    return found._replace(name=name)


def _share(
    together: Sequence[Sequence[Mask]], groups: Sequence[Sequence[Mask]], exact: Model
) -> tuple[Worst, Worst]:
    """Find the least likely number kept, of all elements, and of all elements and each place."""
    wholes = [chance.whole(some, exact) for some in (*together, *groups)]
    places = [sums for some in groups for sums in chance.shares(some, exact)]
    return chance.worst(wholes), chance.worst(wholes, places)


def _is_informative(masks: Sequence[Mask], model: Model) -> bool:
    """Test whether complete dependence, each element equal to another one, would be found."""
    n = sum(mask.size for mask in masks)
    variance, step, _ = model.products(n)
    complete = n * min(model.variance, step)
    log = chance.log_bound(complete, variance, step)
    return bool(math.exp(log) * max(mask.size for mask in masks) < LEVEL)


def _repeated(masks: Sequence[Mask]) -> bool:
    """Test whether all calls of one shape have the same mask."""
    several = [some for some in by_shape(masks) if len(some) > 6]  # fewer may by chance
    varied = [some for some in several if some[0].any() and not some[0].all()]
    return any(all((mask == some[0]).all() for mask in some) for some in varied)


def shared(masks: Sequence[Mask]) -> str | None:
    """Name the mistake by which all slices along some axes share a mask; None if none do."""
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
    """Return by how much a probability may differ from the p that was requested.

    bits: the precision of the type in which random numbers are drawn. They lie on a grid, in
    float32 as coarse as 2^−23, in a narrower type 2^(1−bits); a step of it is lost at the
    threshold, and less than one in rounding p.
    """
    return 2.0 ** (2 - min(bits, 24))
