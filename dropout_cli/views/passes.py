"""The two passes of a trace, one row per element, as pages and as records."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import SIGNS, Document, Facts, Formula, Heading, Table, equation
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK
from dropout_cli.trace import Trace
from dropout_cli.views.notation import (
    BACKWARD,
    BESIDE,
    FORWARD,
    GRAD,
    GRAD_X,
    GRAD_Y,
    INDEX,
    KEEP,
    LOCAL_GRAD,
    MASK,
    SCALE,
    SHOWN,
    M,
    P,
    X,
    Y,
    loss_formula,
    loss_gradient,
    shown,
    shown_alone,
    to_latex,
    vector,
)
from dropout_cli.views.written import Written, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropout_cli.views.records import ForwardRecord, MaskSource, TraceRecord
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/trace/1"


def forward_record(trace: Trace) -> ForwardRecord:
    """The forward pass: the schema's keys up to y."""
    problem = trace.problem
    source: MaskSource | None = {"kind": "given"} if problem.training else None
    if problem.drawn is not None:
        source = {"kind": "drawn", "rng": problem.drawn.rng, "seed": problem.drawn.seed}
    return {
        "schema": SCHEMA,
        "mode": "training" if problem.training else "inference",
        "p": problem.p,
        "scale": trace.scale,
        "x": problem.x,
        "mask": None if problem.mask is None else problem.mask.view(np.int8),
        "mask_source": source,
        "y": trace.y,
    }


def backward_record(trace: Trace) -> TraceRecord:
    """The forward and the backward pass: all the schema's keys."""
    return {
        **forward_record(trace),
        "grad_y": trace.grad_y,
        "grad_y_source": trace.problem.loss or "given",
        "loss": trace.loss_value,
        "local_grad": trace.local_grad,
        "grad_x": trace.grad_x,
    }


def forward_page(trace: Trace, messages: Messages) -> Document:
    """The forward pass: what is given, the formula, one row per element."""
    formula = equation(Y, FORWARD) if trace.problem.training else equation(Y, X)
    return [
        Heading(_title("forward", trace, messages)),
        facts(trace, messages),
        formula,
        forward_table(trace, messages),
    ]


def backward_page(trace: Trace, messages: Messages) -> Document:
    """The backward pass: what is given, the formula, one row per element."""
    formula = equation(GRAD_X, BACKWARD) if trace.problem.training else equation(GRAD_X, GRAD_Y)
    return [
        Heading(_title("backward", trace, messages)),
        Facts([*facts(trace, messages).facts, *upstream_facts(trace, messages)]),
        formula,
        backward_table(trace, messages),
    ]


def facts(trace: Trace, messages: Messages, source: str | None = None) -> Facts:
    """p, 1−p, the scaling factor and the mask; in inference, that there are none.

    source: the words for where the mask is from, where the trace does not say it.
    """
    problem = trace.problem
    p = messages.probability(problem.p)
    if problem.mask is None:
        return Facts([(equation(P, p), messages.say("fact", "inference"))])
    if trace.scale is None:
        scale = SCALE, messages.say("fact", "scale_undefined")
    else:
        scale = scale_equation(problem.p, messages), messages.say("fact", "scale")
    return Facts(
        [
            (equation(P, p), messages.say("fact", "p")),
            (keep_equation(problem.p, messages), messages.say("fact", "keep")),
            scale,
            (vector(M, problem.mask, messages, BESIDE), _mask_source(trace, messages, source)),
        ]
    )


def keep_equation(p: float, messages: Messages) -> Formula:
    """1−p = 0.9, or ≈ 0.666667."""
    keep = messages.number(1 - p)
    return equation(KEEP, keep, sign([keep], [1 - Fraction(messages.probability(p))]))


def scale_equation(p: float, messages: Messages) -> Formula:
    """1/(1−p) = 2, or ≈ 1.42857."""
    scale = messages.number(1 / (1 - p))
    return equation(SCALE, scale, sign([scale], [1 / (1 - Fraction(messages.probability(p)))]))


def _mask_source(trace: Trace, messages: Messages, source: str | None) -> str:
    mask, drawn = trace.problem.mask, trace.problem.drawn
    assert mask is not None
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        return messages.say("fact", "mask_drawn", rng=drawn.rng, seed=drawn.seed, **counts)
    if source is None:
        source = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
    return messages.say("fact", source, **counts)


def upstream_facts(trace: Trace, messages: Messages) -> list[tuple[Formula, str]]:
    """∂L/∂y, and where it comes from: it was given, or follows from a loss."""
    loss, n = trace.problem.loss, trace.problem.x.size
    from_loss: list[tuple[Formula, str]] = []
    if loss is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        source = "grad_example" if example else "grad_given"
    else:
        assert trace.loss_value is not None
        value = messages.result(trace.loss_value)
        relation = Written(trace, messages).loss_sign(value)
        total = equation(loss_formula(loss), Formula(value, to_latex(value)), relation)
        gradient = equation(GRAD_Y, loss_gradient(loss))
        from_loss = [
            (total, messages.say("fact", "loss")),
            (gradient, messages.say("fact", "loss_gradient")),
        ]
        source = "grad_loss"
    some = Trace(trace.problem, shown_alone(n))
    exactly = Written(some, messages).grad_y
    upstream = vector(
        GRAD, some.grad_y, messages, BESIDE, exactly, n, result=loss is not None
    )
    return [*from_loss, (upstream, messages.say("fact", source))]


def forward_table(trace: Trace, messages: Messages) -> Table:
    """i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    x, mask, y = trace.problem.x, trace.problem.mask, trace.y
    number, result = messages.number, messages.result
    if mask is None:
        return element_table([X, Y], lambda i: [number(x[i]), result(y[i])], trace, messages)

    def cells(i: int) -> list[str]:
        value, bit = number(x[i]), f"{mask[i]:d}"
        return [value, bit, substituted(bit, value, trace, messages), result(y[i])]

    return element_table([X, MASK, FORWARD, Y], cells, trace, messages)


def backward_table(trace: Trace, messages: Messages) -> Table:
    """i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution 0.1 × 1 / 0.5, ∂L/∂x_i, kept or dropped."""
    mask, local = trace.problem.mask, trace.local_grad
    grad_y, grad_x = trace.grad_y, trace.grad_x
    result = messages.result
    upstream = messages.number if trace.problem.loss is None else result
    if mask is None:
        return element_table(
            [GRAD_Y, GRAD_X], lambda i: [upstream(grad_y[i]), result(grad_x[i])], trace, messages
        )

    def cells(i: int) -> list[str]:
        value, bit = upstream(grad_y[i]), f"{mask[i]:d}"
        product = substituted(value, bit, trace, messages)
        return [value, bit, result(local[i]), product, result(grad_x[i])]

    return element_table([GRAD_Y, MASK, LOCAL_GRAD, BACKWARD, GRAD_X], cells, trace, messages)


def substituted(first: str, second: str, trace: Trace, messages: Messages) -> str:
    """first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return messages.result(0)
    return f"{first} × {second} / {messages.number(1 - trace.problem.p)}"


def element_table(
    columns: Sequence[Formula],
    cells: Callable[[int], list[str]],
    trace: Trace,
    messages: Messages,
    *,
    status: bool = True,
) -> Table:
    """The columns between the index and the fate of each element, for the elements shown.

    cells: what stands in the columns for the element i, from 0. status: whether what the mask does
    to each element is told.
    """
    n, mask = trace.problem.x.size, trace.problem.mask

    def row(i: int) -> list[str]:
        if not status:
            return [f"{i + 1:,}", *cells(i)]
        kept = mask is None or bool(mask[i])
        word = "passed" if mask is None else "kept" if kept else "dropped"
        return [f"{i + 1:,}", *cells(i), f"{SIGNS[kept]} {messages.say('cell', word)}"]

    more = messages.say("cell", "more", count=f"{n - SHOWN:,}")
    gap = [*"⋮" * (len(columns) + status), more]
    rows = [gap if i is None else row(i) for i in shown(n)]
    return Table([INDEX, *columns, *[""] * status], rows, words=[len(columns) + 1] * status)


def _title(key: str, trace: Trace, messages: Messages) -> str:
    title = messages.say("title", key)
    return title if trace.problem.training else messages.say("title", "inference", title=title)
