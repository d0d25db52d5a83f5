"""Figures as files: the same figure, the same bytes."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from PIL.PngImagePlugin import PngInfo

from dropout_cli.figure.draw import draw, plain_style
from dropout_cli.figure.record import KEYWORD, record
from dropout_cli.figure.words import equals, exactly, subtitle, usual_title

if TYPE_CHECKING:
    from dropout_cli.figure.look import Look
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

TOLD = 12  # elements whose values a description tells
DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*>\n?")
FAMILY = re.compile(rb"(style=\"[^\"]*)'DejaVu Sans'")
FALLBACKS = rb"\1'DejaVu Sans', Verdana, sans-serif"  # Verdana has the same proportions


def picture(trace: Trace, voice: Voice, look: Look, suffix: str) -> bytes:
    """The figure of a trace as a file: .png, .svg or .pdf, with the record that draws it again.

    In SVG text stays text, bars carry ids, and a title and a description stand for the picture. In
    PDF fonts are TrueType. Neither has a date or a version in it.
    Raises RequestError as draw does, and for an image of more than 50 million pixels.
    """
    if suffix == ".png":
        look.check_pixels()
    figure = draw(trace, voice, look)
    title = look.title or usual_title(trace, voice, look.layout)
    text = json.dumps(record(trace, look), default=lambda array: array.tolist())
    options: dict[str, Any]
    if suffix == ".png":
        info = PngInfo()
        info.add_itxt("Title", title)
        info.add_itxt(KEYWORD, text, zip=True)
        options = {"pil_kwargs": {"pnginfo": info, "compress_level": 3}}
    elif suffix == ".svg":
        unsaid = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        options = {"metadata": {"Title": title, "Source": text, **unsaid}}
    else:
        unsaid = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        options = {"metadata": {"Title": title, "Keywords": text, **unsaid}}
    file = io.BytesIO()
    with plain_style():
        figure.savefig(file, format=suffix[1:], dpi=look.dpi, **options)
    data = file.getvalue()
    return _plain_svg(data, description(trace, voice)) if suffix == ".svg" else data


def description(trace: Trace, voice: Voice) -> str:
    """What the figure shows, in words and numbers, for whoever does not see it."""
    told = [subtitle(trace, voice, plain=True)]
    if trace.problem.x.size <= TOLD:
        x, y, grad_y, grad_x = exactly(trace, voice)
        problem = trace.problem
        vectors: list[tuple[str, Any, Any]] = [
            ("x", problem.x, x), ("m", problem.mask, problem.mask), ("y", trace.y, y),
            ("∂L/∂y", trace.grad_y, grad_y), ("∂L/∂x", trace.grad_x, grad_x),
        ]  # fmt: skip
        for name, values, exact in vectors:
            if values is not None:
                shown = [voice.number(float(v)) for v in values]
                sign = equals(*zip(shown, exact, strict=True))
                told.append(f"{name} {sign} {', '.join(shown).replace('-', '−')}")
    return "; ".join(told)


def _plain_svg(data: bytes, words: str) -> bytes:
    """The SVG with a description, fonts to fall back on, and no document type."""
    data = DOCTYPE.sub(b"", data, count=1)
    data = FAMILY.sub(FALLBACKS, data)
    end = b"</title>\n"
    return data.replace(end, end + f" <desc>{escape(words)}</desc>\n".encode(), 1)
