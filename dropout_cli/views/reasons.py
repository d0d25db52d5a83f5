"""Steps 11 to 13: why the factor 1/(1−p), what inference does, and the summary."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import Facts, Formula, Items
from dropout_cli.proof import claims
from dropout_cli.trace import Trace
from dropout_cli.views.context import Piece, Rendered, StepContext, as_float
from dropout_cli.views.notation import X, loss_formula, loss_gradient
from dropout_cli.views.passes import Columns, element_table, keep_equation, scale_equation
from dropout_cli.views.written import Written

MOMENTS = {"unscaled": "E_unscaled", "y": "E_y", "variance": "Var_y", "grad_x": "E_grad"}
CLAIMED = ("expected-output", "expected-gradient", "nonlinear-gradient", "variance")


def why_scale(context: StepContext) -> Rendered:
    """Say what the factor 1/(1−p) is for: expectations, and what it costs: variance."""
    trace, messages, p = context.trace, context.messages, context.trace.problem.p
    mean = claims.expectation(trace.problem)
    unscaled, scaled, backward, variance = context.formulas
    over = messages.over(mean.masks)
    pieces: list[Piece] = ["without", unscaled, scaled, "gradient", backward, "noise", variance]
    if context.n <= claims.ELEMENTS:
        columns: Columns = {X: [messages.number(trace.problem.x[i]) for i in context.shown]}
        for name, symbol in MOMENTS.items():
            moments = getattr(mean, name)
            columns[messages.symbol(symbol)] = messages.results(moments[i] for i in context.shown)
        pieces += [
            context.paragraph("here", p_value=messages.probability(p), over=over),
            element_table(columns, trace, messages, status=False),
        ]
    pieces += [] if messages.blank else _expected(context)
    if p < 1:
        found = [claims.check(name, trace) for name in CLAIMED]
        ok = all(finding.ok is not False for finding in found)
        pieces += context.check(found[0]._replace(ok=ok), over=over)
    numbers = {name: [as_float(v) for v in getattr(mean, name)] for name in MOMENTS}
    return pieces, {**numbers, "masks": mean.masks}


def _expected(context: StepContext) -> list[Piece]:
    """Say what the factor preserves, and what it does not."""
    p = context.trace.problem.p
    if p in (0, 1):
        return [context.paragraph("p_1" if p else "p_0")]
    return [
        context.paragraph("kept", keep=keep_equation(p, context.messages)),
        context.paragraph(
            "nonlinear",
            squares=loss_formula("sum-squares"),
            gradient=loss_gradient("sum-squares"),
            scale=scale_equation(p, context.messages),
        ),
    ]


def inference(context: StepContext) -> Rendered:
    """Say what inference does: dropout is the identity."""
    still = Trace(replace(context.trace.problem, mask=None, drawn=None))
    written = Written(still, context.messages, context.shown)
    pieces: list[Piece] = [
        "identity",
        *context.formulas,
        context.vector(Formula("y = x", "y = x"), written.y, result=True),
        context.vector(context.messages.symbol("grad_x_is_grad_y"), written.grad_x, result=True),
    ]
    if written.grad_y != context.written.grad_y:
        pieces.append(context.paragraph("other_y", step=context.messages.step("setup")))
    numbers: dict[str, Any] = {}
    with suppress(RequestError):  # nobody asked for the loss of this output, which may overflow
        numbers = {"y": still.y, "grad_x": still.grad_x}
    return [*pieces, "history"], numbers


def summary(context: StepContext) -> Rendered:
    """Show the four formulas, the key points and the card."""
    words, messages = context.words, context.messages
    *formulas, card = context.formulas
    found = [claims.check(name, context.trace) for name in claims.CLAIMS]
    made = [finding for finding in found if finding.ok is not None]
    pieces: list[Piece] = [
        Facts(list(zip(formulas, words["names"], strict=True))),
        "remember",
        Items([messages.fill(point) for point in words["points"]]),
        "carry",
        card,
        Facts([(messages.symbol(name), meaning) for name, meaning in words["legend"]]),
    ]
    worst = max(finding.max_error for finding in made)
    return pieces, {"claims": len(made), "largest_difference": worst}
