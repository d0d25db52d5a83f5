"""The steps of the derivation, a function for each, which yields its blocks in reading order.

The words are content (words/*.toml); a step computes what it says of the problem at hand, and
returns what gives the numbers in it, of all elements, where they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.formats.document import (
    Block,
    Check,
    Code,
    Facts,
    Formula,
    Items,
    Paragraph,
    Program,
    equation,
)
from dropout_cli.losses import LOSSES
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn
from dropout_cli.proof import claims
from dropout_cli.proof.finding import Finding
from dropout_cli.trace import Trace, take
from dropout_cli.views.notation import (
    GRAD,
    GRAD_X,
    GRAD_Y,
    WIDTH,
    X,
    Y,
    bracketed,
    column_vectors,
    loss_formula,
    loss_gradient,
    shown,
    shown_alone,
    subscript,
    to_latex,
    vector,
)
from dropout_cli.views.passes import (
    backward_table,
    element_table,
    facts,
    forward_table,
    keep_equation,
    scale_equation,
    substituted,
    upstream_facts,
)
from dropout_cli.views.sources import masks_table
from dropout_cli.views.written import SUMMED, Written, sign
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.problem import Problem
    from dropout_cli.words.messages import Voice

SEED = 42  # what the PyTorch step draws with, where the problem's mask was not drawn

Numbers = Callable[[], dict[str, Any]]
Telling = Generator[Block, None, Numbers]


class Told(NamedTuple):
    """What a step tells: a trace, in a voice, with the words of the step."""

    trace: Trace
    voice: Voice
    words: dict[str, Any]

    @property
    def n(self) -> int:
        """The number of elements."""
        return int(self.trace.problem.x.size)

    @property
    def shown(self) -> list[int]:
        """The elements that are shown, from 0."""
        return shown_alone(self.n)

    @property
    def written(self) -> Written:
        """The elements that are shown, in exact fractions of the numbers as they are written."""
        return Written(take(self.trace, self.shown), self.voice)

    def each_shown(self, *vectors: Iterable[Any]) -> dict[int, tuple[Any, ...]]:
        """The values of each element shown, of vectors that hold those elements alone."""
        return dict(zip(self.shown, zip(*vectors, strict=True), strict=True))

    @property
    def texts(self) -> list[Block]:
        """The paragraphs that open the step."""
        return [Paragraph(self.voice.text(text)) for text in self.words["text"]]

    @property
    def formulas(self) -> list[Formula]:
        """The formulas of the step."""
        return [Formula(each["unicode"], each["latex"]) for each in self.words["formulas"]]

    def say(self, key: str, **values: object) -> Paragraph:
        """The step's words at key; {n_value} is always the number of elements."""
        return Paragraph(self.voice.text(self.words[key], n_value=f"{self.n:,}", **values))

    def check(self, finding: Finding, key: str = "check", **values: object) -> Check:
        """What was checked, in the step's words at key, and what came of it."""
        if finding.ok is None:
            key = f"{key}_silent"
        elements = self.voice.part(finding.checked, self.n)
        method = self.voice.text(self.words[key], elements=elements, **values)
        outcome = {True: "holds", False: "fails", None: "silent"}[finding.ok]
        if finding.ok and finding.max_error:
            outcome = "holds_nearly"
        error = f"{finding.max_error:.3g}"
        return Check(finding.ok, self.voice.tell("check", outcome, method=method, error=error))

    def claim(self, name: str, key: str = "check", **values: object) -> Check:
        """The check of a claim."""
        return self.check(claims.check(name, self.trace), key, **values)

    def number(self, value: float | Fraction) -> str:
        """The value to the voice's digits."""
        return self.voice.number(value)

    def result(self, value: float | Fraction) -> str:
        """A number that is to be computed: a blank where results are hidden."""
        return self.voice.results.number(value)

    def upstream(self, value: float) -> str:
        """An element of ∂L/∂y, which is to be computed where it follows from a loss."""
        return self.number(value) if self.trace.problem.loss is None else self.result(value)

    def vector(
        self, symbol: Formula, values: Sequence[float] | np.ndarray, exactly: Sequence[Fraction]
    ) -> Formula:
        """symbol = [v₁, …, vₙ]ᵀ, with as many of the values as fit; exactly: of those shown."""
        return vector(symbol, values, self.voice, WIDTH, exactly)

    def results(
        self,
        symbol: Formula,
        values: Sequence[float] | np.ndarray,
        exactly: Sequence[Fraction],
        n: int | None = None,
    ) -> Formula:
        """A vector that is to be computed; of n elements, if the values are those shown alone."""
        return vector(symbol, values, self.voice.results, WIDTH, exactly, n)


def definition(told: Told) -> Telling:
    """What dropout does: by cases, and with a mask."""
    problem, trace = told.trace.problem, told.trace
    p, keep = told.voice.probability(problem.p), told.number(1 - problem.p)
    less = equation(Formula(f"1 − {p}", f"1 - {p}"), keep, sign([keep], [1 - Fraction(p)]))
    yield from told.texts
    yield from told.formulas
    if problem.training:
        yield told.say("here")
    else:
        yield told.say("here_inference", step=told.voice.step("inference"))
    yield Formula(
        f"P(mᵢ = 1) = {less.unicode},   P(mᵢ = 0) = {p}",
        rf"P(m_i = 1) = {less.latex}, \qquad P(m_i = 0) = {p}",
    )
    yield facts(trace, told.voice)
    yield told.claim("definition")
    return lambda: {"p": problem.p, "keep": float(1 - Fraction(problem.p)), "scale": trace.scale}


def setup(told: Told) -> Telling:
    """What is given and what is sought."""
    x, y = told.trace.problem.x, told.trace.y
    yield from told.texts
    yield from told.formulas
    yield told.say("here")
    yield told.vector(told.voice.symbol("x"), x, told.written.x)
    yield told.results(told.voice.symbol("y"), y, told.written.y)
    errors = (claims.check(name, told.trace).max_error for name in claims.CLAIMS)
    rounding = next(filter(None, errors), None)
    if rounding is not None and not told.voice.hide:
        yield told.say("rounding", error=f"{rounding:.3g}")
    yield told.claim("forward")
    return lambda: {"n": told.n, "x": x, "y": y}


def chain_rule(told: Told) -> Telling:
    """The gradient as a product of two factors."""
    trace, mask = told.trace, told.trace.problem.mask
    i = 0 if mask is None else int(mask.argmax())  # the first kept element, if there is one
    vectors = (trace.grad_y, trace.local_grad, trace.grad_x)
    upstream, local, gradient = (float(values[i]) for values in vectors)
    factors, product = (told.upstream(upstream), told.result(local)), told.result(gradient)
    one = Written(take(trace, [i]), told.voice)
    signs = sign(factors, one.grad_y + one.local_grad), _product_sign(*factors, product)
    k, sub = i + 1, subscript(i + 1)
    yield from told.texts
    yield from told.formulas
    yield Facts(upstream_facts(trace, told.voice))
    yield told.say("here", number=k)
    numbers = f" {signs[0]} {factors[0]} × {factors[1]} {signs[1]} {product}"
    yield Formula(
        f"∂L/∂x{sub} = ∂L/∂y{sub} · ∂y{sub}/∂x{sub}{numbers}",
        rf"\frac{{\partial L}}{{\partial x_{{{k}}}}} = \frac{{\partial L}}{{\partial y_{{{k}}}}}"
        rf" \cdot \frac{{\partial y_{{{k}}}}}{{\partial x_{{{k}}}}}{to_latex(numbers)}",
    )
    yield told.claim("chain-rule")
    return lambda: {"i": k, "grad_y": upstream, "local_grad": local, "grad_x": gradient}


def _product_sign(first: str, second: str, product: str) -> str:
    """The sign between first × second and their product, as they are told."""
    if BLANK in (first, second):
        return "="
    return sign([product], [Fraction(first) * Fraction(second)])


def local_gradient(told: Told) -> Telling:
    """The Jacobian, and why backward must use the mask of forward."""
    yield from told.texts
    yield from told.formulas
    yield told.say("here")
    yield _jacobian(told)
    yield told.claim("local-gradient")
    changed = claims.changed_by_a_fresh_mask(told.trace)
    fresh = ""
    if changed:
        fresh = told.say("fresh", changed=told.voice.changed(changed, told.n)).text.plain
    yield told.say("same_mask", fresh=fresh)
    yield told.claim("same-mask", "check_same_mask")
    return lambda: {"local_grad": told.trace.local_grad, "changed_by_a_fresh_mask": float(changed)}


def _jacobian(told: Told) -> Formula:
    """The Jacobian as a matrix while it fits, else as diag(…)."""
    local, n = told.trace.local_grad, told.n
    if n <= 6:
        matrix = [[told.result(local[i] if i == j else 0.0) for j in range(n)] for i in range(n)]
        width = max(len(cell) for line in matrix for cell in line)
        if n * (width + 2) <= WIDTH - 8:
            lines = ["  ".join(cell.rjust(width) for cell in line) for line in matrix]
            cells = r" \cr ".join(" & ".join(map(to_latex, line)) for line in matrix)
            relation = sign(map(told.result, local), told.written.local_grad)
            latex = rf"J {to_latex(relation)} \begin{{bmatrix}} {cells} \end{{bmatrix}}"
            return Formula(bracketed(f"J {relation} ", lines), latex)
    diagonal = told.results(Formula("J", "J"), local, told.written.local_grad)
    return Formula(
        diagonal.unicode.replace("[", "diag(").replace("]ᵀ", ")"),
        diagonal.latex.replace("[", r"\mathrm{diag}(").replace(r"]^\top", ")"),
    )


def gradient(told: Told) -> Telling:
    """The two cases, kept and dropped."""
    mask = told.trace.problem.mask
    kept = told.n if mask is None else int(mask.sum())
    yield from told.texts
    yield from told.formulas
    if mask is None:
        yield told.say("here_inference")
    else:
        yield told.say("here", kept=f"{kept:,}", dropped=f"{told.n - kept:,}")
    if told.trace.problem.loss is None:
        yield told.say("loss", loss=_any_loss(told))
    yield told.claim("gradient")
    return lambda: {"kept": kept, "dropped": told.n - kept}


def _any_loss(told: Told) -> Formula:
    """L = 0.1y₁ + 0.2y₂: a loss whose gradient is the one that is given."""
    grad_y, last = told.trace.grad_y, told.n - 1
    some = list(range(told.n)) if told.n <= 4 else [0, 1, last]
    numbers = [told.number(grad_y[i]) for i in some]
    exactly = Written(take(told.trace, some), told.voice).grad_y
    total = ""
    for i, number in zip(some, numbers, strict=True):
        size = number.removeprefix("-")
        factor = "" if size == "1" else f"{size}·" if "e" in size else size
        total += f"{' − ' if number != size else ' + '}{factor}y{subscript(i + 1)}"
        if i == 1 < last - 1 and len(some) == 3:
            total += " + …"
    total = total.removeprefix(" + ").replace(" − ", "−", total.startswith(" −"))
    return equation(told.voice.symbol("L"), Formula(total, to_latex(total)), sign(numbers, exactly))


def vector_form(told: Told) -> Telling:
    """All elements at once, as a column of products."""
    trace = told.trace

    factors = [
        (told.upstream(trace.grad_y[i]), told.result(trace.local_grad[i])) for i in told.shown
    ]
    products = [told.result(trace.grad_x[i]) for i in told.shown]
    exactly = zip(told.written.grad_y, told.written.local_grad, strict=True)
    rounded = [sign(pair, values) for pair, values in zip(factors, exactly, strict=True)]
    multiplied = [
        _product_sign(*pair, product) for pair, product in zip(factors, products, strict=True)
    ]
    signs = ["=", *("≈" if "≈" in each else "=" for each in (rounded, multiplied))]
    numbers = told.each_shown(factors, products)

    def line(i: int) -> tuple[str, str, str]:
        sub, (pair, product) = subscript(i + 1), numbers[i]
        factor = f"m{sub}/(1−p)" if trace.problem.training else "1"
        return f"∂L/∂y{sub} · {factor}", " × ".join(pair), product

    lines = [("⋮", "⋮", "⋮") if i is None else line(i) for i in shown(told.n)]
    yield from told.texts
    yield from told.formulas
    yield told.say("here")
    yield from column_vectors("∂L/∂x", list(zip(*lines, strict=True)), signs)
    yield told.claim("backward")
    return lambda: {"grad_x": trace.grad_x}


def proof(told: Told) -> Telling:
    """The gradient again, by the total differential."""
    *derivation, conclusion = told.formulas
    part = take(told.trace, slice(claims.ELEMENTS))
    n = part.x.size
    dx = claims.step(n)
    dy = [d * Fraction(float(v)) for d, v in zip(dx, part.local_grad, strict=True)]
    by_y, by_x = claims.differential(part.grad_y, dy), claims.differential(part.grad_x, dx)
    yield from told.texts
    yield from derivation
    yield told.say("therefore")
    yield conclusion
    if n == told.n:
        yield told.say("here")
    else:
        yield told.say("here_part", elements=told.voice.part(n, told.n))
    written = Written(take(told.trace, slice(claims.ELEMENTS)), told.voice)
    change = [d * local for d, local in zip(dx, written.local_grad, strict=True)]
    total = sum((g * d for g, d in zip(written.grad_y, change, strict=True)), Fraction(0))
    yield told.vector(told.voice.symbol("dx"), [float(d) for d in dx], dx)
    yield told.results(Formula("dy", r"\mathrm{d}y"), [float(d) for d in dy], change)
    for symbol, value in ((derivation[0], told.result(by_y)), (derivation[3], told.result(by_x))):
        yield equation(symbol, Formula(value, to_latex(value)), sign([value], [total]))
    yield told.claim("total-differential")
    return lambda: {"dx": [float(d) for d in dx], "dL_by_y": _float(by_y), "dL_by_x": _float(by_x)}


def worked_example(told: Told) -> Telling:
    """Both passes, element by element, with every substitution."""
    trace, voice = told.trace, told.voice
    inference = [equation(Y, X), equation(GRAD_X, GRAD_Y)]
    forward, backward = told.formulas if trace.problem.training else inference
    (text,) = told.words["text"]
    same_mask = told.words["same_mask"] if trace.problem.training else ""
    yield Paragraph(voice.text(text, same_mask=same_mask))
    yield told.say("forward")
    yield forward
    yield forward_table(trace, voice)
    yield told.say("upstream")
    upstream = told.vector if trace.problem.loss is None else told.results
    yield upstream(GRAD, trace.grad_y, told.written.grad_y)
    yield told.say("backward")
    yield backward
    yield backward_table(trace, voice)
    if not voice.hide:
        yield from _observed(told)
        yield from _program(trace)
    zero = claims.check("zero", trace)
    yield told.check(zero, dropped=voice.elements(zero.checked))
    return lambda: {"y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x}


def _program(trace: Trace) -> Iterable[Program]:
    """Both passes in NumPy, for the vectors of the trace."""
    problem = trace.problem
    if problem.x.size > claims.ELEMENTS:
        return
    given = {"x": problem.x, "grad_y": trace.grad_y}
    lines = [f"{name} = np.array({values.tolist()})" for name, values in given.items()]
    if problem.mask is not None:
        lines += [f"mask = np.array({problem.mask.astype(int).tolist()})", f"p = {problem.p!r}"]
    factor = " * 0" if trace.scale is None else " * mask / (1 - p)" if problem.training else ""
    lines += ["", f"y = x{factor}", f"grad_x = grad_y{factor}", "y, grad_x"]
    yield Program("\n".join(["import numpy as np", "", *lines]))


def _module_program(told: Told, seed: int) -> Iterable[Program]:
    """MyDropout at work on the vectors of the trace."""
    trace, problem = told.trace, told.trace.problem
    if told.n > claims.ELEMENTS:
        return
    backward = f"y.backward(torch.tensor({trace.grad_y.tolist()}))"
    if problem.loss is not None:
        backward = f"{LOSSES[problem.loss].code}.backward()"
    yield Program(
        "import torch\n\n\n"
        f"{told.words['code'].strip()}\n\n\n"
        f"torch.manual_seed({seed})\n"
        f"x = torch.tensor({problem.x.tolist()}, requires_grad=True)\n"
        f"y = MyDropout(p={problem.p!r})(x)\n"
        f"{backward}\n"
        "y, x.grad"
    )


def _observed(told: Told) -> Iterable[Block]:
    """What the two passes have in common."""
    trace, mask = told.trace, told.trace.problem.mask
    if mask is None:
        yield told.say("observe_inference")
    elif not mask.all():
        yield told.say("observe_dropped", count=f"{told.n - mask.sum():,}")
    if mask is not None and mask.any() and trace.scale is not None:
        yield told.say(
            "observe_kept",
            count=f"{mask.sum():,}",
            scale=scale_equation(trace.problem.p, told.voice),
        )


def sum_loss(told: Told) -> Telling:
    """The gradient of L = Σ y_i, by the formula and by automatic differentiation."""
    problem = told.trace.problem
    summed = Trace(replace(problem, grad_y=None, loss="sum", loss_asked=False))
    loss = summed.loss_value
    if loss is None:
        yield from (*told.texts, *told.formulas, told.say("overflow"))
        return dict
    some = take(summed, told.shown)
    gradients = told.each_shown(some.grad_x, claims.automatic(some))

    def cells(i: int) -> list[str]:
        by_hand, automatic = gradients[i]
        error = abs(Fraction(float(by_hand)) - automatic)
        found = [told.result(v) for v in (by_hand, automatic, error)]
        if problem.mask is None:
            return found
        return [substituted("1", f"{problem.mask[i]:d}", summed, told.voice), *found]

    words = [told.words[name] for name in ("automatic", "difference")]
    columns = [GRAD_X, *words]
    if problem.mask is not None:
        columns.insert(0, Formula("1·mᵢ/(1−p)", r"1 \cdot m_i/(1-p)"))
    yield from told.texts
    yield from told.formulas
    if problem.loss == "sum":
        yield told.say("again", step=told.voice.step("worked-example"))
    yield Facts(upstream_facts(summed, told.voice))
    yield element_table(columns, cells, summed, told.voice)
    yield told.check(claims.gradient(summed))
    problem = summed.problem  # the trace's vectors need not be held until the next step
    return lambda: {"loss": loss, "grad_x": Trace(problem).grad_x}


def pytorch(told: Told) -> Telling:
    """A module by hand and nn.Dropout: the masks that one seed gives them, and what follows."""
    problem, p = told.trace.problem, told.trace.problem.p
    drawn = problem.drawn
    seed = drawn.seed if drawn and -(2**63) <= drawn.seed < 2**64 else _telling_seed(told)
    masks = _masks(seed, told)
    differences: dict[str, float] = {}
    yield from told.texts
    yield Code(told.words["code"].strip("\n"))
    yield from told.formulas
    yield told.say("seed", seed=seed, p_value=told.voice.probability(p))
    yield masks_table(masks, None, told.voice)
    if p in (0, 1):
        yield told.say("p_1" if p else "p_0", draws=f"{2**24:,}")
    else:
        problems = {
            module: replace(problem, mask=mask, drawn=Drawn(source, seed))
            for module, (source, mask) in zip(
                ("MyDropout", "nn.Dropout"), masks.items(), strict=True
            )
        }
        # What these masks keep may be too large to be compared.
        with suppress(RequestError, OverflowError):
            differences |= {name: _difference(name, *problems.values()) for name in ("y", "grad_x")}
            yield told.say("compare")
            for name, difference in differences.items():
                yield from _compared(told, name, problems, difference)
        same = (masks["torch-rand"] == masks["torch-cpu"]).all()
        yield told.say("agree" if same else "differ")
    if p < 1:
        yield told.say("right")
    key = "check_p_1" if p == 1 and problem.training else "check"
    yield told.check(claims.module_by_hand(told.trace), key)
    if not told.voice.hide:
        yield from _module_program(told, seed)
    bits = {source: mask.view(np.int8) for source, mask in masks.items()}
    compared = {"differences": differences} if differences else {}
    return lambda: {"seed": seed, "masks": bits, **compared}


def _masks(seed: int, told: Told) -> dict[str, Mask]:
    """What a module by hand and nn.Dropout draw from the seed."""
    p = told.trace.problem.p
    return {source: draw(source, seed, told.n, p) for source in ("torch-rand", "torch-cpu")}


def _telling_seed(told: Told) -> int:
    """The first seed from SEED whose two masks make a difference to y; SEED if none is near."""
    x, p = told.trace.problem.x, told.trace.problem.p
    near = range(SEED, SEED + 100) if 0 < p < 1 and told.n <= claims.ELEMENTS else ()
    for seed in near:
        by_hand, framework = _masks(seed, told).values()
        if ((by_hand != framework) & (x != 0)).any():
            return seed
    return SEED


def _difference(name: str, one: Problem, other: Problem) -> float:
    """The sum of the absolute differences between y or ∂L/∂x of two problems of equal length."""
    return math.fsum(abs(getattr(Trace(one), name) - getattr(Trace(other), name)))


def _compared(
    told: Told, name: str, problems: dict[str, Problem], difference: float
) -> Iterable[Formula]:
    """y or ∂L/∂x of two problems, and their difference."""
    symbol = {"y": Y, "grad_x": GRAD_X}[name]
    for module, problem in problems.items():
        latex = rf"{symbol.latex.removesuffix('_i')}_{{\text{{{module}}}}}"
        told_as = Formula(f"{symbol.unicode.removesuffix('ᵢ')} ({module})", latex)
        some = take(Trace(problem), told.shown)
        exactly = getattr(Written(some, told.voice), name)
        yield told.results(told_as, getattr(some, name), exactly, told.n)
    word, value = told.words["difference"], told.result(difference)
    relation = "≈"  # of more elements than can be summed exactly
    if told.n <= SUMMED:
        both = (
            getattr(Written(take(Trace(each), slice(None)), told.voice), name)
            for each in problems.values()
        )
        exact = sum((abs(a - b) for a, b in zip(*both, strict=True)), Fraction(0))
        relation = sign([value], [exact])
    total = Formula(f"Σ |{word}|", rf"\sum \left| \text{{{word}}} \right|")
    yield equation(total, Formula(value, to_latex(value)), relation)


def why_scale(told: Told) -> Telling:
    """What the factor 1/(1−p) is for: expectations, and what it costs, variance."""
    trace, p = told.trace, told.trace.problem.p
    mean = (
        claims.first_expectation(trace.problem)
        if len(told.shown) == told.n
        else claims.Expectation(trace.problem, told.shown)
    )
    moments = told.each_shown(mean.unscaled, mean.y, mean.variance, mean.grad_x)
    columns = [
        X,
        Formula("E[mᵢ·xᵢ]", r"\mathbb{E}[m_i x_i]"),
        Formula("E[yᵢ]", r"\mathbb{E}[y_i]"),
        Formula("Var[yᵢ]", r"\mathrm{Var}[y_i]"),
        Formula("E[∂L/∂xᵢ]", r"\mathbb{E}[\partial L/\partial x_i]"),
    ]

    def cells(i: int) -> list[str]:
        return [told.number(trace.problem.x[i]), *map(told.result, moments[i])]

    yield from told.texts
    yield from told.formulas
    yield told.say("here", p_value=told.voice.probability(p), over=told.voice.over(mean.masks))
    yield element_table(columns, cells, trace, told.voice, fates=False)
    if not told.voice.hide:
        yield from _expected(told, mean)
    names = ("expected-output", "expected-gradient", "nonlinear-gradient", "variance")
    found = [claims.check(name, trace) for name in names]
    said = [finding for finding in found if finding.ok is not None]
    worst = max(said or found, key=lambda finding: finding.max_error)
    ok = all(finding.ok for finding in said) if said else None
    yield told.check(worst._replace(ok=ok))

    def numbers() -> dict[str, Any]:
        moments: dict[str, Any] = {"unscaled": [], "y": [], "variance": [], "grad_x": []}
        for start in range(0, told.n, claims.ELEMENTS):
            part = claims.Expectation(trace.problem, slice(start, start + claims.ELEMENTS))
            for name, values in moments.items():
                values += map(_float, getattr(part, name))
        return {**moments, "masks": mean.masks}

    return numbers


def _expected(told: Told, mean: claims.Expectation) -> Iterable[Block]:
    """What the factor preserves, and what it does not."""
    p = told.trace.problem.p
    if p in (0, 1):
        yield told.say("p_1" if p else "p_0")
    else:
        key = "kept_output" if mean.grad_y is None else "kept"
        yield told.say(key, keep=keep_equation(p, told.voice))
        yield told.say(
            "nonlinear",
            squares=loss_formula("sum-squares"),
            gradient=loss_gradient("sum-squares"),
            scale=scale_equation(p, told.voice),
        )


def inference(told: Told) -> Telling:
    """Inference, where dropout is the identity."""
    still = Trace(replace(told.trace.problem, mask=None, drawn=None))
    yield from told.texts
    yield from told.formulas
    try:
        vectors = still.problem.x, still.y, still.grad_y, still.grad_x
    except RequestError:  # nobody asked for the loss of this output
        yield from (told.say("overflow"), told.claim("inference"))
        return dict
    say = (told.number, told.result, told.upstream, told.result)
    yield told.say("here")

    def cells(i: int) -> list[str]:
        return [tell(vector[i]) for tell, vector in zip(say, vectors, strict=True)]

    yield element_table([X, Y, GRAD_Y, GRAD_X], cells, still, told.voice)
    yield told.claim("inference")
    return lambda: {"y": still.y, "grad_x": still.grad_x}


def summary(told: Told) -> Telling:
    """The formulas, the key points, the card, and that every claim holds."""
    words = told.words
    yield from told.texts
    yield Facts(list(zip(told.formulas, words["names"], strict=True)))
    yield told.say("remember")
    yield Items([told.voice.text(point) for point in words["points"]])
    yield told.say("carry")
    yield Formula(**words["card"])
    yield Facts([(told.voice.symbol(name), meaning) for name, meaning in words["legend"]])
    found = [claims.check(name, told.trace) for name in claims.CLAIMS]
    said = [finding for finding in found if finding.ok is not None]
    worst = max(finding.max_error for finding in said)
    holds = all(finding.ok for finding in said)
    yield told.check(Finding(worst, holds, told.n), claims=len(said))
    return lambda: {"claims": len(said), "largest_difference": worst}


STEPS: dict[str, Callable[[Told], Telling]] = {
    "definition": definition,
    "setup": setup,
    "chain-rule": chain_rule,
    "local-gradient": local_gradient,
    "gradient": gradient,
    "vector-form": vector_form,
    "proof": proof,
    "worked-example": worked_example,
    "sum-loss": sum_loss,
    "pytorch": pytorch,
    "why-scale": why_scale,
    "inference": inference,
    "summary": summary,
}


def _float(value: Fraction) -> float | None:
    """The value as JSON can hold it."""
    try:
        return float(value)
    except OverflowError:
        return None
