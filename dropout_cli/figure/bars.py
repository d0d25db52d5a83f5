"""Bars: given, kept or dropped; the mask, and the legend.

In panels bars are upright, side by side; in lanes they are horizontal, one below the other.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.figure.page import CAP, MARGIN, Page, ems
from dropout_cli.figure.style import NOTE, SMALLEST
from dropout_cli.words.messages import Messages

FEW, ROOMY = 16, 12.0  # bars have outlines if they are at most so many, or so many points apart
DASHES = (0, (3, 2))
MARK = 10.0  # points, of a ✗ on the zero line
SOLID, DENSE, SLIM = 0.66, 0.78, 0.38  # the thickness of bars, as a share of the pitch
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

    def at(self, place: ArrayLike, value: ArrayLike = 0.0) -> FloatArray:
        """Map places among the elements and values to points of the page, (…, 2).

        Element i, from 0, is between the places i and i + 1.
        """
        share = (np.asarray(value) - self.low) / ((self.high - self.low) or 1.0)
        along, across = self.before + self.length * share, self.pitch * np.asarray(place)
        if self.upright:
            points = self.x + across, self.y + along
        else:
            points = self.x + along, self.y + self.height - across
        return np.stack(np.broadcast_arrays(*points), axis=-1)

    def rectangles(self, elements: ArrayLike, thickness: float, ends: FloatArray) -> FloatArray:
        """Return the corners of bars from 0 to their ends, (count, 4, 2)."""
        middle = np.asarray(elements) + 0.5
        first, last, zero = middle - thickness / 2, middle + thickness / 2, 0 * ends
        corners = (first, zero), (last, zero), (last, ends), (first, ends)
        return np.stack([self.at(*corner) for corner in corners], axis=1)

    def line(self, value: float) -> FloatArray:
        """Return the ends of a line across all bars at a value, (1, 2, 2)."""
        return self.at([[0.0, self.n]], value)


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
        self.colours = [theme.kept if one else theme.dropped for one in kept]  # of words
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
        thickness, which = SLIM if slim else self.thickness, np.flatnonzero(shown)
        rectangles = strip.rectangles(which, thickness, values[which])
        self.page.polygons(rectangles, snap=None if self.few else False, **self.styles[part])

    def mask(self, strip: Strip, size: float, shown: bool = True) -> None:
        """Draw the mask, 1 solid and 0 hollow, with digits if their size is legible."""
        ones, theme = np.ones(strip.n), self.page.theme
        self.draw(strip, "lost", ones, ~self.kept & shown)
        self.draw(strip, "kept", ones, self.kept & shown)
        for i in range(strip.n) if shown and size >= SMALLEST else ():
            x, y = strip.at(i + 0.5, 0.5)
            colour = theme.ground if self.kept[i] else theme.dropped
            digit, style = "01"[int(self.kept[i])], {"ha": "center", "fontweight": "bold"}
            self.page.text(x, y - CAP * size / 2, digit, size, colour, **style)

    def result(self, strip: Strip, arrived: FloatArray, result: FloatArray, shown: Mask) -> None:
        """Draw y or ∂L/∂x: what arrived and what the scaling adds, or what was lost."""
        self.draw(strip, "lost", arrived, ~self.kept & shown)
        if self.scaled:
            self.draw(strip, "gain", result, self.kept & shown)
        self.draw(strip, "kept", arrived, self.kept & shown)

    def mark_dropped(self, strip: Strip, shown: Mask) -> None:
        """Mark the dropped elements on the zero line, even those that lost nothing."""
        places = strip.at(np.flatnonzero(~self.kept & shown) + 0.5)
        colour = self.page.theme.dropped
        if strip.pitch < ROOMY:
            half = np.array([0.0, 3.0] if strip.upright else [3.0, 0.0])
            ends = np.stack([places - half, places + half], axis=1)
            self.page.lines(ends, colour, SLIM * strip.pitch)
            return
        for x, y in places:
            self.page.text(x, y - CAP * MARK / 2, "✗", MARK, colour, ha="center")

    def legend(self, messages: Messages, training: bool, y: float = LEGEND) -> None:
        """Explain the parts that are drawn."""
        x, page = MARGIN, self.page
        kept = ["arrived", "gain"] if self.scaled else ["kept" if training else "passed"]
        lost = [] if self.kept.all() else ["lost"]
        for part in [*kept, *lost] if self.kept.any() else lost:
            corners = [[(x, y - 1), (x + 20, y - 1), (x + 20, y + 11), (x, y + 11)]]
            page.polygons(corners, **self.styles.get(part, self.styles["kept"]))
            words = messages.string("figure", part)
            page.text(x + 28, y, words, NOTE, page.theme.muted)
            x += 28 + ems(words) * NOTE + 26
