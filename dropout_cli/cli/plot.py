"""What plot needs of matplotlib and of the figures that it has drawn before."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dropout_cli.cli.input import parse_json, read_bytes, read_problem
from dropout_cli.cli.output import load_voice
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropout_cli.figure.look import Look


def read_figure(source: str) -> tuple[Trace, Look]:
    """Read the trace and the look of a figure that plot has drawn."""
    from dropout_cli.figure.look import read_look
    from dropout_cli.figure.record import LARGEST_FILE, MOST, SCHEMA, read_record

    saved = parse_json(read_record(read_bytes(source, LARGEST_FILE + 1), source), source)
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a figure of plot: its schema must be {SCHEMA!r}")
    look = read_look(saved, source)
    if saved.get("trace") is None:
        raise RequestError(
            f"{source} holds no numbers, since it has more than {MOST} elements: draw it again"
            " from its input"
        )
    return Trace(read_problem(saved["trace"], source)), look


def draw_figure(trace: Trace, look: Look, suffix: str) -> bytes:
    """Draw the figure or the animation, with matplotlib kept quiet."""
    import logging

    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports its caches
    _import_matplotlib()
    voice = load_voice(look.lang, look.precision)
    if suffix == ".gif":
        from dropout_cli.figure.film import film

        return film(trace, voice, look, _watch)
    from dropout_cli.figure.files import picture

    return picture(trace, voice, look, suffix)


def _import_matplotlib() -> None:
    """Import it where its settings file is the empty one of the figures, so that no other is read.

    It looks for one in the current folder first.
    """
    from dropout_cli import figure

    folder = os.getcwd()
    os.chdir(os.path.dirname(figure.__file__))
    try:
        import matplotlib  # noqa: F401
    finally:
        os.chdir(folder)


def _watch(frames: list[Any]) -> Iterable[Any]:
    """Return the frames one by one, with a progress bar where a terminal shows it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return frames
    from rich.console import Console
    from rich.progress import track

    return track(frames, description="", console=Console(stderr=True), transient=True)
