"""The known mistakes, each as the formula that it computes, and which of them explain a finding.

Adding a mistake is adding a line to one of the tables, and a sentence to each language's prose.
"""

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.proof.finding import Finding
from dropout_cli.trace import Trace
from dropout_cli.verify import chance
from dropout_cli.verify.answer import Answer

Formula = Callable[[FloatArray, FloatArray, float], tuple[FloatArray, ...]]

# What each mistake makes of v: of x in the forward pass, of ∂L/∂y in the backward pass.
IN_TRAINING: dict[str, Formula] = {
    "not-scaled": lambda v, m, p: () if m.all() else (v * m,),  # that would be not-applied
    "not-masked": lambda v, m, p: (v / (1 - p),),
    "divided-by-p": lambda v, m, p: (v * m / p,),
    "inverted": lambda v, m, p: (v * (1 - m) / (1 - p),),
    "not-applied": lambda v, m, p: (v,),
    "scaled-twice": lambda v, m, p: (v * m / (1 - p) ** 2,),
    "multiplied-by-keep": lambda v, m, p: (v * m * (1 - p),),
    "multiplied-by-p": lambda v, m, p: (v * m * p,),
    "scaled-by-count": lambda v, m, p: () if m.all() or not m.any() else (v * m / m.mean(),),
    "other-mask": lambda v, m, p: (0 * v, v / (1 - p)),
}
AT_P_1: dict[str, Formula] = {
    "nan-at-p-1": lambda v, m, p: (v * m / (1 - p),),
    "not-applied": IN_TRAINING["not-applied"],
}
IN_INFERENCE: dict[str, Formula] = {
    "drops-in-inference": lambda v, m, p: (0 * v, v / (1 - p)),
    "scales-in-inference": lambda v, m, p: (v * (1 - p),),
}
SUMS = ("sum", "sum-squares")  # losses that may be averaged by mistake
# What each mistake makes of the gradient alone; nothing where it cannot be made.
IN_GRADIENT: dict[str, Callable[[Trace], tuple[FloatArray, ...]]] = {
    "gradient-cut": lambda t: (0 * t.grad_x,),
    "times-x": lambda t: (t.grad_x * t.problem.x,),
    "ignores-grad-y": lambda t: () if t.problem.loss else (t.local_grad,),
    "mean-loss": lambda t: (t.grad_x / t.grad_x.size,) if t.problem.loss in SUMS else (),
    "sum-loss": lambda t: (t.grad_x * t.grad_x.size,) if t.problem.loss == "mean" else (),
}


def fitting(answer: Answer, about: str) -> list[str]:
    """Name the mistakes that give these values of y or grad_x: a swap, or the formulas that fit."""
    if _swapped(answer):
        return ["swapped"]
    names, nan = [], np.isnan(answer.values[about])
    for name, choices in wrong_values(answer.trace, about).items():
        fits = [answer.near(about, values) | nan & np.isnan(values) for values in choices]
        if np.any(fits, axis=0).all():
            names.append(name)
    # A formula explains more than a free choice.
    return [name for name in names if name != "other-mask"] or names


def _swapped(answer: Answer) -> bool:
    """Test whether y is what ∂L/∂x should be and vice versa, where neither x nor ∂L/∂y is 0."""
    y, grad_x = answer.trace.y, answer.trace.grad_x
    shown = (answer.trace.problem.x != 0) & (answer.trace.grad_y != 0)
    if len(answer.values) < 2 or answer.near("y", y)[shown].all():
        return False
    return bool((answer.near("y", grad_x) & answer.near("grad_x", y))[shown].all())


def wrong_values(trace: Trace, about: str) -> dict[str, tuple[FloatArray, ...]]:
    """Compute what each mistake makes of y or grad_x in this trace, by its name.

    Where a mistake leaves each element a choice, as another mask does, the values it may have.
    """
    problem = trace.problem
    v = problem.x if about == "y" else trace.grad_y
    m = np.zeros_like(v) if problem.mask is None else problem.mask.astype(np.float64)
    formulas = IN_TRAINING if problem.training else IN_INFERENCE
    if problem.training and problem.p == 1:
        formulas = AT_P_1
    with np.errstate(all="ignore"):
        values = {name: formula(v, m, problem.p) for name, formula in formulas.items()}
        if about == "grad_x":
            values |= {name: mistake(trace) for name, mistake in IN_GRADIENT.items()}
    return {name: some for name, some in values.items() if some}


def explain_call(answer: Answer, about: str) -> list[str]:
    """Name the mistakes that explain a wrong y or ∂L/∂x of a layer, the best first.

    At p = 0, at p = 1 and in inference, where many formulas agree, the effect is named instead.
    """
    problem, got, right = answer.trace.problem, answer.values[about], answer.right(about)
    if problem.training and problem.p == 1:
        return ["nan-at-p-1" if np.isnan(got).any() else "keeps-at-p-1"]
    names = fitting(answer, about)
    if names == ["swapped"]:
        return names
    if problem.training and problem.p > 0:
        return names or _at_zero(answer, about)
    names = [name for name in names if name in IN_GRADIENT] or _at_zero(answer, about)
    if names and names != ["gradient-cut"]:
        return names
    if problem.training and not np.isfinite(got).all():
        return ["not-finite-at-p-0"]
    if (got[right != 0] == 0).any():
        names.append("drops-at-p-0" if problem.training else "drops-in-inference")
    if not problem.training and answer.factor(about) is not None:
        names.append("scales-in-inference")
    return names


def _at_zero(answer: Answer, about: str) -> list[str]:
    """Name what goes wrong only where x is 0: the mask is read from y, or y divided by x."""
    got, zero = answer.values[about], answer.trace.problem.x == 0
    if about != "grad_x" or not zero.any():
        return []
    if np.isnan(got[zero]).any() and np.isfinite(got[~zero]).all():
        return ["nan-at-zero"]
    lost = not got[zero].any() and got[~zero & (answer.trace.grad_y != 0)].all()
    return ["lost-at-zero"] if lost else []


def explain_share(p: float, kept: int, n: int) -> list[str]:
    """Name the mistakes that explain why `kept` of n elements were kept, which p does not."""
    if kept in (0, n):
        return ["drops-nothing" if kept else "drops-everything"]
    normal = NormalDist().cdf
    shares = {
        "keeps-with-p": (p,),
        "drawn-normal": (normal(-p), normal(1 - p)),  # randn() > p, randn() < 1-p
    }
    return [name for name, qs in shares.items() if any(likely(q, kept, n) for q in qs)]


def likely(q: float, kept: int, n: int) -> bool:
    """Test whether `kept` of n fits the keep probability q."""
    return chance.chernoff_bound(kept, n, chance.Model(q, 2.0**-22)) >= chance.LEVEL


def in_all(named: Sequence[Sequence[str]]) -> list[str]:
    """Return the names that are in each of these, in the order of the first."""
    return [name for name in named[0] if all(name in names for names in named)]


def reconcile(findings: Sequence[Finding]) -> list[Finding]:
    """Name the mistake behind each failure, if one explains it at every p.

    At one p alone formulas may coincide: at p = 0.5, v·m·p is v·m·(1−p).
    """
    named: dict[str, list[Sequence[str]]] = {}
    for each in findings:
        if each.ok is False:
            named.setdefault(each.id, []).append(each.mistakes)
    common = {name: in_all(some) for name, some in named.items()}
    cut = "gradient-cut" in common.get("same-mask", ["gradient-cut"])
    cause, got = _cause(findings)
    found = []
    for each in findings:
        if each.ok is False and each.reason is not None:
            names = list(each.mistakes)
            if each.about != "mask" and "raised" not in names:
                names = common[each.id]
            if "gradient-cut" in names and len(names) > 1:
                names = [name for name in names if (name == "gradient-cut") is cut]
            if cause and each.id in CAUSED:
                names, each = [cause], each._replace(reason=each.reason._replace(got=got))
            each = each._replace(mistakes=names)
        found.append(each)
    return found


CAUSED = ("p-0", "p-1", "values", "same-mask", "kept-fraction")  # what one cause may explain


def _cause(findings: Sequence[Finding]) -> tuple[str, str]:
    """Find the one mistake with p, if any: it is shared, or the keep probability, or ignored.

    The last two are found by the p that fits the values and the share of the kept. Returns the
    name of the mistake, or "", and where p is ignored the p that fits.
    """
    if any("p-shared" in each.mistakes for each in findings):
        return "p-shared", ""
    fits: dict[float, float] = {}
    for p in dict.fromkeys(each.p for each in findings if 0 < each.p < 1):
        at_p = {each.id: each for each in findings if each.p == p}
        values, share = at_p["values"], at_p["kept-fraction"].reason
        factor = 1.0 if values.ok else values.reason and values.reason.factor
        if values.ok is None or not factor or share is None or not share.n:
            return "", ""
        fits[p] = round(1 - (1 - p) / factor, 4)
        if not 0 < fits[p] < 1 or not likely((1 - p) / factor, share.counted, share.n):
            return "", ""
    if all(abs(p - fit) < 1e-4 for p, fit in fits.items()):
        return "", ""
    if all(abs(1 - p - fit) < 1e-4 for p, fit in fits.items()):
        return "p-is-keep", ""
    return ("p-ignored", f"{max(fits.values()):.4g}") if len(set(fits.values())) == 1 else ("", "")
