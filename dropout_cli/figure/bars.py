"""Bars along an axis, and the three things a bar can be: given, kept or dropped.

Panels and lanes speak this one language: a panel's bars stand upright, side by side; a lane's bar
lies on its side, one lane below the other.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dropout_cli.arrays import FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dropout_cli.arrays import Mask
    from dropout_cli.figure.canvas import Canvas

Many = TypeVar("Many", float, FloatArray)

FEW, ROOMY = 16, 12.0  # up to this many bars, or this many points apart, bars have outlines and ids
THICKEST = 64.0  # points
SOLID, DENSE, SLIM = 0.66, 0.78, 0.38  # how thick bars are, as a share of the pitch
THINNEST = 1.0  # points between two elements; below, a bar stands for several of them,
COLUMN = 5.0  # and gets this room
LEAST = 1.5  # points, so that a column of equal values can be seen


@dataclass(frozen=True)
class Strip:
    """The rectangle in which n elements stand side by side and their values grow from one line.

    x, y, width, height: the rectangle, from its lower left corner, in points.
    n: the number of elements.
    upright: whether values grow upward and elements go from left to right; else values grow to the
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
    def breadth(self) -> float:
        """The points in which the elements stand side by side."""
        return self.width if self.upright else self.height

    @property
    def length(self) -> float:
        """The points from low to high."""
        return (self.height if self.upright else self.width) - self.before - self.after

    @property
    def pitch(self) -> float:
        """Points from one element to the next."""
        return self.breadth / self.n

    def across(self, place: Many) -> Many:
        """Where a place is on the page; element i reaches from place i − 1 to i."""
        if self.upright:
            return self.x + self.pitch * place
        return self.y + self.height - self.pitch * place

    def along(self, value: Many) -> Many:
        """Where a value is on the page."""
        start = (self.y if self.upright else self.x) + self.before
        return start + self.length * ((value - self.low) / ((self.high - self.low) or 1.0))

    def corners(
        self, first: FloatArray, last: FloatArray, start: FloatArray, end: FloatArray
    ) -> FloatArray:
        """The rectangles between these places and these values: (count, 4, 2), in points."""
        across = np.stack([self.across(place) for place in (first, last, last, first)], axis=-1)
        along = np.stack([self.along(value) for value in (start, start, end, end)], axis=-1)
        return np.stack([across, along] if self.upright else [along, across], axis=-1)

    def zero(self) -> FloatArray:
        """The ends of the line from which the values grow: (1, 2, 2)."""
        corners = self.corners(*(np.array([v]) for v in (0.0, float(self.n), 0.0, 0.0)))
        return corners[:, :2]


class Bars:
    """Draws bars on a canvas, for elements of which those in `kept` are kept.

    Where elements are closer than a point, each bar stands for `each` of them, the kept beside the
    dropped, and reaches from the smallest to the largest.

    pitch, upright: of the strips in which they stand.
    scaled: whether the kept are multiplied by anything but 1, so that there is a gain to show.
    """

    def __init__(
        self, canvas: Canvas, kept: Mask, pitch: float, upright: bool, scaled: bool
    ) -> None:
        """Choose how thick bars are and which colours tell them apart."""
        theme = canvas.theme
        self.canvas, self.kept, self.scaled = canvas, kept, scaled
        self.few = kept.size <= FEW or pitch >= ROOMY
        self.each = 1 if pitch >= THINNEST else _each(kept.size, pitch)
        dense = kept.size > 6 and not (upright and self.few)
        self.thick = min(DENSE if dense else SOLID, THICKEST / pitch)
        self.edge = 1.6 if kept.size <= 6 else 1.2
        self.dark = theme.kept if self.few else theme.kept_thin
        self.pale = theme.gain if self.few else theme.gain_thin

    def given(self, strip: Strip, name: str, values: FloatArray, shown: Mask | None = None) -> None:
        """What no mask has met: x, or ∂L/∂y."""
        among = np.ones(self.kept.size, dtype=bool) if shown is None else shown
        self._solid(strip, name, values, among, self.canvas.theme.given, (0.1, 0.9))

    def gates(self, strip: Strip, name: str, shown: Mask | None = None) -> None:
        """The mask: 1 solid, 0 hollow. Where a bar stands for several elements, the share kept."""
        if self.each == 1:
            ones = np.ones(self.kept.size)
            self._dropped(strip, name, ones, self._among(~self.kept, shown))
            self._solid(strip, name, ones, self._among(self.kept, shown), self.dark, (0, 1))
            return
        first = np.arange(0, self.kept.size, self.each)
        last = np.minimum(first + self.each, self.kept.size)
        share = np.add.reduceat(self.kept, first, dtype=float) / (last - first)
        margin = 0.1 * (last - first)
        for start, end, colour in (
            (0 * share, share, self.dark),
            (share, 0 * share + 1, self.canvas.theme.dropped),
        ):
            corners = strip.corners(first + margin, last - margin, start, end)
            self.canvas.polygons(corners, colour, sharp=False)

    def result(
        self,
        strip: Strip,
        name: str,
        arrived: FloatArray,
        result: FloatArray,
        shown: Mask | None = None,
    ) -> None:
        """y or ∂L/∂x: of the kept, what arrived and what the scaling adds; of the dropped, what was
        lost.
        """
        kept = self._among(self.kept, shown)
        self._dropped(strip, name, arrived, self._among(~self.kept, shown))
        beside = (0.02, 0.58)
        if self.scaled:
            edge = self.dark if self.few else "none"
            self._solid(strip, name, result, kept, self.pale, beside, edge)
            self._solid(strip, f"{name}-arrived", arrived, kept, self.dark, beside)
        else:
            self._solid(strip, name, result, kept, self.dark, beside)

    def _among(self, some: Mask, shown: Mask | None) -> Mask:
        return some if shown is None else some & shown

    def _solid(
        self,
        strip: Strip,
        name: str,
        values: FloatArray,
        among: Mask,
        colour: str,
        beside: tuple[float, float],
        edge: str = "none",
    ) -> None:
        width = self.edge if edge != "none" else 0
        which, corners = self._corners(strip, values, among, self.thick, beside)
        self._draw(which, corners, name, face=colour, edge=edge, width=width)

    def _dropped(self, strip: Strip, name: str, lost: FloatArray, among: Mask) -> None:
        """Hollow; a slim line where there is no room for an outline."""
        thick = self.thick if self.few else SLIM
        which, corners = self._corners(strip, lost, among, thick, (0.66, 0.96))
        colour = self.canvas.theme.dropped
        if self.few:
            self._draw(which, corners, name, face="none", edge=colour, width=self.edge, dashed=True)
        else:
            self._draw(which, corners, name, face=colour)

    def _corners(
        self,
        strip: Strip,
        values: FloatArray,
        among: Mask,
        thick: float,
        beside: tuple[float, float],
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """The elements that have a bar, from 0, and the bars' rectangles."""
        if self.each == 1:
            which = np.flatnonzero(among)
            middle, end = which + 0.5, values[which]
            return which, strip.corners(middle - thick / 2, middle + thick / 2, 0 * end, end)
        first = np.arange(0, values.size, self.each)
        low = np.minimum.reduceat(np.where(among, values, np.inf), first)
        high = np.maximum.reduceat(np.where(among, values, -np.inf), first)
        some = low <= high
        first, low, high = first[some], low[some], high[some]
        middle = low / 2 + high / 2
        least = LEAST / 2 * ((strip.high - strip.low) / strip.length)
        width = np.minimum(first + self.each, values.size) - first
        return first, strip.corners(
            first + beside[0] * width,
            first + beside[1] * width,
            np.minimum(low, middle - least),
            np.maximum(high, middle + least),
        )

    def _draw(
        self,
        which: NDArray[np.intp],
        corners: FloatArray,
        name: str,
        *,
        face: str,
        edge: str = "none",
        width: float = 0,
        dashed: bool = False,
    ) -> None:
        if not self.few:
            self.canvas.polygons(corners, face, edge, sharp=False)
            return
        for i, one in zip(which, corners, strict=True):
            self.canvas.polygons(
                [one], face, edge, width=width, dashed=dashed, name=f"bar-{name}-{i + 1}"
            )


def _each(n: int, pitch: float) -> int:
    """How many elements each bar stands for, so that the last one is not much thinner."""
    enough = itertools.count(math.ceil(COLUMN / pitch))
    return next(each for each in enough if n % each == 0 or n % each >= 0.7 * each or each >= n)
