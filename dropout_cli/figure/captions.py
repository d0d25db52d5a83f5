"""Compose the words around the bars: title, subtitle and formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropout_cli.figure.page import typeset
from dropout_cli.losses import LOSSES
from dropout_cli.views.passes import scale_equation

if TYPE_CHECKING:
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

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
    """Return each panel's vector, and how it follows from what came before, as formulas."""
    if not trace.problem.training:
        y, gradient = "x", GRAD_Y
    elif trace.scale is None:
        y, gradient = "0", "0"
    else:
        y, gradient = r"x \odot m/(1-p)", rf"{GRAD_Y} \odot m/(1-p)"
    mask = "$m$" if trace.problem.training else ""
    return {"x": "$x$", "mask": mask, "y": f"$y = {y}$", "grad_x": f"${GRAD_X} = {gradient}$"}
