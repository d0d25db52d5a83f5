"""The two passes of a trace, one row per element, as pages and as records."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import SIGNS, Document, Facts, Formula, Heading, Table, equation
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK
from dropout_cli.trace import Trace, take
from dropout_cli.views.notation import (
    BACKWARD,
    BESIDE,
    FATE,
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
    from dropout_cli.words.messages import Voice

SCHEMA = "dropout-cli/trace/1"


def forward_record(trace: Trace) -> ForwardRecord:
    """The forward pass: the schema's keys up to y."""
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
    """The forward and the backward pass: all the schema's keys."""
    return {
        **forward_record(trace),
        "grad_y": trace.grad_y,
        "grad_y_source": trace.problem.loss or "given",
        "loss": trace.loss_value,
        "local_grad": trace.local_grad,
        "grad_x": trace.grad_x,
    }


def forward_page(trace: Trace, voice: Voice) -> Document:
    """The forward pass: what is given, the formula, one row per element."""
    formula = equation(Y, FORWARD) if trace.problem.training else equation(Y, X)
    return [
        Heading(_title("forward", trace, voice)),
        facts(trace, voice),
        formula,
        forward_table(trace, voice),
    ]


def backward_page(trace: Trace, voice: Voice) -> Document:
    """The backward pass: what is given, the formula, one row per element."""
    formula = equation(GRAD_X, BACKWARD) if trace.problem.training else equation(GRAD_X, GRAD_Y)
    return [
        Heading(_title("backward", trace, voice)),
        Facts([*facts(trace, voice).facts, *upstream_facts(trace, voice)]),
        formula,
        backward_table(trace, voice),
    ]


def facts(trace: Trace, voice: Voice, source: str | None = None) -> Facts:
    """p, 1−p, the scaling factor and the mask; in inference, that there are none.

    source: the words for where the mask is from, where the trace does not say it.
    """
    problem = trace.problem
    p = voice.probability(problem.p)
    matrix: list[tuple[Formula, str]] = []
    if problem.shape is not None:
        shape = " × ".join(map(str, problem.shape))
        matrix.append((X, voice.say("fact", "x_shape", shape=shape)))
    if problem.mask is None:
        return Facts([*matrix, (equation(P, p), voice.say("fact", "inference"))])
    if trace.scale is None:
        scale = SCALE, voice.say("fact", "scale_undefined")
    else:
        scale = scale_equation(problem.p, voice), voice.say("fact", "scale")
    return Facts(
        [
            *matrix,
            (equation(P, p), voice.say("fact", "p")),
            (keep_equation(problem.p, voice), voice.say("fact", "keep")),
            scale,
            (vector(M, problem.mask, voice, BESIDE), _mask_source(trace, voice, source)),
        ]
    )


def keep_equation(p: float, voice: Voice) -> Formula:
    """1−p = 0.9, or ≈ 0.666667."""
    keep = voice.number(1 - p)
    return equation(KEEP, keep, sign([keep], [1 - Fraction(voice.probability(p))]))


def scale_equation(p: float, voice: Voice) -> Formula:
    """1/(1−p) = 2, or ≈ 1.42857."""
    scale = voice.number(1 / (1 - p))
    return equation(SCALE, scale, sign([scale], [1 / (1 - Fraction(voice.probability(p)))]))


def _mask_source(trace: Trace, voice: Voice, source: str | None) -> str:
    mask, drawn = trace.problem.mask, trace.problem.drawn
    assert mask is not None
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        key = "mask_drawn_after" if drawn.skip else "mask_drawn"
        return voice.say("fact", key, **counts, **vars(drawn))
    if source is None:
        source = "mask_example" if np.array_equal(mask, EXAMPLE_MASK) else "mask_given"
    return voice.say("fact", source, **counts)


def upstream_facts(trace: Trace, voice: Voice) -> list[tuple[Formula, str]]:
    """∂L/∂y, and where it comes from: it was given, or follows from a loss."""
    loss, n = trace.problem.loss, trace.problem.x.size
    told: list[tuple[Formula, str]] = []
    if loss is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        source = "grad_example" if example else "grad_given"
    else:
        total = loss_formula(loss)
        if trace.loss_value is not None:
            value = voice.results.number(trace.loss_value)
            relation = Written(take(trace, slice(None)), voice).loss_sign(value)
            total = equation(total, Formula(value, to_latex(value)), relation)
        gradient = equation(GRAD_Y, loss_gradient(loss))
        told = [
            (total, voice.say("fact", "loss")),
            (gradient, voice.say("fact", "loss_gradient")),
        ]
        source = "grad_loss"
    say = voice if loss is None else voice.results
    some = take(trace, shown_alone(n))
    exactly = Written(some, voice).grad_y
    upstream = vector(GRAD, some.grad_y, say, BESIDE, exactly, n)
    return [*told, (upstream, voice.say("fact", source))]


def forward_table(trace: Trace, voice: Voice) -> Table:
    """i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    x, mask, y = trace.problem.x, trace.problem.mask, trace.y
    number, result = voice.number, voice.results.number
    if mask is None:
        return element_table([X, Y], lambda i: [number(x[i]), result(y[i])], trace, voice)

    def cells(i: int) -> list[str]:
        value, bit = number(x[i]), f"{mask[i]:d}"
        return [value, bit, substituted(bit, value, trace, voice), result(y[i])]

    return element_table([X, MASK, FORWARD, Y], cells, trace, voice)


def backward_table(trace: Trace, voice: Voice) -> Table:
    """i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution 0.1 × 1 / 0.5, ∂L/∂x_i, kept or dropped."""
    mask, local = trace.problem.mask, trace.local_grad
    grad_y, grad_x = trace.grad_y, trace.grad_x
    result = voice.results.number
    upstream = voice.number if trace.problem.loss is None else result
    if mask is None:
        return element_table(
            [GRAD_Y, GRAD_X], lambda i: [upstream(grad_y[i]), result(grad_x[i])], trace, voice
        )

    def cells(i: int) -> list[str]:
        value, bit = upstream(grad_y[i]), f"{mask[i]:d}"
        product = substituted(value, bit, trace, voice)
        return [value, bit, result(local[i]), product, result(grad_x[i])]

    return element_table([GRAD_Y, MASK, LOCAL_GRAD, BACKWARD, GRAD_X], cells, trace, voice)


def substituted(first: str, second: str, trace: Trace, voice: Voice) -> str:
    """first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return voice.results.number(0)
    return f"{first} × {second} / {voice.number(1 - trace.problem.p)}"


def element_table(
    columns: Sequence[Formula],
    cells: Callable[[int], list[str]],
    trace: Trace,
    voice: Voice,
    *,
    fates: bool = True,
) -> Table:
    """The columns between the index and the fate of each element, for the elements shown.

    cells: what stands in the columns for the element i, from 0. fates: whether what the mask does
    to each element is told.
    """
    n, mask = trace.problem.x.size, trace.problem.mask

    def row(i: int) -> list[str]:
        if not fates:
            return [f"{i + 1:,}", *cells(i)]
        kept = mask is None or bool(mask[i])
        fate = "passed" if mask is None else "kept" if kept else "dropped"
        return [f"{i + 1:,}", *cells(i), f"{SIGNS[kept]} {voice.say('cell', fate)}"]

    more = voice.say("cell", "more", count=f"{n - SHOWN:,}")
    gap = [*"⋮" * (len(columns) + fates), more]
    rows = [gap if i is None else row(i) for i in shown(n)]
    return Table([INDEX, *columns, *[FATE] * fates], rows, words=[len(columns) + 1] * fates)


def _title(key: str, trace: Trace, voice: Voice) -> str:
    title = voice.say("title", key)
    return title if trace.problem.training else voice.say("title", "inference", title=title)
