"""Steps 8 to 10: both passes in numbers, the sum as the loss, and PyTorch."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import (
    Block,
    Code,
    Formula,
    Items,
    Paragraph,
    Program,
    Text,
    equation,
    joined,
)
from dropout_cli.losses import LOSSES
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn
from dropout_cli.proof import claims, exact
from dropout_cli.trace import Trace, take
from dropout_cli.views.context import Rendered, StepContext
from dropout_cli.views.notation import GRAD, GRAD_X, M, to_latex
from dropout_cli.views.passes import (
    backward_table,
    element_table,
    forward_table,
    loss_equation,
    scale_equation,
    substituted,
)
from dropout_cli.views.written import SUMMED, Written, as_written, sign

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.problem import Problem

MODULE = """\
class MyDropout(torch.nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        mask = torch.rand_like(x) > self.p
        keep = 1 - self.p if self.p < 1 else 1  # not 0/0
        return x * mask / keep"""
FAIR = """\
torch.manual_seed({seed})
mask = torch.nn.Dropout(p)(torch.ones({n})) != 0
torch.manual_seed({seed})
y = torch.nn.Dropout(p)(x)
torch.allclose(y, x * mask / (1 - p))  # True"""
COMPARE = """\
try:
    import torch
except ModuleNotFoundError:
    raise SystemExit("This cell needs PyTorch: pip install torch")


{module}


p = {p}
x = torch.tensor({x}, requires_grad=True)
for module in MyDropout(p), torch.nn.Dropout(p):
    torch.manual_seed({seed})
    x.grad = None
    y = module(x)
    {backward}
    rounded = [[round(v, 4) for v in vector.tolist()] for vector in (y, x.grad)]
    print(type(module).__name__, *rounded)"""
CHECK = """\
def dropout(x):
    torch.manual_seed({seed})  # the same mask for every difference
    return torch.nn.Dropout(p)(x)


torch.autograd.gradcheck(dropout, x.detach().double().requires_grad_())"""

NUDGE = Fraction(1, 100)
SEED = 42  # what the PyTorch step draws with, where the problem's mask was not drawn
MODULES = ("MyDropout", "nn.Dropout")
LARGEST = 1e37  # in magnitude, so that nothing overflows in PyTorch's float32


def worked_example(context: StepContext) -> Rendered:
    """Show both passes, element by element, with every substitution."""
    trace, messages = context.trace, context.messages
    forward, backward = context.texts
    if not trace.problem.training:
        backward = context.paragraph("backward_inference")
    blocks: list[Block] = [
        forward,
        forward_table(trace, messages),
        backward,
        backward_table(trace, messages),
    ]
    blocks.append(Items(_observed(context)))
    if not messages.hide:
        blocks += _numpy_program(trace)
    return Rendered(blocks, {"y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x})


def _observed(context: StepContext) -> list[Text]:
    """Say what the two passes have in common."""
    trace, mask = context.trace, context.trace.problem.mask
    if mask is None:
        return [context.answer("observe_inference").text]
    points = []
    if not mask.all():
        points.append(context.answer("observe_dropped", count=f"{context.n - mask.sum():,}").text)
    if mask.any() and trace.scale is not None:
        scale = scale_equation(trace.problem.p, context.messages)
        points.append(context.answer("observe_kept", count=f"{mask.sum():,}", scale=scale).text)
    return points


def _numpy_program(trace: Trace) -> list[Block]:
    """Write both passes in NumPy, for the vectors of the trace."""
    problem = trace.problem
    if problem.x.size > claims.ELEMENTS:
        return []
    given = {"x": problem.x, "grad_y": trace.grad_y}
    lines = [f"{name} = np.array({values.tolist()})" for name, values in given.items()]
    if problem.mask is not None:
        lines += [f"mask = np.array({problem.mask.astype(int).tolist()})", f"p = {problem.p!r}"]
    factor = " * 0" if trace.scale is None else " * mask / (1 - p)" if problem.training else ""
    lines += ["", f"y = x{factor}", f"grad_x = grad_y{factor}", "y, grad_x"]
    kept = (
        0 if trace.scale is None else 1 if problem.mask is None else problem.mask / (1 - problem.p)
    )
    output = repr((problem.x * kept, trace.grad_y * kept))
    return [Program("\n".join(["import numpy as np", "", *lines]), output)]


def sum_loss(context: StepContext) -> Rendered:
    """Take the sum as the loss, and see what a nudge of each input does to it."""
    problem = context.trace.problem
    summed = Trace(replace(problem, grad_y=None, loss="sum", loss_asked=False))
    loss = summed.loss_value
    if loss is None:
        return Rendered([*context.texts, *context.formulas, context.paragraph("overflow")], {})
    ones = Written(take(summed, context.shown), context.messages).grad_y
    blocks: list[Block] = [*context.texts, *context.formulas]
    if problem.loss == "sum":
        step = context.messages.step("worked-example")
        blocks.append(context.paragraph("again", step=step))
    blocks += [
        loss_equation(summed, context.messages),
        context.vector(GRAD, summed.grad_y, ones, result=True),
        *_nudges(context, summed, loss),
        *context.check(claims.gradient(summed)),
    ]
    return Rendered(blocks, {"loss": loss, "grad_x": summed.grad_x})


def _nudges(context: StepContext, summed: Trace, loss: float) -> list[Block]:
    """Raise each input shown by NUDGE, and see where the sum of the outputs goes."""
    messages, mask = context.messages, context.trace.problem.mask
    x = as_written(take(summed, context.shown).x)
    kept = [True] * len(x) if mask is None else mask[context.shown].tolist()
    p = Fraction(messages.probability(summed.problem.p))
    factors = None if mask is None else kept

    def output(values: list[Fraction]) -> list[Fraction]:
        return list(exact.forward(values, factors, p))

    changes = [
        after - before
        for before, after in zip(output(x), output([v + NUDGE for v in x]), strict=True)
    ]
    level = Fraction(loss)
    if context.n <= SUMMED:
        whole = Written(take(summed, slice(None)), messages)
        level = Fraction(sum(whole.y, Fraction(0)))
    visible = all(
        messages.number(level + change) != messages.number(level) for change in changes if change
    )
    after = [level + change if visible else change for change in changes]
    slopes = [change / NUDGE for change in changes]
    values = context.each_shown(after, slopes)

    def cells(i: int) -> list[str]:
        gradient = context.result(summed.grad_x[i])
        raised, slope = map(context.result, values[i])
        if mask is None:
            return [gradient, raised, slope]
        return [substituted("1", f"{mask[i]:d}", summed, messages), gradient, raised, slope]

    column, key = ("new_loss", "nudge") if visible else ("change", "nudge_change")
    columns = [GRAD_X, context.words[column], context.words["slope"]]
    if mask is not None:
        columns.insert(0, messages.symbol("backward_1"))
    shown = context.result(level).strip()
    exactly = sign([shown], [level]) == "=" and context.n <= SUMMED
    blocks: list[Block] = [
        context.paragraph(key, level=shown if exactly else f"≈ {shown}"),
        element_table(columns, cells, summed, messages),
    ]
    if mask is not None and not mask.all():
        blocks.append(context.answer("nothing"))
    return blocks


def pytorch(context: StepContext) -> Rendered:
    """Compare a module by hand with nn.Dropout: the masks of one seed, and what follows."""
    problem, p, messages = context.trace.problem, context.trace.problem.p, context.messages
    drawn = problem.drawn
    known = drawn is not None and -(2**63) <= drawn.seed < 2**64
    seed = drawn.seed if drawn is not None and known else _differing_seed(context)
    masks = _masks(seed, context)
    blocks: list[Block] = [
        *context.texts,
        Code(MODULE),
        context.paragraph("seed", seed=seed, p_value=messages.probability(p)),
        *_drawn(context, masks),
    ]
    differences: dict[str, float] = {}
    words = context.paragraph("p_1" if p else "p_0", draws=f"{2**24:,}").text
    if p not in (0, 1):
        # What these masks keep may be too large to be compared.
        with suppress(RequestError, OverflowError):
            compared, differences = _compared(context, masks, seed)
            blocks += compared
        same = (masks["torch-rand"] == masks["torch-cpu"]).all()
        words = context.answer("agree" if same else "differ").text
    if p < 1 and abs(problem.x).max() < LARGEST * (1 - p):
        words = joined(words, context.paragraph("fair").text)
        blocks += [Paragraph(words), Code(FAIR.format(seed=seed, n=context.n))]
    elif words.parts:
        blocks.append(Paragraph(words))
    if not messages.hide:
        blocks += _torch_programs(context, seed, masks)
    numbers: dict[str, Any] = {
        "seed": seed, "masks": {source: mask.view(np.int8) for source, mask in masks.items()},
    }  # fmt: skip
    return Rendered(blocks, numbers | ({"differences": differences} if differences else {}))


def _drawn(context: StepContext, masks: dict[str, Mask]) -> list[Formula]:
    """Write the masks of both modules."""
    return [
        context.vector(_labelled(M, module), mask, result=True)
        for module, mask in zip(MODULES, masks.values(), strict=True)
    ]


def _labelled(symbol: Formula, module: str) -> Formula:
    return Formula(f"{symbol.unicode} ({module})", rf"{symbol.latex} \text{{ ({module})}}")


def _masks(seed: int, context: StepContext) -> dict[str, Mask]:
    """Draw the masks of a module by hand and of nn.Dropout from the seed."""
    p = context.trace.problem.p
    return {source: draw(source, seed, context.n, p) for source in ("torch-rand", "torch-cpu")}


def _differing_seed(context: StepContext) -> int:
    """Find the first seed from SEED whose two masks make a difference to y; else SEED."""
    x, p = context.trace.problem.x, context.trace.problem.p
    near = range(SEED, SEED + 100) if 0 < p < 1 and context.n <= claims.ELEMENTS else ()
    for seed in near:
        by_hand, framework = _masks(seed, context).values()
        if ((by_hand != framework) & (x != 0)).any():
            return seed
    return SEED


def _compared(
    context: StepContext, masks: dict[str, Mask], seed: int
) -> tuple[list[Block], dict[str, float]]:
    """Write y and ∂L/∂x under both masks, and how far they are apart."""
    problems = {
        module: replace(context.trace.problem, mask=mask, drawn=Drawn(source, seed))
        for module, (source, mask) in zip(MODULES, masks.items(), strict=True)
    }
    blocks: list[Block] = []
    differences = {
        name: math.fsum(abs(one - other))
        for name in ("y", "grad_x")
        for one, other in [[getattr(Trace(each), name) for each in problems.values()]]
    }
    for name, difference in differences.items():
        blocks += [
            _output(context, name, module, Trace(problem)) for module, problem in problems.items()
        ]
        blocks.append(_difference(context, name, list(problems.values()), difference))
    return blocks, differences


def _output(context: StepContext, name: str, module: str, trace: Trace) -> Formula:
    """Write y or ∂L/∂x as a module computes it."""
    labelled = _labelled(context.messages.symbol(name), module)
    some = take(trace, context.shown)
    exactly = getattr(Written(some, context.messages), name)
    return context.vector(labelled, getattr(some, name), exactly, n=context.n, result=True)


def _difference(
    context: StepContext, name: str, problems: list[Problem], difference: float
) -> Formula:
    """Write the sum of the absolute differences of y or ∂L/∂x."""
    word, value = context.words["difference"], context.result(difference).strip()
    relation = "≈"  # of more elements than can be summed exactly
    if context.n <= SUMMED:
        both = (
            getattr(Written(take(Trace(each), slice(None)), context.messages), name)
            for each in problems
        )
        exactly = sum((abs(a - b) for a, b in zip(*both, strict=True)), Fraction(0))
        relation = sign([value], [exactly])
    total = Formula(f"Σ |{word}|", rf"\sum \left| \text{{{word}}} \right|")
    return equation(total, Formula(value, to_latex(value)), relation)


def _torch_programs(context: StepContext, seed: int, masks: dict[str, Mask]) -> list[Block]:
    """Write MyDropout and nn.Dropout at work on the vectors of the trace, and a gradient check."""
    trace, problem = context.trace, context.trace.problem
    x, p = problem.x, problem.p
    limit = LARGEST**0.5 if problem.loss == "sum-squares" else LARGEST
    if context.n > claims.ELEMENTS or max(abs(x).max(), abs(trace.grad_y).max()) > limit:
        return []
    backward = f"y.backward(torch.tensor({trace.grad_y.tolist()}))"
    if problem.loss is not None:
        backward = f"{LOSSES[problem.loss].code}.backward()"
    compare = COMPARE.format(module=MODULE, x=x.tolist(), p=p, seed=seed, backward=backward)
    return [
        Program(compare, _printed(context, masks), printed=True),
        Program(CHECK.format(seed=seed), "True"),
    ]


def _printed(context: StepContext, masks: dict[str, Mask]) -> str:
    """Write what the comparison prints: y and ∂L/∂x of both modules, in PyTorch's float32."""
    lines = []
    for module, mask in zip(("MyDropout", "Dropout"), masks.values(), strict=True):
        trace = Trace(replace(context.trace.problem, mask=mask, drawn=None))
        y, gradient = (
            [round(float(np.float32(v)), 4) + 0.0 for v in values]
            for values in (trace.y, trace.grad_x)
        )
        lines.append(f"{module} {y} {gradient}")
    return "\n".join(lines)
