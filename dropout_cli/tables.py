"""The two passes of a trace, one row per element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.document import (
    SIGNS,
    Document,
    Facts,
    Formula,
    Heading,
    Paragraph,
    Row,
    Table,
)
from dropout_cli.problem import EXAMPLE_GRAD_Y, EXAMPLE_MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from dropout_cli.dropout import Mask
    from dropout_cli.prose import Voice
    from dropout_cli.trace import Trace

SHOWN = 12  # of a longer vector this many elements are shown, half of them from either end

BESIDE = 30  # columns that a vector may take where words stand beside it

INDEX = Formula("i", "i")
M = Formula("m", "m")
GRAD = Formula("∂L/∂y", r"\frac{\partial L}{\partial y}")
X = Formula("xᵢ", "x_i")
MASK = Formula("mᵢ", "m_i")
Y = Formula("yᵢ", "y_i")
GRAD_Y = Formula("∂L/∂yᵢ", r"\partial L/\partial y_i")
LOCAL_GRAD = Formula("mᵢ/(1−p)", "m_i/(1-p)")
GRAD_X = Formula("∂L/∂xᵢ", r"\partial L/\partial x_i")
FORWARD = Formula("mᵢ·xᵢ/(1−p)", r"m_i \cdot x_i/(1-p)")
BACKWARD = Formula("∂L/∂yᵢ·mᵢ/(1−p)", r"\partial L/\partial y_i \cdot m_i/(1-p)")
FATE = Formula("", "")
LOSSES = {
    "sum": Formula("L = Σ yᵢ", r"L = \sum y_i"),
    "sum-squares": Formula("L = Σ yᵢ²", r"L = \sum y_i^2"),
}
LOSS_GRADIENTS = {"sum": Formula("1", "1"), "sum-squares": Formula("2yᵢ", "2 y_i")}


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


def equation(left: Formula, right: Formula) -> Formula:
    """left = right."""
    return Formula(f"{left.unicode} = {right.unicode}", f"{left.latex} = {right.latex}")


def facts(trace: Trace, voice: Voice) -> Facts:
    """p, 1−p, the scaling factor and the mask; in inference, that there are none."""
    problem = trace.problem
    p = voice.exactly(problem.p)
    if problem.mask is None:
        return Facts([(Formula(f"p = {p}", f"p = {p}"), voice.say("fact", "inference"))])
    keep = voice.number(1 - problem.p)
    if trace.scale is None:
        scale = Formula("1/(1−p)", "1/(1-p)"), voice.say("fact", "scale_undefined")
    else:
        factor = voice.number(trace.scale)
        scale = Formula(f"1/(1−p) = {factor}", f"1/(1-p) = {factor}"), voice.say("fact", "scale")
    return Facts(
        [
            (Formula(f"p = {p}", f"p = {p}"), voice.say("fact", "p")),
            (Formula(f"1−p = {keep}", f"1-p = {keep}"), voice.say("fact", "keep")),
            scale,
            (vector(M, problem.mask, voice, BESIDE), _mask_source(trace, voice)),
        ]
    )


def _mask_source(trace: Trace, voice: Voice) -> str:
    mask, drawn = trace.problem.mask, trace.problem.drawn
    assert mask is not None
    counts = {"kept": f"{mask.sum():,}", "n": f"{mask.size:,}"}
    if drawn is not None:
        return voice.say("fact", "mask_drawn", rng=drawn.rng, seed=drawn.seed, **counts)
    example = np.array_equal(mask, EXAMPLE_MASK)
    return voice.say("fact", "mask_example" if example else "mask_given", **counts)


def upstream_facts(trace: Trace, voice: Voice) -> list[tuple[Formula, str]]:
    """∂L/∂y, and where it comes from: it was given, or a loss has it."""
    loss, told = trace.problem.loss, []
    if loss is None:
        example = np.array_equal(trace.grad_y, EXAMPLE_GRAD_Y)
        source = "grad_example" if example else "grad_given"
    else:
        assert trace.loss is not None
        value = voice.number(trace.loss)
        told.append((equation(LOSSES[loss], Formula(value, value)), voice.say("fact", "loss")))
        gradient = equation(GRAD_Y, LOSS_GRADIENTS[loss])
        told.append((gradient, voice.say("fact", "loss_gradient")))
        source = "grad_loss"
    return [*told, (vector(GRAD, trace.grad_y, voice, BESIDE), voice.say("fact", source))]


def vector(
    symbol: Formula, values: Sequence[float] | NDArray[Any], voice: Voice, width: int
) -> Formula:
    """symbol = [v₁, …, vₙ]ᵀ, with as many of the values from either end as fit in the width."""
    count = len(values)
    for ends in (6, 3, 2, 1):
        if count <= 2 * ends:
            cells = [voice.number(value) for value in values]
        else:
            cells = [voice.number(value) for value in values[:ends]]
            cells += ["…", *(voice.number(value) for value in values[count - ends :])]
        unicode = f"{symbol.unicode} = [{', '.join(cells)}]ᵀ"
        if len(unicode) <= width:
            break
    inside = ", ".join(cells).replace("…", r"\dots")
    return Formula(unicode, rf"{symbol.latex} = [{inside}]^\top")


def forward_table(trace: Trace, voice: Voice) -> Table:
    """i, x_i, m_i, the substitution 1 × 2 / 0.5, y_i, kept or dropped."""
    x, mask, y, number = trace.problem.x, trace.problem.mask, trace.y, voice.number
    if mask is None:
        return element_table([X, Y], lambda i: [number(x[i]), number(y[i])], trace, voice)

    def cells(i: int) -> list[str]:
        value, bit = number(x[i]), f"{mask[i]:d}"
        return [value, bit, substituted(bit, value, trace, voice), number(y[i])]

    return element_table([X, MASK, FORWARD, Y], cells, trace, voice)


def backward_table(trace: Trace, voice: Voice) -> Table:
    """i, ∂L/∂y_i, m_i, m_i/(1−p), the substitution 0.1 × 1 / 0.5, ∂L/∂x_i, kept or dropped."""
    mask, local, number = trace.problem.mask, trace.local_grad, voice.number
    grad_y, grad_x = trace.grad_y, trace.grad_x
    if mask is None:
        return element_table(
            [GRAD_Y, GRAD_X], lambda i: [number(grad_y[i]), number(grad_x[i])], trace, voice
        )

    def cells(i: int) -> list[str]:
        value, bit = number(grad_y[i]), f"{mask[i]:d}"
        product = substituted(value, bit, trace, voice)
        return [value, bit, number(local[i]), product, number(grad_x[i])]

    return element_table([GRAD_Y, MASK, LOCAL_GRAD, BACKWARD, GRAD_X], cells, trace, voice)


def substituted(first: str, second: str, trace: Trace, voice: Voice) -> str:
    """first × second / (1−p) in numbers; 0 at p = 1, where it cannot be divided."""
    if trace.scale is None:
        return "0"
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

    def row(i: int) -> Row:
        if not fates:
            return Row([f"{i + 1:,}", *cells(i)], None)
        kept = mask is None or bool(mask[i])
        fate = "passed" if mask is None else "kept" if kept else "dropped"
        return Row([f"{i + 1:,}", *cells(i), f"{SIGNS[kept]} {voice.say('cell', fate)}"], kept)

    more = voice.say("cell", "more", count=f"{n - SHOWN:,}")
    gap = Row([*"⋮" * (len(columns) + fates), more], None)
    rows = [gap if i is None else row(i) for i in shown(n)]
    return Table([INDEX, *columns, *[FATE] * fates], rows)


def masks_page(
    masks: dict[str, Mask], like: Mask | None, seed: int, p: float, voice: Voice
) -> Document:
    """What each source draws with the seed; like is a mask to compare them with."""
    n = next(iter(masks.values())).size
    given = voice.tell(
        "masks", "given", seed=seed, elements=voice.elements(n), p_value=voice.exactly(p)
    )
    return [
        Heading(voice.say("masks", "title")),
        Paragraph(given),
        masks_table(masks, like, voice),
    ]


def masks_table(masks: dict[str, Mask], like: Mask | None, voice: Voice) -> Table:
    """One row per source: its name, who draws so, its mask, and whether that is the mask like."""
    rows = []
    for rng, mask in masks.items():
        equal = None if like is None else bool(np.array_equal(mask, like))
        cells = [rng, voice.say("source", rng), bits(mask)]
        rows.append(Row(cells if equal is None else [*cells, SIGNS[equal]], equal))
    columns = [_words(voice.say("masks", key)) for key in ("rng", "who", "mask")]
    if like is not None:
        columns.append(_words(voice.say("masks", "equal", mask=bits(like))))
    return Table(columns, rows, numeric=False)


def seeds_page(
    seeds: dict[str, int | None], mask: Mask, p: float, below: int, voice: Voice
) -> Document:
    """With which seed each source draws the mask; None where no seed is < below."""
    sought = voice.tell("masks", "sought", mask=bits(mask), p_value=voice.exactly(p))
    none = voice.say("masks", "none", below=f"{below:,}")
    rows = [
        Row([rng, voice.say("source", rng), none if seed is None else str(seed)], None)
        for rng, seed in seeds.items()
    ]
    columns = [_words(voice.say("masks", key)) for key in ("rng", "who", "seed")]
    table = Table(columns, rows, numeric=False)
    return [Heading(voice.say("masks", "search")), Paragraph(sought), table]


def bits(mask: Mask) -> str:
    """The mask as 1010, its first sixteen elements."""
    return "".join(f"{bit:d}" for bit in mask[:16]) + (" …" if mask.size > 16 else "")


def _words(words: str) -> Formula:
    return Formula(words, rf"\text{{{words}}}")


def over(masks: int | None, voice: Voice) -> str:
    """Over what expectations were summed: so many masks, or each element's two outcomes."""
    if masks is None:
        return voice.say("count", "outcomes")
    return voice.say("count", "masks_one" if masks == 1 else "masks", masks=f"{masks:,}")


def shown(n: int) -> list[int | None]:
    """The elements of n that are shown, from 0; None for the gap between the first and the last."""
    if n <= SHOWN + 1:  # a gap takes a row too
        return list(range(n))
    half = SHOWN // 2
    return [*range(half), None, *range(n - half, n)]


def _title(key: str, trace: Trace, voice: Voice) -> str:
    title = voice.say("title", key)
    return title if trace.problem.training else voice.say("title", "inference", title=title)
