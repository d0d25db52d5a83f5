"""The derivation in thirteen steps, told with a problem's own numbers.

The prose is content (prose/*.toml); here each step computes what it says of the problem at hand.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli import claims, exact
from dropout_cli.document import (
    Block,
    Check,
    Code,
    Document,
    Facts,
    Formula,
    Heading,
    Items,
    Paragraph,
    Text,
)
from dropout_cli.masks import draw
from dropout_cli.tables import (
    GRAD_X,
    GRAD_Y,
    X,
    Y,
    backward_table,
    element_table,
    equation,
    facts,
    forward_table,
    masks_table,
    shown,
    upstream_facts,
)
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from dropout_cli.claims import Finding
    from dropout_cli.prose import Voice

SCHEMA = "dropout-cli/walkthrough/1"
SEED = 42  # what the PyTorch step draws with, where the problem's mask was not drawn
WIDTH = 56  # columns that a formula may take, so that it stands in a terminal of 60


class Step(NamedTuple):
    """One step, told: its blocks, and the numbers in them."""

    id: str
    number: int
    title: str
    blocks: list[Block]
    numbers: dict[str, Any]


def page(trace: Trace, voice: Voice, chosen: Sequence[str]) -> Document:
    """The chosen steps, under the walkthrough's heading."""
    document: list[Block] = [Heading(voice.say("title", "walkthrough"))]
    for step in tell(trace, voice, chosen):
        document += step_page(step)
    return document


def step_page(step: Step) -> list[Block]:
    """One step under its own heading."""
    return [Heading(f"{step.number}. {step.title}", 2), *step.blocks]


def record(trace: Trace, voice: Voice, chosen: Sequence[str]) -> dict[str, Any]:
    """The chosen steps as JSON, schema dropout-cli/walkthrough/1, and the trace."""
    from dropout_cli.schema import backward_json

    return {
        "schema": SCHEMA,
        "language": voice.prose["language"],
        "steps": [_step_json(step) for step in tell(trace, voice, chosen)],
        "trace": backward_json(trace),
    }


def _step_json(step: Step) -> dict[str, Any]:
    texts: list[Text] = []
    for block in step.blocks:
        match block:
            case Paragraph(text) | Check(_, text):
                texts.append(text)
            case Items(items):
                texts += items
    return {
        "id": step.id,
        "title": step.title,
        "text": [text.plain for text in texts],
        "latex": [block.latex for block in step.blocks if isinstance(block, Formula)],
        "numbers": _plain(step.numbers),
    }


def _plain(numbers: Any) -> Any:
    """The numbers as JSON can hold them; arrays become lists only here."""
    if isinstance(numbers, dict):
        return {key: _plain(value) for key, value in numbers.items()}
    return numbers.tolist() if hasattr(numbers, "tolist") else numbers


def tell(trace: Trace, voice: Voice, chosen: Sequence[str]) -> Iterable[Step]:
    """The steps with these ids, in the derivation's order, each computed when it is reached."""
    for number, entry in enumerate(voice.prose["step"], 1):
        if entry["id"] in chosen:
            telling = _Telling(trace, voice, entry)
            numbers = getattr(telling, entry["id"].replace("-", "_"))()
            yield Step(entry["id"], number, entry["title"], telling.blocks, numbers)


class _Telling:
    """Tells one step: a method a step, which adds blocks and returns the numbers in them."""

    def __init__(self, trace: Trace, voice: Voice, words: dict[str, Any]) -> None:
        self.trace, self.problem, self.voice, self.words = trace, trace.problem, voice, words
        self.n = trace.problem.x.size
        self.elements = [i for i in shown(self.n) if i is not None]
        self.blocks: list[Block] = [Paragraph(voice.text(text)) for text in words["text"]]
        self.formulas = [Formula(each["unicode"], each["latex"]) for each in words["formulas"]]
        self.blocks += self.formulas

    def definition(self) -> dict[str, Any]:
        p, keep = self.voice.exactly(self.problem.p), self.number(1 - self.problem.p)
        self.say("here" if self.problem.training else "here_inference")
        self.blocks.append(
            Formula(
                f"P(mᵢ = 1) = 1 − {p} = {keep},   P(mᵢ = 0) = {p}",
                rf"P(m_i = 1) = 1 - {p} = {keep}, \qquad P(m_i = 0) = {p}",
            )
        )
        self.blocks.append(facts(self.trace, self.voice))
        drop = Fraction(self.problem.p)
        total = sum(probability for probability, _ in exact.masks(1, self.problem.p))
        self.check(claims.Finding(float(abs(total - 1)), total == 1, 2))
        return {"p": self.problem.p, "keep": float(1 - drop), "scale": self.trace.scale}

    def setup(self) -> dict[str, Any]:
        self.say("here", n=f"{self.n:,}")
        for symbol, vector in (("x", self.problem.x), ("y", self.trace.y)):
            self.blocks.append(self.row(symbol, vector))
        self.blocks.append(Facts(upstream_facts(self.trace, self.voice)))
        self.check(claims.forward(self.trace))
        return {"n": self.n, "x": self.problem.x, "y": self.trace.y}

    def chain_rule(self) -> dict[str, Any]:
        mask = self.problem.mask
        i = 0 if mask is None else int(mask.argmax())  # the first kept element, if there is one
        upstream, local, gradient = (
            float(values[i])
            for values in (self.trace.grad_y, self.trace.local_grad, self.trace.grad_x)
        )
        self.say("here", number=i + 1)
        k = i + 1
        product = " × ".join(map(self.number, (upstream, local)))
        times = product.replace("×", r"\times")
        self.blocks.append(
            Formula(
                f"∂L/∂x{_subscript(k)} = ∂L/∂y{_subscript(k)} · ∂y{_subscript(k)}/∂x{_subscript(k)}"
                f" = {product} = {self.number(gradient)}",
                rf"\frac{{\partial L}}{{\partial x_{{{k}}}}}"
                rf" = \frac{{\partial L}}{{\partial y_{{{k}}}}}"
                rf" \cdot \frac{{\partial y_{{{k}}}}}{{\partial x_{{{k}}}}}"
                rf" = {times} = {self.number(gradient)}",
            )
        )
        self.check(claims.chain_rule(self.trace))
        return {"i": k, "grad_y": upstream, "local_grad": local, "grad_x": gradient}

    def local_gradient(self) -> dict[str, Any]:
        self.say("here")
        local = self.trace.local_grad
        diagonal = self.row("J", local)
        unicode = diagonal.unicode.replace("[", "diag(").replace("]ᵀ", ")")
        latex = diagonal.latex.replace("[", r"\mathrm{diag}(").replace(r"]^\top", ")")
        if self.n <= 6:
            matrix = [
                [self.number(local[i] if i == j else 0.0) for j in range(self.n)]
                for i in range(self.n)
            ]
            width = max(len(cell) for line in matrix for cell in line)
            if self.n * (width + 2) <= WIDTH - 8:
                lines = ["  ".join(cell.rjust(width) for cell in line) for line in matrix]
                unicode = _bracketed("J = ", lines)
                cells = r" \\ ".join(" & ".join(line) for line in matrix)
                latex = rf"J = \begin{{bmatrix}} {cells} \end{{bmatrix}}"
        self.blocks.append(Formula(unicode, latex))
        self.check(claims.local_gradient(self.trace))
        return {"local_grad": local}

    def gradient(self) -> dict[str, Any]:
        mask = self.problem.mask
        kept = self.n if mask is None else int(mask.sum())
        self.say(
            "here" if self.problem.training else "here_inference",
            n=f"{self.n:,}", kept=f"{kept:,}", dropped=f"{self.n - kept:,}",
        )  # fmt: skip
        self.check(claims.gradient(self.trace))
        return {"kept": kept, "dropped": self.n - kept}

    def vector_form(self) -> dict[str, Any]:
        self.say("here")
        products, results = [], []
        for i in shown(self.n):
            if i is None:
                products.append("⋮")
                results.append("⋮")
                continue
            factors = self.trace.grad_y[i], self.trace.local_grad[i]
            products.append(" × ".join(map(self.number, factors)))
            results.append(self.number(self.trace.grad_x[i]))
        left = _bracketed("∂L/∂x = ", _padded(products)).split("\n")
        right = _bracketed(" = ", _padded(results)).split("\n")
        columns = (r" \\ ".join(column).replace("×", r"\times") for column in (products, results))
        latex = (rf"\begin{{bmatrix}} {column} \end{{bmatrix}}" for column in columns)
        self.blocks.append(
            Formula(
                "\n".join(map("".join, zip(left, right, strict=True))),
                rf"\frac{{\partial L}}{{\partial x}} = {' = '.join(latex)}".replace("⋮", r"\vdots"),
            )
        )
        self.check(claims.chain_rule(self.trace))
        return {"grad_x": self.trace.grad_x}

    def proof(self) -> dict[str, Any]:
        self.say("therefore")
        self.blocks.append(self.blocks.pop(-2))  # the conclusion stands after it
        self.say("here")
        part = claims.take(self.trace, self.elements)
        step = claims.step(part.problem.x.size)
        dy = [d * Fraction(float(v)) for d, v in zip(step, part.local_grad, strict=True)]
        by_x = sum(Fraction(float(g)) * d for g, d in zip(part.grad_x, step, strict=True))
        by_y = sum(Fraction(float(g)) * d for g, d in zip(part.grad_y, dy, strict=True))
        dx = [float(d) for d in step]
        self.blocks.append(self.row("dx", dx, r"\mathrm{d}x"))
        self.blocks.append(self.row("dy", [float(d) for d in dy], r"\mathrm{d}y"))
        for name in ("y", "x"):
            value = self.number(by_y if name == "y" else by_x)
            latex = rf"\mathrm{{d}}L = \sum_i \frac{{\partial L}}{{\partial {name}_i}}"
            self.blocks.append(
                Formula(
                    f"dL = Σ ∂L/∂{name}ᵢ d{name}ᵢ = {value}",
                    rf"{latex} \, \mathrm{{d}}{name}_i = {value}",
                )
            )
        self.check(claims.total_differential(self.trace))
        return {"dx": dx, "dL_by_y": float(by_y), "dL_by_x": float(by_x)}

    def worked_example(self) -> dict[str, Any]:
        trace, voice = self.trace, self.voice
        self.blocks = self.blocks[:1]
        inference = [equation(Y, X), equation(GRAD_X, GRAD_Y)]
        forward, backward = self.formulas if self.problem.training else inference
        self.say("forward")
        self.blocks += [forward, forward_table(trace, voice)]
        self.say("upstream")
        self.blocks += [
            Facts(upstream_facts(trace, voice)),
            self.row("∂L/∂y", trace.grad_y, GRAD_Y.latex),
        ]
        self.say("backward")
        self.blocks += [backward, backward_table(trace, voice)]
        mask = self.problem.mask
        if mask is None:
            self.say("observe_inference", n=f"{self.n:,}")
        elif not mask.all():
            self.say("observe_dropped", count=f"{self.n - mask.sum():,}", n=f"{self.n:,}")
        if mask is not None and mask.any() and trace.scale is not None:
            factor = self.number(trace.scale)
            self.say("observe_kept", count=f"{mask.sum():,}", n=f"{self.n:,}", factor=factor)
        self.check(claims.zero(trace))
        return {
            "y": trace.y, "grad_y": trace.grad_y, "grad_x": trace.grad_x,
        }  # fmt: skip

    def sum_loss(self) -> dict[str, Any]:
        summed = Trace(replace(self.problem, grad_y=None, loss="sum"))
        part = claims.take(summed, self.elements)
        automatic = dict(zip(self.elements, claims.automatic(part), strict=True))
        self.blocks.append(Facts(upstream_facts(summed, self.voice)))

        def cells(i: int) -> list[str]:
            by_hand = summed.grad_x[i]
            error = abs(Fraction(float(by_hand)) - automatic[i])
            return [self.number(v) for v in (by_hand, automatic[i], error)]

        names = ("by_hand", "automatic", "difference")
        columns = [Formula(self.words[name], rf"\text{{{self.words[name]}}}") for name in names]
        self.blocks.append(element_table(columns, cells, summed, self.voice))
        self.check(claims.gradient(summed))
        return {"loss": summed.loss, "grad_x": summed.grad_x}

    def pytorch(self) -> dict[str, Any]:
        drawn, p, n = self.problem.drawn, self.problem.p, self.n
        seed = drawn.seed if drawn and -(2**63) <= drawn.seed < 2**64 else SEED
        self.blocks.insert(1, Code(self.words["code"].strip("\n")))
        self.say("seed", seed=seed, n=f"{n:,}", p_value=self.voice.exactly(p))
        sources = ("torch-rand", "torch-cpu", "torch-cpu-intel")
        masks = {source: draw(source, seed, n, p) for source in sources}
        self.blocks.append(masks_table(masks, None, self.voice))
        by_hand = masks["torch-rand"]
        differ = any((by_hand != mask).any() for mask in masks.values())
        difference = 1 / (1 - p) if differ else 0.0
        if differ:
            self.say("differ", difference=self.number(difference))
        else:
            self.say("agree")
        self.say("right")
        if p == 1:
            self.say("zero_by_zero")
            self.check(claims.Finding(0.0, None, 0), "check_undefined")
        else:
            self.check(claims.module_by_hand(self.trace))
        return {
            "seed": seed,
            "masks": {source: mask.astype(int) for source, mask in masks.items()},
            "difference": difference,
        }

    def why_scale(self) -> dict[str, Any]:
        p, loss = self.problem.p, self.problem.loss
        whole = len(self.elements) == self.n
        part = self.trace if whole else claims.take(self.trace, self.elements)
        mean = claims.expectation(part)
        p_value = self.voice.exactly(p)
        if mean.masks is None:
            self.say("here_outcomes", p_value=p_value)
        else:
            self.say("here_masks", masks=f"{mean.masks:,}", p_value=p_value)
        at = {i: k for k, i in enumerate(self.elements)}
        columns = [
            X,
            Formula("E[mᵢ·xᵢ]", r"\mathbb{E}[m_i \, x_i]"),
            Formula("E[yᵢ]", r"\mathbb{E}[y_i]"),
            Formula("E[∂L/∂xᵢ]", r"\mathbb{E}[\partial L/\partial x_i]"),
        ]

        def cells(i: int) -> list[str]:
            k = at[i]
            values = (part.problem.x[k], mean.unscaled[k], mean.y[k], mean.grad_x[k])
            return [self.number(value) for value in values]

        self.blocks.append(element_table(columns, cells, self.trace, self.voice, fates=False))
        if p == 1:
            self.say("p_1")
        elif p == 0:
            self.say("p_0")
        elif loss == "sum-squares":
            self.say("not_kept", scale_value=self.number(1 / (1 - p)))
        else:
            self.say("kept", keep_value=self.number(1 - p))
        output, gradient = claims.expected_output(self.trace), claims.expected_gradient(self.trace)
        worst = max(output, gradient, key=lambda finding: finding.max_error)
        ok = None if p == 1 else bool(output.ok and gradient.ok)
        self.check(worst._replace(ok=ok), "check_undefined" if p == 1 else "check")
        return {
            "unscaled": [_float(v) for v in mean.unscaled],
            "y": [_float(v) for v in mean.y],
            "grad_x": [_float(v) for v in mean.grad_x],
            "masks": mean.masks,
        }

    def inference(self) -> dict[str, Any]:
        still = Trace(replace(self.problem, mask=None, drawn=None))
        self.say("here")

        def cells(i: int) -> list[str]:
            vectors = (still.problem.x, still.y, still.grad_y, still.grad_x)
            return [self.number(vector[i]) for vector in vectors]

        self.blocks.append(element_table([X, Y, GRAD_Y, GRAD_X], cells, still, self.voice))
        self.check(claims.inference(self.trace))
        return {"y": still.y, "grad_x": still.grad_x}

    def summary(self) -> dict[str, Any]:
        self.blocks = self.blocks[:1]
        names = self.words["names"]
        self.blocks.append(Facts(list(zip(self.formulas, names, strict=True))))
        self.blocks.append(Items([self.voice.text(point) for point in self.words["points"]]))
        card = self.words["card"]
        self.blocks.append(Formula(card["unicode"], card["latex"]))
        symbols = self.voice.prose["symbol"]
        legend = [(Formula(**symbols[name]), meaning) for name, meaning in self.words["legend"]]
        self.blocks.append(Facts(legend))
        found = [claim(self.trace) for claim in claims.CLAIMS.values()]
        said = [finding for finding in found if finding.ok is not None]
        worst = max(finding.max_error for finding in said)
        self.check(claims.Finding(worst, all(finding.ok for finding in said), len(said)))
        return {"claims": len(said), "largest_difference": worst}

    def say(self, key: str, **values: object) -> None:
        """Add the step's words at key as a paragraph."""
        self.blocks.append(Paragraph(self.voice.text(self.words[key], **values)))

    def check(self, finding: Finding, key: str = "check") -> None:
        """Add what was checked, and what came of it."""
        outcome = {True: "holds", False: "fails", None: "silent"}[finding.ok]
        counts = {"checked": f"{finding.checked:,}", "n": f"{self.n:,}"}
        method = self.voice.text(self.words[key], **counts)
        error = f"{finding.max_error:.3g}"
        told = (self.voice.say("check", outcome, method=text, error=error) for text in method)
        self.blocks.append(Check(finding.ok, Text(*told)))

    def number(self, value: float | Fraction) -> str:
        """The value to the voice's digits, also where it is beyond a float."""
        try:
            return self.voice.number(float(value))
        except OverflowError:
            ratio = Fraction(value)
            quotient = Decimal(ratio.numerator) / Decimal(ratio.denominator)
            return f"{quotient:.{self.voice.precision}g}"

    def row(self, symbol: str, values: Sequence[float] | np.ndarray, latex: str = "") -> Formula:
        """symbol = [v₁, …, vₙ]ᵀ, with as many of the values as fit."""
        count = len(values)
        for ends in (6, 3, 2, 1):
            if count <= 2 * ends:
                cells = [self.number(value) for value in values]
            else:
                cells = [self.number(value) for value in values[:ends]]
                cells += ["…", *(self.number(value) for value in values[count - ends :])]
            unicode = f"{symbol} = [{', '.join(cells)}]ᵀ"
            if len(unicode) <= WIDTH:
                break
        inside = ", ".join(cells).replace("…", r"\dots")
        return Formula(unicode, rf"{latex or symbol} = [{inside}]^\top")


def _float(value: Fraction) -> float | None:
    """The value as JSON can hold it."""
    try:
        return float(value)
    except OverflowError:
        return None


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _padded(lines: list[str]) -> list[str]:
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _bracketed(left: str, lines: list[str]) -> str:
    """The lines between tall brackets, with left before the middle one."""
    last, middle = len(lines) - 1, (len(lines) - 1) // 2
    told = []
    for k, line in enumerate(lines):
        opening, closing = ("⎡⎤", "⎢⎥", "⎣⎦")[(k > 0) + (k == last)] if last else "[]"
        before = left if k == middle else " " * len(left)
        told.append(f"{before}{opening} {line} {closing}")
    return "\n".join(told)
