"""Steps 1 to 7: from what dropout does to the proof of its gradient.

Each step is a function that computes what it says of the problem at hand, in reading order; the
words are content (words/*.toml).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dropout_cli.formats.document import Block, Facts, Formula, equation
from dropout_cli.proof import claims
from dropout_cli.trace import take
from dropout_cli.verify.mistakes import IN_TRAINING
from dropout_cli.views.context import Rendered, StepContext, as_float, product_sign
from dropout_cli.views.notation import (
    GRAD,
    WIDTH,
    P,
    bracketed,
    column_vectors,
    shown,
    subscript,
    to_latex,
    vector,
)
from dropout_cli.views.passes import facts, keep_equation, upstream_facts
from dropout_cli.views.written import Written, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.trace import Trace

LABELLED = 44  # columns that a vector may take beside a label


def definition(context: StepContext) -> Rendered:
    """Say what dropout does, by cases and with a mask."""
    problem, messages = context.trace.problem, context.messages
    cases, masked = context.formulas
    why, with_mask = context.words["text"]
    keep, p = keep_equation(problem.p, messages), equation(P, messages.probability(problem.p))
    probabilities = Formula(
        f"P(mᵢ = 1) = {keep.unicode},   P(mᵢ = 0) = {p.unicode}",
        rf"P(m_i = 1) = {keep.latex}, \qquad P(m_i = 0) = {p.latex}",
    )
    blocks: list[Block] = [
        context.fill(why, step=messages.step("why-scale")),
        facts(context.trace, messages),
    ]
    if not problem.training:
        blocks.append(context.paragraph("inference", step=messages.step("inference")))
    blocks += [cases, context.fill(with_mask), masked, probabilities]
    numbers = {
        "p": problem.p, "keep": float(1 - Fraction(problem.p)), "scale": context.trace.scale,
    }  # fmt: skip
    return Rendered(blocks, numbers)


def setup(context: StepContext) -> Rendered:
    """Say what is given and what is sought, and follow two elements there and back."""
    x, y, loss = context.trace.problem.x, context.trace.y, context.trace.problem.loss
    x_formula, y_formula = context.formulas
    blocks: list[Block] = [
        *context.texts,
        context.vector(x_formula, x, context.written.x),
        context.vector(y_formula, y, context.written.y, result=True),
    ]
    if loss is None:
        grad_y = context.trace.grad_y
        blocks.append(context.vector(GRAD, grad_y, context.written.grad_y))
    else:
        blocks.append(Facts(upstream_facts(context.trace, context.messages)))
    story = _story(context)
    key = "story" if len(story) > 1 else "story_one"
    blocks += [
        context.paragraph(key if context.trace.problem.training else "story_inference"),
        *story,
    ]
    return Rendered(blocks, {"n": context.n, "x": x, "y": y})


def _story(context: StepContext) -> list[Block]:
    """Follow the first kept and the first dropped element through the mask, there and back."""
    trace, mask = context.trace, context.trace.problem.mask
    firsts = {0} if mask is None else {int(mask.argmax()), int(mask.argmin())}
    story: list[Block] = []
    for i in sorted(firsts):
        one = Written(take(trace, [i]), context.messages)
        exactly = (one.x, one.y, one.grad_y, one.grad_x)
        x, y = context.number(trace.problem.x[i]), context.result(trace.y[i])
        grad_y, grad_x = context.upstream(trace.grad_y[i]), context.result(trace.grad_x[i])
        shown = [cell.strip() for cell in (x, y, grad_y, grad_x)]
        signs = [sign([cell], value) for cell, value in zip(shown, exactly, strict=True)]
        factor = context.number(trace.local_grad[i])
        if sign([factor], one.local_grad) == "≈":
            factor = "1/(1−p)"
        through = f"—×{context.messages.hidden(factor).strip()}→"
        sub = subscript(i + 1)
        symbols = (f"x{sub}", f"y{sub}", f"∂L/∂y{sub}", f"∂L/∂x{sub}")
        x, y, grad_y, grad_x = (" ".join(each) for each in zip(symbols, signs, shown, strict=True))
        unicode = f"{x} {through} {y},   {grad_y} {through} {grad_x}"
        over = to_latex(through.strip("—→"))
        arrow = rf" \enspace \overset{{{over}}}{{\longrightarrow}} \enspace "
        there, back = f"{x} {through} {y}", f"{grad_y} {through} {grad_x}"
        latex = r", \qquad ".join(
            arrow.join(map(to_latex, part.split(f" {through} "))) for part in (there, back)
        )
        story.append(Formula(unicode, latex))
    return story


def chain_rule(context: StepContext) -> Rendered:
    """Write the gradient as a product of two factors."""
    total, product = context.formulas
    ways, left, factors = context.texts
    trace, i = context.trace, _example(context.trace)
    vectors = (trace.grad_y, trace.local_grad, trace.grad_x)
    upstream, local, result = (float(values[i]) for values in vectors)
    numbers = {"i": i + 1, "grad_y": upstream, "local_grad": local, "grad_x": result}
    return Rendered([ways, total, left, product, factors], numbers)


def _example(trace: Trace) -> int:
    """Choose the element of the example: the first that is kept, if there is one."""
    return 0 if trace.problem.mask is None else int(trace.problem.mask.argmax())


def local_gradient(context: StepContext) -> Rendered:
    """Derive the Jacobian, and why backward must use the mask of forward."""
    trace, messages = context.trace, context.messages
    own, other = context.formulas
    constant, diagonal = context.texts
    changed = claims.changed_by_a_fresh_mask(trace)
    fresh = ""
    if changed:
        fresh = messages.fill(
            context.words["fresh"], changed=messages.changed(changed, context.n)
        ).plain
    zeros = not (trace.problem.x.all() and trace.grad_y.all())
    blocks: list[Block] = [
        constant,
        own,
        other,
        diagonal,
        _jacobian(context),
        context.paragraph("same_mask", fresh=fresh),
        *context.claim("local-gradient"),
        *context.claim("same-mask", "check_same_mask_but_zeros" if zeros else "check_same_mask"),
    ]
    numbers = {"local_grad": trace.local_grad, "changed_by_a_fresh_mask": float(changed)}
    return Rendered(blocks, numbers)


def _jacobian(context: StepContext) -> Formula:
    """Write the Jacobian as a matrix while it fits, else as diag(…)."""
    local, n = context.trace.local_grad, context.n
    exactly = context.written.local_grad
    if n <= 6:
        matrix = [[context.result(local[i] if i == j else 0.0) for j in range(n)] for i in range(n)]
        width = max(len(cell) for line in matrix for cell in line)
        if n * (width + 2) <= WIDTH - 8:
            lines = ["  ".join(cell.rjust(width) for cell in line) for line in matrix]
            cells = r" \cr ".join(" & ".join(map(to_latex, line)) for line in matrix)
            relation = sign(map(context.result, local), exactly)
            latex = rf"J {to_latex(relation)} \begin{{bmatrix}} {cells} \end{{bmatrix}}"
            return Formula(bracketed(f"J {relation} ", lines), latex)
    diagonal = context.vector(context.messages.symbol("J"), local, exactly, result=True)
    return Formula(
        diagonal.unicode.replace("[", "diag(").replace("]ᵀ", ")"),
        diagonal.latex.replace("[", r"\mathrm{diag}(").replace(r"]^\top", ")"),
    )


def gradient(context: StepContext) -> Rendered:
    """Write the gradient by its two cases, kept and dropped, with one element as an example."""
    trace, mask = context.trace, context.trace.problem.mask
    kept = context.n if mask is None else int(mask.sum())
    product, cases = context.formulas
    blocks: list[Block] = [*context.texts, product, cases]
    if mask is None:
        blocks.append(context.paragraph("inference"))
    blocks.append(_one_gradient(context, _example(trace)))
    if trace.problem.loss is None:
        blocks.append(context.paragraph("loss", loss=_any_loss(context)))
    blocks += [*context.claim("gradient"), *_mistakes(context)]
    return Rendered(blocks, {"kept": kept, "dropped": context.n - kept})


def _one_gradient(context: StepContext, i: int) -> Formula:
    """Write ∂L/∂x₁ = ∂L/∂y₁ · m₁/(1−p) = 0.1 × 2 = 0.2."""
    trace = context.trace
    upstream = context.upstream(trace.grad_y[i]).strip()
    local, result = (
        context.result(values[i]).strip() for values in (trace.local_grad, trace.grad_x)
    )
    one = Written(take(trace, [i]), context.messages)
    before = sign((upstream, local), one.grad_y + one.local_grad)
    after = product_sign(upstream, local, result)
    k, sub = i + 1, subscript(i + 1)
    numbers = f" {before} {upstream} × {local} {after} {result}"
    factor, factor_latex = f"m{sub}/(1−p)", rf"\frac{{m_{{{k}}}}}{{1-p}}"
    if not trace.problem.training:
        factor = factor_latex = "1"
    return Formula(
        f"∂L/∂x{sub} = ∂L/∂y{sub} · {factor}{numbers}",
        rf"\frac{{\partial L}}{{\partial x_{{{k}}}}} = \frac{{\partial L}}{{\partial y_{{{k}}}}}"
        rf" \cdot {factor_latex}{to_latex(numbers)}",
    )


def _any_loss(context: StepContext) -> Formula:
    """Write L = 0.1y₁ + 0.2y₂: a loss with the gradient that is given."""
    grad_y, last = context.trace.grad_y, context.n - 1
    some = list(range(context.n)) if context.n <= 4 else [0, 1, last]
    numbers = [context.number(grad_y[i]) for i in some]
    exactly = Written(take(context.trace, some), context.messages).grad_y
    total = ""
    for i, number in zip(some, numbers, strict=True):
        size = number.removeprefix("-")
        factor = "" if size == "1" else f"{size}·" if "e" in size else size
        total += f"{' − ' if number != size else ' + '}{factor}y{subscript(i + 1)}"
        if i == 1 < last - 1 and len(some) == 3:
            total += " + …"
    total = total.removeprefix(" + ").replace(" − ", "−", total.startswith(" −"))
    loss = context.messages.symbol("L")
    return equation(loss, Formula(total, to_latex(total)), sign(numbers, exactly))


def _mistakes(context: StepContext) -> list[Block]:
    """Compare the gradient with what comes of forgetting the factor or the mask."""
    trace, mask, written = context.trace, context.trace.problem.mask, context.written
    if mask is None or not mask.any() or mask.all() or not trace.grad_x.any():
        return []
    unscaled, unmasked = (
        IN_TRAINING[name](trace.grad_y, mask.astype(float), trace.problem.p)[0]
        for name in ("not-scaled", "not-masked")
    )
    some = mask[context.shown].tolist()
    rows = {
        "right": (trace.grad_x, written.grad_x),
        "unscaled": (unscaled, [g * kept for g, kept in zip(written.grad_y, some, strict=True)]),
        "unmasked": (unmasked, [g / (1 - written.p) for g in written.grad_y]),
    }
    if (trace.grad_y[~mask] == 0).all():  # and then nothing comes of forgetting it
        del rows["unmasked"]
    symbol = context.messages.symbol("grad_x")
    compared = [
        (vector(symbol, values, context.messages, LABELLED, exactly, result=True), key)
        for key, (values, exactly) in rows.items()
    ]
    key = "mistakes" if "unmasked" in rows else "mistakes_factor"
    facts = [(formula, context.words[key]) for formula, key in compared]
    return [context.paragraph(key), Facts(facts)]


def vector_form(context: StepContext) -> Rendered:
    """Write all elements at once, as a column of products."""
    blocks: list[Block] = [*context.texts, *context.formulas, *_columns(context)]
    return Rendered(blocks, {"grad_x": context.trace.grad_x})


def _columns(context: StepContext) -> list[Formula]:
    """Write ∂L/∂x as a column of products, of their numbers, and of the results."""
    trace, written = context.trace, context.written
    factors = [
        (context.upstream(trace.grad_y[i]), context.result(trace.local_grad[i]))
        for i in context.shown
    ]
    products = [context.result(trace.grad_x[i]) for i in context.shown]
    exactly = zip(written.grad_y, written.local_grad, strict=True)
    rounded = [sign(pair, values) for pair, values in zip(factors, exactly, strict=True)]
    multiplied = [
        product_sign(*pair, product) for pair, product in zip(factors, products, strict=True)
    ]
    signs = ["=", *("≈" if "≈" in each else "=" for each in (rounded, multiplied))]
    numbers = context.each_shown(factors, products)

    def line(i: int) -> tuple[str, str, str]:
        sub, (pair, product) = subscript(i + 1), numbers[i]
        factor = f"m{sub}/(1−p)" if trace.problem.training else "1"
        return f"∂L/∂y{sub} · {factor}", " × ".join(pair), product

    lines = [("⋮", "⋮", "⋮") if i is None else line(i) for i in shown(context.n)]
    return column_vectors("∂L/∂x", list(zip(*lines, strict=True)), signs)


def proof(context: StepContext) -> Rendered:
    """Prove the gradient again, by the total differential."""
    derivation, conclusion, by_y_formula, by_x_formula = context.formulas
    part = take(context.trace, slice(claims.ELEMENTS))
    n = part.x.size
    dx = claims.step(n)
    dy = [d * Fraction(float(v)) for d, v in zip(dx, part.local_grad, strict=True)]
    by_y, by_x = claims.differential(part.grad_y, dy), claims.differential(part.grad_x, dx)
    written = Written(part, context.messages)
    change = [d * local for d, local in zip(dx, written.local_grad, strict=True)]
    total = sum((g * d for g, d in zip(written.grad_y, change, strict=True)), Fraction(0))
    here = context.paragraph("here")
    if n < context.n:
        here = context.paragraph("here_part", elements=context.messages.part(n, context.n))
    symbol = context.messages.symbol
    text, therefore = context.texts
    blocks: list[Block] = [
        text,
        derivation,
        therefore,
        conclusion,
        here,
        context.vector(symbol("dx"), _floats(dx), dx),
        context.vector(symbol("dy"), _floats(dy), change, result=True),
        _total(context, by_y_formula, by_y, total),
        _total(context, by_x_formula, by_x, total),
        *context.claim("total-differential"),
    ]
    numbers = {"dx": _floats(dx), "dL_by_y": as_float(by_y), "dL_by_x": as_float(by_x)}
    return Rendered(blocks, numbers)


def _floats(values: Sequence[Fraction]) -> list[float]:
    return [float(value) for value in values]


def _total(context: StepContext, formula: Formula, value: Fraction, exactly: Fraction) -> Formula:
    """Write dL = Σ … = 0.02."""
    shown = context.result(value).strip()
    return equation(formula, Formula(shown, to_latex(shown)), sign([shown], [exactly]))
