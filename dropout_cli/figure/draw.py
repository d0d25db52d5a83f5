"""A trace and a look make a Figure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib

from dropout_cli.figure.canvas import Canvas
from dropout_cli.figure.flow import Moment, draw_flow
from dropout_cli.figure.fonts import families
from dropout_cli.figure.panels import draw_panels
from dropout_cli.figure.theme import THEMES
from dropout_cli.figure.words import usual_title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from dropout_cli.figure.look import Look
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice


def draw(trace: Trace, voice: Voice, look: Look, moment: Moment | None = None) -> Figure:
    """The figure of a trace.

    voice: says the words, in the look's language and precision.
    moment: how far a film of the lanes has come; the whole figure without one.
    Raises RequestError for values beyond ±1e300, for a title that does not fit, and where a font is
    missing.
    """
    title = usual_title(trace, voice, look.layout) if look.title is None else look.title
    with plain_style():
        fonts = families(title, chinese=look.lang == "zh")
        canvas = Canvas(look.inches, THEMES[look.theme], fonts, look.transparent)
        if look.layout == "flow":
            draw_flow(canvas, trace, voice, title, moment)
        else:
            draw_panels(canvas, trace, voice, title, look.panel)
    return canvas.figure


@contextmanager
def plain_style() -> Iterator[None]:
    """matplotlib with its defaults, whatever the user's own settings are."""
    now, defaults = matplotlib.rcParams, matplotlib.rcParamsDefault
    changed = [key for key in defaults if key != "backend" and now[key] != defaults[key]]
    with matplotlib.rc_context({key: defaults[key] for key in changed}):
        matplotlib.rcParams["svg.hashsalt"] = "dropout-cli"
        matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
        matplotlib.rcParams["pdf.fonttype"] = 42  # TrueType
        yield
