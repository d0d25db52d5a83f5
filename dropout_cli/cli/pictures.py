"""Draw figures, tables and steps, and read figures back, with matplotlib kept quiet."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document, Picture
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages


Draw: TypeAlias = "Callable[[Document, Style], Figure]"  # how a page becomes a picture


def page_of_pass(trace: Trace, messages: Messages) -> Draw:
    """Return how the page of a pass becomes a picture."""

    def draw(page: Document, style: Style) -> Figure:
        from dropout_cli.figure.tables import draw_pass

        return draw_pass(page, trace, messages, style)

    return draw


def page_of_step(number: int, count: int) -> Draw:
    """Return how a page of the walkthrough becomes a picture, which has this one of count steps."""

    def draw(page: Document, style: Style) -> Figure:
        from dropout_cli.figure.tables import draw_step

        return draw_step(page, number, count, style)

    return draw


def read_figure(source: str) -> tuple[Trace, Style]:
    """Read the trace and the style of a figure that plot has drawn."""
    from dropout_cli.cli.input import parse_json, read_bytes, read_problem
    from dropout_cli.figure.files import LARGEST_FILE, SCHEMA, read_record
    from dropout_cli.figure.style import read_style
    from dropout_cli.trace import Trace

    saved = parse_json(read_record(read_bytes(source, LARGEST_FILE), source), source)
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a figure of plot: its schema must be {SCHEMA!r}")
    style = read_style(saved, source)
    return Trace(read_problem(saved.get("trace"), source)), style


def draw_figure(trace: Trace, messages: Messages, style: Style, suffix: str) -> tuple[bytes, float]:
    """Draw a figure or an animation; return its bytes and its smallest type, in points."""
    _import_matplotlib()
    if suffix == ".gif":
        from dropout_cli.figure.animation import animate

        return animate(trace, messages, style)
    from dropout_cli.figure.files import picture

    return picture(trace, messages, style, suffix)


def draw_page(document: Document, draw: Draw, style: Style, suffix: str) -> bytes:
    """Draw the page of a pass or of a step as a picture."""
    _import_matplotlib()
    from dropout_cli.figure.files import save
    from dropout_cli.figure.tables import describe

    title, words = describe(document)
    return save(draw(document, style), suffix, style.dpi, title, words)


def lanes(trace: Trace, messages: Messages, lang: str) -> Picture | None:
    """Draw the lanes of a hand-out; None where too many, or without matplotlib or a font."""
    from dropout_cli.formats.document import Picture

    with suppress(ImportError, RequestError):
        _import_matplotlib()
        from dropout_cli.figure.files import description, picture
        from dropout_cli.figure.style import Style

        style = Style(layout="flow", lang=lang, title="")
        svg, _ = picture(trace, messages, style.checked(), ".svg")
        view = 'width="888pt" height="504pt" viewBox="36 20 888 504"'
        cropped = re.sub(r'width="\S+" height="\S+" viewBox="[^"]+"', view, svg.decode(), count=1)
        return Picture(cropped, description(trace, messages))
    return None


def _import_matplotlib() -> None:
    """Import it where its settings file is the empty one of the figures, so that no other is read.

    It looks for one in the current folder first.
    """
    import logging

    from dropout_cli import figure

    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports its caches
    folder = os.getcwd()
    os.chdir(os.path.dirname(figure.__file__))
    try:
        import matplotlib  # noqa: F401
    finally:
        os.chdir(folder)
