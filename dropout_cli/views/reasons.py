"""Steps 11 to 13: why the factor 1/(1−p), what inference does, and the summary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import Block, Facts, Formula, Items
from dropout_cli.proof import claims
from dropout_cli.trace import Trace, take
from dropout_cli.views.context import Rendered, StepContext, as_float
from dropout_cli.views.notation import X, loss_formula, loss_gradient
from dropout_cli.views.passes import element_table, keep_equation, scale_equation
from dropout_cli.views.written import Written

if TYPE_CHECKING:
    from dropout_cli.proof.claims import Expectation


def why_scale(context: StepContext) -> Rendered:
    """Say what the factor 1/(1−p) is for: expectations, and what it costs: variance."""
    trace, messages, p = context.trace, context.messages, context.trace.problem.p
    mean = (
        claims.first_expectation(trace.problem)
        if len(context.shown) == context.n
        else claims.Expectation(trace.problem, context.shown)
    )
    moments = context.each_shown(mean.unscaled, mean.y, mean.variance, mean.grad_x)
    names = ("E_unscaled", "E_y", "Var_y", "E_grad")
    columns = [X, *(messages.symbol(name) for name in names)]

    def cells(i: int) -> list[str]:
        return [context.number(trace.problem.x[i]), *map(context.result, moments[i])]

    unscaled, scaled, backward, variance = context.formulas
    without, gradient = context.texts
    blocks: list[Block] = [
        without,
        unscaled,
        scaled,
        gradient,
        backward,
        context.paragraph("noise"),
        variance,
        context.paragraph("here", p_value=messages.probability(p), over=messages.over(mean.masks)),
        element_table(columns, cells, trace, messages, status=False),
    ]
    blocks += _expected(context, mean)
    claimed = ("expected-output", "expected-gradient", "nonlinear-gradient", "variance")
    found = [claims.check(name, trace) for name in claimed]
    made = [finding for finding in found if finding.ok is not None]
    if made:
        blocks += context.check(
            made[0]._replace(ok=all(finding.ok for finding in made)),
            over=messages.over(mean.masks),
        )
    return Rendered(blocks, _moments(trace) if context.recorded else {})


def _moments(trace: Trace) -> dict[str, Any]:
    """Compute the expectations and the variance of every element."""
    names = ("unscaled", "y", "variance", "grad_x")
    moments: dict[str, Any] = {name: [] for name in names}
    for start in range(0, trace.problem.x.size, claims.ELEMENTS):
        part = claims.Expectation(trace.problem, slice(start, start + claims.ELEMENTS))
        for name in names:
            moments[name] += map(as_float, getattr(part, name))
    masks = claims.masks_summed(trace.problem.x.size, trace.problem.p)
    return {**moments, "masks": masks}


def _expected(context: StepContext, mean: Expectation) -> list[Block]:
    """Say what the factor preserves, and what it does not."""
    p = context.trace.problem.p
    if p in (0, 1):
        return [context.answer("p_1" if p else "p_0")]
    key = "kept_output" if mean.grad_y is None else "kept"
    return [
        context.answer(key, keep=keep_equation(p, context.messages)),
        context.answer(
            "nonlinear",
            squares=loss_formula("sum-squares"),
            gradient=loss_gradient("sum-squares"),
            scale=scale_equation(p, context.messages),
        ),
    ]


def inference(context: StepContext) -> Rendered:
    """Say what inference does: dropout is the identity."""
    still = Trace(replace(context.trace.problem, mask=None, drawn=None))
    first, *history = context.texts
    blocks: list[Block] = [first, *context.formulas]
    numbers: dict[str, Any] = {}
    try:
        numbers = {"y": still.y, "grad_x": still.grad_x}
    except RequestError:  # nobody asked for the loss of this output
        blocks.append(context.paragraph("overflow"))
    else:
        written = Written(take(still, context.shown), context.messages)
        y, gradient = Formula("y = x", "y = x"), context.messages.symbol("grad_x_is_grad_y")
        blocks += [
            context.vector(y, still.y, written.y, result=True),
            context.vector(gradient, still.grad_x, written.grad_x, result=True),
        ]
    return Rendered([*blocks, *history], numbers)


def summary(context: StepContext) -> Rendered:
    """Show the four formulas, the key points and the card."""
    words, messages = context.words, context.messages
    *formulas, card = context.formulas
    found = [claims.check(name, context.trace) for name in claims.CLAIMS]
    made = [finding for finding in found if finding.ok is not None]
    blocks: list[Block] = [
        *context.texts,
        Facts(list(zip(formulas, words["names"], strict=True))),
        context.paragraph("remember"),
        Items([messages.fill(point) for point in words["points"]]),
        context.paragraph("carry"),
        card,
        Facts([(messages.symbol(name), meaning) for name, meaning in words["legend"]]),
    ]
    worst = max(finding.max_error for finding in made)
    return Rendered(blocks, {"claims": len(made), "largest_difference": worst})
