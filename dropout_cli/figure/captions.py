"""The words around the bars: title, subtitle, formulas, and what the bars mean."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.style import NOTE, SMALLEST, SUBTITLE, TITLE
from dropout_cli.losses import LOSSES

if TYPE_CHECKING:
    from dropout_cli.figure.bars import Bars
    from dropout_cli.figure.page import Page
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

MARGIN = 43.0  # points left and right of the words
FOOT = 34.0  # points that the legend takes


def usual_title(trace: Trace, voice: Voice, layout: str) -> str:
    """What the figure is called where its user does not say."""
    if not trace.problem.training:
        return voice.say("figure", "title_inference")
    return voice.say("figure", "title" if layout == "panels" else "title_flow")


def subtitle(trace: Trace, voice: Voice, *, plain: bool = False) -> str:
    """p, how many are kept and by what they are multiplied, and the loss.

    plain: in Unicode instead of mathtext.
    """
    problem = trace.problem
    if problem.mask is None:
        words = voice.say("figure", "inference")
    else:
        kept = int(problem.mask.sum())
        scaled = trace.scale is not None and kept > 0
        words = voice.say(
            "figure",
            ("scaled_one" if kept == 1 else "scaled") if scaled else "none_kept",
            p=voice.probability(problem.p),
            kept=f"{kept:,}",
            n=f"{problem.mask.size:,}",
            scale=scale(trace, voice),
        )
    if problem.loss is not None:
        loss = LOSSES[problem.loss]
        words = voice.say(
            "figure", "loss", subtitle=words, loss=loss.unicode if plain else loss.latex
        )
    return words.replace("$", "") if plain else words


def scale(trace: Trace, voice: Voice) -> str:
    """= 2, or ≈ 1.429: what 1/(1−p) is; nothing at p = 1."""
    if trace.scale is None:
        return ""
    shown = voice.number(trace.scale)
    return f"{equals((shown, 1 / keep(trace, voice)))} {shown}"


def equals(*shown: tuple[str, Fraction]) -> str:
    """= where all of these numbers are shown in full, else ≈."""
    return "=" if all(Fraction(told) == exact for told, exact in shown) else "≈"


def keep(trace: Trace, voice: Voice) -> Fraction:
    """1 − p, of p as it is written."""
    return 1 - Fraction(voice.probability(trace.problem.p))


def exactly(trace: Trace, voice: Voice) -> tuple[list[Fraction], ...]:
    """x, y, ∂L/∂y and ∂L/∂x in exact fractions, of the problem's numbers as they are written."""
    problem, kept = trace.problem, keep(trace, voice)

    def through(values: list[Fraction]) -> list[Fraction]:
        if problem.mask is None:
            return values
        return [
            v / kept if one else Fraction(0) for v, one in zip(values, problem.mask, strict=True)
        ]

    x = [Fraction(repr(v)) for v in problem.x.tolist()]
    y = through(x)
    if problem.loss is None:
        grad_y = [Fraction(repr(v)) for v in trace.grad_y.tolist()]
    else:
        gradient = LOSSES[problem.loss].gradient(np.array(y), len(y))
        grad_y = [Fraction(v) for v in gradient]
    return x, y, grad_y, through(grad_y)


def formulas(trace: Trace) -> dict[str, str]:
    """What each panel shows, as mathtext: the vector, and how it follows from what came before."""
    grad_x, grad_y = r"\partial L/\partial x", r"\partial L/\partial y"
    if not trace.problem.training:
        y, gradient = "x", grad_y
    elif trace.scale is None:
        y, gradient = "0", "0"
    else:
        y, gradient = r"x \odot m/(1-p)", rf"{grad_y} \odot m/(1-p)"
    mask = "$m$" if trace.problem.training else ""
    return {"x": "$x$", "mask": mask, "y": f"$y = {y}$", "grad_x": f"${grad_x} = {gradient}$"}


def heading(page: Page, title: str, below: str) -> float:
    """Set the title, where there is one, and below it the subtitle; returns where they end.

    below: the subtitle, with mathtext, ≈, and numbers such as 1e-09.
    Raises RequestError for a title that does not fit on one line.
    """
    theme, room = page.theme, page.width - 2 * MARGIN
    y = page.height - 20.0
    if title:
        size = min(TITLE, room / page.extent(title, 1, "bold"))
        if size < SMALLEST:
            raise RequestError("the title is too long to be read on one line")
        y -= TITLE
        page.words(MARGIN, y, title, size, theme.ink, fontweight="bold", parse_math=False)
        y -= 4
    y -= SUBTITLE + 5
    below = re.sub(r"(?<=\d)e\+?(-?)0*(\d+)", r" \\cdot 10^{\1\2}", below.replace("≈", r"\approx"))
    page.words(MARGIN, y, below, min(SUBTITLE, room / _extent(page, below)), theme.muted)
    return y


def _extent(page: Page, words: str) -> float:
    """About how wide words with mathtext are, as a share of the type size."""
    signs = re.sub("[${}_^]", "", words)
    return page.extent(re.sub(r"\\[a-z]+", "m", signs), 1.08)


def footing(page: Page, voice: Voice, bars: Bars, parts: list[str]) -> None:
    """Say at the foot what these parts of bars mean, and how many elements each bar stands for."""
    theme, y = page.theme, 18.0
    index = voice.say("figure", "index")
    page.words(page.width - MARGIN, y, index, NOTE, theme.muted, ha="right")
    x = MARGIN
    for part in parts:
        corners = [[(x, y - 1), (x + 20, y - 1), (x + 20, y + 11), (x, y + 11)]]
        if part == "lost" and bars.few:
            page.polygons(corners, "none", theme.dropped, width=bars.edge, dashed=True)
        elif part == "gain" and bars.few:
            page.polygons(corners, bars.pale, bars.dark, width=bars.edge)
        else:
            page.polygons(corners, {"lost": theme.dropped, "gain": bars.pale}.get(part, bars.dark))
        words = voice.say("figure", part)
        page.words(x + 28, y, words, NOTE, theme.muted)
        x += 28 + _extent(page, words) * NOTE + 26


def parts_of_bars(trace: Trace, bars: Bars) -> list[str]:
    """What there is to explain: of the kept, of the gain, of the lost."""
    if not trace.problem.training:
        return ["passed"]
    some, all_ = bool(bars.kept.any()), bool(bars.kept.all())
    kept = ["arrived", "gain"] if bars.scaled else ["unscaled"]
    return [*(kept if some else []), *([] if all_ else ["lost"])]
