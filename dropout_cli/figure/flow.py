"""The lanes: an element is one lane through x, m and y, and back from ∂L/∂y through the same m."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.figure.bars import Strip, indices
from dropout_cli.figure.captions import (
    FOOT,
    MARGIN,
    footing,
    formulas,
    heading,
    parts_of_bars,
    subtitle,
)
from dropout_cli.figure.labels import Vectors, lay_out
from dropout_cli.figure.page import ems, number
from dropout_cli.figure.style import FORMULA, HEADING, INDEX, SMALLEST, TICK

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

GATE, GAP, PAD = 100.0, 66.0, 10.0  # the mask's width, the gaps beside it, its plate around it
RIGHT = 54.0  # right of y
HEAD = 82.0  # above each band, for its name and headings
TICKS = 26.0  # below a band, for the ticks of its scale
NARROWEST = 9.5  # points of a lane that has an arrow of its own
SYMBOLS = {
    "x": "$x$",
    "y": "$y$",
    "grad_x": r"$\partial L/\partial x$",
    "grad_y": r"$\partial L/\partial y$",
}


class Moment(NamedTuple):
    """How far a film has come; without any, all is drawn.

    subtitle: what happens now, with mathtext.
    mask, upstream, same: whether m, ∂L/∂y, and m again are there.
    forward, backward: how many lanes are through. The fraction is that of the next: at most 0.5
        and x has reached the mask; above, and its bar grows.
    """

    subtitle: str
    mask: bool = True
    upstream: bool = True
    same: bool = True
    forward: float = np.inf
    backward: float = np.inf


def draw_flow(
    page: Page, trace: Trace, voice: Voice, title: str, moment: Moment | None = None
) -> None:
    """Draw the lanes of both passes, which go through one mask; at a moment of the film, a part."""
    top = heading(page, title, moment.subtitle if moment else subtitle(trace, voice))
    n = trace.problem.x.size
    left = max(MARGIN + 29, MARGIN + 12 + ems(f"{n:,}") * TICK)
    width = (page.width - left - RIGHT - GATE - 2 * GAP) / 2
    bottom = FOOT
    height = (top - bottom) / 2 - HEAD
    lanes = height / n >= NARROWEST
    if not lanes:
        bottom += TICKS
        height = (top - bottom) / 2 - HEAD
    empty = Strip(0, 0, width, height, n, upright=False)
    vectors = lay_out(page, trace, empty, ("x", "y", "grad_y", "grad_x"), voice.precision)
    if not lanes:
        footing(page, voice, vectors.bars, parts_of_bars(trace, vectors.bars))
    flow = Flow(page, trace, voice, vectors, left, moment or Moment(""))
    forward, backward = top - HEAD - height, bottom
    if trace.problem.training:
        page.plate(
            flow.mask_x - PAD, backward - PAD, GATE + 2 * PAD, forward + height - backward + 2 * PAD
        )
    flow.band(forward, ("x", "y"), 1)
    flow.band(backward, ("grad_y", "grad_x"), -1)


class Flow:
    """Draws one band after the other, left to right or right to left through the gates."""

    def __init__(
        self,
        page: Page,
        trace: Trace,
        voice: Voice,
        vectors: Vectors,
        left: float,
        moment: Moment,
    ) -> None:
        """Find where the columns stand; left is where the first begins."""
        self.page, self.trace, self.voice, self.vectors = page, trace, voice, vectors
        self.empty, self.moment, self.left = vectors.strips["mask"], moment, left
        self.mask_x = left + self.empty.width + GAP
        self.right = self.mask_x + GATE + GAP
        self.lanes = self.empty.pitch >= NARROWEST
        self.large = self.empty.n <= 6

    def band(self, y: float, names: tuple[str, str], way: int) -> None:
        """One pass: what is given, the gates, the result; way is 1 to the right, −1 to the left."""
        moment, n = self.moment, self.empty.n
        there = (True, moment.mask) if way > 0 else (moment.upstream, moment.same)
        progress = np.clip((moment.forward if way > 0 else moment.backward) - np.arange(n), 0, 1)
        given, result = names
        sides = (self.left, self.right)[::way]
        self._name("forward" if way > 0 else "backward", y)
        everywhere = np.ones(n, dtype=bool)
        edges = []
        for name, x, shown, grown in (
            (given, sides[0], everywhere & there[0], None),
            (result, sides[1], progress > 0.5, np.maximum(2 * progress - 1, 0)),
        ):
            with self.page.group(f"panel-{name}"):
                strip = self.vectors.at(name, x, y)
                self._heading(name, x, y)
                edges.append(self.vectors.draw(name, strip, shown, grown))
                if x == self.left:
                    indices(self.page, strip)
        self._mask("mask" if way > 0 else "same", y, everywhere & there[1])
        with self.page.group(f"pipes-{given}"):
            if self.lanes:
                self._pipes(y, way, edges, progress)
            else:
                self._arrows(y, way)
            self._times(y, way, progress)

    def _name(self, name: str, y: float) -> None:
        """The band's name, and its equation."""
        line, ink = y + self.empty.height + 44, self.page.theme.ink
        arrow = "→" if name == "forward" else "←"
        words = f"{self.voice.say('figure', name)}  {arrow}"
        self.page.words(MARGIN, line, words, HEADING, ink, fontweight="bold")
        law = formulas(self.trace)["y" if name == "forward" else "grad_x"]
        x = MARGIN + self.page.extent(words, HEADING, "bold") + 16
        self.page.words(x, line, law, FORMULA, ink)

    def _heading(self, name: str, x: float, y: float) -> None:
        words = f"{self.voice.say('figure', name)}  {SYMBOLS[name]}"
        line = y + self.empty.height + 13
        self.page.words(x, line, words, FORMULA, self.page.theme.ink)

    def _mask(self, name: str, y: float, shown: Mask) -> None:
        training = self.trace.problem.training
        words = self.voice.say("figure", name if training else "no_mask")
        theme, middle = self.page.theme, self.mask_x + GATE / 2
        with self.page.group(f"panel-{name}"):
            self.page.words(
                middle,
                y + self.empty.height + 13,
                f"{words}  $m$" if training else words,
                FORMULA,
                theme.ink if training else theme.muted,
                ha="center",
            )
            if training:
                self.vectors.draw_mask(
                    name, replace(self.vectors.at("mask", self.mask_x, y), width=GATE), shown
                )

    def _pipes(
        self,
        y: float,
        way: int,
        edges: list[tuple[FloatArray, FloatArray]],
        progress: FloatArray,
    ) -> None:
        """In each lane an arrow to the gate, and from it if it is open."""
        kept, theme = self.vectors.bars.kept, self.page.theme
        # Where what is given ends, and where what results begins, seen along the way.
        start = edges[0][1] + 9 if way > 0 else edges[0][0] - 5
        end = edges[1][0] - 5 if way > 0 else edges[1][1] + 9
        near, far = (self.mask_x - 4, self.mask_x + GATE + 4)[::way]
        begun, through = progress > 0, kept & (progress > 0.5)
        strip = self.vectors.at("mask", self.left, y)
        if not self.trace.problem.training:
            self._arrow(strip, start, end, begun)
            return
        self._arrow(strip, start, near + 0 * end, kept & begun)
        self._arrow(strip, far + 0 * start, end, through)
        blocked = np.flatnonzero(~kept & begun)
        lanes = strip.across(blocked + 0.5)
        ends = np.full(lanes.size, near)
        half = min(8.0, 0.36 * strip.pitch)
        if blocked.size:
            thick = 2.0 if self.large else 1.4
            self.page.lines(_lines(start[blocked], lanes, ends, lanes), theme.dropped, width=thick)
            stops = _lines(ends, lanes - half, ends, lanes + half)
            self.page.lines(stops, theme.dropped, width=1.6 * thick)

    def _arrow(self, strip: Strip, start: FloatArray, end: FloatArray, among: Mask) -> None:
        which = np.flatnonzero(among)
        if which.size:
            lanes = strip.across(which + 0.5)
            size = (10.0, 4.0, 2.0) if self.large else (7.0, 2.8, 1.4)
            self.page.arrows(start[which], end[which], lanes, self.page.theme.kept, *size)

    def _arrows(self, y: float, way: int) -> None:
        """One arrow into the mask and one out of it, where there are too many lanes."""
        height = np.array([y + self.empty.height / 2] * 2)
        starts = np.array([self.mask_x - GAP + 8, self.mask_x + GATE + PAD + 6])
        ends = np.array([self.mask_x - PAD - 6, self.right - 8])
        starts, ends = (starts, ends) if way > 0 else (ends, starts)
        self.page.arrows(starts, ends, height, self.vectors.bars.dark, 14, 7, 3.5)

    def _times(self, y: float, way: int, progress: FloatArray) -> None:
        """By what the kept are multiplied: in each lane if there are few, else once."""
        kept, scale = self.vectors.bars.kept, self.trace.scale
        if scale in (None, 1.0) or not kept.any():
            return
        words = f"×{number(scale, self.voice.precision)}"
        size = min(float(INDEX), (GAP - 16) / ems(words, weight="bold"))
        if size < SMALLEST:
            return
        x = self.mask_x + GATE / 2 + way * (GATE / 2 + GAP / 2)
        if self.large:
            lanes = np.flatnonzero(kept & (progress > 0.5)) + 0.5
            places = self.vectors.at("mask", self.left, y).across(lanes) + 4
        elif self.lanes:
            places = np.array([y - 18.0])
        else:
            places = np.array([y + self.empty.height / 2 + 12])
        for place in places:
            self.page.number(
                x, place, words, size, self.vectors.bars.dark, ha="center", fontweight="bold"
            )


def _lines(x0: FloatArray, y0: FloatArray, x1: FloatArray, y1: FloatArray) -> FloatArray:
    """Lines from x0, y0 to x1, y1: (count, 2, 2)."""
    return np.stack([np.stack([x0, y0], axis=-1), np.stack([x1, y1], axis=-1)], axis=1)
