"""Draw the four panels: input, mask, output, gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropout_cli.figure import PANELS
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
from dropout_cli.figure.labels import lay_out
from dropout_cli.figure.style import FORMULA, HEADING, SUBTITLE

if TYPE_CHECKING:
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

GUTTER = 54.0  # points between panels
ABOVE, BELOW = 52.0, 28.0  # points for a panel's heading, and for its indices
LINE = 26.0  # more, where the formula stands on a line of its own


def draw_panels(
    page: Page, trace: Trace, voice: Voice, title: str, asked: tuple[str, ...] = ()
) -> None:
    """Draw the panels asked for: all four in two rows, or those alone side by side.

    x and y have one scale; so have ∂L/∂y, the first tone of the last panel, and ∂L/∂x.
    """
    names = asked or PANELS
    columns = 2 if len(names) == 4 else len(names)
    rows = len(names) // columns
    width = (page.width - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    two_lines = columns == 3
    above = ABOVE + LINE * two_lines
    top = heading(page, title, subtitle(trace, voice))
    n = trace.problem.x.size
    height = (top - FOOT - 10) / rows
    empty = Strip(0, 0, width, height - above - BELOW, n, upright=True)
    vectors = lay_out(page, trace, empty, names, voice.precision)
    parts = [] if names == ("x",) else parts_of_bars(trace, vectors.bars)
    footing(page, voice, vectors.bars, parts)
    laws, theme = formulas(trace), page.theme
    for k, name in enumerate(names):
        left = MARGIN + k % columns * (width + GUTTER)
        base = top - (k // columns + 1) * height + BELOW
        line = base + height - BELOW - 37
        with page.group(f"panel-{name}"):
            bold = {"fontweight": "bold"}
            page.words(left, line, voice.say("figure", name), HEADING, theme.ink, **bold)
            if two_lines:
                page.words(left, line - LINE, laws[name], FORMULA, theme.ink)
            else:
                page.words(left + width, line, laws[name], FORMULA, theme.ink, ha="right")
            if name == "mask" and not trace.problem.training:
                _no_mask(page, voice, left + width / 2, base + empty.height / 2)
                continue
            strip = vectors.at(name, left, base)
            if name == "mask":
                vectors.draw_mask(name, strip)
                page.lines(strip.zero(), theme.rule, width=1.4)
            else:
                vectors.draw(name, strip)
            indices(page, strip)


def _no_mask(page: Page, voice: Voice, x: float, y: float) -> None:
    words = voice.say("figure", "no_mask_panel")
    page.words(x, y, words, SUBTITLE, page.theme.muted, ha="center", va="center", linespacing=1.5)
