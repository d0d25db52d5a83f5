"""The two passes of a trace, one row per element, as pages and as records."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.formats import document as doc
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK
from dropout_cli.proof import exact
from dropout_cli.trace import Trace
from dropout_cli.views.context import SHOWN, Context
from dropout_cli.views.notation import as_formula, loss_formula, loss_gradient, with_gap
from dropout_cli.views.records import ForwardRecord, MaskSource, TraceRecord
from dropout_cli.views.written import SUMMED, Written
from dropout_cli.words.messages import Messages, symbol

SCHEMA = "dropout-cli/trace/1"
X, Y, GRAD_X, GRAD_Y = map(symbol, ("x_i", "y_i", "grad_x_i", "grad_y_i"))

# Below each heading a cell for each element shown.
Columns: TypeAlias = dict[doc.Formula | str, list[str]]


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
    context = Context(trace, messages)
    formula = doc.equation(Y, symbol("forward_i") if trace.problem.training else X)
    bars = _bars(context, trace.problem.x, trace.y, doc.equation(X, Y, "→"))
    table = forward_table(context)._replace(bars=bars)
    return [_title("forward", context), doc.Facts(facts(context)), formula, table]


def backward_page(trace: Trace, messages: Messages) -> doc.Document:
    """Show the backward pass: what is given, the formula, one row per element."""
    context = Context(trace, messages)
    given = facts(context)
    if trace.problem.loss is not None:  # whose value follows from y
        y = context.vector(symbol("y"), context.written.y, beside=True)
        given.append((y, messages.string("fact", "y")))
    given += upstream_facts(context)
    formula = doc.equation(GRAD_X, symbol("backward_i") if trace.problem.training else GRAD_Y)
    bars = _bars(context, trace.grad_y, trace.grad_x, doc.equation(GRAD_Y, GRAD_X, "→"))
    table = backward_table(context)._replace(bars=bars)
    return [_title("backward", context), doc.Facts(given), formula, table]


def _title(key: str, context: Context) -> doc.Heading:
    string = context.messages.string
    title, training = string("title", key), context.trace.problem.training
    return doc.Heading(title if training else string("title", "inference", title=title))


def _bars(
    context: Context, arrived: FloatArray, result: FloatArray, heading: doc.Formula
) -> doc.Bars | None:
    """Create a bar for each row, of its value before and after the mask; None in inference."""
    mask = context.trace.problem.mask
    if mask is None:
        return None
    bars = [doc.Bar(float(arrived[i]), float(result[i]), bool(mask[i])) for i in context.shown]
    rows: list[doc.Bar | None] = with_gap(bars, context.n, None)
    before, adds, lost = (
        context.messages.string("bar", key) for key in ("arrived", "adds", "lost")
    )
    return doc.Bars(heading, rows, (before, adds, lost))


def facts(context: Context, source: str | None = None) -> list[tuple[doc.Formula, str]]:
    """List p, 1−p, the scaling factor and the mask; in inference, p alone.

    source: the words for the origin of the mask, if the trace does not record it.
    """
    problem, string = context.trace.problem, context.messages.string
    mask, drawn = problem.mask, problem.drawn
    p, keep, scale = context.p_equation, context.keep_equation, context.scale_equation
    keys = [(p, "p"), (keep, "keep"), (scale, "scale" if problem.p < 1 else "scale_undefined")]
    if mask is None:
        keys = [(p, "inference")]
    found = [(formula, string("fact", key)) for formula, key in keys]
    if problem.shape is not None:
        shape = " × ".join(map(str, problem.shape))
        found.insert(0, (X, string("fact", "x_shape", shape=shape)))
    if mask is None:
        return found
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        source = "mask_drawn"
        after = context.messages.after(drawn.skip)
        counts |= {"rng": drawn.rng, "seed": str(drawn.seed), "after": after}
    elif source is None:
        source = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
    bits = context.vector(symbol("m"), mask, beside=True)
    return [*found, (bits, string("fact", source, **counts))]


def upstream_facts(context: Context) -> list[tuple[doc.Formula, str]]:
    """List ∂L/∂y and where it comes from: it was given, or follows from a loss."""
    loss, string = context.trace.problem.loss, context.messages.string
    grad_y, computed = context.written.grad_y, loss is not None
    upstream = context.vector(symbol("grad_y"), grad_y, beside=True, result=computed)
    if loss is None:
        example = np.array_equal(context.trace.grad_y, EXAMPLE_GRAD_Y)
        return [(upstream, string("fact", "grad_example" if example else "grad_given"))]
    return [
        (loss_equation(context), string("fact", "loss")),
        (doc.equation(GRAD_Y, loss_gradient(loss)), string("fact", "loss_gradient")),
        (upstream, string("fact", "grad_loss")),
    ]


def loss_equation(context: Context) -> doc.Formula:
    """Write L = Σ yᵢ = 16; for many elements, without a value that is beyond the largest float."""
    trace, loss = context.trace, context.trace.problem.loss
    assert loss is not None
    formula, rounded = loss_formula(loss), trace.loss_value
    if context.n > SUMMED:
        if rounded is None:
            return formula
        return doc.equation(formula, as_formula(*context.messages.results([rounded])), "≈")
    value = exact.loss(loss, [], context.n)(Written(trace).y)
    return context.equals(formula, value, result=True)


def forward_table(context: Context) -> doc.Table:
    """Tabulate i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    trace, messages, some = context.trace, context.messages, context.shown
    columns: Columns = {X: [messages.number(value) for value in trace.problem.x[some]]}
    if trace.problem.mask is not None:
        mask = [f"{bit:d}" for bit in trace.problem.mask[some]]
        product = substituted(mask, columns[X], context)
        columns |= {symbol("m_i"): mask, symbol("forward_i"): product}
    columns[Y] = messages.results(trace.y[some])
    return element_table(columns, context)


def backward_table(context: Context) -> doc.Table:
    """Tabulate i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution, ∂L/∂x_i, kept or dropped."""
    trace, messages, some = context.trace, context.messages, context.shown
    grad_y = [messages.number(value) for value in trace.grad_y[some]]
    given = trace.problem.loss is None  # else it is to be computed too
    columns: Columns = {GRAD_Y: grad_y if given else messages.hidden(grad_y)}
    if trace.problem.mask is not None:
        mask = [f"{bit:d}" for bit in trace.problem.mask[some]]
        columns[symbol("m_i")] = mask
        columns[symbol("local_value")] = messages.results(trace.local_grad[some])
        columns[symbol("backward_i")] = substituted(grad_y, mask, context)
    columns[GRAD_X] = messages.results(trace.grad_x[some])
    spare = 3 if trace.problem.mask is not None else None
    return element_table(columns, context)._replace(spare=spare)


def substituted(first: Sequence[str], second: Sequence[str], context: Context) -> list[str]:
    """Write first × second / (1−p) in numbers; 0 at p = 1, where 1−p is 0."""
    messages, p = context.messages, context.trace.problem.p
    if p == 1:
        return messages.results([0] * len(first))
    keep = messages.number(1 - p)
    if "/" in messages.probability(p):
        keep = f"({1 - context.written.p})"
    factors = [f"({b})" if b.startswith("-") else b for b in second]
    return messages.hidden([f"{a} × {b} / {keep}" for a, b in zip(first, factors, strict=True)])


def element_table(columns: Columns, context: Context, *, status: bool = True) -> doc.Table:
    """Tabulate the elements shown: the index, the columns, and kept or dropped.

    status: whether kept or dropped is shown, after the result in the last of the columns.
    """
    messages, mask, n = context.messages, context.trace.problem.mask, context.n
    columns = {symbol("i"): [f"{i + 1:,}" for i in context.shown], **columns}
    if status:
        keys = [
            "passed" if mask is None else "kept" if mask[i] else "dropped" for i in context.shown
        ]
        words = [f"{doc.SIGNS[k != 'dropped']} {messages.string('cell', k)}" for k in keys]
        columns[""] = messages.hidden(words, "<")
    headings, cells = list(columns), columns.values()
    more = messages.string("cell", "more", count=f"{n - SHOWN:,}")
    rows = with_gap(list(zip(*cells, strict=True)), n, (*"⋮" * (len(cells) - 1), more))
    if not status:
        return doc.Table(headings, rows)
    return doc.Table(headings, rows, words=[len(headings) - 1], result=len(headings) - 2)
