"""Write values at the ends of the bars, in the largest type that fits, or else draw a scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import THICKEST, THICKEST_ALONE, Bars, Strip, scale, ticks
from dropout_cli.figure.page import CAP, ems, number
from dropout_cli.figure.style import SMALLEST, TICK, VALUE, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace

LARGEST = 1e300  # matplotlib's own arithmetic overflows not far above
MOST = 1000  # elements of a figure, whose file carries them all
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # what each result is made of, on one scale with it
KEPT, DROPPED = "✓", "✗"
SPACE = 0.4  # between a value and its mark, in ems
GAP = 6.0  # points between a bar and its value
LARGE = 14  # points from which a 0 may be bold
MANY, DIGITS = 10, 3  # from so many elements on, values usually have so many significant digits


class Writing(NamedTuple):
    """A way to write values.

    size: of the type, in points.
    beside: whether a mark hangs beside its value, or else stands beyond it.
    """

    size: float
    beside: bool = True


@dataclass(frozen=True)
class Labels:
    """The labels at the bars of one strip: a value, and after it a mark or nothing.

    ends: the value at which each bar ends.
    lost: the elements whose bar is hollow.
    """

    values: list[str]
    marks: list[str]
    ends: FloatArray
    lost: Mask

    @cached_property
    def value_ems(self) -> FloatArray:
        """The widths of the values, as shares of the type size."""
        return np.array([ems(value) for value in self.values])

    @cached_property
    def mark_ems(self) -> FloatArray:
        """The widths of the marks, 0 where there is none."""
        return np.array([ems(mark) for mark in self.marks])

    def extents(self, writing: Writing) -> tuple[FloatArray, FloatArray]:
        """Return the labels' widths and heights, in points."""
        size, marked = writing.size, self.mark_ems > 0
        if writing.beside:
            widths = self.value_ems + np.where(marked, SPACE + self.mark_ems, 0)
            return widths * size, np.full(len(widths), CAP * size)
        heights = CAP * size + np.where(marked, CAP * size + GAP, 0)
        return np.maximum(self.value_ems, self.mark_ems) * size, heights

    def margins(self, writing: Writing, upright: bool) -> tuple[float, float]:
        """Return the points that labels take below the smallest value and beyond the largest."""
        room = self.extents(writing)[int(upright)] + GAP
        falls = self.ends < 0
        return float(np.where(falls, room, 0).max()), float(np.where(falls, 0, room).max())

    def boxes(
        self, strip: Strip, writing: Writing, thick: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the left, bottom, width and height of each label's box, in points.

        A label stands beyond the end of its bar; that of a hollow bar inside it, where it fits.
        On an upright bar the value is centred, and the mark hangs to its right.
        """
        widths, heights = self.extents(writing)
        centred = self.value_ems * writing.size if writing.beside else widths
        zero, ends = strip.along(np.zeros(strip.n)), strip.along(self.ends)
        if strip.upright:
            along, lead = heights, centred / 2
            across = 2 * np.maximum(lead, widths - lead)
        else:
            along, across = widths, heights
            lead = heights / 2
        roomy = (along + 2 * GAP <= np.abs(ends - zero)) & (across + 2 <= thick * strip.pitch)
        start = np.where(self.lost & roomy, zero, ends)
        start += np.where(self.ends < 0, -GAP - along, GAP)
        first = strip.across(np.arange(strip.n) + 0.5) - lead
        left, bottom = (first, start) if strip.upright else (start, first)
        return left, bottom, widths, heights

    def fit(self, strip: Strip, writing: Writing, thick: float) -> bool:
        """Test whether no label touches another or another's bar, and bars have room enough.

        thick: of the bars, as a share of the strip's pitch.
        """
        if strip.length < 0.4 * (strip.length + strip.before + strip.after):
            return False
        if not strip.upright:
            return writing.size <= 1.03 * strip.pitch  # digits are three quarters as high
        x, y, width, height = self.boxes(strip, writing, thick)
        bar_x = strip.across(np.arange(strip.n) + 0.5 - thick / 2)
        zero, ends = strip.along(np.zeros(strip.n)), strip.along(self.ends)
        bar_y, bar_height = np.minimum(zero, ends), np.abs(ends - zero)
        bar_width = np.full(strip.n, thick * strip.pitch)
        apart = 0.4 * writing.size
        labels = _meet(x, width, x, width, apart) & _meet(y, height, y, height, apart)
        bars = _meet(x, width, bar_x, bar_width, 2) & _meet(y, height, bar_y, bar_height, 2)
        outside = x.min() < strip.x - 20 or (x + width).max() > strip.x + strip.width + 20
        return not (outside or ((labels | bars) & ~np.eye(strip.n, dtype=bool)).any())

    def write(
        self, page: Page, strip: Strip, writing: Writing, thick: float, shown: Mask
    ) -> tuple[FloatArray, FloatArray]:
        """Write the labels of the elements shown.

        Returns where each element's bar and label begin and end along the strip, in points.
        """
        theme, size = page.theme, writing.size
        left, bottom, widths, heights = self.boxes(strip, writing, thick)
        for i in np.flatnonzero(shown):
            lost, width, half = self.lost[i], self.value_ems[i] * size, self.mark_ems[i] * size / 2
            x, y = left[i] + width / 2, bottom[i]
            mark_x, mark_y = left[i] + width + SPACE * size + half, y
            if not writing.beside:
                x = mark_x = left[i] + widths[i] / 2
                above = bottom[i] + heights[i] - CAP * size
                y, mark_y = (above, y) if self.ends[i] < 0 else (y, above)
            style = {"ha": "center", "fontweight": "bold" if lost and size >= LARGE else "normal"}
            page.number(x, y, self.values[i], size, theme.dropped if lost else theme.ink, **style)
            if self.marks[i]:
                colour = theme.dropped if lost else theme.kept
                page.number(mark_x, mark_y, self.marks[i], size, colour, ha="center")
        zero, ends = strip.along(np.zeros(strip.n)), strip.along(self.ends)
        start, end = (bottom, bottom + heights) if strip.upright else (left, left + widths)
        return np.minimum(np.minimum(zero, ends), start), np.maximum(np.maximum(zero, ends), end)


def _meet(
    start: FloatArray, size: FloatArray, other: FloatArray, other_size: FloatArray, apart: float
) -> Mask:
    """Test which spans come closer than that to which others: (count, count of others)."""
    before = (start + size + apart)[:, None] > other
    after = start[:, None] < other + other_size + apart
    return before & after


@dataclass(frozen=True)
class Vectors:
    """The vectors of a trace, laid out to be drawn one by one.

    values, strips, labels, writings: by name: "x", "y", "grad_y", "grad_x"; "mask" has a strip.
    A writing is None where a scale stands in for the values.
    """

    page: Page
    bars: Bars
    values: Mapping[str, FloatArray]
    strips: Mapping[str, Strip]
    labels: Mapping[str, Labels]
    writings: Mapping[str, Writing | None]

    def at(self, name: str, x: float, y: float) -> Strip:
        """Return the strip of a vector, moved to have its lower left corner at x, y."""
        strip = self.strips[name]
        return replace(strip, x=strip.x + x, y=y)

    def draw(
        self, name: str, strip: Strip, shown: Mask | None = None, grown: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Draw a vector: values or a scale, bars, and the line from which they grow.

        shown: the elements to draw; all where it is None.
        grown: the share of its full length that each bar has; its value stands at a full one.
        Returns where each element's bar and value begin and end along the strip, in points.
        """
        full = np.ones(strip.n) if grown is None else grown
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        values, writing = self.values[name] * full, self.writings[name]
        if writing is None:
            scale(self.page, strip)
        if name in ARRIVES:
            self.bars.result(strip, name, self.values[ARRIVES[name]] * full, values, shown)
        else:
            self.bars.given(strip, name, values, shown)
        self.page.lines(strip.zero(), self.page.theme.rule, width=1.4)
        if writing is not None:
            written = shown & (full == 1)
            return self.labels[name].write(self.page, strip, writing, self.bars.thick, written)
        if name in ARRIVES:
            self.bars.mark_dropped(strip, shown)
        edges = strip.along(np.zeros(strip.n)), strip.along(values)
        return np.minimum(*edges), np.maximum(*edges)

    def draw_mask(self, name: str, strip: Strip, size: float, shown: Mask | None = None) -> None:
        """Draw the mask, with digits of this size where that is legible."""
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        self.bars.mask(strip, name, shown)
        if size < SMALLEST:
            return
        theme = self.page.theme
        for i in np.flatnonzero(shown):
            across, along = strip.across(i + 0.5), strip.along(0.5)
            x, y = (across, along) if strip.upright else (along, across)
            kept = bool(self.bars.kept[i])
            colour = theme.on_kept if kept else theme.dropped
            style = {"ha": "center", "fontweight": "bold"}
            self.page.number(x, y - CAP * size / 2, "01"[kept], size, colour, **style)


def lay_out(page: Page, trace: Trace, empty: Strip, names: tuple[str, ...], digits: int) -> Vectors:
    """Lay out vectors: x and y on one scale in one type size, ∂L/∂y and ∂L/∂x on another.

    empty: a strip at the origin, as large as each of them will be.
    names: those that will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    digits: significant digits of the values.
    Raises RequestError for more elements than there are points, and for values beyond ±1e300.
    """
    values = {"x": trace.problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}
    if max(np.abs(vector).max() for vector in values.values()) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    kept = np.ones(empty.n, dtype=bool) if trace.problem.mask is None else trace.problem.mask
    scaled = trace.scale not in (None, 1.0)
    thickest = THICKEST_ALONE if len(names) == 1 else THICKEST
    bars = Bars(page, kept, empty, scaled, thickest)
    if empty.n >= MANY and digits == Style().precision:
        digits = DIGITS
    labels = _labels(values, names, kept, digits) if empty.pitch >= SMALLEST else {}
    pairs = [pair for pair in ARRIVES.items() if {*pair} & {*names}]
    limits = {pair: _limits(values, pair, names, kept) for pair in pairs}
    plans = {pair: _plan(empty, limits[pair], pair, labels, bars.thick) for pair in pairs}
    if empty.upright and any(writing is None for _, writing in plans.values()):
        words = [one for pair in pairs for one in ticks(*limits[pair]).values()]
        indent = 8 + TICK * max(map(ems, words))
        empty = replace(empty, x=indent, width=empty.width - indent)
        bars = Bars(page, kept, empty, scaled, thickest)
        plans = {pair: _plan(empty, limits[pair], pair, labels, bars.thick) for pair in pairs}
    fit = min(int(empty.width if empty.upright else empty.height), MOST)
    if empty.n > fit:
        raise RequestError(
            f"x has {empty.n:,} elements, but at most {fit:,} fit in this layout and size, where"
            " each has a point"
        )
    strips = {"mask": empty} | {name: plans[pair][0] for pair in pairs for name in pair}
    writings = {name: plans[pair][1] for pair in pairs for name in pair}
    return Vectors(page, bars, values, strips, labels, writings)


def _plan(
    empty: Strip,
    limits: tuple[float, float],
    pair: tuple[str, str],
    labels: Mapping[str, Labels],
    thick: float,
) -> tuple[Strip, Writing | None]:
    """Return the strip of a pair, and the most legible way to write its values that fits."""
    low, high = limits
    strip = replace(empty, low=low, high=high, before=6.0 * (low < 0), after=6.0)
    written = [labels[name] for name in pair if name in labels]
    for size in range(VALUE, SMALLEST - 1, -1) if written else ():
        for beside in (True, False) if empty.upright else (True,):
            writing = Writing(size, beside)
            margins = [each.margins(writing, empty.upright) for each in written]
            before, after = (max(side) for side in zip(*margins, strict=True))
            roomy = replace(strip, before=before, after=after)
            if all(each.fit(roomy, writing, thick) for each in written):
                return roomy, writing
    return strip, None


def _limits(
    values: Mapping[str, FloatArray], pair: tuple[str, str], names: tuple[str, ...], kept: Mask
) -> tuple[float, float]:
    """Return the smallest and the largest of 0, the values drawn, and what was lost of them."""
    result, arrived = pair
    drawn = [values[name] for name in pair if name in names]
    if result in names:
        drawn.append(values[arrived][~kept])
    both = np.concatenate(drawn)
    return min(0.0, float(both.min())), max(0.0, float(both.max()))


def _labels(
    values: Mapping[str, FloatArray], names: tuple[str, ...], kept: Mask, digits: int
) -> dict[str, Labels]:
    """Return the labels of the vectors drawn; at the bar of what was lost stands 0."""
    labels = {}
    for name in (name for name in names if name in values):
        lost = ~kept & (name in ARRIVES)
        ends = np.where(lost, values[ARRIVES.get(name, name)], values[name])
        marks = [(KEPT if one else DROPPED) if name == "grad_x" else "" for one in kept]
        labels[name] = Labels([number(v, digits) for v in values[name]], marks, ends, lost)
    return labels
