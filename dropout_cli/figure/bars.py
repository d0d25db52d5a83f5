"""Bars along an axis, and the three things a bar can be: given, kept or dropped.

In panels bars stand upright, side by side; in lanes they lie on their sides, one below the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from matplotlib.ticker import MaxNLocator

from dropout_cli.arrays import FloatArray
from dropout_cli.figure.page import CAP, MARGIN, ems, segments, typeset
from dropout_cli.figure.style import INDEX, NOTE, SMALLEST, TICK

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.words.messages import Messages

FloatOrArray = TypeVar("FloatOrArray", float, FloatArray)

FEW, ROOMY = 16, 12.0  # up to this many bars, or this many points apart, bars have outlines
MARK = 10.0  # points, of a ✗ on the zero line
SOLID, DENSE, SLIM = 0.66, 0.78, 0.38  # the thickness of bars, as a share of the pitch
DASHES = (0, (3, 2))
STEPS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)  # from one index that is written to the next
LEGEND = 18.0  # points from the foot of the page to the legend
FOOT = 44.0  # points that the legend takes


@dataclass(frozen=True)
class Strip:
    """The rectangle in which n bars stand side by side and grow from one line.

    x, y, width, height: the rectangle, from its lower left corner, in points.
    n: the number of elements.
    upright: whether bars grow upward and elements go from left to right; else bars grow to the
        right and elements go downward.
    low, high: the smallest and the largest value, low ≤ 0 ≤ high.
    before, after: points left free for labels below low and beyond high.
    """

    x: float
    y: float
    width: float
    height: float
    n: int
    upright: bool
    low: float = 0.0
    high: float = 1.0
    before: float = 0.0
    after: float = 0.0

    @property
    def length(self) -> float:
        """The points from low to high."""
        return (self.height if self.upright else self.width) - self.before - self.after

    @property
    def pitch(self) -> float:
        """The points from one element to the next."""
        return (self.width if self.upright else self.height) / self.n

    def moved(self, x: float, y: float) -> Strip:
        """Return the strip, moved by so many points."""
        return replace(self, x=self.x + x, y=self.y + y)

    def across(self, place: FloatOrArray) -> FloatOrArray:
        """Map a place among the elements to the page; element i reaches from i − 1 to i."""
        if self.upright:
            return self.x + self.pitch * place
        return self.y + self.height - self.pitch * place

    def along(self, value: FloatOrArray) -> FloatOrArray:
        """Map a value to the page."""
        start = (self.y if self.upright else self.x) + self.before
        return start + self.length * ((value - self.low) / ((self.high - self.low) or 1.0))

    def rectangles(self, middle: FloatArray, thick: float, end: FloatArray) -> FloatArray:
        """Return the bars from 0 to the ends around these places: (count, 4, 2), in points."""
        first, last, start = middle - thick / 2, middle + thick / 2, 0 * end
        across = np.stack([self.across(place) for place in (first, last, last, first)], axis=-1)
        along = np.stack([self.along(value) for value in (start, start, end, end)], axis=-1)
        return np.stack([across, along] if self.upright else [along, across], axis=-1)

    def zero(self) -> FloatArray:
        """Return the ends of the line from which the bars grow: (1, 2, 2)."""
        return self.rectangles(np.array([self.n / 2]), self.n, np.zeros(1))[:, :2]


class Bars:
    """Draw bars on a page, for elements of which those in `kept` are kept.

    strip: an empty one, as large as each in which they stand.
    scaled: whether the kept are multiplied by anything but 1, so that there is a gain to show.
    thickest: the points that a bar may be thick.
    """

    def __init__(self, page: Page, kept: Mask, strip: Strip, scaled: bool, thickest: float) -> None:
        """Choose the bars' thickness and the colours that tell them apart."""
        theme, n = page.theme, kept.size
        self.page, self.kept, self.strip, self.scaled = page, kept, strip, scaled
        self.few = n <= FEW or strip.pitch >= ROOMY
        dense = n > 6 and not (strip.upright and self.few)
        self.thick = min(DENSE if dense else SOLID, thickest / strip.pitch)
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
        """Draw the bars shown as what they are: "given", "kept", "gain" or "lost"."""
        thick = SLIM if part == "lost" and not self.few else self.thick  # no room for an outline
        which = np.flatnonzero(shown)
        rectangles = strip.rectangles(which + 0.5, thick, values[which])
        self.page.polygons(rectangles, snap=None if self.few else False, **self.styles[part])

    def mask(self, strip: Strip, size: float, shown: Mask) -> None:
        """Draw the mask, 1 solid and 0 hollow, with digits of this size where it is legible."""
        ones, theme = np.ones(strip.n), self.page.theme
        self.draw(strip, "lost", ones, ~self.kept & shown)
        self.draw(strip, "kept", ones, self.kept & shown)
        for i in np.flatnonzero(shown) if size >= SMALLEST else ():
            across, along = strip.across(i + 0.5), strip.along(0.5)
            x, y = (across, along) if strip.upright else (along, across)
            colour = theme.ground if self.kept[i] else theme.dropped
            digit, style = "01"[int(self.kept[i])], {"ha": "center", "fontweight": "bold"}
            self.page.number(x, y - CAP * size / 2, digit, size, colour, **style)

    def result(self, strip: Strip, arrived: FloatArray, result: FloatArray, shown: Mask) -> None:
        """Draw y or ∂L/∂x: what arrived and what the scaling adds, or else what was lost."""
        self.draw(strip, "lost", arrived, ~self.kept & shown)
        if self.scaled:
            self.draw(strip, "gain", result, self.kept & shown)
        self.draw(strip, "kept", arrived if self.scaled else result, self.kept & shown)

    def mark_dropped(self, strip: Strip, shown: Mask) -> None:
        """Mark the dropped on the zero line, so that none is a gap, whatever it lost."""
        places = strip.across(np.flatnonzero(~self.kept & shown) + 0.5)
        zero, colour = strip.along(0.0), self.page.theme.dropped
        if strip.pitch < ROOMY:
            low, high = zero - 3, zero + 3
            ends = (places, low, places, high) if strip.upright else (low, places, high, places)
            self.page.lines(segments(*ends), colour, SLIM * strip.pitch)
            return
        for place in places:
            x, y = (place, zero) if strip.upright else (zero, place)
            self.page.number(x, y - CAP * MARK / 2, "✗", MARK, colour, ha="center")

    def legend(self, messages: Messages, training: bool, y: float = LEGEND) -> None:
        """Say what the bars mean that are drawn."""
        x, page, parts = MARGIN, self.page, []
        if self.kept.any():
            parts += ["arrived", "gain"] if self.scaled else ["kept" if training else "passed"]
        if not self.kept.all():
            parts.append("lost")
        for part in parts:
            corners = [[(x, y - 1), (x + 20, y - 1), (x + 20, y + 11), (x, y + 11)]]
            page.polygons(corners, **self.styles.get(part, self.styles["kept"]))
            words = messages.string("figure", part)
            page.words(x + 28, y, words, NOTE, page.theme.muted)
            x += 28 + page.extent(words, NOTE) + 26


def indices(page: Page, strip: Strip) -> None:
    """Write i and the number of each element, or of some where they stand close."""
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
    """Return a few round values from low to high, and how they are written."""
    found = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high)
    return {tick: typeset(f"{tick + 0.0:.6g}") for tick in found if low <= tick <= high}


def scale(page: Page, strip: Strip) -> None:
    """Draw ticks and a faint grid, to read bars by whose values are not written."""
    for value, words in ticks(strip.low, strip.high).items():
        at = strip.along(value)
        if strip.upright:
            line = (strip.x, at), (strip.x + strip.width, at)
            where, align = (strip.x - 8, at - CAP * TICK / 2), "right"
        else:
            line = (at, strip.y), (at, strip.y + strip.height)
            where, align = (at, strip.y - 6 - CAP * TICK), "center"
        page.lines([line], page.theme.rule, 0.8, alpha=0.35)
        page.number(*where, words, TICK, page.theme.muted, ha=align)
