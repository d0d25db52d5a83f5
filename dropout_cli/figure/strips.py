"""The vectors of a trace as strips of bars: planned together, drawn one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip
from dropout_cli.figure.canvas import CAP
from dropout_cli.figure.fonts import ems
from dropout_cli.figure.theme import SMALLEST, TICK, VALUE
from dropout_cli.figure.values import (
    Labels,
    Writing,
    fits,
    given_labels,
    result_labels,
    scale,
    ticks,
    write,
    writings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.figure.canvas import Canvas
    from dropout_cli.trace import Trace

LARGEST = 1e300  # matplotlib's own arithmetic overflows not far above
ARRIVES = {"y": "x", "grad_x": "grad_y"}  # what each result is made of, on one scale with it


class Strips:
    """The strips of a figure: x and y on one scale, ∂L/∂y and ∂L/∂x on another, in one type size.

    empty: a strip at the origin, as large as each of them will be.
    names: those that will be drawn, of "x", "mask", "y", "grad_y" and "grad_x".
    digits: significant digits of the values.
    Raises RequestError for values beyond ±1e300.
    """

    def __init__(
        self, canvas: Canvas, trace: Trace, empty: Strip, names: Iterable[str], digits: int
    ) -> None:
        """Find the largest type in which every value fits; without one the strips get a scale."""
        n, mask, scaled = empty.n, trace.problem.mask, trace.scale not in (None, 1.0)
        self.canvas, self.training = canvas, mask is not None
        self.kept = np.ones(n, dtype=bool) if mask is None else mask
        self.vectors = {
            "x": trace.problem.x, "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x,
        }  # fmt: skip
        if max(np.abs(values).max() for values in self.vectors.values()) > LARGEST:
            raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
        self.pairs = [pair for pair in ARRIVES.items() if {*pair} & {*names}]
        self.bars = Bars(canvas, self.kept, empty.pitch, empty.upright, scaled)
        self.labels = self._labels(names, digits) if empty.pitch >= SMALLEST else {}
        self.writing: Writing | None = None
        for writing in writings(empty.upright) if self.labels else ():
            self.strips = self._plan(empty, writing)
            if all(
                fits(self.strips[name], some, writing, self.bars.thick)
                for name, some in self.labels.items()
            ):
                self.writing = writing
                return
        if empty.upright:
            limits = [self._limits(pair) for pair in self.pairs]
            words = [one for low, high in limits for one in ticks(low, high).values()]
            indent = 8 + TICK * max(map(ems, words), default=0)
            empty = replace(empty, x=indent, width=empty.width - indent)
            self.bars = Bars(canvas, self.kept, empty.pitch, empty.upright, scaled)
        self.strips = self._plan(empty, None)

    def _plan(self, empty: Strip, writing: Writing | None) -> dict[str, Strip]:
        """The strips, with limits and margins for what is written in them."""
        strips = {"mask": empty}
        for pair in self.pairs:
            low, high = self._limits(pair)
            margins = [(6.0 * (low < 0), 6.0)]
            if writing is not None:
                written = [self.labels[name] for name in pair if name in self.labels]
                margins = [labels.margins(writing, empty.upright) for labels in written]
            before, after = (max(side) for side in zip(*margins, strict=True))
            for name in pair:
                strips[name] = replace(empty, low=low, high=high, before=before, after=after)
        return strips

    def _limits(self, pair: tuple[str, str]) -> tuple[float, float]:
        both = [self.vectors[name] for name in pair]
        low, high = min(map(np.min, both)), max(map(np.max, both))
        return min(0.0, float(low)), max(0.0, float(high))

    def _labels(self, names: Iterable[str], digits: int) -> dict[str, Labels]:
        labels = {}
        for name in names:
            if name in ARRIVES:
                arrived, values = self.vectors[ARRIVES[name]], self.vectors[name]
                labels[name] = result_labels(arrived, values, self.kept, digits, name == "grad_x")
            elif name in self.vectors:
                labels[name] = given_labels(self.vectors[name], digits)
        return labels

    def at(self, name: str, x: float, y: float) -> Strip:
        """The strip with this name, moved to have its lower left corner at x, y."""
        strip = self.strips[name]
        return replace(strip, x=strip.x + x, y=y)

    def draw(
        self, name: str, strip: Strip, shown: Mask | None = None, grown: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Draw the vector with this name: a scale or values, bars, and the line they grow from.

        shown: the elements that are drawn; all where it is None.
        grown: the share of its full length that each bar has; its value stands at a full one.
        Returns from where to where each element's bar and value reach along the strip, in points.
        """
        full = np.ones(strip.n) if grown is None else grown
        shown = np.ones(strip.n, dtype=bool) if shown is None else shown
        values = self.vectors[name] * full
        if self.writing is None:
            scale(self.canvas, strip)
        if name in ARRIVES:
            arrived = self.vectors[ARRIVES[name]] * full
            self.bars.result(strip, name, arrived, values, shown)
        else:
            self.bars.given(strip, name, values, shown)
        self.canvas.lines(strip.zero(), self.canvas.theme.rule, width=1.4)
        if self.writing is None:
            edges = strip.along(np.zeros(strip.n)), strip.along(values)
            return np.minimum(*edges), np.maximum(*edges)
        written = shown & (full == 1)
        labels, thick = self.labels[name], self.bars.thick
        return write(self.canvas, strip, labels, self.writing, thick, written)

    def gates(self, name: str, strip: Strip, shown: Mask | None = None) -> None:
        """Draw the mask, with its digits where they fit."""
        self.bars.gates(strip, name, shown)
        thick = self.bars.thick * strip.pitch
        size = min(VALUE + 2.0, thick / 1.1 if strip.upright else (thick - 3) / CAP)
        if size < SMALLEST or not self.bars.few:
            return
        theme = self.canvas.theme
        for i in range(strip.n) if shown is None else np.flatnonzero(shown):
            across, along = strip.across(i + 0.5), strip.along(0.5)
            x, y = (across, along) if strip.upright else (along, across)
            kept = bool(self.kept[i])
            colour = theme.on_kept if kept else theme.dropped
            words, style = "01"[kept], {"ha": "center", "fontweight": "bold"}
            self.canvas.number(x, y - CAP * size / 2, words, size, colour, **style)
