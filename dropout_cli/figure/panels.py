"""Draw the four panels: input, mask, output, gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dropout_cli.figure import PANELS
from dropout_cli.figure.bars import Strip, indices
from dropout_cli.figure.captions import (
    FOOT,
    MARGIN,
    formulas,
    heading,
    legend,
    parts_of_bars,
    subtitle,
)
from dropout_cli.figure.labels import ARRIVES, lay_out
from dropout_cli.figure.page import ems, formula_ems, typeset
from dropout_cli.figure.style import FORMULA, HEADING, INDEX, PRODUCT, SMALLEST, SUBTITLE

if TYPE_CHECKING:
    from dropout_cli.figure.labels import Vectors
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

LEAST, LEAST_ALONE = (720.0, 540.0), (640.0, 360.0)  # points of the page; for a panel alone
GUTTER = 54.0  # points between panels
ABOVE, BELOW = 52.0, 28.0  # points for a panel's heading, and for its indices
LINE = 26.0  # more, where formulas stand on lines of their own
ROW = 24.0  # and for a row under the indices
ABOVE_TILE, DIGIT = 15, 28 / 64  # the type above a tile, and within it as a share of its side
BARCODE = 24.0  # points, the height of a mask of thin bars
PRODUCTS = 8  # elements whose products may be written


def draw_panels(
    page: Page, trace: Trace, voice: Voice, title: str, chosen: tuple[str, ...] = ()
) -> None:
    """Draw the chosen panels: all four in two rows, or some side by side.

    x and y have one scale; so have ∂L/∂y, the first tone of the last panel, and ∂L/∂x.
    """
    names, laws = chosen or PANELS, formulas(trace)
    columns = 2 if len(names) == 4 else len(names)
    rows = len(names) // columns
    width = (page.width - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    headings = {name: _heading(name, voice) for name in names}
    widths = [
        page.extent(headings[name], HEADING, "bold") + formula_ems(laws[name]) * FORMULA
        for name in names
        if laws[name]
    ]
    two_lines = max(widths, default=0) + 12 > width
    top = heading(page, title, subtitle(trace, voice))
    size = _product_size(trace, voice, names, width)
    below = ROW * bool(size) + ROW * (names[0] in ARRIVES)
    height = (top - FOOT - below) / rows
    area = height - ABOVE - LINE * two_lines - BELOW
    empty = Strip(0, 0, width, area, trace.problem.x.size, upright=True)
    vectors = lay_out(page, trace, voice, empty, names)
    parts = [] if names in (("x",), ("mask",)) else parts_of_bars(trace, vectors.bars)
    legend(page, voice, vectors.bars, parts)
    for k, name in enumerate(names):
        left = MARGIN + k % columns * (width + GUTTER)
        base = top - (k // columns + 1) * height + BELOW
        line, ink = base + height - BELOW - 37, page.theme.ink
        with page.group(f"panel-{name}"):
            page.words(left, line, headings[name], HEADING, ink, fontweight="bold")
            if laws[name] and two_lines:
                page.formula(left, line - LINE, laws[name], FORMULA, ink)
            elif laws[name]:
                page.formula(left + width, line, laws[name], FORMULA, ink, ha="right")
            _panel(page, trace, voice, vectors, name, vectors.at(name, left, base))
            if size and name in ARRIVES:
                _products(page, trace, voice, name, vectors.at(name, left, base), size)
    y = top - height + BELOW - 39 - ROW * bool(size) * (names[0] in ARRIVES)
    words = voice.say("figure", "neuron")
    page.words(MARGIN + width / 2, y, words, INDEX, page.theme.muted, ha="center")


def _heading(name: str, voice: Voice) -> str:
    return voice.say("figure", name) + {"y": "  →", "grad_x": "  ←"}.get(name, "")


def _panel(
    page: Page, trace: Trace, voice: Voice, vectors: Vectors, name: str, strip: Strip
) -> None:
    if name != "mask":
        vectors.draw(name, strip)
    elif trace.problem.training:
        _tiles(page, voice, vectors, strip)
    else:
        x, y = strip.x + strip.width / 2, strip.y + strip.height / 2
        words = voice.say("figure", "no_mask")
        page.words(x, y, words, SUBTITLE, page.theme.muted, ha="center")
        return
    indices(page, strip)


def _tiles(page: Page, voice: Voice, vectors: Vectors, strip: Strip) -> None:
    """Draw the mask as tiles, with kept or dropped above them where that fits."""
    bars = vectors.bars
    side = bars.thick * strip.pitch if bars.few else BARCODE
    y = strip.y + (strip.height - side) / 2
    vectors.draw_mask("mask", replace(strip, y=y, height=side), DIGIT * side if bars.few else 0)
    words = [voice.say("figure", word) for word in ("dropped", "kept")]
    if max(page.extent(word, ABOVE_TILE) for word in words) + 4 > strip.pitch:
        return
    for i, kept in enumerate(bars.kept):
        x, colour = strip.across(i + 0.5), page.theme.kept if kept else page.theme.dropped
        page.words(x, y + side + 9, words[int(kept)], ABOVE_TILE, colour, ha="center")


def _product(trace: Trace, voice: Voice, name: str, i: int) -> str:
    """Write what makes an element of y or ∂L/∂x, as 0.3 × 2."""
    arrived = trace.problem.x if name == "y" else trace.grad_y
    return " × ".join(typeset(voice.number(each[i])) for each in (arrived, trace.local_grad))


def _product_size(trace: Trace, voice: Voice, names: tuple[str, ...], width: float) -> int:
    """Return the largest type in which all products fit under their bars, or 0."""
    results, n = [name for name in names if name in ARRIVES], trace.problem.x.size
    if trace.problem.mask is None or trace.scale is None or n > PRODUCTS or not results:
        return 0
    longest = max(ems(_product(trace, voice, name, i)) for name in results for i in range(n))
    sizes = range(PRODUCT, SMALLEST - 1, -1)
    return next((size for size in sizes if (longest + 0.5) * size <= width / n), 0)


def _products(page: Page, trace: Trace, voice: Voice, name: str, strip: Strip, size: int) -> None:
    """Write a row of products under the indices."""
    assert trace.problem.mask is not None
    for i, kept in enumerate(trace.problem.mask):
        words, colour = (
            _product(trace, voice, name, i),
            page.theme.kept if kept else page.theme.dropped,
        )
        page.number(strip.across(i + 0.5), strip.y - 39, words, size, colour, ha="center")
