"""Figures on the command line: quiet matplotlib, figures read back, pictures of pages."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dropout_cli.cli.output import Output
    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document, Picture
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

os.environ["MPLBACKEND"] = "agg"  # matplotlib does not start with an unknown one
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports its caches


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


def save_page(figure: Figure, page: Document, output: Output) -> None:
    """Write the figure of a page, with the page in words for readers who cannot see it."""
    from dropout_cli.figure.files import save
    from dropout_cli.figure.tables import describe

    output.save(save(figure, output.suffix, output.style.dpi, *describe(page)))


def lanes(trace: Trace, messages: Messages, lang: str) -> Picture | None:
    """Draw the lanes of a hand-out; None if they do not fit, or matplotlib or a font is missing."""
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
