"""The four panels: input, mask, output, gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropout_cli.figure import PANELS
from dropout_cli.figure.bars import THINNEST, Strip
from dropout_cli.figure.strips import Strips
from dropout_cli.figure.theme import FORMULA, HEADING, SUBTITLE
from dropout_cli.figure.values import indices
from dropout_cli.figure.words import (
    FOOT,
    FOOT_LINE,
    MARGIN,
    footing,
    formulas,
    heading,
    parts_of_bars,
    subtitle,
)

if TYPE_CHECKING:
    from dropout_cli.figure.canvas import Canvas
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

GUTTER = 54.0  # points between panels
ABOVE, BELOW = 52.0, 28.0  # points for a panel's heading, and for its indices
LINE = 26.0  # more, where the formula stands on a line of its own


def draw_panels(
    canvas: Canvas, trace: Trace, voice: Voice, title: str, asked: tuple[str, ...] = ()
) -> None:
    """Draw the panels asked for: all four in two rows, or those alone side by side.

    x and y have one scale; so have ∂L/∂y, the first tone of the last panel, and ∂L/∂x.
    """
    names = asked or PANELS
    columns = 2 if len(names) == 4 else len(names)
    rows = len(names) // columns
    width = (canvas.width - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    two_lines = columns == 3
    above = ABOVE + LINE * two_lines
    top = heading(canvas, title, subtitle(trace, voice))
    n = trace.problem.x.size
    bottom = FOOT + 10 + FOOT_LINE * (width / n < THINNEST)
    height = (top - bottom) / rows
    empty = Strip(0, 0, width, height - above - BELOW, n, upright=True)
    strips = Strips(canvas, trace, empty, names, voice.precision)
    parts = [] if names == ("x",) else parts_of_bars(trace, strips.bars)
    footing(canvas, voice, strips.bars, "panels", parts)
    laws, theme = formulas(trace), canvas.theme
    for k, name in enumerate(names):
        left = MARGIN + k % columns * (width + GUTTER)
        base = top - (k // columns + 1) * height + BELOW
        line = base + height - BELOW - 37
        with canvas.group(f"panel-{name}"):
            bold = {"fontweight": "bold"}
            canvas.words(left, line, voice.say("figure", name), HEADING, theme.ink, **bold)
            if two_lines:
                canvas.words(left, line - LINE, laws[name], FORMULA, theme.ink)
            else:
                canvas.words(left + width, line, laws[name], FORMULA, theme.ink, ha="right")
            if name == "mask" and not trace.problem.training:
                _no_mask(canvas, voice, left + width / 2, base + empty.height / 2)
                continue
            strip = strips.at(name, left, base)
            if name == "mask":
                strips.gates(name, strip)
                canvas.lines(strip.zero(), theme.rule, width=1.4)
            else:
                strips.draw(name, strip)
            indices(canvas, strip)


def _no_mask(canvas: Canvas, voice: Voice, x: float, y: float) -> None:
    words = voice.say("figure", "no_mask_panel")
    canvas.words(
        x, y, words, SUBTITLE, canvas.theme.muted, ha="center", va="center", linespacing=1.5
    )
