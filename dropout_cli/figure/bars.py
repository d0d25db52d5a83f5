"""Bars: given, kept or dropped.

In panels bars are upright, side by side; in lanes they are horizontal, one below the other.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from matplotlib.ticker import MaxNLocator

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.errors import RequestError
from dropout_cli.figure.page import CAP, MARGIN, Page, ems, typeset
from dropout_cli.figure.style import INDEX, NOTE, SMALLEST, TICK, VALUE, Style
from dropout_cli.trace import Trace
from dropout_cli.words.messages import Messages

FEW, ROOMY = 16, 12.0  # bars have outlines if they are at most so many, or so many points apart
DASHES = (0, (3, 2))
MARK = 10.0  # points, of a ✗ on the zero line
SOLID, DENSE, SLIM = 0.66, 0.78, 0.38  # the thickness of bars, as a share of the pitch
STEPS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)  # between indices
LARGEST = 1e300  # not far above, matplotlib's own arithmetic overflows
THICKEST, THICKEST_ALONE = 64.0, 84.0  # points; in a panel alone
SCALE = 40.0  # points that a scale may take beside upright bars
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # from a result to its input, which has the same scale
MARKS = "✗✓"  # of ∂L/∂x
SPACE = 0.4  # between a value and its mark, in ems
GAP = 6.0  # points between a bar and its value
BESIDE = 6  # the most upright bars with a mark beside the value; of more it is beyond it
MANY, DIGITS = 10, 3  # with so many elements, values have so many digits by default
LEGEND = 18.0  # points from the foot of the page to the legend
FOOT = 44.0  # points that the legend takes


@dataclass(frozen=True)
class Strip:
    """A rectangle of n bars that start from one line."""

    x: float  # of its lower left corner, in points
    y: float
    width: float
    height: float
    n: int  # bars
    upright: bool  # bars grow upward, elements go to the right; else to the right and downward
    low: float = 0.0  # the smallest value, at most 0
    high: float = 1.0  # the largest value, at least 0
    before: float = 0.0  # points left free for labels below low
    after: float = 0.0  # and beyond high

    @property
    def length(self) -> float:
        """The points from low to high."""
        return (self.height if self.upright else self.width) - self.before - self.after

    @property
    def pitch(self) -> float:
        """The points from one element to the next."""
        return (self.width if self.upright else self.height) / self.n

    def moved(self, x: float, y: float) -> Self:
        """Return the strip moved by x and y points."""
        return replace(self, x=self.x + x, y=self.y + y)

    def across(self, place: Any) -> Any:
        """Map places among the elements to the page; element i is between i − 1 and i."""
        if self.upright:
            return self.x + self.pitch * place
        return self.y + self.height - self.pitch * place

    def along(self, value: Any) -> Any:
        """Map values to the page."""
        start = (self.y if self.upright else self.x) + self.before
        return start + self.length * ((value - self.low) / ((self.high - self.low) or 1.0))

    def rectangles(self, middle: FloatArray, thickness: float, end: FloatArray) -> FloatArray:
        """Return the corners of bars from 0 to `end`, (count, 4, 2), in points."""
        first, last, start = middle - thickness / 2, middle + thickness / 2, 0 * end
        across = np.stack([self.across(place) for place in (first, last, last, first)], axis=-1)
        along = np.stack([self.along(value) for value in (start, start, end, end)], axis=-1)
        return np.stack([across, along] if self.upright else [along, across], axis=-1)

    def point(self, across: Any, along: Any) -> tuple[Any, Any]:
        """Return the x and y of a point."""
        return (across, along) if self.upright else (along, across)

    def line(self, value: float) -> FloatArray:
        """Return the ends of a line across all bars at a value, (1, 2, 2)."""
        at, ends = self.along(value), (self.across(0.0), self.across(float(self.n)))
        return np.array([[self.point(end, at) for end in ends]])


class Bars:
    """The bars of kept and dropped elements on a page.

    strip: an empty strip of the size of each vector.
    scaled: whether the kept are multiplied by anything but 1.
    thickest: the largest thickness, in points.
    """

    def __init__(self, page: Page, kept: Mask, strip: Strip, scaled: bool, thickest: float) -> None:
        """Choose the thickness and the styles of the bars."""
        theme, n = page.theme, kept.size
        self.page, self.kept, self.strip, self.scaled = page, kept, strip, scaled
        self.few = n <= FEW or strip.pitch >= ROOMY
        dense = n > 6 and not (strip.upright and self.few)
        self.thickness = min(DENSE if dense else SOLID, thickest / strip.pitch)
        self.dark = theme.kept if self.few else theme.kept_thin
        edge = 1.6 if n <= 6 else 1.2
        outline = {"face": "none", "edge": theme.dropped, "width": edge, "linestyles": [DASHES]}
        gain = {"face": theme.gain, "edge": self.dark, "width": edge}
        self.styles: dict[str, dict[str, Any]] = {
            "given": {"face": theme.given},
            "kept": {"face": self.dark},
            "gain": gain if self.few else {"face": theme.gain_thin},
            "lost": outline if self.few else {"face": theme.dropped},
        }

    def draw(self, strip: Strip, part: str, values: FloatArray, shown: Mask) -> None:
        """Draw the bars shown in the style of a part: "given", "kept", "gain" or "lost"."""
        slim = part == "lost" and not self.few  # instead of an outline
        thickness = SLIM if slim else self.thickness
        which = np.flatnonzero(shown)
        rectangles = strip.rectangles(which + 0.5, thickness, values[which])
        self.page.polygons(rectangles, snap=None if self.few else False, **self.styles[part])

    def mask(self, strip: Strip, size: float, shown: bool = True) -> None:
        """Draw the mask, 1 solid and 0 hollow, with digits if their size is legible."""
        ones, theme = np.ones(strip.n), self.page.theme
        self.draw(strip, "lost", ones, ~self.kept & shown)
        self.draw(strip, "kept", ones, self.kept & shown)
        for i in range(strip.n) if shown and size >= SMALLEST else ():
            x, y = strip.point(strip.across(i + 0.5), strip.along(0.5))
            colour = theme.ground if self.kept[i] else theme.dropped
            digit, style = "01"[int(self.kept[i])], {"ha": "center", "fontweight": "bold"}
            self.page.number(x, y - CAP * size / 2, digit, size, colour, **style)

    def result(self, strip: Strip, arrived: FloatArray, result: FloatArray, shown: Mask) -> None:
        """Draw y or ∂L/∂x: what arrived and what the scaling adds, or what was lost."""
        self.draw(strip, "lost", arrived, ~self.kept & shown)
        if self.scaled:
            self.draw(strip, "gain", result, self.kept & shown)
        self.draw(strip, "kept", arrived, self.kept & shown)

    def mark_dropped(self, strip: Strip, shown: Mask) -> None:
        """Mark the dropped elements on the zero line, even those that lost nothing."""
        places = strip.across(np.flatnonzero(~self.kept & shown) + 0.5)
        zero, colour = strip.along(0.0), self.page.theme.dropped
        if strip.pitch < ROOMY:
            ends = [[strip.point(place, zero + end) for end in (-3, 3)] for place in places]
            self.page.lines(ends, colour, SLIM * strip.pitch)
            return
        for place in places:
            x, y = strip.point(place, zero)
            self.page.number(x, y - CAP * MARK / 2, "✗", MARK, colour, ha="center")

    def legend(self, messages: Messages, training: bool, y: float = LEGEND) -> None:
        """Explain the parts that are drawn."""
        x, page = MARGIN, self.page
        kept = ["arrived", "gain"] if self.scaled else ["kept" if training else "passed"]
        lost = [] if self.kept.all() else ["lost"]
        for part in [*kept, *lost] if self.kept.any() else lost:
            corners = [[(x, y - 1), (x + 20, y - 1), (x + 20, y + 11), (x, y + 11)]]
            page.polygons(corners, **self.styles.get(part, self.styles["kept"]))
            words = messages.string("figure", part)
            page.words(x + 28, y, words, NOTE, page.theme.muted)
            x += 28 + ems(words, page.fonts) * NOTE + 26


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

    def extents(self, size: float) -> tuple[FloatArray, FloatArray]:
        """Return the widths and heights of the labels in this type size, in points."""
        beside = self.marked and not self.stacked
        widths = (self.ems + beside * (SPACE + ems(MARKS[0]))) * size
        return widths, np.full(widths.size, CAP * size + self.stacked * (CAP * size + GAP))

    def margins(self, size: float) -> tuple[float, float]:
        """Return the room for labels below the smallest value and above the largest, in points."""
        room, falls = self.extents(size)[int(self.upright)] + GAP, self.ends < 0
        return (room * falls).max(), (room * ~falls).max()

    def boxes(self, strip: Strip, size: float) -> FloatArray:
        """Return the left, bottom, right and top of each label, in points.

        A label is beyond the end of its bar, or inside a hollow bar if it fits there. At an upright
        bar the value is centred, with the mark to its right.
        """
        widths, heights = self.extents(size)
        values = self.ems * size if self.upright else heights
        along, across = (heights, 2 * widths - values) if self.upright else (widths, heights)
        zero, ends = strip.along(0 * self.ends), strip.along(self.ends)
        inside = self.lost & (along + 2 * GAP <= abs(ends - zero))
        inside &= across + 2 <= self.bars.thickness * strip.pitch
        start = np.where(inside, zero, ends) + np.where(self.ends < 0, -GAP - along, GAP)
        middle = strip.across(np.arange(strip.n) + 0.5)
        left, bottom = strip.point(middle - values / 2, start)
        return np.stack([left, bottom, left + widths, bottom + heights], axis=-1)

    def fits(self, strip: Strip, size: float) -> bool:
        """Test whether no label touches another or its bar, and bars have enough room."""
        if strip.length < 0.4 * (strip.length + strip.before + strip.after):
            return False
        if not self.upright:
            return size <= 1.03 * strip.pitch  # digits are three quarters as high
        boxes = self.boxes(strip, size)
        corners = strip.rectangles(np.arange(strip.n) + 0.5, self.bars.thickness, self.ends)
        bars = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1)
        meet = _closer(boxes, boxes, 0.4 * size) | _closer(boxes, bars, 2)
        outside = boxes[0, 0] < strip.x - 20 or boxes[-1, 2] > strip.x + strip.width + 20
        return not (outside or (meet & ~np.eye(strip.n, dtype=bool)).any())

    def reach(self, strip: Strip) -> tuple[FloatArray, FloatArray]:
        """Return the start and the end of each bar with its value along the lane, in points."""
        boxes = self.boxes(strip, self.size)
        edges = strip.along(0 * self.ends), strip.along(self.ends), boxes[:, 0], boxes[:, 2]
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
    kept = np.ones(n, dtype=bool) if problem.mask is None else problem.mask
    thickest = THICKEST_ALONE if len(names) == 1 else THICKEST
    bars = Bars(page, kept, empty, trace.scale not in (None, 1.0), thickest)
    vectors = {name: Vector(name, values, bars, messages) for name in names if name in values}
    for pair in ARRIVES.items():
        if together := [vectors[name] for name in pair if name in vectors]:
            _fit(together, empty)
    scales = [vector.strip for vector in vectors.values() if not vector.size]
    if not empty.upright or not scales or empty.x:
        return bars, vectors
    words = [word for strip in scales for word in ticks(strip.low, strip.high).values()]
    indent = 8 + TICK * max(map(ems, words))
    narrower = replace(empty, x=indent, width=empty.width - indent)
    return lay_out(page, trace, messages, narrower, names)


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
        place = strip.across(i - 0.5)
        if strip.upright:
            page.number(place, row, f"{i:,}", size, colour, ha="center")
        else:
            page.number(strip.x - 12, place - CAP * size / 2, f"{i:,}", size, colour, ha="right")
    x, y = (strip.x - 8, row) if strip.upright else (strip.x - 12, strip.y + strip.height + 13)
    page.number(x, y, "i", INDEX, colour, ha="right", fontstyle="italic")


def ticks(low: float, high: float) -> dict[float, str]:
    """Return a few round values from low to high, and their labels."""
    found = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high)
    return {tick: typeset(f"{tick + 0.0:.6g}") for tick in found if low <= tick <= high}


def scale(page: Page, strip: Strip) -> None:
    """Draw ticks and a faint grid, for bars without values."""
    for value, words in ticks(strip.low, strip.high).items():
        at = strip.along(value)
        where, align = (at, strip.y - 6 - CAP * TICK), "center"
        if strip.upright:
            where, align = (strip.x - 8, at - CAP * TICK / 2), "right"
        page.lines(strip.line(value), page.theme.rule, 0.8, alpha=0.35)
        page.number(*where, words, TICK, page.theme.muted, ha=align)
