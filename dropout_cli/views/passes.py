"""The two passes of a trace, one row per element, as pages and as records."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.formats import document as doc
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK
from dropout_cli.proof import exact
from dropout_cli.trace import Trace
from dropout_cli.views.notation import (
    BACKWARD,
    BESIDE,
    GRAD_X,
    GRAD_Y,
    INDEX,
    SHOWN,
    X,
    Y,
    as_formula,
    equals,
    loss_formula,
    loss_gradient,
    shown,
    vector,
    with_gap,
)
from dropout_cli.views.records import ForwardRecord, MaskSource, TraceRecord
from dropout_cli.views.written import SUMMED, Written
from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/trace/1"

Columns: TypeAlias = dict[
    doc.Formula | str, list[str]
]  # below each heading a cell for each element


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


def forward_page(trace: Trace, messages: Messages) -> doc.Document:
    """Show the forward pass: what is given, the formula, one row per element."""
    training, x = trace.problem.training, trace.problem.x
    formula = doc.equation(Y, messages.symbol("forward_i") if training else X)
    bars = _bars(trace, x, trace.y, messages.symbol("x_to_y"), messages)
    table = forward_table(trace, messages)._replace(bars=bars)
    return [_title("forward", training, messages), facts(trace, messages), formula, table]


def backward_page(trace: Trace, messages: Messages) -> doc.Document:
    """Show the backward pass: what is given, the formula, one row per element."""
    training, given = trace.problem.training, [*facts(trace, messages).facts]
    upstream = upstream_facts(trace, messages)
    if trace.problem.loss is not None:  # whose value follows from y
        n = trace.problem.x.size
        written = Written(trace, messages, shown(n))
        y = vector(messages.symbol("y"), written.y, messages, BESIDE, n)
        given.append((y, messages.string("fact", "y")))
    formula = doc.equation(GRAD_X, BACKWARD if training else GRAD_Y)
    heading = messages.symbol("grad_y_to_grad_x")
    bars = _bars(trace, trace.grad_y, trace.grad_x, heading, messages)
    table = backward_table(trace, messages)._replace(bars=bars)
    return [_title("backward", training, messages), doc.Facts([*given, *upstream]), formula, table]


def _title(key: str, training: bool, messages: Messages) -> doc.Heading:
    title = messages.string("title", key)
    return doc.Heading(title if training else messages.string("title", "inference", title=title))


def _bars(
    trace: Trace, arrived: FloatArray, result: FloatArray, heading: doc.Formula, messages: Messages
) -> doc.Bars | None:
    """Show for each row what arrived at the mask, and what came of it; nothing in inference."""
    mask = trace.problem.mask
    if mask is None:
        return None
    bars = [doc.Bar(float(arrived[i]), float(result[i]), bool(mask[i])) for i in shown(mask.size)]
    rows: list[doc.Bar | None] = with_gap(bars, mask.size, None)
    before, adds, lost = (messages.string("bar", key) for key in ("arrived", "adds", "lost"))
    return doc.Bars(heading, rows, (before, adds, lost))


def facts(trace: Trace, messages: Messages, source: str | None = None) -> doc.Facts:
    """List p, 1−p, the scaling factor and the mask; in inference, say that there are none.

    source: the words for the origin of the mask, if the trace does not record it.
    """
    problem, mask, drawn = trace.problem, trace.problem.mask, trace.problem.drawn
    p = doc.equation(messages.symbol("p"), messages.probability(problem.p))
    keys: list[tuple[doc.Formula, str]] = [(p, "p"), (keep_equation(problem.p, messages), "keep")]
    if mask is None:
        keys = [(p, "inference")]
    elif problem.p == 1:
        keys.append((messages.symbol("scale"), "scale_undefined"))
    else:
        keys.append((scale_equation(problem.p, messages), "scale"))
    found = [(formula, messages.string("fact", key)) for formula, key in keys]
    if problem.shape is not None:
        shape = " × ".join(map(str, problem.shape))
        found.insert(0, (X, messages.string("fact", "x_shape", shape=shape)))
    if mask is None:
        return doc.Facts(found)
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        source = "mask_drawn"
        counts |= {"rng": drawn.rng, "seed": str(drawn.seed), "after": messages.after(drawn.skip)}
    elif source is None:
        source = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
    shown_mask = vector(messages.symbol("m"), mask, messages, BESIDE)
    return doc.Facts([*found, (shown_mask, messages.string("fact", source, **counts))])


def keep_equation(p: float, messages: Messages) -> doc.Formula:
    """Write 1−p = 0.9, or ≈ 0.666667."""
    return equals(messages.symbol("keep"), 1 - Fraction(messages.probability(p)), messages)


def scale_equation(p: float, messages: Messages) -> doc.Formula:
    """Write 1/(1−p) = 2, or ≈ 1.42857."""
    scale = 1 / (1 - Fraction(messages.probability(p)))
    return equals(messages.symbol("scale"), scale, messages)


def upstream_facts(trace: Trace, messages: Messages) -> list[tuple[doc.Formula, str]]:
    """List ∂L/∂y and where it comes from: it was given, or follows from a loss."""
    loss, n = trace.problem.loss, trace.problem.x.size
    total = None if loss is None else loss_equation(trace, messages)
    grad_y = Written(trace, messages, shown(n)).grad_y
    upstream = vector(
        messages.symbol("grad_y"), grad_y, messages, BESIDE, n, result=loss is not None
    )
    if loss is None or total is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        return [(upstream, messages.string("fact", "grad_example" if example else "grad_given"))]
    return [
        (total, messages.string("fact", "loss")),
        (doc.equation(GRAD_Y, loss_gradient(loss)), messages.string("fact", "loss_gradient")),
        (upstream, messages.string("fact", "grad_loss")),
    ]


def loss_equation(trace: Trace, messages: Messages) -> doc.Formula:
    """Write L = Σ yᵢ = 16; of many elements without the value where no float is as large."""
    loss, n = trace.problem.loss, trace.problem.x.size
    assert loss is not None
    formula, rounded = loss_formula(loss), trace.loss_value
    if n > SUMMED:
        if rounded is None:
            return formula
        return doc.equation(formula, as_formula(*messages.results([rounded])), "≈")
    value = exact.loss(loss, [], n)(Written(trace, messages).y)
    return equals(formula, value, messages, result=True)


def forward_table(trace: Trace, messages: Messages) -> doc.Table:
    """Tabulate i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    x, some = trace.problem.x, shown(trace.problem.x.size)
    columns: Columns = {X: [messages.number(value) for value in x[some]]}
    if trace.problem.mask is not None:
        mask = [f"{bit:d}" for bit in trace.problem.mask[some]]
        product = substituted(mask, columns[X], trace, messages)
        columns |= {messages.symbol("m_i"): mask, messages.symbol("forward_i"): product}
    columns[Y] = messages.results(trace.y[some])
    return element_table(columns, trace, messages)


def backward_table(trace: Trace, messages: Messages) -> doc.Table:
    """Tabulate i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution, ∂L/∂x_i, kept or dropped."""
    problem, some = trace.problem, shown(trace.problem.x.size)
    grad_y = [messages.number(value) for value in trace.grad_y[some]]
    columns: Columns = {GRAD_Y: grad_y if problem.loss is None else messages.hidden(grad_y)}
    if problem.mask is not None:
        mask = [f"{bit:d}" for bit in problem.mask[some]]
        columns[messages.symbol("m_i")] = mask
        columns[messages.symbol("local_value")] = messages.results(trace.local_grad[some])
        columns[BACKWARD] = substituted(grad_y, mask, trace, messages)
    columns[GRAD_X] = messages.results(trace.grad_x[some])
    spare = 3 if problem.mask is not None else None
    return element_table(columns, trace, messages)._replace(spare=spare)


def substituted(
    first: Sequence[str], second: Sequence[str], trace: Trace, messages: Messages
) -> list[str]:
    """Write first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return messages.results([0] * len(first))
    p, keep = messages.probability(trace.problem.p), messages.number(1 - trace.problem.p)
    keep = f"({1 - Fraction(p)})" if "/" in p else keep
    factors = [f"({b})" if b.startswith("-") else b for b in second]
    return messages.hidden([f"{a} × {b} / {keep}" for a, b in zip(first, factors, strict=True)])


def element_table(
    columns: Columns, trace: Trace, messages: Messages, *, status: bool = True
) -> doc.Table:
    """Tabulate the elements shown: the index, the columns, and kept or dropped.

    status: whether kept or dropped is shown, after the result in the last of the columns.
    """
    n, mask = trace.problem.x.size, trace.problem.mask
    columns = {INDEX: [f"{i + 1:,}" for i in shown(n)], **columns}
    if status:
        keys = ["passed" if mask is None else "kept" if mask[i] else "dropped" for i in shown(n)]
        words = [f"{doc.SIGNS[k != 'dropped']} {messages.string('cell', k)}" for k in keys]
        columns[""] = messages.hidden(words, "<")
    headings, cells = list(columns), columns.values()
    more = messages.string("cell", "more", count=f"{n - SHOWN:,}")
    rows = with_gap(list(zip(*cells, strict=True)), n, (*"⋮" * (len(cells) - 1), more))
    if not status:
        return doc.Table(headings, rows)
    return doc.Table(headings, rows, words=[len(headings) - 1], result=len(headings) - 2)
