"""Steps 11 to 13: why the factor 1/(1−p), what inference does, and the summary."""

from contextlib import suppress
from typing import Any

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import Facts, Items, equation
from dropout_cli.proof import claims
from dropout_cli.views.context import Piece, Rendered, StepContext, as_float
from dropout_cli.views.notation import loss_formula, loss_gradient
from dropout_cli.views.passes import Columns, X, element_table
from dropout_cli.words.messages import symbol

MOMENTS = {"unscaled": "E_unscaled", "y": "E_y", "variance": "Var_y", "grad_x": "E_grad"}
EXPECTATIONS = ("expected-output", "expected-gradient", "nonlinear-gradient", "variance")


def why_scale(context: StepContext) -> Rendered:
    """Explain what the factor 1/(1−p) preserves, expectations, and what it costs, variance."""
    trace, messages = context.trace, context.messages
    mean = claims.expectation(trace.problem)
    unscaled, scaled, backward, variance = context.formulas
    pieces: list[Piece] = ["without", unscaled, scaled, "gradient", backward, "noise", variance]
    if context.n <= claims.ELEMENTS:
        columns: Columns = {X: [messages.number(trace.problem.x[i]) for i in context.shown]}
        for name, moment in MOMENTS.items():
            moments = getattr(mean, name)
            columns[symbol(moment)] = messages.results(moments[i] for i in context.shown)
        table = element_table(columns, context, status=False)
        pieces += [context.paragraph("here", over=context.over), table]
    if not messages.blank:
        pieces += _expected(context)
    pieces += context.claim(*EXPECTATIONS, over=context.over)
    numbers = {name: [as_float(v) for v in getattr(mean, name)] for name in MOMENTS}
    return pieces, {**numbers, "masks": mean.masks}


def _expected(context: StepContext) -> list[Piece]:
    """Explain what the factor preserves, and what it does not."""
    p = context.trace.problem.p
    if p in (0, 1):
        return ["p_1" if p else "p_0"]
    return [
        context.paragraph("kept", keep=context.keep_equation),
        context.paragraph(
            "nonlinear",
            squares=loss_formula("sum-squares"),
            gradient=loss_gradient("sum-squares"),
            scale=context.scale_equation,
        ),
    ]


def inference(context: StepContext) -> Rendered:
    """Show that dropout is the identity in inference."""
    unmasked = context.under(None)
    pieces: list[Piece] = [
        "identity",
        *context.formulas,
        unmasked.vector(equation(symbol("y"), symbol("x")), unmasked.written.y, result=True),
        unmasked.vector(
            equation(symbol("grad_x"), symbol("grad_y")), unmasked.written.grad_x, result=True
        ),
    ]
    if unmasked.written.grad_y != context.written.grad_y:
        pieces.append("other_y")
    numbers: dict[str, Any] = {}
    with suppress(RequestError):  # nobody asked for the loss of this output, which may overflow
        numbers = {"y": unmasked.trace.y, "grad_x": unmasked.trace.grad_x}
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
        Facts([(symbol(name), meaning) for name, meaning in words["legend"]]),
    ]
    worst = max(finding.max_error for finding in made)
    return pieces, {"claims": len(made), "largest_difference": worst}
