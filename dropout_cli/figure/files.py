"""Figures as files, each with a record from which it can be drawn again.

    {"schema": "dropout-cli/figure/1", the fields of the style, "trace": the JSON of the trace}

The record is a text chunk of a PNG, the dc:source of an SVG, or the Keywords of a PDF. The same
request gives the same bytes, without date or version.
"""

import html
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from dropout_cli.errors import RequestError
from dropout_cli.figure.flow import Moment, draw_flow
from dropout_cli.figure.page import MARGIN, Page, ems, typeset
from dropout_cli.figure.panels import LEAST, LEAST_ALONE, draw_panels
from dropout_cli.figure.style import CAPTION, WIDE, Style
from dropout_cli.losses import LOSSES
from dropout_cli.trace import Trace
from dropout_cli.views.context import Context
from dropout_cli.views.passes import backward_record
from dropout_cli.views.written import Written, sign
from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/figure/1"
KEYWORD = "dropout-cli"
COMPLETE = Moment()
DESCRIBED = 12  # the most elements whose numbers a description has
# Ids that depend on the figure alone, text as text in SVG, and TrueType in PDF.
SETTINGS: Any = {"svg.hashsalt": "dropout-cli", "svg.fonttype": "none", "pdf.fonttype": 42}
METADATA = {  # the key of the record, and the keys left out
    ".png": (KEYWORD, ("Software",)),
    ".svg": ("Source", ("Date", "Creator", "Format", "Type")),
    ".pdf": ("Keywords", ("CreationDate", "Creator", "Producer")),
}


def usual_title(trace: Trace, messages: Messages, layout: str) -> str:
    """Return the default title of a figure."""
    key = "title" if layout == "panels" else "title_flow"
    return messages.string("figure", key if trace.problem.training else "title_inference")


def subtitle(trace: Trace, messages: Messages, *, loss: bool = True) -> str:
    """Say how many elements are kept at which p, by what they are multiplied, and the loss."""
    problem = trace.problem
    if problem.mask is None:
        words = messages.string("figure", "inference")
    else:
        kept = int(problem.mask.sum())
        scaled = trace.scale is not None and kept > 0
        words = messages.string(
            "figure",
            ("scaled_one" if kept == 1 else "scaled") if scaled else "none_kept",
            p=typeset(messages.probability(problem.p)),
            kept=f"{kept:,}",
            n=f"{problem.mask.size:,}",
            scale=typeset(Context(trace, messages).scale_equation.unicode) if scaled else "",
        )
    if loss and problem.loss is not None:
        words = messages.string("figure", "loss", subtitle=words, loss=LOSSES[problem.loss].unicode)
    return words


def draw(trace: Trace, messages: Messages, style: Style, moment: Moment = COMPLETE) -> Figure:
    """Draw a trace as panels or lanes.

    messages: for the language and the precision of numbers.
    moment: of an animation of the lanes.
    Raises RequestError for more elements than fit, for values beyond ±1e300, for a title that does
    not fit, and for a missing font.
    """
    title = usual_title(trace, messages, style.layout) if style.title is None else style.title
    least = WIDE if style.layout == "flow" else LEAST_ALONE if len(style.panel) == 1 else LEAST
    page = Page(style, least)
    top = page.heading(title, "" if moment.caption else subtitle(trace, messages))
    if moment.caption:
        top -= CAPTION + 7
        size = min(CAPTION, page.room / ems(moment.caption))
        page.text(MARGIN, top, moment.caption, size, getattr(page.theme, moment.colour))
    if style.layout == "flow":
        draw_flow(page, trace, messages, top, moment)
    else:
        draw_panels(page, trace, messages, top, style.panel)
    return page.figure


def picture(trace: Trace, messages: Messages, style: Style, suffix: str) -> tuple[bytes, float]:
    """Return the figure of a trace as a .png, .svg or .pdf, and its smallest type size in points.

    Raises RequestError as draw does, and for an image of more than 50 million pixels.
    """
    if suffix == ".png":
        style.check_pixels()
    figure = draw(trace, messages, style)
    title = style.title or usual_title(trace, messages, style.layout)
    record = {"schema": SCHEMA, **style._asdict(), "trace": backward_record(trace)}
    text = json.dumps(record, default=lambda array: array.tolist())
    words = description(trace, messages)
    return save(figure, suffix, style.dpi, title, words, text), smallest_type(figure)


def description(trace: Trace, messages: Messages) -> str:
    """Describe the figure in words and numbers, for readers who cannot see it."""
    problem, n = trace.problem, trace.problem.x.size
    exact = Written(trace)
    vectors: list[tuple[str, Any, Any]] = [
        ("x", problem.x, exact.x), ("m", problem.mask, problem.mask), ("y", trace.y, exact.y),
        ("∂L/∂y", trace.grad_y, exact.grad_y), ("∂L/∂x", trace.grad_x, exact.grad_x),
    ]  # fmt: skip
    parts = [subtitle(trace, messages)]
    for name, values, fractions in vectors if n <= DESCRIBED else ():
        if values is not None:
            numbers = [messages.number(float(value)) for value in values]
            parts.append(f"{name} {sign(numbers, fractions)} {', '.join(numbers)}")
    return "; ".join(parts)


def smallest_type(figure: Figure) -> float:
    """Return the smallest type size of a figure, in points."""
    return min(float(text.get_fontsize()) for text in figure.findobj(Text) if text.get_text())


def save(
    figure: Figure, suffix: str, dpi: float, title: str, words: str, text: str | None = None
) -> bytes:
    """Return a figure as the bytes of a .png, .svg or .pdf.

    words: the description that an SVG carries. text: the record.
    """
    key, omitted = METADATA[suffix]
    metadata: dict[str, Any] = {"Title": title, key: text, **dict.fromkeys(omitted)}
    file = io.BytesIO()
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(file, format=suffix[1:], dpi=dpi, metadata=metadata)
    return _accessible(file.getvalue(), words) if suffix == ".svg" else file.getvalue()


def _accessible(data: bytes, words: str) -> bytes:
    """Add a description and fallback fonts to an SVG, and remove its document type."""
    data = re.sub(rb"<!DOCTYPE[^>]*>\n?", b"", data, count=1)
    code = rb'style="white-space: pre; \1, Menlo, monospace'
    data = re.sub(rb"style=\"([^\"]*'DejaVu Sans Mono')", code, data)
    like = rb"\1, Verdana, sans-serif"  # Verdana has the same proportions
    data = re.sub(rb"(style=\"[^\"]*'DejaVu Sans'[^\";]*)", like, data)
    data = data.replace(b"<svg ", b'<svg role="img" ', 1)
    end = b"</title>\n"
    return data.replace(end, end + f" <desc>{html.escape(words, quote=False)}</desc>\n".encode(), 1)


def read_record(data: bytes, source: str) -> str:
    """Return the record in a PNG or SVG as JSON text. source: the file's name in errors.

    Raises RequestError for a file without a record.
    """
    try:
        if data.startswith(b"\x89PNG"):
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                text = image.info.get(KEYWORD)
        else:
            root = ElementTree.fromstring(data)
            text = root.findtext(".//{http://purl.org/dc/elements/1.1/}source")
    except (LookupError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        text = None
    if text is None:
        raise RequestError(f"{source} is not a figure of dropout-cli, or it is broken")
    return str(text)
