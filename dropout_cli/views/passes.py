"""The two passes of a trace, one row per element, as pages and as records."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

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
from dropout_cli.proof import exact
from dropout_cli.trace import Trace, take
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
from dropout_cli.views.written import SUMMED, Written

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Problem
    from dropout_cli.views.records import ForwardRecord, MaskSource, TraceRecord
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/trace/1"

Columns: TypeAlias = dict[Formula | str, list[str]]  # below each heading a cell for each element


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
    formula = (
        equation(Y, messages.symbol("forward_i")) if trace.problem.training else equation(Y, X)
    )
    bars = _bars(trace, trace.problem.x, trace.y, messages.symbol("x_to_y"), messages)
    return [
        Heading(_title("forward", trace, messages)),
        facts(trace, messages),
        formula,
        forward_table(trace, messages)._replace(bars=bars),
    ]


def backward_page(trace: Trace, messages: Messages) -> Document:
    """Show the backward pass: what is given, the formula, one row per element."""
    formula = equation(GRAD_X, BACKWARD) if trace.problem.training else equation(GRAD_X, GRAD_Y)
    given = list(facts(trace, messages).facts)
    if trace.problem.loss is not None:  # whose value follows from y
        some = take(trace, shown(trace.problem.x.size))
        y = vector(messages.symbol("y"), Written(some, messages).y, messages, BESIDE, some.n)
        given.append((y, messages.string("fact", "y")))
    heading = messages.symbol("grad_y_to_grad_x")
    bars = _bars(trace, trace.grad_y, trace.grad_x, heading, messages)
    return [
        Heading(_title("backward", trace, messages)),
        Facts([*given, *upstream_facts(trace, messages)]),
        formula,
        backward_table(trace, messages)._replace(bars=bars),
    ]


def _bars(
    trace: Trace, arrived: FloatArray, result: FloatArray, heading: Formula, messages: Messages
) -> Bars | None:
    """Show for each row what arrived at the mask, and what came of it; nothing in inference."""
    mask = trace.problem.mask
    if mask is None:
        return None
    bars = [Bar(float(arrived[i]), float(result[i]), bool(mask[i])) for i in shown(mask.size)]
    rows: list[Bar | None] = with_gap(bars, mask.size, None)
    before, adds, lost = (messages.string("bar", key) for key in ("arrived", "adds", "lost"))
    return Bars(heading, rows, (before, adds, lost))


def facts(trace: Trace, messages: Messages, source: str | None = None) -> Facts:
    """List p, 1−p, the scaling factor and the mask; in inference, say that there are none.

    source: the words for where the mask is from, where the trace does not say it.
    """
    problem = trace.problem
    p = equation(messages.symbol("p"), messages.probability(problem.p))
    found: list[tuple[Formula, str]] = []
    if problem.shape is not None:
        shape = " × ".join(map(str, problem.shape))
        found.append((X, messages.string("fact", "x_shape", shape=shape)))
    if problem.mask is None:
        return Facts([*found, (p, messages.string("fact", "inference"))])
    found += [
        (p, messages.string("fact", "p")),
        (keep_equation(problem.p, messages), messages.string("fact", "keep")),
    ]
    if problem.p == 1:
        found.append((messages.symbol("scale"), messages.string("fact", "scale_undefined")))
    else:
        found.append((scale_equation(problem.p, messages), messages.string("fact", "scale")))
    mask = vector(messages.symbol("m"), problem.mask, messages, BESIDE)
    return Facts([*found, (mask, _mask_source(problem, messages, source))])


def keep_equation(p: float, messages: Messages) -> Formula:
    """Write 1−p = 0.9, or ≈ 0.666667."""
    return equals(messages.symbol("keep"), 1 - Fraction(messages.probability(p)), messages)


def scale_equation(p: float, messages: Messages) -> Formula:
    """Write 1/(1−p) = 2, or ≈ 1.42857."""
    scale = 1 / (1 - Fraction(messages.probability(p)))
    return equals(messages.symbol("scale"), scale, messages)


def _mask_source(problem: Problem, messages: Messages, source: str | None) -> str:
    mask, drawn = problem.mask, problem.drawn
    assert mask is not None
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is None:
        example = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
        return messages.string("fact", source or example, **counts)
    after = messages.after(drawn.skip)
    return messages.string(
        "fact", "mask_drawn", rng=drawn.rng, seed=drawn.seed, after=after, **counts
    )


def upstream_facts(
    trace: Trace, messages: Messages, width: int = BESIDE
) -> list[tuple[Formula, str]]:
    """List ∂L/∂y and where it comes from: it was given, or follows from a loss."""
    loss, n = trace.problem.loss, trace.problem.x.size
    grad_y = Written(take(trace, shown(n)), messages).grad_y
    upstream = vector(
        messages.symbol("grad_y"), grad_y, messages, width, n, result=loss is not None
    )
    if loss is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        return [(upstream, messages.string("fact", "grad_example" if example else "grad_given"))]
    return [
        (loss_equation(trace, messages), messages.string("fact", "loss")),
        (equation(GRAD_Y, loss_gradient(loss)), messages.string("fact", "loss_gradient")),
        (upstream, messages.string("fact", "grad_loss")),
    ]


def loss_equation(trace: Trace, messages: Messages) -> Formula:
    """Write L = Σ yᵢ = 16; without the value where it is beyond the largest float."""
    assert trace.problem.loss is not None
    formula = loss_formula(trace.problem.loss)
    if trace.loss_value is None:
        return formula
    if trace.problem.x.size > SUMMED:
        return equation(formula, as_formula(messages.result(trace.loss_value)), "≈")
    part = take(trace, slice(None))
    value = exact.loss(part.loss, [], part.n)(Written(part, messages).y)
    return equals(formula, value, messages, result=True)


def forward_table(trace: Trace, messages: Messages) -> Table:
    """Tabulate i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    part = take(trace, shown(trace.problem.x.size))
    columns: Columns = {X: [messages.number(v) for v in part.x]}
    if part.mask is not None:
        mask = [f"{bit:d}" for bit in part.mask]
        pairs = zip(mask, columns[X], strict=True)
        columns[messages.symbol("m_i")] = mask
        columns[messages.symbol("forward_i")] = [
            substituted(*pair, trace, messages) for pair in pairs
        ]
    columns[Y] = [messages.result(v) for v in part.y]
    return element_table(columns, trace, messages)


def backward_table(trace: Trace, messages: Messages) -> Table:
    """Tabulate i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution, ∂L/∂x_i, kept or dropped."""
    part = take(trace, shown(trace.problem.x.size))
    upstream = messages.number if part.loss is None else messages.result
    columns: Columns = {GRAD_Y: [upstream(v) for v in part.grad_y]}
    if part.mask is not None:
        mask = [f"{bit:d}" for bit in part.mask]
        pairs = zip(map(messages.number, part.grad_y), mask, strict=True)
        columns[messages.symbol("m_i")] = mask
        columns[messages.symbol("local_value")] = [messages.result(v) for v in part.local_grad]
        columns[BACKWARD] = [substituted(*pair, trace, messages) for pair in pairs]
    columns[GRAD_X] = [messages.result(v) for v in part.grad_x]
    spare = None if part.mask is None else 3
    return element_table(columns, trace, messages)._replace(spare=spare)


def substituted(first: str, second: str, trace: Trace, messages: Messages) -> str:
    """Write first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return messages.result(0)
    return messages.hidden(f"{first} × {second} / {messages.number(1 - trace.problem.p)}")


def element_table(
    columns: Columns, trace: Trace, messages: Messages, *, status: bool = True
) -> Table:
    """Tabulate the elements shown: the index, the columns, and kept or dropped.

    status: whether kept or dropped is shown, after the result in the last of the columns.
    """
    n, mask = trace.problem.x.size, trace.problem.mask
    columns = {INDEX: [f"{i + 1:,}" for i in shown(n)], **columns}
    if status:
        columns[""] = [_status(None if mask is None else mask[i], messages) for i in shown(n)]
    headings, cells = list(columns), columns.values()
    more = messages.string("cell", "more", count=f"{n - SHOWN:,}")
    rows = with_gap(list(zip(*cells, strict=True)), n, (*"⋮" * (len(cells) - 1), more))
    if not status:
        return Table(headings, rows)
    return Table(headings, rows, words=[len(headings) - 1], result=len(headings) - 2)


def _status(kept: bool | None, messages: Messages) -> str:
    """Say that an element is kept, dropped, or in inference passed on."""
    word = "passed" if kept is None else "kept" if kept else "dropped"
    return messages.hidden(f"{SIGNS[kept is None or bool(kept)]} {messages.string('cell', word)}")


def _title(key: str, trace: Trace, messages: Messages) -> str:
    title = messages.string("title", key)
    return title if trace.problem.training else messages.string("title", "inference", title=title)
