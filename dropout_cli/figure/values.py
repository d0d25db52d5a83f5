"""The values at the ends of the bars, as large as they fit, or else a scale to read them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from dropout_cli.figure.canvas import CAP
from dropout_cli.figure.fonts import ems
from dropout_cli.figure.theme import INDEX, SMALLEST, TICK, VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.bars import Strip
    from dropout_cli.figure.canvas import Canvas

KEPT, DROPPED = "✓", "✗"
SPACE = 0.4  # between a value and its mark, in ems
GAP = 6.0  # points between a bar and its value
LARGE = 14  # points from which a 0 may be bold


def number(value: float, digits: int) -> str:
    """The value to this many significant digits, with a true minus sign."""
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


class Writing(NamedTuple):
    """How the values of a figure are written.

    size: of the type, in points.
    beside: whether a mark stands beside its value, or else beyond it.
    """

    size: float
    beside: bool = True


@dataclass(frozen=True)
class Labels:
    """What is written at the bars of one strip: a value, and after it a mark, or nothing.

    ends: the value at which each bar ends.
    lost: the elements whose bar is hollow.
    """

    values: list[str]
    marks: list[str]
    ends: FloatArray
    lost: Mask

    def widths(self, beside: bool) -> FloatArray:
        """The width of each label in ems, with the mark beside the value or apart from it."""
        pairs = zip(self.values, self.marks, strict=True)
        if beside:
            return np.array([_ems(value, mark) for value, mark in pairs])
        return np.array([max(ems(value), ems(mark)) for value, mark in pairs])

    def margins(self, writing: Writing, upright: bool) -> tuple[float, float]:
        """The points that the labels take below the smallest and beyond the largest value."""
        lines = 1 if writing.beside or not any(self.marks) else 2
        widths = self.widths(writing.beside) * writing.size
        needs = lines * (CAP * writing.size + GAP) if upright else widths + GAP
        falls = self.ends < 0
        below, above = np.where(falls, needs, 0.0), np.where(falls, 0.0, needs)
        return float(below.max()), float(above.max())


def given_labels(values: FloatArray, digits: int) -> Labels:
    """The labels of values that no mask has met."""
    texts = [number(value, digits) for value in values]
    return Labels(texts, [""] * len(texts), values, np.zeros(values.size, dtype=bool))


def result_labels(
    lost: FloatArray, values: FloatArray, kept: Mask, digits: int, marked: bool
) -> Labels:
    """The labels of y or ∂L/∂x: at the bar of what was lost stands 0."""
    texts = [number(value, digits) for value in values]
    marks = [(KEPT if one else DROPPED) if marked else "" for one in kept]
    return Labels(texts, marks, np.where(kept, values, lost), ~kept)


def writings(upright: bool) -> Iterator[Writing]:
    """Every way to write the values, the most legible first."""
    for size in range(VALUE, SMALLEST - 1, -1):
        yield from (Writing(size, beside) for beside in ((True, False) if upright else (True,)))


def fits(strip: Strip, labels: Labels, writing: Writing, thick: float) -> bool:
    """Whether no label touches another or another's bar, and the bars have room enough.

    thick: of the bars, as a share of the strip's pitch.
    """
    if strip.length < 0.4 * (strip.length + strip.before + strip.after):
        return False
    if not strip.upright:
        return writing.size <= 0.86 * strip.pitch
    x, y, width, height = boxes(strip, labels, writing, thick)
    bar_x = strip.across(np.arange(strip.n) + 0.5 - thick / 2)
    zero, ends = strip.along(np.zeros(strip.n)), strip.along(labels.ends)
    bar_y, bar_height = np.minimum(zero, ends), np.abs(ends - zero)
    others = ~np.eye(strip.n, dtype=bool)
    apart = 0.4 * writing.size
    labels_touch = _meet(x, width, x, width, apart) & _meet(y, height, y, height, apart)
    bars_touch = _meet(x, width, bar_x, np.full(strip.n, thick * strip.pitch), 2) & _meet(
        y, height, bar_y, bar_height, 2
    )
    outside = x.min() < strip.x - 20 or (x + width).max() > strip.x + strip.width + 20
    return not (outside or ((labels_touch | bars_touch) & others).any())


def _meet(
    start: FloatArray, size: FloatArray, other: FloatArray, other_size: FloatArray, apart: float
) -> Mask:
    """Which spans come closer than that to which others: (count, count of others)."""
    before = (start + size + apart)[:, None] > other
    after = start[:, None] < other + other_size + apart
    return before & after


def boxes(
    strip: Strip, labels: Labels, writing: Writing, thick: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The boxes of the labels: left, bottom, width and height of each, in points.

    A label stands beyond the end of its bar; that of a hollow bar inside it, where it fits.
    """
    cap = CAP * writing.size
    widths = labels.widths(writing.beside) * writing.size
    heights = np.full(strip.n, cap)
    if not writing.beside:
        heights += (cap + GAP) * np.array([bool(mark) for mark in labels.marks])
    zero, ends = strip.along(np.zeros(strip.n)), strip.along(labels.ends)
    along, across = (heights, widths) if strip.upright else (widths, heights)
    roomy = (along + 2 * GAP <= np.abs(ends - zero)) & (across + 4 <= thick * strip.pitch)
    start = np.where(labels.lost & roomy, zero, ends)
    start += np.where(labels.ends < 0, -GAP - along, GAP)
    middle = strip.across(np.arange(strip.n) + 0.5) - across / 2
    left, bottom = (middle, start) if strip.upright else (start, middle)
    return left, bottom, widths, heights


def write(
    canvas: Canvas,
    strip: Strip,
    labels: Labels,
    writing: Writing,
    thick: float,
    shown: Mask,
) -> tuple[FloatArray, FloatArray]:
    """Write the labels of the elements shown.

    Returns from where to where each element's bar and label reach along the strip, in points.
    """
    theme, size = canvas.theme, writing.size
    left, bottom, widths, heights = boxes(strip, labels, writing, thick)
    for i in np.flatnonzero(shown):
        value, mark, lost = labels.values[i], labels.marks[i], labels.lost[i]
        colour = theme.dropped if lost else theme.ink
        weight = "bold" if lost and size >= LARGE else "normal"
        x, y = left[i], bottom[i]
        if mark and not writing.beside:
            x += (widths[i] - ems(value) * size) / 2
            above = bottom[i] + heights[i] - CAP * size
            y, mark_y = (above, bottom[i]) if labels.ends[i] < 0 else (bottom[i], above)
            mark_x = left[i] + (widths[i] - ems(mark) * size) / 2
        else:
            mark_x, mark_y = x + (ems(value) + SPACE) * size, y
        canvas.number(x, y, value, size, colour, fontweight=weight)
        if mark:
            canvas.number(mark_x, mark_y, mark, size, theme.dropped if lost else theme.kept)
    zero, ends = strip.along(np.zeros(strip.n)), strip.along(labels.ends)
    start, end = (bottom, bottom + heights) if strip.upright else (left, left + widths)
    return np.minimum(np.minimum(zero, ends), start), np.maximum(np.maximum(zero, ends), end)


def indices(canvas: Canvas, strip: Strip) -> None:
    """i, and the number of each element; of every 2nd, 5th, 10th, … where they stand close."""
    size = float(INDEX)
    if not strip.upright:
        size = min(size, max(SMALLEST, 0.9 * strip.pitch))
    elif strip.pitch < 1.5 * TICK:
        size = TICK
    apart = ems(f"{strip.n:,}") * size + 0.5 * size if strip.upright else CAP * size + 2
    step = next(step for step in _steps() if step * strip.pitch >= apart or step >= strip.n)
    shown = list(range(step, strip.n + 1, step))
    if step > 1:
        shown = [1, *(i for i in shown if (i - 1) * strip.pitch >= apart)]
    for i in shown:
        place = strip.across(i - 0.5)
        if strip.upright:
            where, align = (place, strip.y - 8 - CAP * size), "center"
        else:
            where, align = (strip.x - 12, place - CAP * size / 2), "right"
        canvas.number(*where, f"{i:,}", size, canvas.theme.muted, ha=align)
    if strip.upright:
        where = (strip.x - 8, strip.y - 8 - CAP * size)
    else:
        where, size = (strip.x - 12, strip.y + strip.height + 13), INDEX
    canvas.number(*where, "i", size, canvas.theme.muted, ha="right", fontstyle="italic")


def _steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, …"""
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def ticks(low: float, high: float) -> dict[float, str]:
    """A few round values from low to high, and how they are written."""
    found = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high)
    return {tick: number(tick, 6) for tick in found if low <= tick <= high}


def scale(canvas: Canvas, strip: Strip) -> None:
    """Ticks and a faint grid, to read the values of bars by that have none written."""
    found = ticks(strip.low, strip.high)
    places = strip.along(np.array([*found]))
    grid = [
        ((strip.x, at), (strip.x + strip.width, at)) if strip.upright
        else ((at, strip.y), (at, strip.y + strip.height))
        for at in places
    ]  # fmt: skip
    canvas.lines(grid, canvas.theme.rule, width=0.8, alpha=0.35)
    for at, words in zip(places, found.values(), strict=True):
        if strip.upright:
            where, align = (strip.x - 8, at - CAP * TICK / 2), "right"
        else:
            where, align = (at, strip.y - 6 - CAP * TICK), "center"
        canvas.number(*where, words, TICK, canvas.theme.muted, ha=align)


def _ems(value: str, mark: str) -> float:
    return ems(value) + (SPACE + ems(mark) if mark else 0)
