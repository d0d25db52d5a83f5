"""Write values at the ends of the bars, in the largest type that fits, or else draw a scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import THICKEST, THICKEST_ALONE, Bars, Strip, scale, ticks
from dropout_cli.figure.page import CAP, ems, typeset
from dropout_cli.figure.style import SMALLEST, TICK, VALUE, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

LARGEST = 1e300  # matplotlib's own arithmetic overflows not far above
MOST = 1000  # elements of a figure, whose file carries them all
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # what each result is made of, on one scale with it
MARKS = "✗✓"  # with the gradient
SPACE = 0.4  # between a value and its mark, in ems
GAP = 6.0  # points between a bar and its value
BESIDE = 6  # upright bars up to which a mark hangs beside its value, else beyond it
MANY, DIGITS = 10, 3  # from so many elements on, values usually have so many significant digits


class Labels:
    """The values of one vector at its bars, each with a mark where it is ∂L/∂x."""

    def __init__(
        self,
        name: str,
        values: Mapping[str, FloatArray],
        kept: Mask,
        messages: Messages,
        upright: bool,
    ) -> None:
        """Write the values; at the bar of what was lost stands 0."""
        self.kept, self.upright = kept, upright
        self.lost = ~kept & (name in ARRIVES)
        self.ends = np.where(self.lost, values[ARRIVES.get(name, name)], values[name])
        self.words = [typeset(messages.number(value)) for value in values[name]]
        self.ems = np.array([ems(words) for words in self.words])
        self.marked = name == "grad_x"
        self.stacked = self.marked and upright and kept.size > BESIDE

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

    def boxes(self, strip: Strip, size: float, thick: float) -> FloatArray:
        """Return the left, bottom, right and top of each label, in points.

        A label stands beyond the end of its bar; that of a hollow bar inside it, where it fits.
        On an upright bar the value is centred, and the mark hangs to its right.
        """
        widths, heights = self.extents(size)
        values = self.ems * size
        along, across = (heights, 2 * widths - values) if self.upright else (widths, heights)
        zero, ends = strip.along(0 * self.ends), strip.along(self.ends)
        inside = self.lost & (along + 2 * GAP <= abs(ends - zero))
        inside &= across + 2 <= thick * strip.pitch
        start = np.where(inside, zero, ends) + np.where(self.ends < 0, -GAP - along, GAP)
        middle = strip.across(np.arange(strip.n) + 0.5)
        left, bottom = (
            (middle - values / 2, start) if self.upright else (start, middle - heights / 2)
        )
        return np.stack([left, bottom, left + widths, bottom + heights], axis=-1)

    def fit(self, strip: Strip, size: float, thick: float) -> bool:
        """Test whether no label touches another or another's bar, and bars have room enough.

        thick: of the bars, as a share of the strip's pitch.
        """
        if strip.length < 0.4 * (strip.length + strip.before + strip.after):
            return False
        if not self.upright:
            return size <= 1.03 * strip.pitch  # digits are three quarters as high
        boxes = self.boxes(strip, size, thick)
        corners = strip.rectangles(np.arange(strip.n) + 0.5, thick, self.ends)
        bars = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1)
        meet = _closer(boxes, boxes, 0.4 * size) | _closer(boxes, bars, 2)
        outside = boxes[0, 0] < strip.x - 20 or boxes[-1, 2] > strip.x + strip.width + 20
        return not (outside or (meet & ~np.eye(strip.n, dtype=bool)).any())

    def write(self, page: Page, strip: Strip, size: float, thick: float, shown: Mask) -> FloatArray:
        """Write the labels of the elements shown; return the boxes of all."""
        theme, boxes = page.theme, self.boxes(strip, size, thick)
        for i in np.flatnonzero(shown):
            left, bottom, right, top = boxes[i]
            x, rows = left + self.ems[i] * size / 2, [bottom, top - CAP * size]
            near, far = rows[::-1] if self.ends[i] < 0 else rows
            lost = self.lost[i]
            style = {"ha": "center", "fontweight": "bold" if lost else "normal"}
            page.number(x, near, self.words[i], size, theme.dropped if lost else theme.ink, **style)
            if self.marked:
                x = x if self.stacked else right - ems(MARKS[0]) * size / 2
                colour = theme.dropped if lost else theme.kept
                page.number(x, far, MARKS[int(self.kept[i])], size, colour, ha="center")
        return boxes


def _closer(one: FloatArray, other: FloatArray, apart: float) -> Mask:
    """Test which boxes are closer than that to which others: (count, count of others)."""
    starts, ends = one[:, None, :2] < other[:, 2:] + apart, one[:, None, 2:] + apart > other[:, :2]
    close: Mask = np.all(starts & ends, axis=-1)
    return close


@dataclass(frozen=True)
class Vectors:
    """The vectors of a trace, laid out to be drawn one by one.

    values, strips, labels, sizes: by name: "x", "y", "grad_y", "grad_x"; "mask" has a strip.
    A size, of the values' type, is 0 where a scale stands in for them.
    """

    page: Page
    bars: Bars
    values: Mapping[str, FloatArray]
    strips: Mapping[str, Strip]
    labels: Mapping[str, Labels]
    sizes: Mapping[str, int]

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
        values, size = self.values[name] * full, self.sizes[name]
        if not size:
            scale(self.page, strip)
        if name in ARRIVES:
            self.bars.result(strip, name, self.values[ARRIVES[name]] * full, values, shown)
        else:
            self.bars.given(strip, name, values, shown)
        self.page.lines(strip.zero(), self.page.theme.rule, width=1.4)
        edges = [strip.along(0 * values), strip.along(values)]
        if size:
            labels, written = self.labels[name], shown & (full == 1)
            boxes = labels.write(self.page, strip, size, self.bars.thick, written)
            axis = int(strip.upright)
            edges = [edges[0], strip.along(labels.ends), boxes[:, axis], boxes[:, axis + 2]]
        elif name in ARRIVES:
            self.bars.mark_dropped(strip, shown)
        return np.min(edges, axis=0), np.max(edges, axis=0)

    def draw_mask(self, name: str, strip: Strip, size: float, shown: Mask | None = None) -> None:
        """Draw the mask, with digits of this size where that is legible."""
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        self.bars.mask(strip, name, shown)
        theme = self.page.theme
        for i in np.flatnonzero(shown) if size >= SMALLEST else ():
            across, along = strip.across(i + 0.5), strip.along(0.5)
            x, y = (across, along) if strip.upright else (along, across)
            kept = bool(self.bars.kept[i])
            colour = theme.on_kept if kept else theme.dropped
            style = {"ha": "center", "fontweight": "bold"}
            self.page.number(x, y - CAP * size / 2, "01"[kept], size, colour, **style)


def lay_out(
    page: Page, trace: Trace, messages: Messages, empty: Strip, names: tuple[str, ...]
) -> Vectors:
    """Lay out vectors: x and y on one scale in one type size, ∂L/∂y and ∂L/∂x on another.

    empty: a strip at the origin, as large as each of them will be.
    names: those that will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    Raises RequestError for more elements than there are points, and for values beyond ±1e300.
    """
    values = {"x": trace.problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}
    if max(abs(vector).max() for vector in values.values()) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    kept = np.ones(empty.n, dtype=bool) if trace.problem.mask is None else trace.problem.mask
    if empty.n >= MANY and messages.precision == Style().precision:
        messages = messages._replace(precision=DIGITS)
    labels = {}
    if empty.pitch >= SMALLEST:
        drawn = [name for name in names if name in values]
        labels = {name: Labels(name, values, kept, messages, empty.upright) for name in drawn}
    thickest = THICKEST_ALONE if len(names) == 1 else THICKEST

    def plan(empty: Strip) -> tuple[Bars, dict[str, tuple[Strip, int]]]:
        bars = Bars(page, kept, empty, trace.scale not in (None, 1.0), thickest)
        plans: dict[str, tuple[Strip, int]] = {}
        for pair in (pair for pair in ARRIVES.items() if {*pair} & {*names}):
            low, high = _limits(values, pair, names, kept)
            strip = replace(empty, low=low, high=high, before=6.0 * (low < 0), after=6.0)
            written = [labels[name] for name in pair if name in labels]
            plans |= dict.fromkeys(pair, _largest(strip, written, bars.thick))
        return bars, plans

    bars, plans = plan(empty)
    scales = [strip for strip, size in plans.values() if not size]
    if empty.upright and scales:
        words = [word for strip in scales for word in ticks(strip.low, strip.high).values()]
        indent = 8 + TICK * max(map(ems, words))
        empty = replace(empty, x=indent, width=empty.width - indent)
        bars, plans = plan(empty)
    fit = min(int(empty.width if empty.upright else empty.height), MOST)
    if empty.n > fit:
        raise RequestError(
            f"x has {empty.n:,} elements, but at most {fit:,} fit in this layout and size, where"
            " each has a point"
        )
    strips = {"mask": empty} | {name: strip for name, (strip, _) in plans.items()}
    sizes = {name: size for name, (_, size) in plans.items()}
    return Vectors(page, bars, values, strips, labels, sizes)


def _largest(strip: Strip, labels: list[Labels], thick: float) -> tuple[Strip, int]:
    """Return the strip with room for these labels, and the largest type that fits, or 0."""
    for size in range(VALUE, SMALLEST - 1, -1) if labels else ():
        margins = [each.margins(size) for each in labels]
        before, after = (max(side) for side in zip(*margins, strict=True))
        roomy = replace(strip, before=before, after=after)
        if all(each.fit(roomy, size, thick) for each in labels):
            return roomy, size
    return strip, 0


def _limits(
    values: Mapping[str, FloatArray], pair: tuple[str, str], names: tuple[str, ...], kept: Mask
) -> tuple[float, float]:
    """Return the smallest and the largest of 0, the values drawn, and what was lost of them."""
    result, arrived = pair
    drawn = [values[name] for name in pair if name in names]
    if result in names:
        drawn.append(values[arrived][~kept])
    both = np.concatenate([[0.0], *drawn])
    return float(both.min()), float(both.max())
