"""Draw lanes: an element is one lane through x, m and y, and back from ∂L/∂y through the same m."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.figure.bars import Strip, indices
from dropout_cli.figure.captions import (
    FOOT,
    GRAD_X,
    GRAD_Y,
    MARGIN,
    formulas,
    heading,
    legend,
    parts_of_bars,
    subtitle,
    write_title,
)
from dropout_cli.figure.labels import Vectors, lay_out
from dropout_cli.figure.page import CAP, ems, formula_ems, segments, typeset
from dropout_cli.figure.style import CAPTION, FORMULA, HEADING, INDEX, TICK, VALUE

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

LANES = (960.0, 540.0)  # the least page, in points
MASK, GAP, PAD = 100.0, 66.0, 10.0  # the mask's width, the gaps beside it, its plate around it
RIGHT = 54.0  # right of y
HEAD = 82.0  # above each band, for its name and headings
TICKS = 22.0  # below a band, for the ticks of its scale
WRITTEN = 12  # lanes up to which values may be written
NARROWEST = 9.5  # points of a lane that has an arrow of its own
LARGE = 6  # lanes up to which each has its own factor
HIDDEN = 0.69  # how much the ground hides of the lanes without focus
SYMBOLS = {"x": "x", "y": "y", "grad_x": GRAD_X, "grad_y": GRAD_Y, "mask": "m", "same": "m"}


class Moment(NamedTuple):
    """How far an animation has come.

    caption: what happens now, in words, or a formula in LaTeX. colour: its name in the theme.
    mask, upstream, same: whether m, ∂L/∂y, and m again are there.
    forward, backward: how many lanes are through. The fraction is that of the next: at most 0.5
        and x has reached the mask; above, and its bar grows.
    focus: the lane that is not dimmed, from 0; all where it is None.
    """

    caption: str
    colour: str = "ink"
    mask: bool = True
    upstream: bool = True
    same: bool = True
    forward: float = np.inf
    backward: float = np.inf
    focus: int | None = None


def draw_flow(
    page: Page, trace: Trace, messages: Messages, title: str, moment: Moment | None = None
) -> None:
    """Draw the lanes of both passes, which go through one mask; at a moment, a part of them."""
    top = (
        _caption(page, title, moment) if moment else heading(page, title, subtitle(trace, messages))
    )
    n = trace.problem.x.size
    left = max(MARGIN + 29, MARGIN + 12 + ems(f"{n:,}") * TICK)
    width = (page.width - left - RIGHT - MASK - 2 * GAP) / 2
    bottom = FOOT + TICKS * (n > WRITTEN)
    height = (top - bottom) / 2 - HEAD
    empty = Strip(0, 0, width, height, n, upright=False)
    vectors = lay_out(page, trace, messages, empty, ("x", "y", "grad_y", "grad_x"))
    lanes = Lanes(page, trace, messages, vectors, left, moment or Moment(""))
    forward, backward = top - HEAD - height, bottom
    legend(page, messages, vectors.bars, parts_of_bars(trace, vectors.bars))
    if trace.problem.training:
        plate = forward + height - backward + 2 * PAD
        page.plate(lanes.mask_left - PAD, backward - PAD, MASK + 2 * PAD, plate)
    lanes.band(forward, ("x", "y"), 1)
    if lanes.moment.upstream:
        lanes.band(backward, ("grad_y", "grad_x"), -1)
    if lanes.moment.focus is not None:
        lanes.dim(forward, backward)


def _caption(page: Page, title: str, moment: Moment) -> float:
    """Write the title and a moment's caption; return where they end."""
    y = write_title(page, title) if title else page.height - 12
    y -= CAPTION + 7
    colour, room = getattr(page.theme, moment.colour), page.width - 2 * MARGIN
    if moment.caption.startswith("$"):
        latex = moment.caption.strip("$")
        size = min(CAPTION, room / formula_ems(latex))
        page.formula(MARGIN, y, latex, size, colour)
    else:
        size = min(CAPTION, room / page.extent(moment.caption, 1))
        page.words(MARGIN, y, moment.caption, size, colour)
    return y


@dataclass
class Lanes:
    """Draw one band after the other, left to right or right to left through the mask.

    left: where the first column begins.
    """

    page: Page
    trace: Trace
    messages: Messages
    vectors: Vectors
    left: float
    moment: Moment

    def __post_init__(self) -> None:
        """Note a strip at the origin, as large as each column, and where the mask and y begin."""
        self.empty = self.vectors.strips["mask"]
        self.mask_left = self.left + self.empty.width + GAP
        self.right = self.mask_left + MASK + GAP
        scale, kept = self.trace.scale, self.vectors.bars.kept
        scaled = scale not in (None, 1.0) and kept.any()
        self.factor = f"×{typeset(self.messages.number(scale or 1.0))}" if scaled else ""

    def band(self, y: float, names: tuple[str, str], way: int) -> None:
        """Draw one pass: what is given, the mask, the result; way is 1 to the right, −1 back."""
        moment, n = self.moment, self.empty.n
        progress = np.clip((moment.forward if way > 0 else moment.backward) - np.arange(n), 0, 1)
        given, result = names
        sides = (self.left, self.right)[::way]
        self._name("forward" if way > 0 else "backward", y)
        everywhere = np.ones(n, dtype=bool)
        edges = []
        for name, x, shown, grown in (
            (given, sides[0], everywhere, None),
            (result, sides[1], progress > 0.5, np.maximum(2 * progress - 1, 0)),
        ):
            with self.page.group(f"panel-{name}"):
                strip = self.vectors.at(name, x, y)
                self._heading(name, strip)
                edges.append(self.vectors.draw(name, strip, shown, grown))
                if x == self.left:
                    indices(self.page, strip)
        there = moment.mask if way > 0 else moment.same
        self._mask("mask" if way > 0 else "same", y, everywhere & there)
        with self.page.group(f"pipes-{given}"):
            if self.empty.pitch >= NARROWEST:
                self._pipes(y, way, edges, progress)
            else:
                self._arrows(y, way)
            through = np.flatnonzero(self.vectors.bars.kept & (progress > 0.5))
            for i in through if n <= LARGE and self.factor else ():
                x = self.mask_left + MASK / 2 + way * (MASK + GAP) / 2
                self._times(x, y + self.empty.across(i + 0.5))

    def _times(self, x: float, lane: float) -> None:
        """Write the factor above an arrow, clear of its head; nothing where it does not fit."""
        width = ems(self.factor, weight="bold") * INDEX
        if width <= GAP - 8:
            y, style = lane + (7 if width > GAP - 28 else 4), {"fontweight": "bold"}
            dark = self.vectors.bars.dark
            self.page.number(x, y, self.factor, INDEX, dark, ha="center", **style)

    def _name(self, name: str, y: float) -> None:
        """Write the band's name and its equation; of many lanes, their factor too."""
        line, ink = y + self.empty.height + 44, self.page.theme.ink
        words = f"{self.messages.string('figure', name)}  {'→' if name == 'forward' else '←'}"
        self.page.words(MARGIN, line, words, HEADING, ink, fontweight="bold")
        latex = formulas(self.trace)["y" if name == "forward" else "grad_x"]
        x = MARGIN + self.page.extent(words, HEADING, "bold") + 16
        self.page.formula(x, line, latex, FORMULA, ink)
        if self.empty.n > LARGE and self.factor:
            x += formula_ems(latex) * FORMULA + 24
            width, style = ems(self.factor, weight="bold") * FORMULA, {"fontweight": "bold"}
            if x + width > self.mask_left - 2 * PAD:
                x = max(x, self.mask_left + MASK + 2 * PAD)  # clear of the plate
            self.page.number(x, line, self.factor, FORMULA, self.vectors.bars.dark, **style)

    def _heading(self, name: str, strip: Strip) -> None:
        """Write a column's heading: over the mask, or from the zero line if there is room."""
        words, latex = self.messages.string("figure", name), SYMBOLS[name]
        symbol = self.page.extent(words, FORMULA) + 10
        room = strip.width - symbol - formula_ems(latex) * FORMULA
        x = strip.x + room / 2 if latex == "m" else min(strip.along(0.0), strip.x + room)
        line, ink = strip.y + strip.height + 13, self.page.theme.ink
        self.page.words(x, line, words, FORMULA, ink)
        self.page.formula(x + symbol, line, latex, FORMULA, ink)

    def _mask(self, name: str, y: float, shown: Mask) -> None:
        strip = replace(self.vectors.at("mask", self.mask_left, y), width=MASK)
        with self.page.group(f"panel-{name}"):
            if self.trace.problem.training:
                self._heading(name, strip)
                thick = self.vectors.bars.thick * strip.pitch
                self.vectors.draw_mask(name, strip, min(VALUE + 2.0, (thick - 3) / CAP), shown)
            else:
                x, line = strip.x + MASK / 2, y + strip.height + 13
                words, colour = self.messages.string("figure", "no_mask"), self.page.theme.muted
                self.page.words(x, line, words, FORMULA, colour, ha="center")

    def _pipes(
        self,
        y: float,
        way: int,
        edges: list[tuple[FloatArray, FloatArray]],
        progress: FloatArray,
    ) -> None:
        """Draw in each lane an arrow to the mask, and from it where it is 1."""
        kept, theme = self.vectors.bars.kept, self.page.theme
        # Where what is given ends, and where what results begins, seen along the way.
        start = edges[0][1] + 9 if way > 0 else edges[0][0] - 5
        end = edges[1][0] - 5 if way > 0 else edges[1][1] + 9
        near, far = (self.mask_left - 4, self.mask_left + MASK + 4)[::way]
        begun, through = progress > 0, kept & (progress > 0.5)
        strip = self.vectors.at("mask", self.left, y)
        if not self.trace.problem.training:
            self._arrow(strip, start, end, begun)
            return
        self._arrow(strip, start, near + 0 * end, kept & begun)
        self._arrow(strip, far + 0 * start, end, through)
        blocked = np.flatnonzero(~kept & begun)
        lanes = strip.across(blocked + 0.5)
        half = min(8.0, 0.36 * strip.pitch)
        thick = 2.0 if strip.n <= LARGE else 1.4
        shafts = segments(start[blocked], lanes, near, lanes)
        self.page.lines(shafts, theme.dropped, width=thick)
        stops = segments(near, lanes - half, near, lanes + half)
        self.page.lines(stops, theme.dropped, width=1.6 * thick)

    def _arrow(self, strip: Strip, start: FloatArray, end: FloatArray, among: Mask) -> None:
        which = np.flatnonzero(among)
        lanes, head = strip.across(which + 0.5), 10 if strip.n <= LARGE else 7
        self.page.arrows(start[which], end[which], lanes, self.page.theme.kept, head)

    def _arrows(self, y: float, way: int) -> None:
        """Draw one arrow into the mask and one out of it, where there are too many lanes."""
        height = np.array([y + self.empty.height / 2] * 2)
        starts = np.array([self.mask_left - GAP + 8, self.mask_left + MASK + PAD + 6])
        ends = np.array([self.mask_left - PAD - 6, self.right - 8])
        starts, ends = (starts, ends) if way > 0 else (ends, starts)
        self.page.arrows(starts, ends, height, self.vectors.bars.dark, 17.5)

    def dim(self, forward: float, backward: float) -> None:
        """Dim every lane but the one in focus; going back, its mask of the forward pass stays."""
        moment, theme = self.moment, self.page.theme
        left, right, returning = self.mask_left - PAD, self.mask_left + MASK + PAD, moment.upstream
        plate = theme.plate if self.trace.problem.training else theme.ground
        for y, lit in ((forward, not returning), (backward, True))[: 1 + returning]:
            for i in range(self.empty.n):
                low, high = y + self.empty.across(i + 1.0), y + self.empty.across(float(i))
                for start, end, colour in (
                    (0.0, left, theme.ground),
                    (left, right, plate),
                    (right, self.page.width, theme.ground),
                ):
                    if i == moment.focus and (lit or start == left):
                        continue
                    corners = [[(start, low), (end, low), (end, high), (start, high)]]
                    self.page.polygons(corners, colour, alpha=HIDDEN)
