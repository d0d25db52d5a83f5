"""The two passes of a trace, one row per element, as pages and as records."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import (
    SIGNS,
    Bar,
    Bars,
    Document,
    Facts,
    Formula,
    Heading,
    Table,
    equation,
)
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK
from dropout_cli.trace import Trace, take
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

    from dropout_cli.arrays import FloatArray
    from dropout_cli.views.records import ForwardRecord, MaskSource, TraceRecord
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/trace/1"


def forward_record(trace: Trace) -> ForwardRecord:
    """Record the forward pass: the keys of the schema up to y."""
    problem = trace.problem
    source: MaskSource | None = {"kind": "given"} if problem.training else None
    if problem.drawn is not None:
        source = {"kind": "drawn", "rng": problem.drawn.rng, "seed": problem.drawn.seed}
        if problem.drawn.skip:
            source["skip"] = problem.drawn.skip
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
    """Record both passes: all keys of the schema."""
    return {
        **forward_record(trace),
        "grad_y": trace.grad_y,
        "grad_y_source": trace.problem.loss or "given",
        "loss": trace.loss_value,
        "local_grad": trace.local_grad,
        "grad_x": trace.grad_x,
    }


def forward_page(trace: Trace, messages: Messages) -> Document:
    """Show the forward pass: what is given, the formula, one row per element."""
    formula = equation(Y, FORWARD) if trace.problem.training else equation(Y, X)
    table = forward_table(trace, messages)
    return [
        Heading(_title("forward", trace, messages)),
        facts(trace, messages),
        formula,
        _with_bars(table, trace, trace.problem.x, trace.y, (X, Y), messages),
    ]


def backward_page(trace: Trace, messages: Messages) -> Document:
    """Show the backward pass: what is given, the formula, one row per element."""
    formula = equation(GRAD_X, BACKWARD) if trace.problem.training else equation(GRAD_X, GRAD_Y)
    given = list(facts(trace, messages).facts)
    upstream = upstream_facts(trace, messages)
    if trace.problem.loss is not None:  # whose value follows from y
        some = take(trace, shown_alone(trace.problem.x.size))
        exactly = Written(some, messages).y
        y = vector(Formula("y", "y"), some.y, messages, BESIDE, exactly, some.n)
        given.append((y, messages.string("fact", "y")))
    table = backward_table(trace, messages)
    return [
        Heading(_title("backward", trace, messages)),
        Facts([*given, *upstream]),
        formula,
        _with_bars(table, trace, trace.grad_y, trace.grad_x, (GRAD_Y, GRAD_X), messages),
    ]


def _with_bars(
    table: Table,
    trace: Trace,
    arrived: FloatArray,
    result: FloatArray,
    symbols: tuple[Formula, Formula],
    messages: Messages,
) -> Table:
    """Add a bar to each row: what arrived at the mask, and what came of it."""
    mask = trace.problem.mask
    if mask is None:
        return table
    rows = [
        None if i is None else Bar(float(arrived[i]), float(result[i]), bool(mask[i]))
        for i in shown(mask.size)
    ]
    before, after = symbols
    heading = Formula(f"{before.unicode} → {after.unicode}", rf"{before.latex} \to {after.latex}")
    arrived_, adds, lost = (messages.string("bar", key) for key in ("arrived", "adds", "lost"))
    return table._replace(bars=Bars(heading, rows, (arrived_, adds, lost)))


def facts(trace: Trace, messages: Messages, source: str | None = None) -> Facts:
    """List p, 1−p, the scaling factor and the mask; in inference, say that there are none.

    source: the words for where the mask is from, where the trace does not say it.
    """
    problem = trace.problem
    p = messages.probability(problem.p)
    matrix: list[tuple[Formula, str]] = []
    if problem.shape is not None:
        shape = " × ".join(map(str, problem.shape))
        matrix.append((X, messages.string("fact", "x_shape", shape=shape)))
    if problem.mask is None:
        return Facts([*matrix, (equation(P, p), messages.string("fact", "inference"))])
    if trace.scale is None:
        scale = SCALE, messages.string("fact", "scale_undefined")
    else:
        scale = scale_equation(problem.p, messages), messages.string("fact", "scale")
    return Facts(
        [
            *matrix,
            (equation(P, p), messages.string("fact", "p")),
            (keep_equation(problem.p, messages), messages.string("fact", "keep")),
            scale,
            (vector(M, problem.mask, messages, BESIDE), _mask_source(trace, messages, source)),
        ]
    )


def keep_equation(p: float, messages: Messages) -> Formula:
    """Write 1−p = 0.9, or ≈ 0.666667."""
    keep = messages.number(1 - p)
    return equation(KEEP, keep, sign([keep], [1 - Fraction(messages.probability(p))]))


def scale_equation(p: float, messages: Messages) -> Formula:
    """Write 1/(1−p) = 2, or ≈ 1.42857."""
    scale = messages.number(1 / (1 - p))
    return equation(SCALE, scale, sign([scale], [1 / (1 - Fraction(messages.probability(p)))]))


def _mask_source(trace: Trace, messages: Messages, source: str | None) -> str:
    mask, drawn = trace.problem.mask, trace.problem.drawn
    assert mask is not None
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        key = "mask_drawn_after" if drawn.skip else "mask_drawn"
        return messages.string("fact", key, **counts, **vars(drawn))
    if source is None:
        source = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
    return messages.string("fact", source, **counts)


def upstream_facts(trace: Trace, messages: Messages) -> list[tuple[Formula, str]]:
    """List ∂L/∂y and where it comes from: it was given, or follows from a loss."""
    loss, n = trace.problem.loss, trace.problem.x.size
    total = (
        [] if loss is None else [(loss_equation(trace, messages), messages.string("fact", "loss"))]
    )
    some = take(trace, shown_alone(n))
    exactly = Written(some, messages).grad_y
    upstream = vector(GRAD, some.grad_y, messages, BESIDE, exactly, n, result=loss is not None)
    if loss is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        return [(upstream, messages.string("fact", "grad_example" if example else "grad_given"))]
    return [
        *total,
        (equation(GRAD_Y, loss_gradient(loss)), messages.string("fact", "loss_gradient")),
        (upstream, messages.string("fact", "grad_loss")),
    ]


def loss_equation(trace: Trace, messages: Messages) -> Formula:
    """Write L = Σ yᵢ = 16; without the value where it is beyond the largest float."""
    assert trace.problem.loss is not None
    formula = loss_formula(trace.problem.loss)
    if trace.loss_value is None:
        return formula
    value = messages.result(trace.loss_value).strip()
    relation = Written(take(trace, slice(None)), messages).loss_sign(value)
    return equation(formula, Formula(value, to_latex(value)), relation)


def forward_table(trace: Trace, messages: Messages) -> Table:
    """Tabulate i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    x, mask, y = trace.problem.x, trace.problem.mask, trace.y
    number, result = messages.number, messages.result
    if mask is None:
        return element_table([X, Y], lambda i: [number(x[i]), result(y[i])], trace, messages)

    def cells(i: int) -> list[str]:
        value, bit = number(x[i]), f"{mask[i]:d}"
        return [value, bit, substituted(bit, value, trace, messages), result(y[i])]

    return element_table([X, MASK, FORWARD, Y], cells, trace, messages)


def backward_table(trace: Trace, messages: Messages) -> Table:
    """Tabulate i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution, ∂L/∂x_i, kept or dropped."""
    mask, local = trace.problem.mask, trace.local_grad
    grad_y, grad_x = trace.grad_y, trace.grad_x
    result = messages.result
    upstream = messages.number if trace.problem.loss is None else result
    if mask is None:
        return element_table(
            [GRAD_Y, GRAD_X], lambda i: [upstream(grad_y[i]), result(grad_x[i])], trace, messages
        )

    def cells(i: int) -> list[str]:
        value, bit = messages.number(grad_y[i]), f"{mask[i]:d}"
        product = substituted(value, bit, trace, messages)
        return [upstream(grad_y[i]), bit, result(local[i]), product, result(grad_x[i])]

    columns = [GRAD_Y, MASK, LOCAL_GRAD, BACKWARD, GRAD_X]
    return element_table(columns, cells, trace, messages)._replace(spare=3)


def substituted(first: str, second: str, trace: Trace, messages: Messages) -> str:
    """Write first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return messages.result(0)
    return messages.hidden(f"{first} × {second} / {messages.number(1 - trace.problem.p)}")


def element_table(
    columns: Sequence[Formula | str],
    cells: Callable[[int], list[str]],
    trace: Trace,
    messages: Messages,
    *,
    status: bool = True,
) -> Table:
    """Tabulate the elements shown: the index, the columns, and kept or dropped.

    cells: what stands in the columns for the element i, from 0. status: whether kept or dropped is
    shown, after the result in the last of the columns.
    """
    n, mask = trace.problem.x.size, trace.problem.mask

    def row(i: int) -> list[str]:
        if not status:
            return [f"{i + 1:,}", *cells(i)]
        kept = mask is None or bool(mask[i])
        word = messages.string("cell", "passed" if mask is None else "kept" if kept else "dropped")
        label = f"{SIGNS[kept]} {word}"
        return [f"{i + 1:,}", *cells(i), messages.hidden(label).strip()]

    more = messages.string("cell", "more", count=f"{n - SHOWN:,}")
    gap = [*"⋮" * (len(columns) + status), more]
    rows = [gap if i is None else row(i) for i in shown(n)]
    last = len(columns)
    if not status:
        return Table([INDEX, *columns], rows)
    return Table([INDEX, *columns, ""], rows, words=[last + 1], result=last)


def _title(key: str, trace: Trace, messages: Messages) -> str:
    title = messages.string("title", key)
    return title if trace.problem.training else messages.string("title", "inference", title=title)
