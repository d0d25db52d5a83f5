"""Write the words around the bars: title, subtitle, formulas, and what the bars mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropout_cli.errors import RequestError
from dropout_cli.figure.page import typeset, wrap
from dropout_cli.figure.style import NOTE, SUBTITLE, TITLE
from dropout_cli.losses import LOSSES
from dropout_cli.views.passes import scale_equation

if TYPE_CHECKING:
    from dropout_cli.figure.bars import Bars
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

MARGIN = 43.0  # points left and right of the words
TITLE_LINES = 3
LEGEND = 18.0  # points from the foot of the page to the legend
FOOT = 44.0  # points that the legend takes
GRAD_X, GRAD_Y = r"\partial L/\partial x", r"\partial L/\partial y"


def usual_title(trace: Trace, messages: Messages, layout: str) -> str:
    """Return the title of a figure where its user gives none."""
    if not trace.problem.training:
        return messages.string("figure", "title_inference")
    return messages.string("figure", "title" if layout == "panels" else "title_flow")


def subtitle(trace: Trace, messages: Messages, *, loss: bool = True) -> str:
    """Say how many are kept at which p, by what they are multiplied, and name the loss."""
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
            scale=typeset(scale_equation(problem.p, messages).unicode) if scaled else "",
        )
    if loss and problem.loss is not None:
        words = messages.string("figure", "loss", subtitle=words, loss=LOSSES[problem.loss].unicode)
    return words


def formulas(trace: Trace) -> dict[str, str]:
    """Return each panel's vector, and how it follows from what came before, in LaTeX."""
    if not trace.problem.training:
        y, gradient = "x", GRAD_Y
    elif trace.scale is None:
        y, gradient = "0", "0"
    else:
        y, gradient = r"x \odot m/(1-p)", rf"{GRAD_Y} \odot m/(1-p)"
    mask = "m" if trace.problem.training else ""
    return {"x": "x", "mask": mask, "y": f"y = {y}", "grad_x": f"{GRAD_X} = {gradient}"}


def write_title(page: Page, title: str) -> float:
    """Write a title in as many lines as it takes; return the y of the last.

    Raises RequestError for a title of more than three lines, or with a word longer than one.
    """
    room = page.width - 2 * MARGIN
    lines = wrap(title, room / TITLE, page.fonts, "bold")
    if len(lines) > TITLE_LINES or max(page.extent(one, TITLE, "bold") for one in lines) > room:
        raise RequestError(f"the title is too long to be read in {TITLE_LINES} lines")
    style = {"fontweight": "bold"}
    return page.paragraph(MARGIN, page.height - 47, title, TITLE, page.theme.ink, room, **style)


def heading(page: Page, title: str, subtitle: str) -> float:
    """Write title and subtitle; return where they end. An empty title takes the subtitle too."""
    if not title:
        return page.height - 12
    y, room = write_title(page, title) - SUBTITLE - 9, page.width - 2 * MARGIN
    return page.paragraph(MARGIN, y, subtitle, SUBTITLE, page.theme.muted, room)


def legend(page: Page, messages: Messages, bars: Bars, parts: list[str], y: float = LEGEND) -> None:
    """Say what these parts of bars mean."""
    styles, x = {"gain": bars.gain, "lost": bars.lost}, MARGIN
    for part in parts:
        corners = [[(x, y - 1), (x + 20, y - 1), (x + 20, y + 11), (x, y + 11)]]
        page.polygons(corners, **styles.get(part, {"face": bars.dark}))
        words = messages.string("figure", part)
        page.words(x + 28, y, words, NOTE, page.theme.muted)
        x += 28 + page.extent(words, NOTE) + 26


def parts_of_bars(trace: Trace, bars: Bars) -> list[str]:
    """Return what a legend has to explain: the kept, the gain, the lost."""
    if not trace.problem.training:
        return ["passed"]
    kept = ["arrived", "gain"] if bars.scaled else ["kept"]
    return [*(kept if bars.kept.any() else []), *([] if bars.kept.all() else ["lost"])]
