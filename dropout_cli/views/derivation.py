"""Steps 1 to 7: from what dropout does to the proof of its gradient.

Each step is a function that computes its numbers for the problem at hand, in reading order; its
words are in words/*.toml.
"""

from fractions import Fraction
from operator import mul

from dropout_cli.formats.document import Facts, Formula, equation
from dropout_cli.proof import claims
from dropout_cli.trace import Trace
from dropout_cli.views.context import Piece, Rendered, StepContext, as_float
from dropout_cli.views.notation import WIDTH, as_formula, indexed, matrices, with_gap
from dropout_cli.views.passes import facts, upstream_facts
from dropout_cli.views.written import SUMMED, Written, sign
from dropout_cli.words.messages import symbol

LARGEST_MATRIX = 6  # rows of a Jacobian that is written out


def definition(context: StepContext) -> Rendered:
    """Define dropout, by cases and with a mask."""
    problem, (cases, masked) = context.trace.problem, context.formulas
    p, keep = context.p_equation, context.keep_equation
    probabilities = Formula(
        f"P(mᵢ = 1) = {keep.unicode},   P(mᵢ = 0) = {p.unicode}",
        rf"P(m_i = 1) = {keep.latex}, \qquad P(m_i = 0) = {p.latex}",
    )
    pieces: list[Piece] = ["why", Facts(facts(context))]
    if not problem.training:
        pieces.append("inference")
    pieces += [cases, "with_mask", masked, probabilities]
    keep_value = float(1 - Fraction(problem.p))
    return pieces, {"p": problem.p, "keep": keep_value, "scale": context.trace.scale}


def setup(context: StepContext) -> Rendered:
    """State what is given and what is sought, and follow two elements there and back."""
    trace, (x, y) = context.trace, context.formulas
    pieces: list[Piece] = [
        "goal",
        context.vector(x, context.written.x),
        context.vector(y, context.written.y, result=True),
        Facts(upstream_facts(context)),
        "story",
        *(_there_and_back(context, i) for i in _examples(trace)),
    ]
    return pieces, {"n": context.n, "x": trace.problem.x, "y": trace.y}


def _there_and_back(context: StepContext, i: int) -> Formula:
    """Write x₁ = 2 —×2→ y₁ = 4,   ∂L/∂y₁ = 0.1 —×2→ ∂L/∂x₁ = 0.2."""
    one, messages = Written(context.trace, [i]), context.messages
    factor = messages.number(one.local_grad[0])
    if sign([factor], one.local_grad) == "≈":
        factor = "1/(1−p)"
    arrow = f" —×{messages.hidden([factor])[0]}→ "
    computed = context.trace.problem.loss is not None
    x, y = _element(context, "x", i, one.x[0], result=False), _element(context, "y", i, one.y[0])
    grad_y = _element(context, "∂L/∂y", i, one.grad_y[0], result=computed)
    grad_x = _element(context, "∂L/∂x", i, one.grad_x[0])
    return as_formula(f"{x}{arrow}{y},   {grad_y}{arrow}{grad_x}")


def _element(
    context: StepContext, name: str, i: int, value: Fraction, *, result: bool = True
) -> str:
    """Write x₁ = 2. result: whether the reader is to compute it."""
    return context.equals(as_formula(indexed(name, i)), value, result=result).unicode


def chain_rule(context: StepContext) -> Rendered:
    """Write the gradient as a product of two factors."""
    total, product = context.formulas
    trace, i = context.trace, _first_kept(context.trace)
    vectors = ("grad_y", "local_grad", "grad_x")
    numbers = {name: float(getattr(trace, name)[i]) for name in vectors}
    return ["ways", total, "left", product, "factors"], {"i": i + 1, **numbers}


def _first_kept(trace: Trace) -> int:
    """Choose the first element that is kept, if there is one."""
    return 0 if trace.problem.mask is None else int(trace.problem.mask.argmax())


def _examples(trace: Trace) -> list[int]:
    """Choose the first element that is kept and the first that is dropped."""
    dropped = 0 if trace.problem.mask is None else int(trace.problem.mask.argmin())
    return sorted({_first_kept(trace), dropped})


def local_gradient(context: StepContext) -> Rendered:
    """Derive the Jacobian, and why backward must use the mask of forward."""
    changed = claims.changed_by_a_fresh_mask(context.trace)
    fresh = context.paragraph("fresh", changed=context.changed).text.plain if changed else ""
    pieces: list[Piece] = [
        "constant",
        *context.formulas,
        "diagonal",
        _jacobian(context),
        context.paragraph("same_mask", fresh=fresh),
        *context.claim("local-gradient"),
        *context.claim("same-mask", key="check_same_mask"),
    ]
    numbers = {"local_grad": context.trace.local_grad}
    return pieces, {**numbers, "changed_by_a_fresh_mask": float(changed)}


def _jacobian(context: StepContext) -> Formula:
    """Write the Jacobian as a matrix while it fits, else its diagonal."""
    local, n = context.written.local_grad, context.n
    line = context.vector(symbol("diag_J"), local, result=True)
    if n <= LARGEST_MATRIX:
        *diagonal, zero = context.messages.results([*local, 0])
        rows = [[diagonal[i] if i == j else zero for j in range(n)] for i in range(n)]
        (matrix,) = matrices("J", [("≈" if "≈" in line.unicode else "=", rows)])
        if len(matrix.unicode.splitlines()[0]) <= WIDTH:
            return matrix
    return line


def gradient(context: StepContext) -> Rendered:
    """Write the gradient by its two cases, kept and dropped, with one element as an example."""
    trace, mask = context.trace, context.trace.problem.mask
    kept, i = context.n if mask is None else int(mask.sum()), _first_kept(trace)
    example = indexed("∂L/∂x", i)
    for relation, cells in _products(context, [i]):
        example += f" {relation} {cells[0]}"
    pieces: list[Piece] = ["cases", *context.formulas, as_formula(example)]
    if trace.problem.loss is None:
        pieces.append(context.paragraph("loss", loss=_any_loss(context)))
    pieces += [*context.claim("gradient"), *_mistakes(context)]
    return pieces, {"kept": kept, "dropped": context.n - kept}


def _products(context: StepContext, some: list[int]) -> list[tuple[str, list[str]]]:
    """Write ∂L/∂y₁ · m₁/(1−p), 0.1 × 2 and 0.2 for some elements, with the signs before them."""
    written, messages = Written(context.trace, some), context.messages
    training = context.trace.problem.training
    symbols = [
        f"{indexed('∂L/∂y', i)} · {indexed('m', i) + '/(1−p)' if training else 1}" for i in some
    ]
    upstream, local, products = (
        [messages.number(value) for value in values]
        for values in (written.grad_y, written.local_grad, written.grad_x)
    )
    inserted = sign([*upstream, *local], [*written.grad_y, *written.local_grad])
    computed = sign(products, map(mul, map(Fraction, upstream), map(Fraction, local)))
    given = context.trace.problem.loss is None  # else ∂L/∂y is to be computed too
    shown = upstream if given else messages.hidden(upstream)
    pairs = [f"{g} × {k}" for g, k in zip(shown, messages.hidden(local), strict=True)]
    return [("=", symbols), (inserted, pairs), (computed, messages.hidden(products))]


def _any_loss(context: StepContext) -> Formula:
    """Write L = 0.1·y₁ + 0.2·y₂: a loss with the gradient that is given."""
    grad_y, number = context.written.grad_y, context.messages.number
    pairs = zip(grad_y, context.shown, strict=True)
    terms = [f"{number(value)}·{indexed('y', i)}" for value, i in pairs]
    if context.n > 4:
        terms = [*terms[:2], "…", terms[-1]]
    total = as_formula(" + ".join(terms).replace("+ -", "− "))
    return equation(symbol("L"), total, sign(map(number, grad_y), grad_y))


def _mistakes(context: StepContext) -> list[Piece]:
    """Compare the gradient of two elements with what comes of forgetting the factor or the mask."""
    trace, mask = context.trace, context.trace.problem.mask
    if mask is None or trace.problem.p in (0, 1):
        return []
    some = _examples(trace)
    written = Written(trace, some)
    unmasked = "unmasked" if trace.grad_y[~mask].any() else "unmasked_too"
    gradients = {
        "right": written.grad_x,
        "unscaled": [g * int(mask[i]) for g, i in zip(written.grad_y, some, strict=True)],
        unmasked: [g / (1 - written.p) for g in written.grad_y],
    }
    compared = []
    for key, values in gradients.items():
        each = [_element(context, "∂L/∂x", i, v) for i, v in zip(some, values, strict=True)]
        compared.append((as_formula(",   ".join(each)), context.words[key]))
    return ["mistakes", Facts(compared)]


def vector_form(context: StepContext) -> Rendered:
    """Write all elements at once, as a column of products."""
    columns = [
        (relation, [[cell] for cell in with_gap(cells, context.n, "⋮")])
        for relation, cells in _products(context, context.shown)
    ]
    pieces: list[Piece] = ["at_once", *context.formulas, *matrices("∂L/∂x", columns)]
    return pieces, {"grad_x": context.trace.grad_x}


def proof(context: StepContext) -> Rendered:
    """Prove the gradient again, by the total differential."""
    derivation, conclusion, by_y_training, by_y_inference, by_x_formula = context.formulas
    by_y_formula = by_y_training if context.trace.problem.training else by_y_inference
    pieces: list[Piece] = ["route", derivation, "therefore", conclusion]
    checked = context.claim("total-differential")
    if context.n > SUMMED:
        return [*pieces, *checked], {}
    written, dx = Written(context.trace), claims.step(context.n)
    dy = [d * local for d, local in zip(dx, written.local_grad, strict=True)]
    by_y, by_x = sum(map(mul, written.grad_y, dy)), sum(map(mul, written.grad_x, dx))
    pieces += [
        "here",
        context.vector(symbol("dx"), dx),
        context.vector(symbol("dy"), dy, result=True),
        context.equals(by_y_formula, by_y, result=True),
        context.equals(by_x_formula, by_x, result=True),
        *checked,
    ]
    numbers = {"dL_by_y": as_float(by_y), "dL_by_x": as_float(by_x)}
    return pieces, {"dx": [float(d) for d in dx], **numbers}
