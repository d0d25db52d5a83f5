"""Draw the four panels: input, mask, output, gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

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
    from dropout_cli.words.messages import Messages

LEAST, LEAST_ALONE = (720.0, 540.0), (640.0, 360.0)  # points of the page; for a panel alone
GUTTER = 54.0  # points between panels
ABOVE, BELOW = 52.0, 28.0  # points for a panel's heading, and for its indices
LINE = 26.0  # more, where formulas stand on lines of their own
ROW = 24.0  # and for a row under the indices
ABOVE_TILE, DIGIT = 15, 28 / 64  # the type above a tile, and within it as a share of its side
BARCODE = 24.0  # points, the height of a mask of thin bars
PRODUCTS = 8  # elements whose products may be written


def draw_panels(
    page: Page, trace: Trace, messages: Messages, title: str, chosen: tuple[str, ...] = ()
) -> None:
    """Draw the chosen panels: all four in two rows, or some side by side.

    x and y have one scale; so have ∂L/∂y, the first tone of the last panel, and ∂L/∂x.
    """
    names, laws = chosen or PANELS, formulas(trace)
    columns = 2 if len(names) == 4 else len(names)
    rows = len(names) // columns
    width = (page.width - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    headings = {name: _heading(name, messages) for name in names}
    widths = [
        page.extent(headings[name], HEADING, "bold") + formula_ems(laws[name]) * FORMULA
        for name in names
        if laws[name]
    ]
    two_lines = max(widths, default=0) + 12 > width
    top = heading(page, title, subtitle(trace, messages))
    products, n = _products(trace, messages, names), trace.problem.x.size
    longest = max((ems(one) for some in products.values() for one in some), default=np.inf)
    sizes = range(PRODUCT, SMALLEST - 1, -1)
    size = next((size for size in sizes if (longest + 0.5) * size <= width / n), 0)
    below = ROW * bool(size) + ROW * (names[0] in ARRIVES)
    height = (top - FOOT - below) / rows
    area = height - ABOVE - LINE * two_lines - BELOW
    empty = Strip(0, 0, width, area, n, upright=True)
    vectors = lay_out(page, trace, messages, empty, names)
    parts = [] if names in (("x",), ("mask",)) else parts_of_bars(trace, vectors.bars)
    legend(page, messages, vectors.bars, parts)
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
            strip = vectors.at(name, left, base)
            _panel(page, trace, messages, vectors, name, strip)
            for i, product in enumerate(products.get(name, ()) if size else ()):
                colour = page.theme.kept if vectors.bars.kept[i] else page.theme.dropped
                page.number(strip.across(i + 0.5), base - 39, product, size, colour, ha="center")
    y = top - height + BELOW - 39 - ROW * bool(size) * (names[0] in ARRIVES)
    words = messages.string("figure", "neuron")
    page.words(MARGIN + width / 2, y, words, INDEX, page.theme.muted, ha="center")


def _heading(name: str, messages: Messages) -> str:
    return messages.string("figure", name) + {"y": "  →", "grad_x": "  ←"}.get(name, "")


def _panel(
    page: Page, trace: Trace, messages: Messages, vectors: Vectors, name: str, strip: Strip
) -> None:
    if name != "mask":
        vectors.draw(name, strip)
    elif trace.problem.training:
        _tiles(page, messages, vectors, strip)
    else:
        x, y = strip.x + strip.width / 2, strip.y + strip.height / 2
        words = messages.string("figure", "no_mask")
        page.words(x, y, words, SUBTITLE, page.theme.muted, ha="center")
        return
    indices(page, strip)


def _tiles(page: Page, messages: Messages, vectors: Vectors, strip: Strip) -> None:
    """Draw the mask as tiles, with kept or dropped above them where that fits."""
    bars = vectors.bars
    side = bars.thick * strip.pitch if bars.few else BARCODE
    y = strip.y + (strip.height - side) / 2
    vectors.draw_mask("mask", replace(strip, y=y, height=side), DIGIT * side if bars.few else 0)
    words = [messages.string("figure", word) for word in ("dropped", "kept")]
    if max(page.extent(word, ABOVE_TILE) for word in words) + 4 > strip.pitch:
        return
    for i, kept in enumerate(bars.kept):
        x, colour = strip.across(i + 0.5), page.theme.kept if kept else page.theme.dropped
        page.words(x, y + side + 9, words[int(kept)], ABOVE_TILE, colour, ha="center")


def _products(trace: Trace, messages: Messages, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Return what makes each element of y and ∂L/∂x, as 0.3 × 2, where that is legible."""
    problem, factors = trace.problem, trace.local_grad
    if problem.mask is None or trace.scale is None or problem.x.size > PRODUCTS:
        return {}
    given = {"y": problem.x, "grad_x": trace.grad_y}
    return {
        name: [
            " × ".join(typeset(messages.number(value)) for value in pair)
            for pair in zip(given[name], factors, strict=True)
        ]
        for name in names
        if name in given
    }
