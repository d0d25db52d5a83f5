"""Figures to look into, and what they are made of, in the order in which it was drawn."""

from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from dropout_cli import Problem, Trace
from dropout_cli.figure.files import draw
from dropout_cli.figure.style import THEMES, Style
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

LIGHT = THEMES["light"]


def figure(style: Style | None = None, **problem: Any) -> Figure:
    style = (style or Style()).checked()
    messages = Messages(load(style.lang), style.precision)
    return draw(Trace(Problem.create(**problem)), messages, style)


def texts(drawn: Figure) -> dict[str, Text]:
    """The texts by their words; of several with the same words, the last."""
    return {text.get_text(): text for text in drawn.findobj(Text) if text.get_text()}


def words(drawn: Figure) -> list[str]:
    return [text.get_text() for text in drawn.findobj(Text)]


def collections(drawn: Figure, colour: str) -> list[PolyCollection]:
    """The bars of this colour, or with an outline in it where they are hollow; no legend."""
    found = []
    for part in drawn.findobj(PolyCollection):
        colours = part.get_facecolor() if len(part.get_facecolor()) else part.get_edgecolor()
        corners = [path.vertices for path in part.get_paths()]
        is_bars = corners and len(corners[0]) == 5 and max(corners[0][:, 1]) > 30
        if is_bars and to_hex(colours[0]).upper() == colour:
            found.append(part)
    return found


def bars(drawn: Figure, colour: str) -> list[NDArray[np.float64]]:
    """The corners of these bars in points of the page: of each vector (count, 4, 2)."""
    return [
        np.array([path.vertices[:4] for path in part.get_paths()])
        for part in collections(drawn, colour)
    ]


def lengths(corners: NDArray[np.float64], layout: str = "panels") -> NDArray[np.float64]:
    """The lengths of bars from the zero line, with their signs."""
    axis = 1 if layout == "panels" else 0
    return np.asarray(corners[:, 2, axis] - corners[:, 0, axis])
