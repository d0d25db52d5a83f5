"""Draw a trace and write it to a file, with a record from which it can be drawn again.

    {"schema": "dropout-cli/figure/1", "command": "dropout-cli plot …", the choices of the style,
     "trace": the JSON of the trace}

PNG holds the record as a compressed text chunk, SVG as dc:source, PDF as Keywords. The same request
gives the same bytes: there is no date and no version in them.
"""

from __future__ import annotations

import html
import io
import json
import re
import shlex
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dropout_cli.errors import RequestError
from dropout_cli.figure.captions import subtitle, usual_title
from dropout_cli.figure.flow import LANES, Moment, draw_flow
from dropout_cli.figure.page import Page, families, plain_settings, typeset
from dropout_cli.figure.panels import LEAST, LEAST_ALONE, draw_panels
from dropout_cli.figure.style import THEMES, Style
from dropout_cli.trace import take
from dropout_cli.views.passes import backward_record
from dropout_cli.views.written import Written, sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

SCHEMA = "dropout-cli/figure/1"
KEYWORD = "dropout-cli"
LARGEST_FILE = 50_000_000  # bytes
DESCRIBED = 12  # elements whose values a description lists
DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*>\n?")
MONOSPACED = re.compile(rb"style=\"([^\"]*'DejaVu Sans Mono')")
FAMILY = re.compile(rb"(style=\"[^\"]*)'DejaVu Sans'")
FALLBACKS = rb"\1'DejaVu Sans', Verdana, sans-serif"  # Verdana has the same proportions


def draw(trace: Trace, voice: Voice, style: Style, moment: Moment | None = None) -> Figure:
    """Draw a trace as panels or lanes.

    voice: the language and precision of the words and numbers.
    moment: how far an animation of the lanes has come; the whole figure without one.
    Raises RequestError for more elements than fit, for values beyond ±1e300, for a title that does
    not fit, and where a font is missing.
    """
    title = usual_title(trace, voice, style.layout) if style.title is None else style.title
    with plain_settings():
        fonts = families(title, chinese=style.lang == "zh")
        least = LANES if style.layout == "flow" else LEAST_ALONE if len(style.panel) == 1 else LEAST
        page = Page(style.inches, THEMES[style.theme], fonts, least, style.transparent)
        if style.layout == "flow":
            draw_flow(page, trace, voice, title, moment)
        else:
            draw_panels(page, trace, voice, title, style.panel)
    return page.figure


def picture(trace: Trace, voice: Voice, style: Style, suffix: str) -> tuple[bytes, float]:
    """Return the figure of a trace as a .png, .svg or .pdf, and its smallest type in points.

    Raises RequestError as draw does, and for an image of more than 50 million pixels.
    """
    if suffix == ".png":
        style.check_pixels()
    figure = draw(trace, voice, style)
    title = style.title or usual_title(trace, voice, style.layout)
    text = json.dumps(record(trace, style), default=lambda array: array.tolist())
    data = save(figure, suffix, style.dpi, title, description(trace, voice), text)
    return data, smallest_type(figure)


def smallest_type(figure: Figure) -> float:
    """Return the size of the smallest words of a figure, in points of its inches."""
    return min(float(text.get_fontsize()) for text in figure.findobj(Text) if text.get_text())


def save(
    figure: Figure, suffix: str, dpi: float, title: str, words: str, text: str | None = None
) -> bytes:
    """Return a figure as the bytes of a .png, .svg or .pdf.

    In SVG words stay words, bars carry ids, and a title and a description stand for the picture.
    In PDF fonts are TrueType.

    words: the description. text: the record.
    """
    options: dict[str, Any]
    if suffix == ".png":
        info = PngInfo()
        info.add_itxt("Title", title)
        if text is not None:
            info.add_itxt(KEYWORD, text, zip=True)
        options = {"pil_kwargs": {"pnginfo": info, "compress_level": 3}}
    elif suffix == ".svg":
        omitted = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        options = {"metadata": {"Title": title, "Source": text, **omitted}}
    else:
        omitted = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        options = {"metadata": {"Title": title, "Keywords": text, **omitted}}
    file = io.BytesIO()
    with plain_settings():
        figure.savefig(file, format=suffix[1:], dpi=dpi, **options)
    data = file.getvalue()
    return _accessible(data, words) if suffix == ".svg" else data


def description(trace: Trace, voice: Voice) -> str:
    """Describe in words and numbers what the figure shows, for readers who cannot see it."""
    parts = [subtitle(trace, voice)]
    if trace.problem.x.size <= DESCRIBED:
        problem, exact = trace.problem, Written(take(trace, slice(None)), voice)
        vectors: list[tuple[str, Any, Any]] = [
            ("x", problem.x, exact.x), ("m", problem.mask, problem.mask), ("y", trace.y, exact.y),
            ("∂L/∂y", trace.grad_y, exact.grad_y), ("∂L/∂x", trace.grad_x, exact.grad_x),
        ]  # fmt: skip
        for name, values, fractions in vectors:
            if values is not None:
                numbers = [voice.number(float(v)) for v in values]
                relation = sign(numbers, fractions)
                parts.append(f"{name} {relation} {', '.join(map(typeset, numbers))}")
    return "; ".join(parts)


def _accessible(data: bytes, words: str) -> bytes:
    """Add a description and fallback fonts to an SVG, and remove its document type."""
    data = DOCTYPE.sub(b"", data, count=1)
    data = MONOSPACED.sub(rb'style="white-space: pre; \1, Menlo, monospace', data)
    data = FAMILY.sub(FALLBACKS, data)
    data = data.replace(b"<svg ", b'<svg role="img" ', 1)
    end = b"</title>\n"
    return data.replace(end, end + f" <desc>{html.escape(words, quote=False)}</desc>\n".encode(), 1)


def record(trace: Trace, style: Style) -> dict[str, Any]:
    """Return the record from which a figure can be drawn again."""
    return {
        "schema": SCHEMA,
        "command": command(trace, style),
        **style._asdict(),
        "trace": backward_record(trace),
    }


def command(trace: Trace, style: Style) -> str:
    """Return the command line that draws a figure."""
    problem = trace.problem

    def vector(values: Any) -> str:
        return ",".join(repr(value).removesuffix(".0") for value in values.tolist())

    args = ["dropout-cli", "plot", "-x", vector(problem.x), "-p", repr(problem.p)]
    if problem.drawn is not None:
        args += ["-s", str(problem.drawn.seed), "--rng", problem.drawn.rng]
        args += ["--skip", str(problem.drawn.skip)] if problem.drawn.skip else []
    elif problem.mask is not None:
        args += ["-m", vector(problem.mask.astype(int))]
    else:
        args += ["--eval"]
    if problem.loss is not None:
        args += ["--loss", problem.loss]
    else:
        args += ["-g", vector(trace.grad_y)]
    for name, value in style._asdict().items():
        if name == "panel":
            args += [word for panel in value for word in ("--panel", panel)]
        elif value is True:
            args += [f"--{name}"]
        elif value != getattr(Style(), name) or name == "lang":
            args += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(args)


def read_record(data: bytes, source: str) -> str:
    """Return the JSON text of the record in a PNG or SVG; source names the file in errors.

    Raises RequestError for any other file, for a broken one, and for one without a record.
    """
    if len(data) > LARGEST_FILE:
        raise RequestError(f"{source} is too large to be a figure of dropout-cli")
    text = _from_png(data) if data.startswith(b"\x89PNG") else _from_svg(data)
    if text is None:
        raise RequestError(f"{source} is not a figure of dropout-cli, or it is broken")
    return text


def _from_png(data: bytes) -> str | None:
    """Return the text that Pillow, which limits its size, finds before the pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # for an image of too many pixels
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                text = image.info.get(KEYWORD)
    except (OSError, ValueError, Warning, Image.DecompressionBombError):
        return None
    return text if isinstance(text, str) else None


def _from_svg(data: bytes) -> str | None:
    """Return the text of the first dc:source; no figure has a document type, home of entities."""
    try:
        text = data.decode()
        root = None if "<!DOCTYPE" in text else ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None
    return None if root is None else root.findtext(".//{http://purl.org/dc/elements/1.1/}source")
