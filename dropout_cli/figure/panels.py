"""The four panels: input, mask, output and gradient."""

from dataclasses import replace

from dropout_cli.figure import PANELS
from dropout_cli.figure.bars import FOOT, Bars, Strip
from dropout_cli.figure.labels import ARRIVES, indices, lay_out
from dropout_cli.figure.page import MARGIN, Page, ems, typeset
from dropout_cli.figure.style import FORMULA, HEADING, INDEX, PRODUCT, SMALLEST, SUBTITLE
from dropout_cli.trace import Trace
from dropout_cli.words.messages import Messages

LEAST, LEAST_ALONE = (720.0, 540.0), (640.0, 360.0)  # points of the page; for a panel alone
GUTTER = 54.0  # points between panels
ABOVE, BELOW = 52.0, 28.0  # points for a panel's heading, and for its indices
LINE = 26.0  # and for a formula on its own line
ROW = 24.0  # and for a row under the indices
ABOVE_TILE, DIGIT = 15, 28 / 64  # the type size above a tile; in it, as a share of its side
BARCODE = 24.0  # points: the height of a mask of thin bars
GRAD_X, GRAD_Y = r"\partial L/\partial x", r"\partial L/\partial y"
PRODUCTS = 8  # the most elements whose products may be written


def draw_panels(
    page: Page, trace: Trace, messages: Messages, top: float, chosen: tuple[str, ...]
) -> None:
    """Draw the chosen panels below `top`: all four in two rows, or some side by side."""
    names, laws, ink = chosen or PANELS, formulas(trace), page.theme.ink
    training, n = trace.problem.training, trace.problem.x.size
    columns = 2 if len(names) == 4 else len(names)
    width = (page.room - (columns - 1) * GUTTER) / columns
    arrows = {"y": "  →", "grad_x": "  ←"}
    headings = {name: messages.string("figure", name) + arrows.get(name, "") for name in names}
    own_line = any(
        ems(headings[name], "bold") * HEADING + 12 + ems(laws[name]) * FORMULA > width
        for name in names
    )
    products, size = _products(trace, messages, names, width / n)
    bottom = FOOT + ROW * bool(products) + ROW * (names[0] in ARRIVES)
    height = (top - bottom) / (len(names) // columns)
    area = height - ABOVE - LINE * own_line - BELOW
    bars, vectors = lay_out(page, trace, messages, Strip(0, 0, width, area, n, True), names)
    if names not in (("x",), ("mask",)):
        bars.legend(messages, training)
    for k, name in enumerate(names):
        left = MARGIN + k % columns * (width + GUTTER)
        base = top - (k // columns + 1) * height + BELOW
        line = base + height - BELOW - 37
        page.text(left, line, headings[name], HEADING, ink, fontweight="bold")
        x, align = (left, "left") if own_line else (left + width, "right")
        page.text(x, line - LINE * own_line, laws[name], FORMULA, ink, ha=align)
        strip = vectors.get(name, bars).strip.moved(left, base)
        if name == "mask" and not training:
            x, y = strip.x + strip.width / 2, strip.y + strip.height / 2
            words = messages.string("figure", "no_mask")
            page.text(x, y, words, SUBTITLE, page.theme.muted, ha="center")
            continue
        if name == "mask":
            _tiles(bars, messages, strip)
        else:
            vectors[name].draw(strip)
        indices(page, strip)
        for i, product in enumerate(products.get(name, ())):
            x, colour = strip.at(i + 0.5)[0], bars.colours[i]
            page.text(x, base - 39, product, size, colour, ha="center")
    y, words = top - height + BELOW - 39, messages.string("figure", "neuron")
    y -= ROW * (names[0] in products)
    page.text(MARGIN + width / 2, y, words, INDEX, page.theme.muted, ha="center")


def formulas(trace: Trace) -> dict[str, str]:
    """Return the formula of each panel."""
    if not trace.problem.training:
        y, gradient = "x", GRAD_Y
    elif trace.scale is None:
        y, gradient = "0", "0"
    else:
        y, gradient = r"x \odot m/(1-p)", rf"{GRAD_Y} \odot m/(1-p)"
    mask = "$m$" if trace.problem.training else ""
    return {"x": "$x$", "mask": mask, "y": f"$y = {y}$", "grad_x": f"${GRAD_X} = {gradient}$"}


def _tiles(bars: Bars, messages: Messages, strip: Strip) -> None:
    """Draw the mask as tiles, with "kept" or "dropped" above them if that fits."""
    page = bars.page
    side = bars.thickness * strip.pitch if bars.few else BARCODE
    y = strip.y + (strip.height - side) / 2
    bars.mask(replace(strip, y=y, height=side), DIGIT * side if bars.few else 0)
    words = [messages.string("figure", word) for word in ("dropped", "kept")]
    if max(ems(word) * ABOVE_TILE for word in words) + 4 > strip.pitch:
        return
    for i, kept in enumerate(bars.kept):
        x, _ = strip.at(i + 0.5)
        page.text(x, y + side + 9, words[int(kept)], ABOVE_TILE, bars.colours[i], ha="center")


def _products(
    trace: Trace, messages: Messages, names: tuple[str, ...], room: float
) -> tuple[dict[str, list[str]], int]:
    """Return the product behind each element of y and ∂L/∂x, such as 0.3 × 2, and their type size.

    There are none if one does not fit. room: of each, in points.
    """
    x, factors = trace.problem.x, trace.local_grad
    if not trace.problem.training or trace.scale is None or x.size > PRODUCTS:
        return {}, 0
    products = {
        name: [
            " × ".join(typeset(messages.number(value)) for value in pair)
            for pair in zip(given, factors, strict=True)
        ]
        for name, given in (("y", x), ("grad_x", trace.grad_y))
        if name in names
    }
    longest = max((ems(one) for some in products.values() for one in some), default=0.0)
    for size in range(PRODUCT, SMALLEST - 1, -1):
        if (longest + 0.5) * size <= room:
            return products, size
    return {}, 0
