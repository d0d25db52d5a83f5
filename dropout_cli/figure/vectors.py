"""Draw the vectors of a trace as bars, with values in the largest type that fits, or a scale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip, scale, ticks
from dropout_cli.figure.page import CAP, ems, typeset
from dropout_cli.figure.style import SMALLEST, TICK, VALUE, Style

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

LARGEST = 1e300  # matplotlib's own arithmetic overflows not far above
THICKEST, THICKEST_ALONE = 64.0, 84.0  # points; in a panel alone
SCALE = 40.0  # points that a scale may take beside upright bars
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # what each result is made of, on one scale with it
MARKS = "✗✓"  # with the gradient
SPACE = 0.4  # between a value and its mark, in ems
GAP = 6.0  # points between a bar and its value
BESIDE = 6  # upright bars up to which a mark hangs beside its value, else beyond it
MANY, DIGITS = 10, 3  # from so many elements on, values usually have so many significant digits


class Vector:
    """A vector as bars, each with its value beyond its end, and with a mark where it is ∂L/∂x.

    strip: where the bars stand, before it is moved to its place on the page.
    size: of the values' type, in points; 0 where a scale stands in for them.
    """

    strip: Strip
    size = 0

    def __init__(
        self,
        bars: Bars,
        messages: Messages,
        values: FloatArray,
        arrived: FloatArray | None,
        marked: bool,
    ) -> None:
        """Write the values; at the bar of what was lost of what arrived stands 0."""
        self.bars, self.values, self.arrived = bars, values, arrived
        self.lost = ~bars.kept & (arrived is not None)
        self.ends = values if arrived is None else np.where(self.lost, arrived, values)
        self.words = [typeset(messages.number(value)) for value in values]
        self.ems = np.array([ems(words) for words in self.words])
        self.upright, self.marked = bars.strip.upright, marked
        self.stacked = marked and self.upright and values.size > BESIDE

    def extents(self, size: float) -> tuple[FloatArray, FloatArray]:
        """Return the widths and heights of the labels in type of this size, in points."""
        beside = self.marked and not self.stacked
        widths = (self.ems + beside * (SPACE + ems(MARKS[0]))) * size
        return widths, np.full(widths.size, CAP * size + self.stacked * (CAP * size + GAP))

    def margins(self, size: float) -> tuple[float, float]:
        """Return the points that labels take below the smallest value and beyond the largest."""
        room = self.extents(size)[int(self.upright)] + GAP
        falls = self.ends < 0
        return float(np.where(falls, room, 0).max()), float(np.where(falls, 0, room).max())

    def boxes(self, strip: Strip, size: float) -> FloatArray:
        """Return the left, bottom, right and top of each label, in points.

        A label stands beyond the end of its bar; that of a hollow bar inside it, where it fits.
        On an upright bar the value is centred, and the mark hangs to its right.
        """
        widths, heights = self.extents(size)
        values = self.ems * size
        along, across = (heights, 2 * widths - values) if self.upright else (widths, heights)
        zero, ends = strip.along(0 * self.ends), strip.along(self.ends)
        inside = self.lost & (along + 2 * GAP <= abs(ends - zero))
        inside &= across + 2 <= self.bars.thick * strip.pitch
        start = np.where(inside, zero, ends) + np.where(self.ends < 0, -GAP - along, GAP)
        middle = strip.across(np.arange(strip.n) + 0.5)
        left, bottom = (
            (middle - values / 2, start) if self.upright else (start, middle - heights / 2)
        )
        return np.stack([left, bottom, left + widths, bottom + heights], axis=-1)

    def fits(self, strip: Strip, size: float) -> bool:
        """Test whether no label touches another or another's bar, and bars have room enough."""
        if strip.length < 0.4 * (strip.length + strip.before + strip.after):
            return False
        if not self.upright:
            return size <= 1.03 * strip.pitch  # digits are three quarters as high
        boxes = self.boxes(strip, size)
        corners = strip.rectangles(np.arange(strip.n) + 0.5, self.bars.thick, self.ends)
        bars = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1)
        meet = _closer(boxes, boxes, 0.4 * size) | _closer(boxes, bars, 2)
        outside = boxes[0, 0] < strip.x - 20 or boxes[-1, 2] > strip.x + strip.width + 20
        return not (outside or (meet & ~np.eye(strip.n, dtype=bool)).any())

    def reach(self, strip: Strip) -> tuple[FloatArray, FloatArray]:
        """Return where each bar with its value begins and ends along its lane, in points."""
        edges = [strip.along(0 * self.ends), strip.along(self.ends)]
        if self.size:
            boxes = self.boxes(strip, self.size)
            edges += [boxes[:, 0], boxes[:, 2]]
        return np.min(edges, axis=0), np.max(edges, axis=0)

    def draw(self, strip: Strip, shown: Mask | bool = True, grown: FloatArray | float = 1) -> None:
        """Draw values or a scale, bars, and the line from which they grow.

        shown: the elements to draw.
        grown: the share of its full length that each bar has; its value stands at a full one.
        """
        page, shown = self.bars.page, np.broadcast_to(shown, strip.n)
        if not self.size:
            scale(page, strip)
        if self.arrived is None:
            self.bars.draw(strip, "given", self.values, shown)
        else:
            self.bars.result(strip, self.arrived * grown, self.values * grown, shown)
        page.lines(strip.zero(), page.theme.rule, 1.4)
        if self.size:
            self._label(strip, shown & (grown == 1))
        elif self.arrived is not None:
            self.bars.mark_dropped(strip, shown)

    def _label(self, strip: Strip, shown: Mask) -> None:
        page, size, kept = self.bars.page, self.size, self.bars.kept
        theme, boxes = page.theme, self.boxes(strip, size)
        for i in np.flatnonzero(shown):
            left, bottom, right, top = boxes[i]
            x, rows = left + self.ems[i] * size / 2, [bottom, top - CAP * size]
            near, far = rows[::-1] if self.ends[i] < 0 else rows
            weight, colour = ("bold", theme.dropped) if self.lost[i] else ("normal", theme.ink)
            page.number(x, near, self.words[i], size, colour, ha="center", fontweight=weight)
            if self.marked:
                x = x if self.stacked else right - ems(MARKS[0]) * size / 2
                colour = theme.kept if kept[i] else theme.dropped
                page.number(x, far, MARKS[int(kept[i])], size, colour, ha="center")


def _closer(one: FloatArray, other: FloatArray, apart: float) -> Mask:
    """Test which boxes are closer than that to which others: (count, count of others)."""
    starts, ends = one[:, None, :2] < other[:, 2:] + apart, one[:, None, 2:] + apart > other[:, :2]
    close: Mask = np.all(starts & ends, axis=-1)
    return close


def lay_out(
    page: Page, trace: Trace, messages: Messages, empty: Strip, names: tuple[str, ...]
) -> tuple[Bars, dict[str, Vector]]:
    """Lay out vectors: x and y on one scale in one type size, ∂L/∂y and ∂L/∂x on another.

    empty: a strip at the origin, as large as each of them may be.
    names: those that will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    Returns bars, whose strip is as large as each will be, and the vectors by name.
    Raises RequestError for more elements than there are points, and for values beyond ±1e300.
    """
    problem, n = trace.problem, empty.n
    values = {"x": problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}
    if max(abs(vector).max() for vector in values.values()) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    fit = int(empty.x + empty.width - SCALE if empty.upright else empty.height)
    if n > fit:
        raise RequestError(
            f"x has {n:,} elements, but at most {fit:,} fit in this layout and size, where each has"
            " a point"
        )
    if n >= MANY and messages.precision == Style().precision:
        messages = messages._replace(precision=DIGITS)
    kept = np.ones(n, dtype=bool) if problem.mask is None else problem.mask
    thickest = THICKEST_ALONE if len(names) == 1 else THICKEST
    bars = Bars(page, kept, empty, trace.scale not in (None, 1.0), thickest)
    vectors = {}
    for pair in ARRIVES.items():
        for name in {*pair} & {*names}:
            arrived = values[ARRIVES[name]] if name in ARRIVES else None
            vectors[name] = Vector(bars, messages, values[name], arrived, name == "grad_x")
        _fit_together([vectors[name] for name in pair if name in vectors])
    scales = [vector.strip for vector in vectors.values() if not vector.size]
    if not empty.upright or not scales or empty.x:
        return bars, vectors
    words = [word for strip in scales for word in ticks(strip.low, strip.high).values()]
    indent = 8 + TICK * max(map(ems, words))
    narrower = replace(empty, x=indent, width=empty.width - indent)
    return lay_out(page, trace, messages, narrower, names)


def _fit_together(vectors: list[Vector]) -> None:
    """Give vectors one scale, and the largest type in which the labels of all of them fit."""
    ends = np.concatenate([[0.0], *(vector.ends for vector in vectors)])
    low, high = float(ends.min()), float(ends.max())
    for vector in vectors:
        empty = vector.bars.strip
        vector.strip = replace(empty, low=low, high=high, before=6.0 * (low < 0), after=6.0)
    for size in range(VALUE, SMALLEST - 1, -1) if vectors else ():
        margins = [vector.margins(size) for vector in vectors]
        before, after = (max(side) for side in zip(*margins, strict=True))
        strip = replace(vectors[0].strip, before=before, after=after)
        if strip.pitch >= SMALLEST and all(vector.fits(strip, size) for vector in vectors):
            for vector in vectors:
                vector.strip, vector.size = strip, size
            return
