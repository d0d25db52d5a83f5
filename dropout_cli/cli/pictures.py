"""Draw figures, passes and steps, and read figures back, with matplotlib kept quiet."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from dropout_cli.cli.output import Output
    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document, Picture
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

os.environ["MPLBACKEND"] = "agg"  # matplotlib opens no window,
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # and does not report its caches


def draw_figure(trace: Trace, messages: Messages, style: Style, suffix: str) -> tuple[bytes, float]:
    """Draw a figure or an animation; return its bytes and its smallest type, in points."""
    if suffix == ".gif":
        from dropout_cli.figure.animation import animate

        return animate(trace, messages, style)
    from dropout_cli.figure.files import picture

    return picture(trace, messages, style, suffix)


def read_figure(source: str) -> tuple[Trace, Style]:
    """Read the trace and the style of a figure that plot has drawn."""
    from dropout_cli.cli.input import parse_json, read_bytes, read_problem
    from dropout_cli.figure.files import SCHEMA, read_record
    from dropout_cli.figure.style import read_style
    from dropout_cli.trace import Trace

    saved = parse_json(read_record(read_bytes(source), source), source)
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a figure of plot: its schema must be {SCHEMA!r}")
    style = read_style(saved, source)
    return Trace(read_problem(saved.get("trace"), source)), style


def draw_page(page: Document, output: Output, of: Trace | tuple[int, int]) -> bytes:
    """Draw the page of a pass, of this trace, or of a step, of this number and count of steps."""
    from dropout_cli.figure.files import save
    from dropout_cli.figure.tables import describe, draw_pass, draw_step

    if isinstance(of, tuple):
        figure = draw_step(page, *of, output.style)
    else:
        figure = draw_pass(page, of, output.messages, output.style)
    return save(figure, output.suffix, output.style.dpi, *describe(page))


def lanes(trace: Trace, messages: Messages, lang: str) -> Picture | None:
    """Draw the lanes of a hand-out; None where too many, or without matplotlib or a font."""
    from dropout_cli.formats.document import Picture

    with suppress(ImportError, RequestError):
        from dropout_cli.figure.files import description, picture
        from dropout_cli.figure.style import Style

        style = Style(layout="flow", lang=lang, title="")
        svg, _ = picture(trace, messages, style.checked(), ".svg")
        view = 'width="888pt" height="504pt" viewBox="36 20 888 504"'
        cropped = re.sub(r'width="\S+" height="\S+" viewBox="[^"]+"', view, svg.decode(), count=1)
        return Picture(cropped, description(trace, messages))
    return None
