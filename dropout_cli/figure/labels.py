"""Vectors as bars with their values, in the largest type that fits, or else with a scale."""

from dataclasses import replace

import numpy as np
from matplotlib.ticker import MaxNLocator

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip
from dropout_cli.figure.page import CAP, Page, ems, typeset
from dropout_cli.figure.style import INDEX, SMALLEST, TICK, VALUE, Style
from dropout_cli.trace import Trace
from dropout_cli.words.messages import Messages

STEPS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)  # between indices
LARGEST = 1e300  # not far above, matplotlib's own arithmetic overflows
THICKEST, THICKEST_ALONE = 64.0, 84.0  # points; in a panel alone
SCALE = 32.0  # points beside upright bars for a scale; longer numbers reach into the margin
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # from a result to its input, which has the same scale
MARKS = "✗✓"  # of ∂L/∂x
SPACE = 0.4  # between a value and its mark, and between neighbours, in ems
GAP = 6.0  # points between a bar and its value
BESIDE = 6  # the most upright bars with a mark beside the value; of more it is beyond it
MANY, DIGITS = 10, 3  # with so many elements, values have so many digits by default


class Vector:
    """A vector as bars with their values, and ∂L/∂x with a mark for kept or dropped too."""

    strip: Strip  # of the bars, not yet moved to its place on the page
    size: int  # of the values' type, in points; 0 for a scale instead of values

    def __init__(
        self, name: str, vectors: dict[str, FloatArray], bars: Bars, messages: Messages
    ) -> None:
        """Format the values and measure them."""
        self.bars, self.upright, self.values = bars, bars.strip.upright, vectors[name]
        self.arrived = vectors[ARRIVES[name]] if name in ARRIVES else None
        self.lost = ~bars.kept & (self.arrived is not None)
        self.ends = np.where(self.lost, vectors[ARRIVES.get(name, name)], self.values)
        self.words = [typeset(messages.number(value)) for value in self.values]
        self.ems = np.array([ems(words) for words in self.words])
        self.marked = name == "grad_x"
        self.stacked = self.marked and self.upright and bars.kept.size > BESIDE
        self.hung = (SPACE + ems(MARKS[0])) * (self.marked and not self.stacked)

    def extents(self, size: float) -> tuple[FloatArray, FloatArray]:
        """Return the widths and heights of the labels in this type size, in points."""
        height = CAP * size + self.stacked * (CAP * size + GAP)
        return (self.ems + self.hung) * size, np.full(self.ems.size, height)

    def margins(self, size: float) -> tuple[float, float]:
        """Return the room for labels below the smallest value and above the largest, in points."""
        room, falls = self.extents(size)[int(self.upright)] + GAP, self.ends < 0
        return (room * falls).max(), (room * ~falls).max()

    def boxes(self, strip: Strip, size: float) -> FloatArray:
        """Return the left, bottom, right and top of each label, in points.

        A label is beyond the end of its bar, or inside a hollow bar if it fits there. At an upright
        bar the value is centred, with the mark to its right.
        """
        (widths, heights), values = self.extents(size), self.ems * size
        along, across = (heights, 2 * widths - values) if self.upright else (widths, heights)
        feet, axis = strip.at(np.arange(strip.n) + 0.5), int(self.upright)
        middle, zero, end = feet[:, 1 - axis], feet[:, axis], strip.at(0, self.ends)[:, axis]
        inside = self.lost & (along + 2 * GAP <= abs(end - zero))
        inside &= across + 2 <= self.bars.thickness * strip.pitch
        start = np.where(inside, zero, end) + np.where(self.ends < 0, -GAP - along, GAP)
        left, bottom = (middle - values / 2, start) if axis else (start, middle - heights / 2)
        return np.stack([left, bottom, left + widths, bottom + heights], axis=-1)

    def fits(self, strip: Strip, size: float) -> bool:
        """Test whether no label touches another or its bar, and bars have enough room."""
        if strip.length < 0.4 * (strip.length + strip.before + strip.after):
            return False
        if not self.upright:
            return size <= 1.03 * strip.pitch  # digits are three quarters as high
        boxes = self.boxes(strip, size)
        corners = strip.rectangles(np.arange(strip.n), self.bars.thickness, self.ends)
        bars = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1)
        meet = _closer(boxes, boxes, SPACE * size) | _closer(boxes, bars, 2)
        outside = boxes[0, 0] < strip.x - 20 or boxes[-1, 2] > strip.x + strip.width + 20
        return not (outside or (meet & ~np.eye(strip.n, dtype=bool)).any())

    def reach(self, strip: Strip) -> tuple[FloatArray, FloatArray]:
        """Return the left and the right of each horizontal bar with its value, in points."""
        boxes, ends = self.boxes(strip, self.size), strip.at(0, self.ends)[:, 0]
        edges = 0 * ends + strip.at(0)[0], ends, boxes[:, 0], boxes[:, 2]
        return np.min(edges, axis=0), np.max(edges, axis=0)

    def draw(self, strip: Strip, progress: FloatArray | float = 1.0) -> None:
        """Draw the values or a scale, the bars, and the zero line.

        progress: from 0.5 to 1 the bar of a result grows; at 1 it has its value.
        """
        page, progress = self.bars.page, np.broadcast_to(progress, strip.n)
        shown, grown = progress > 0.5, np.maximum(2 * progress - 1, 0)
        if not self.size:
            scale(page, strip)
        if self.arrived is None:
            self.bars.draw(strip, "given", self.values, shown)
        else:
            self.bars.result(strip, self.arrived * grown, self.values * grown, shown)
        page.lines(strip.line(0.0), page.theme.rule, 1.4)
        if self.size:
            self._label(strip, grown == 1)
        elif self.arrived is not None:
            self.bars.mark_dropped(strip, shown)

    def _label(self, strip: Strip, shown: Mask) -> None:
        page, size, theme = self.bars.page, self.size, self.bars.page.theme
        boxes = self.boxes(strip, size)
        for i in np.flatnonzero(shown):
            left, bottom, right, top = boxes[i]
            x, rows = left + self.ems[i] * size / 2, [bottom, top - CAP * size]
            near, far = rows[::-1] if self.ends[i] < 0 else rows
            weight, colour = ("bold", theme.dropped) if self.lost[i] else ("normal", theme.ink)
            page.text(x, near, self.words[i], size, colour, ha="center", fontweight=weight)
            if self.marked:
                x = x if self.stacked else right - ems(MARKS[0]) * size / 2
                mark = MARKS[int(self.bars.kept[i])]
                page.text(x, far, mark, size, self.bars.colours[i], ha="center")


def _closer(one: FloatArray, other: FloatArray, apart: float) -> Mask:
    """Test which boxes are closer than `apart` to which others, (count, count of others)."""
    starts, ends = one[:, None, :2] < other[:, 2:] + apart, one[:, None, 2:] + apart > other[:, :2]
    close: Mask = np.all(starts & ends, axis=-1)
    return close


def lay_out(
    page: Page, trace: Trace, messages: Messages, empty: Strip, names: tuple[str, ...]
) -> tuple[Bars, dict[str, Vector]]:
    """Lay out vectors: x and y on one scale, in one type size; ∂L/∂y and ∂L/∂x likewise.

    empty: a strip at the origin, of the size that each may have.
    names: what will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    Returns the bars, whose strip has the final size, and the vectors by name.
    Raises RequestError for more elements than points, and for values beyond ±1e300.
    """
    problem, n = trace.problem, empty.n
    values = {"x": problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}
    if max(abs(vector).max() for vector in values.values()) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    fit = int(empty.x + empty.width - SCALE if empty.upright else empty.height)
    if n > fit:
        raise RequestError(f"x has {n:,} elements, but at most {fit:,} fit in this layout and size")
    if n >= MANY and messages.precision == Style().precision:
        messages = messages._replace(precision=DIGITS)
    thickest = THICKEST_ALONE if len(names) == 1 else THICKEST
    bars = Bars(page, trace.local_grad != 0, empty, trace.scale not in (None, 1.0), thickest)
    vectors = {name: Vector(name, values, bars, messages) for name in names if name in values}
    for pair in ARRIVES.items():
        if together := [vectors[name] for name in pair if name in vectors]:
            _fit(together, empty)
    if empty.upright and not empty.x and not all(vector.size for vector in vectors.values()):
        narrower = replace(empty, x=SCALE, width=empty.width - SCALE)
        return lay_out(page, trace, messages, narrower, names)
    return bars, vectors


def _fit(vectors: list[Vector], empty: Strip) -> None:
    """Give vectors one scale, and the largest type size in which all their labels fit."""
    ends = np.concatenate([[0.0], *(vector.ends for vector in vectors)])
    for size in (*range(VALUE, SMALLEST - 1, -1), 0):
        margins = [vector.margins(size) for vector in vectors]
        before, after = (max(side) for side in zip(*margins, strict=True))
        strip = replace(empty, low=ends.min(), high=ends.max(), before=before, after=after)
        if not size or all(vector.fits(strip, size) for vector in vectors):
            break
    for vector in vectors:
        vector.strip, vector.size = strip, size


def indices(page: Page, strip: Strip) -> None:
    """Write the index of each element, or of some if there is no room for all."""
    size = min(float(INDEX), max(TICK, 0.9 * strip.pitch))
    apart = ems(f"{strip.n:,}") * size + 0.5 * size if strip.upright else CAP * size + 2
    step = next(step for step in STEPS if max(step - 1, 1) * strip.pitch >= apart)
    row, colour = strip.y - 8 - CAP * size, page.theme.muted
    for i in sorted({1, *range(step, strip.n + 1, step)}):
        x, y = strip.at(i - 0.5)
        if strip.upright:
            page.text(x, row, f"{i:,}", size, colour, ha="center")
        else:
            page.text(strip.x - 12, y - CAP * size / 2, f"{i:,}", size, colour, ha="right")
    x, y = (strip.x - 8, row) if strip.upright else (strip.x - 12, strip.y + strip.height + 13)
    page.text(x, y, "i", INDEX, colour, ha="right", fontstyle="italic")


def scale(page: Page, strip: Strip) -> None:
    """Draw a few round values with a faint grid, for bars without values."""
    for tick in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(strip.low, strip.high):
        if not strip.low <= tick <= strip.high:
            continue
        x, y = strip.at(0, tick)
        where, align = (x, strip.y - 6 - CAP * TICK), "center"
        if strip.upright:
            where, align = (strip.x - 8, y - CAP * TICK / 2), "right"
        page.lines(strip.line(tick), page.theme.rule, 0.8, alpha=0.35)
        page.text(*where, typeset(f"{tick + 0.0:.6g}"), TICK, page.theme.muted, ha=align)
