"""Lanes: an element goes right through x, m and y, and back from ∂L/∂y through the same m."""

import math
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.figure.bars import FOOT, Strip
from dropout_cli.figure.labels import ARRIVES, indices, lay_out
from dropout_cli.figure.page import CAP, MARGIN, Page, ems, typeset
from dropout_cli.figure.panels import GRAD_X, GRAD_Y, formulas
from dropout_cli.figure.style import FORMULA, HEADING, INDEX, TICK, VALUE
from dropout_cli.trace import Trace
from dropout_cli.words.messages import Messages

MASK, GAP, PAD = 100.0, 66.0, 10.0  # the mask, the gaps beside it, the margin of its plate
RIGHT = 54.0  # right of y
HEAD = 82.0  # above each pass, for its name and headings
TICKS = 22.0  # below a pass, for the ticks of its scale
WRITTEN = 12  # the most lanes whose values may be written
NARROWEST = 9.5  # points of a lane with an arrow of its own
LARGE = 6  # the most lanes with a factor each
HIDDEN = 0.69  # the opacity of the ground over lanes without focus
SYMBOLS = {"x": "x", "y": "y", "grad_x": GRAD_X, "grad_y": GRAD_Y, "mask": "m", "same": "m"}
STAGES = ("x", "mask", "forward", "grad_y", "same", "backward", "end")


class Moment(NamedTuple):
    """A moment of the animation.

    The fraction of `lanes` is the progress of the next lane: up to 0.5 its arrow leads to the mask,
    then the bar of the result grows.
    """

    stage: str = "end"  # one of STAGES
    caption: str = ""  # words or a formula
    colour: str = "ink"  # of the caption, by its name in the theme
    lanes: float = 0.0  # that are done, in a stage that is a pass

    def reaches(self, stage: str) -> bool:
        """Test whether this stage has begun."""
        return STAGES.index(self.stage) >= STAGES.index(stage)

    def through(self, stage: str) -> float:
        """Return how many lanes of a pass are done."""
        return self.lanes if self.stage == stage else math.inf if self.reaches(stage) else 0.0

    @property
    def focus(self) -> int | None:
        """The index of the only lane that is not dimmed; None if none is dimmed."""
        return math.ceil(self.lanes) - 1 if self.stage in ("forward", "backward") else None


def draw_flow(page: Page, trace: Trace, messages: Messages, top: float, moment: Moment) -> None:
    """Draw the lanes of both passes below `top`, as far as they are at the moment."""
    lanes = Lanes(page, trace, messages, top, moment)
    lanes.bars.legend(messages, trace.problem.training)
    if trace.problem.training:
        low, high = lanes.lower - PAD, lanes.upper + lanes.bars.strip.height + PAD
        page.plate(lanes.mask_left - PAD, low, MASK + 2 * PAD, high - low)
    lanes.draw("forward", lanes.upper, 1, ("x", "y"))
    if moment.reaches("grad_y"):
        lanes.draw("backward", lanes.lower, -1, ("grad_x", "grad_y"))
    if moment.focus is not None:
        lanes.dim()


class Lanes:
    """The lanes of both passes: forward from left to right, backward from right to left."""

    def __init__(
        self, page: Page, trace: Trace, messages: Messages, top: float, moment: Moment
    ) -> None:
        """Lay out the columns below `top`."""
        self.page, self.trace, self.messages, self.moment = page, trace, messages, moment
        n, names = trace.problem.x.size, ("x", "y", "grad_y", "grad_x")
        self.left = MARGIN + max(29, 12 + ems(f"{n:,}") * TICK)
        width = (page.width - self.left - RIGHT - MASK - 2 * GAP) / 2
        self.mask_left = self.left + width + GAP
        self.right = self.mask_left + MASK + GAP
        self.lower = FOOT + TICKS * (n > WRITTEN)
        height = (top - self.lower) / 2 - HEAD
        self.upper = top - HEAD - height
        column = Strip(0, 0, width, height, n, upright=False)
        self.bars, self.vectors = lay_out(page, trace, messages, column, names)
        scaled = self.bars.scaled and self.bars.kept.any()
        self.factor = f"×{typeset(messages.number(trace.scale or 1.0))}" if scaled else ""

    def draw(self, name: str, y: float, way: int, names: tuple[str, str]) -> None:
        """Draw a pass at this height.

        way: 1 to the right, −1 to the left. names: of the vectors left and right of the mask.
        """
        column = self.bars.strip
        progress = np.clip(self.moment.through(name) - np.arange(column.n), 0, 1)
        left, right = (self.vectors[vector] for vector in names)
        strips = left.strip.moved(self.left, y), right.strip.moved(self.right, y)
        self._name(name, y)
        for vector, strip in zip(names, strips, strict=True):
            self._heading(vector, strip)
            self.vectors[vector].draw(strip, progress if vector in ARRIVES else 1.0)
        indices(self.page, strips[0])
        self._mask("mask" if name == "forward" else "same", y)
        if column.pitch >= NARROWEST:
            ends = left.reach(strips[0])[1] + 9, right.reach(strips[1])[0] - 5
            self._arrows(y, way, ends[::way], progress)
            return
        middle = y + column.height / 2  # too many lanes for an arrow each
        for x in (self.mask_left - GAP / 2, self.mask_left + MASK + GAP / 2):
            self.page.arrow(x - way * 21, x + way * 21, middle, self.bars.dark, 17.5)

    def _name(self, name: str, y: float) -> None:
        """Write the name of a pass and its equation, and the factor of many lanes."""
        line, ink = y + self.bars.strip.height + 44, self.page.theme.ink
        words = f"{self.messages.string('figure', name)}  {'→' if name == 'forward' else '←'}"
        self.page.text(MARGIN, line, words, HEADING, ink, fontweight="bold")
        law = formulas(self.trace)["y" if name == "forward" else "grad_x"]
        self.page.text(MARGIN + ems(words, "bold") * HEADING + 16, line, law, FORMULA, ink)
        if self.bars.strip.n > LARGE:
            x, dark = self.mask_left + MASK + 2 * PAD, self.bars.dark
            self.page.text(x, line, self.factor, FORMULA, dark, fontweight="bold")

    def _heading(self, name: str, strip: Strip) -> None:
        """Write the heading of a column: from its zero line if there is room, or centred."""
        words, formula = self.messages.string("figure", name), f"${SYMBOLS[name]}$"
        symbol = ems(words) * FORMULA + 10
        room = strip.width - symbol - ems(formula) * FORMULA
        zero, _ = strip.at(0)
        x = min(zero, strip.x + room) if name in self.vectors else strip.x + room / 2
        line, ink = strip.y + strip.height + 13, self.page.theme.ink
        self.page.text(x, line, words, FORMULA, ink)
        self.page.text(x + symbol, line, formula, FORMULA, ink)

    def _mask(self, name: str, y: float) -> None:
        """Draw the mask, with digits if a lane has room for them."""
        column = self.bars.strip
        strip = Strip(self.mask_left, y, MASK, column.height, column.n, upright=False)
        if self.trace.problem.training:
            self._heading(name, strip)
            size = min(VALUE + 2.0, (self.bars.thickness * strip.pitch - 3) / CAP)
            self.bars.mask(strip, size, self.moment.reaches(name))
        else:
            x, line = strip.x + MASK / 2, y + strip.height + 13
            words, colour = self.messages.string("figure", "no_mask"), self.page.theme.muted
            self.page.text(x, line, words, FORMULA, colour, ha="center")

    def _arrows(
        self, y: float, way: int, ends: tuple[FloatArray, ...], progress: FloatArray
    ) -> None:
        """Draw an arrow to the mask in each lane, and one from it if the lane is kept."""
        page, theme, column = self.page, self.page.theme, self.bars.strip
        near, far = (self.mask_left - 4, self.mask_left + MASK + 4)[::way]
        head, width = (10, 2.0) if column.n <= LARGE else (7, 1.4)
        half = min(8.0, 0.36 * column.pitch)
        for i in np.flatnonzero(progress > 0):
            lane, (start, end) = y + column.at(i + 0.5)[1], (side[i] for side in ends)
            if not self.trace.problem.training:
                page.arrow(start, end, lane, theme.kept, head)
            elif self.bars.kept[i]:
                page.arrow(start, near, lane, theme.kept, head)
                if progress[i] > 0.5:
                    page.arrow(far, end, lane, theme.kept, head)
                    self._times(self.mask_left + MASK / 2 + way * (MASK + GAP) / 2, lane)
            else:
                page.lines([[(start, lane), (near, lane)]], theme.dropped, width)
                stop = (near, lane - half), (near, lane + half)
                page.lines([stop], theme.dropped, 1.6 * width)

    def _times(self, x: float, lane: float) -> None:
        """Write the factor above an arrow, if there is room."""
        width = ems(self.factor, "bold") * INDEX
        if self.bars.strip.n <= LARGE and width <= GAP - 8:
            y, style = lane + (7 if width > GAP - 28 else 4), {"fontweight": "bold"}
            self.page.text(x, y, self.factor, INDEX, self.bars.dark, ha="center", **style)

    def dim(self) -> None:
        """Dim all lanes but the one in focus, and its x and y too in the backward pass."""
        theme, ground, column = self.page.theme, self.page.theme.ground, self.bars.strip
        left, right = self.mask_left - PAD, self.mask_left + MASK + PAD
        plate = theme.plate if self.trace.problem.training else ground
        columns = ((0.0, left, ground), (left, right, plate), (right, self.page.width, ground))
        returning = self.moment.stage == "backward"
        for y, lit in ((self.upper, not returning), (self.lower, True))[: 1 + returning]:
            for i in range(column.n):
                low, high = y + column.at([i + 1.0, i])[:, 1]
                for start, end, colour in columns:
                    if i != self.moment.focus or not (lit or start == left):
                        corners = [[(start, low), (end, low), (end, high), (start, high)]]
                        self.page.polygons(corners, colour, alpha=HIDDEN)
