"""Steps 8 to 10: both passes in numbers, the sum as the loss, and PyTorch."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from dropout_cli.arrays import Mask
from dropout_cli.formats import document as doc
from dropout_cli.losses import LOSSES
from dropout_cli.masks import draw
from dropout_cli.problem import Problem
from dropout_cli.proof import exact
from dropout_cli.trace import Trace
from dropout_cli.views import passes
from dropout_cli.views.context import Piece, Rendered, StepContext, as_float
from dropout_cli.views.written import SUMMED, Written
from dropout_cli.words.messages import symbol

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
import torch
p, x = {p}, torch.randn({n})
torch.manual_seed({seed})
mask = torch.nn.Dropout(p)(torch.ones_like(x)) != 0
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
    rounded = [[round(v, 4) + 0.0 for v in vector.tolist()] for vector in (y, x.grad)]
    print(type(module).__name__, *rounded)"""
CHECK = """\
def dropout(x):
    torch.manual_seed({seed})  # the same mask for every difference
    return torch.nn.Dropout(p)(x)


torch.autograd.gradcheck(dropout, x.detach().double().requires_grad_())"""

NUDGE = Fraction(1, 100)
SEED = 42  # of the PyTorch step, if PyTorch did not draw the problem's mask
MODULES = ("MyDropout", "nn.Dropout")
LARGEST = 1e18  # in magnitude, so that no square overflows in PyTorch's float32


def worked_example(context: StepContext) -> Rendered:
    """Show both passes, element by element, with every substitution."""
    trace, messages = context.trace, context.messages
    tables = passes.forward_table(context), passes.backward_table(context)
    pieces: list[Piece] = ["forward", tables[0], "backward", tables[1]]
    if not messages.blank:
        pieces += _observed(context)
    if not messages.hide and context.n <= SUMMED:
        pieces.append(_numpy_program(trace))
    return pieces, {"y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}


def _observed(context: StepContext) -> list[doc.Block]:
    """State what the two passes have in common in training."""
    mask, p = context.trace.problem.mask, context.trace.problem.p
    if mask is None:
        return []
    points = []
    if not mask.all():
        again = context.words["observe_again"] if p < 1 else ""
        count = f"{context.n - mask.sum():,}"
        points.append(context.paragraph("observe_dropped", count=count, again=again).text)
    if mask.any():
        count, scale = f"{mask.sum():,}", context.scale_equation
        points.append(context.paragraph("observe_kept", count=count, scale=scale).text)
    return [doc.Items(points)]


def _numpy_program(trace: Trace) -> doc.Program:
    """Write both passes in NumPy, for the vectors of the trace."""
    x, grad_y = trace.problem.x, trace.grad_y
    mask, p = trace.problem.mask, trace.problem.p
    given = [f"x = np.array({x.tolist()})", f"grad_y = np.array({grad_y.tolist()})"]
    factor, scaled = np.ones_like(x), ""
    if mask is not None and p == 1:
        factor, scaled = np.zeros_like(x), " * 0"
    elif mask is not None:
        given += [f"mask = np.array({mask.astype(int).tolist()})", f"p = {p!r}"]
        factor, scaled = mask / (1 - p), " * mask / (1 - p)"
    both = [f"y = x{scaled}", f"grad_x = grad_y{scaled}", "y, grad_x"]
    code = "\n".join(["import numpy as np", "", *given, "", *both])
    return doc.Program(code, repr((x * factor, grad_y * factor)))


def sum_loss(context: StepContext) -> Rendered:
    """Take the sum as the loss, and show how a nudge of each input changes it."""
    problem = replace(context.trace.problem, grad_y=None, loss="sum")
    context = replace(context, trace=Trace(problem))
    pieces: list[Piece] = ["ones", passes.loss_equation(context)]
    if context.n <= SUMMED:
        pieces += _nudges(context)
    pieces += context.claim("gradient")
    return pieces, {"loss": context.trace.loss_value, "grad_x": context.trace.grad_x}


def _nudges(context: StepContext) -> list[doc.Block]:
    """Raise each input shown by NUDGE, and tabulate the new sum of the outputs."""
    mask, messages = context.trace.problem.mask, context.messages
    written, shown = Written(context.trace), context.written
    bits = None if mask is None else mask[context.shown].tolist()
    raised = exact.forward([v + NUDGE for v in shown.x], bits, written.p)
    changes = [after - before for after, before in zip(raised, shown.y, strict=True)]
    total = sum(written.y, Fraction(0))
    digits = len(str(int(abs(total)))) + 3  # that show a nudge, where a float has as many
    precise = messages._replace(precision=max(messages.precision, digits if digits < 18 else 0))
    columns: passes.Columns = {
        passes.GRAD_X: messages.results(shown.grad_x),
        context.words["new_loss"]: precise.results(total + change for change in changes),
        context.words["slope"]: messages.results(change / NUDGE for change in changes),
    }
    if bits is not None:
        product = passes.substituted(["1"] * len(bits), [f"{bit:d}" for bit in bits], context)
        columns = {symbol("backward_1"): product, **columns}
    loss = replace(context, messages=precise).equals(symbol("L"), total, result=True)
    blocks: list[doc.Block] = [
        context.paragraph("nudge", loss=loss),
        passes.element_table(columns, context),
    ]
    if mask is not None and not mask.all() and not messages.blank:
        blocks.append(context.paragraph("nothing"))
    return blocks


def pytorch(context: StepContext) -> Rendered:
    """Compare a module by hand with nn.Dropout: the masks of one seed, and what follows."""
    problem, messages = context.trace.problem, context.messages
    seed = _seed(problem)
    masks = _masks(seed, problem)
    numbers: dict[str, Any] = {
        "seed": seed, "masks": {rng: mask.view(np.int8) for rng, mask in masks.items()},
    }  # fmt: skip
    pieces: list[Piece] = ["module", doc.Code(MODULE)]
    if problem.p in (0, 1):
        pieces.append("p_1" if problem.p else "p_0")
    else:
        compared, numbers["differences"] = _compared(context, list(masks.values()))
        same = (masks["torch-rand"] == masks["torch-cpu"]).all()
        because = context.paragraph("agree" if same else "differ").text
        pieces += [
            context.paragraph("seed", seed=seed),
            *compared,
            doc.Paragraph(doc.joined(because, context.paragraph("fair").text)),
            doc.Code(FAIR.format(seed=seed, n=context.n, p=messages.probability(problem.p))),
        ]
    if not messages.hide and context.n <= SUMMED:
        pieces += _torch_programs(context, seed, list(masks.values()))
    return pieces, numbers


def _masks(seed: int, problem: Problem) -> dict[str, Mask]:
    """Draw the masks of a module by hand and of nn.Dropout from the seed."""
    return {rng: draw(rng, seed, problem.x.size, problem.p) for rng in ("torch-rand", "torch-cpu")}


def _seed(problem: Problem) -> int:
    """Choose the seed of a mask that PyTorch drew; else one whose two masks change y, near SEED."""
    if problem.drawn is not None and problem.drawn.rng.startswith("torch"):
        return problem.drawn.seed
    for seed in range(SEED, SEED + 100) if 0 < problem.p < 1 else ():
        by_hand, framework = _masks(seed, problem).values()
        if ((by_hand != framework) & (problem.x != 0)).any():
            return seed
    return SEED


def _compared(context: StepContext, masks: list[Mask]) -> tuple[list[doc.Block], dict[str, Any]]:
    """Write both masks, y and ∂L/∂x under each of them, and how far they are apart."""
    blocks: list[doc.Block] = _of_both(context, "m", [mask.tolist() for mask in masks])
    if context.n > SUMMED:
        return blocks, {}
    by_hand, framework = (Written(context.under(mask).trace) for mask in masks)
    word = context.words["difference"]
    total = doc.Formula(f"Σ |{word}|", rf"\sum \left| \text{{{word}}} \right|")
    differences = {}
    for name in ("y", "grad_x"):
        first, second = getattr(by_hand, name), getattr(framework, name)
        apart = sum((abs(a - b) for a, b in zip(first, second, strict=True)), Fraction(0))
        blocks += _of_both(context, name, [first, second])
        blocks.append(context.equals(total, apart, result=True))
        differences[name] = as_float(apart)
    if by_hand.grad_y != framework.grad_y:
        blocks.append(context.paragraph("own"))
    return blocks, differences


def _of_both(context: StepContext, name: str, vectors: list[list[Any]]) -> list[doc.Block]:
    """Write a vector under the mask of each module."""
    unicode, latex = symbol(name)
    labels = [doc.Formula(f"{unicode} ({m})", rf"{latex} \text{{ ({m})}}") for m in MODULES]
    pairs = zip(labels, vectors, strict=True)
    return [context.vector(label, values, result=True) for label, values in pairs]


def _torch_programs(context: StepContext, seed: int, masks: list[Mask]) -> list[doc.Block]:
    """Write MyDropout and nn.Dropout at work on the vectors of the trace, and a gradient check."""
    trace, problem = context.trace, context.trace.problem
    if max(abs(problem.x).max(), abs(trace.grad_y).max()) > LARGEST:
        return []
    backward = f"y.backward(torch.tensor({trace.grad_y.tolist()}))"
    if problem.loss is not None:
        backward = f"{LOSSES[problem.loss].code}.backward()"
    compare = COMPARE.format(
        module=MODULE, x=problem.x.tolist(), p=problem.p, seed=seed, backward=backward
    )
    printed = []
    for module, mask in zip(MODULES, masks, strict=True):
        each = context.under(mask).trace
        vectors = (values.astype(np.float32).tolist() for values in (each.y, each.grad_x))
        rounded = ([round(v, 4) + 0.0 for v in vector] for vector in vectors)
        printed.append(" ".join(map(str, [module.removeprefix("nn."), *rounded])))
    return [
        doc.Program(compare, "\n".join(printed), printed=True),
        doc.Program(CHECK.format(seed=seed), "True"),
    ]
