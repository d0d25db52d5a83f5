"""Write values at the ends of the bars, in the largest type that fits, or else draw a scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip, scale, ticks
from dropout_cli.figure.page import CAP, ems, number
from dropout_cli.figure.style import SMALLEST, TICK, VALUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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


class Writing(NamedTuple):
    """A way to write values.

    size: of the type, in points.
    beside: whether a mark stands beside its value, or else beyond it.
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

    def widths(self, beside: bool) -> FloatArray:
        """Return the width of each label in ems, with the mark beside the value or beyond it."""
        pairs = zip(self.values, self.marks, strict=True)
        if beside:
            return np.array([_ems(value, mark) for value, mark in pairs])
        return np.array([max(ems(value), ems(mark)) for value, mark in pairs])

    def margins(self, writing: Writing, upright: bool) -> tuple[float, float]:
        """Return the points that the labels take below the smallest value and beyond the largest."""
        lines = 1 if writing.beside or not any(self.marks) else 2
        widths = self.widths(writing.beside) * writing.size
        needs = lines * (CAP * writing.size + GAP) if upright else widths + GAP
        falls = self.ends < 0
        below, above = np.where(falls, needs, 0.0), np.where(falls, 0.0, needs)
        return float(below.max()), float(above.max())


def given_labels(values: FloatArray, digits: int) -> Labels:
    """Return the labels of values that no mask has met."""
    texts = [number(value, digits) for value in values]
    return Labels(texts, [""] * len(texts), values, np.zeros(values.size, dtype=bool))


def result_labels(
    lost: FloatArray, values: FloatArray, kept: Mask, digits: int, marked: bool
) -> Labels:
    """Return the labels of y or ∂L/∂x: at the bar of what was lost stands 0."""
    texts = [number(value, digits) for value in values]
    marks = [(KEPT if one else DROPPED) if marked else "" for one in kept]
    return Labels(texts, marks, np.where(kept, values, lost), ~kept)


def writings(upright: bool) -> Iterator[Writing]:
    """Yield every way to write the values, the most legible first."""
    for size in range(VALUE, SMALLEST - 1, -1):
        yield from (Writing(size, beside) for beside in ((True, False) if upright else (True,)))


def fits(strip: Strip, labels: Labels, writing: Writing, thick: float) -> bool:
    """Test whether no label touches another or another's bar, and the bars have room enough.

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
    """Test which spans come closer than that to which others: (count, count of others)."""
    before = (start + size + apart)[:, None] > other
    after = start[:, None] < other + other_size + apart
    return before & after


def boxes(
    strip: Strip, labels: Labels, writing: Writing, thick: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the left, bottom, width and height of each label's box, in points.

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
    page: Page,
    strip: Strip,
    labels: Labels,
    writing: Writing,
    thick: float,
    shown: Mask,
) -> tuple[FloatArray, FloatArray]:
    """Write the labels of the elements shown.

    Returns where each element's bar and label begin and end along the strip, in points.
    """
    theme, size = page.theme, writing.size
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
        page.number(x, y, value, size, colour, fontweight=weight)
        if mark:
            page.number(mark_x, mark_y, mark, size, theme.dropped if lost else theme.kept)
    zero, ends = strip.along(np.zeros(strip.n)), strip.along(labels.ends)
    start, end = (bottom, bottom + heights) if strip.upright else (left, left + widths)
    return np.minimum(np.minimum(zero, ends), start), np.maximum(np.maximum(zero, ends), end)


def _ems(value: str, mark: str) -> float:
    return ems(value) + (SPACE + ems(mark) if mark else 0)


@dataclass(frozen=True)
class Vectors:
    """The vectors of a trace, laid out to be drawn one by one.

    values, strips, labels: by name: "x", "y", "grad_y", "grad_x"; "mask" has a strip too.
    writing: how the values are written; None where a scale stands in for them.
    """

    page: Page
    bars: Bars
    values: Mapping[str, FloatArray]
    strips: Mapping[str, Strip]
    labels: Mapping[str, Labels]
    writing: Writing | None

    def at(self, name: str, x: float, y: float) -> Strip:
        """Return the strip of a vector, moved to have its lower left corner at x, y."""
        strip = self.strips[name]
        return replace(strip, x=strip.x + x, y=y)

    def draw(
        self, name: str, strip: Strip, shown: Mask | None = None, grown: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Draw a vector: a scale or values, bars, and the line from which they grow.

        shown: the elements to draw; all where it is None.
        grown: the share of its full length that each bar has; its value stands at a full one.
        Returns where each element's bar and value begin and end along the strip, in points.
        """
        full = np.ones(strip.n) if grown is None else grown
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        values = self.values[name] * full
        if self.writing is None:
            scale(self.page, strip)
        if name in ARRIVES:
            self.bars.result(strip, name, self.values[ARRIVES[name]] * full, values, shown)
        else:
            self.bars.given(strip, name, values, shown)
        self.page.lines(strip.zero(), self.page.theme.rule, width=1.4)
        if self.writing is None:
            edges = strip.along(np.zeros(strip.n)), strip.along(values)
            return np.minimum(*edges), np.maximum(*edges)
        labels, written = self.labels[name], shown & (full == 1)
        return write(self.page, strip, labels, self.writing, self.bars.thick, written)

    def draw_mask(self, name: str, strip: Strip, shown: Mask | None = None) -> None:
        """Draw the mask, with its digits where they fit."""
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        self.bars.mask(strip, name, shown)
        thick = self.bars.thick * strip.pitch
        size = min(VALUE + 2.0, thick / 1.1 if strip.upright else (thick - 3) / CAP)
        if size < SMALLEST or not self.bars.few:
            return
        theme = self.page.theme
        for i in np.flatnonzero(shown):
            across, along = strip.across(i + 0.5), strip.along(0.5)
            x, y = (across, along) if strip.upright else (along, across)
            kept = bool(self.bars.kept[i])
            colour = theme.on_kept if kept else theme.dropped
            style = {"ha": "center", "fontweight": "bold"}
            self.page.number(x, y - CAP * size / 2, "01"[kept], size, colour, **style)


def lay_out(page: Page, trace: Trace, empty: Strip, names: Iterable[str], digits: int) -> Vectors:
    """Lay out the vectors: x and y on one scale, ∂L/∂y and ∂L/∂x on another, in one type size.

    empty: a strip at the origin, as large as each of them will be.
    names: those that will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    digits: significant digits of the values.
    Raises RequestError for more elements than there are points, and for values beyond ±1e300.
    """
    values = {
        "x": trace.problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x,
    }  # fmt: skip
    if max(np.abs(vector).max() for vector in values.values()) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    mask = trace.problem.mask
    kept = np.ones(empty.n, dtype=bool) if mask is None else mask
    pairs = {pair: _limits(values, pair) for pair in ARRIVES.items() if {*pair} & {*names}}
    scaled = trace.scale not in (None, 1.0)
    bars = Bars(page, kept, empty.pitch, empty.upright, scaled)
    labels = _labels(values, names, kept, digits) if empty.pitch >= SMALLEST else {}
    for writing in writings(empty.upright) if labels else ():
        strips = _strips(empty, pairs, labels, writing)
        if all(fits(strips[name], some, writing, bars.thick) for name, some in labels.items()):
            return Vectors(page, bars, values, strips, labels, writing)
    if empty.upright:
        words = [one for limits in pairs.values() for one in ticks(*limits).values()]
        indent = 8 + TICK * max(map(ems, words), default=0)
        empty = replace(empty, x=indent, width=empty.width - indent)
        bars = Bars(page, kept, empty.pitch, empty.upright, scaled)
    fit = min(int(empty.width if empty.upright else empty.height), MOST)
    if empty.n > fit:
        raise RequestError(
            f"x has {empty.n:,} elements, but at most {fit:,} fit in this layout and size, where"
            " each has a point"
        )
    return Vectors(page, bars, values, _strips(empty, pairs, {}, None), {}, None)


def _limits(values: Mapping[str, FloatArray], pair: tuple[str, str]) -> tuple[float, float]:
    both = np.concatenate([values[name] for name in pair])
    return min(0.0, float(both.min())), max(0.0, float(both.max()))


def _strips(
    empty: Strip,
    pairs: Mapping[tuple[str, str], tuple[float, float]],
    labels: Mapping[str, Labels],
    writing: Writing | None,
) -> dict[str, Strip]:
    """Return the strips, with limits, and margins for what is written in them."""
    strips = {"mask": empty}
    for pair, (low, high) in pairs.items():
        margins = [(6.0 * (low < 0), 6.0)]
        if writing is not None:
            written = [labels[name] for name in pair if name in labels]
            margins = [each.margins(writing, empty.upright) for each in written]
        before, after = (max(side) for side in zip(*margins, strict=True))
        for name in pair:
            strips[name] = replace(empty, low=low, high=high, before=before, after=after)
    return strips


def _labels(
    values: Mapping[str, FloatArray], names: Iterable[str], kept: Mask, digits: int
) -> dict[str, Labels]:
    labels = {}
    for name in names:
        if name in ARRIVES:
            arrived = values[ARRIVES[name]]
            labels[name] = result_labels(arrived, values[name], kept, digits, name == "grad_x")
        elif name in values:
            labels[name] = given_labels(values[name], digits)
    return labels
