"""The derivation as a page and as a record: the chosen steps."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from dropout_cli.arrays import FloatArray
from dropout_cli.formats import document as doc
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.views import derivation, examples, reasons, records
from dropout_cli.views.context import Rendered, StepContext
from dropout_cli.views.passes import backward_record
from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/walkthrough/1"
CONTENTS = "dropout-cli/steps/1"

# The steps in their order: each has its words in [[step]] of every language, and its formulas.
STEPS: dict[str, Callable[[StepContext], Rendered]] = {
    "definition": derivation.definition,
    "setup": derivation.setup,
    "chain-rule": derivation.chain_rule,
    "local-gradient": derivation.local_gradient,
    "gradient": derivation.gradient,
    "vector-form": derivation.vector_form,
    "proof": derivation.proof,
    "worked-example": examples.worked_example,
    "sum-loss": examples.sum_loss,
    "pytorch": examples.pytorch,
    "why-scale": reasons.why_scale,
    "inference": reasons.inference,
    "summary": reasons.summary,
}


class Step(NamedTuple):
    """A rendered step: its place in the derivation, its blocks, and the numbers in them."""

    id: str
    number: int
    title: str
    blocks: list[doc.Block]
    numbers: dict[str, Any]


def contents(messages: Messages) -> doc.Document:
    """List the steps: their numbers, the names that --step takes, and their titles."""
    steps = contents_record(messages)["steps"]
    rows = [[str(step["number"]), step["id"], step["title"]] for step in steps]
    table = doc.Table(["", "--step", messages.string("title", "step")], rows, words=(1, 2))
    return [doc.Heading(messages.string("title", "walkthrough")), table]


def contents_record(messages: Messages) -> records.ContentsRecord:
    """Record the list of the steps."""
    steps: list[records.TitleRecord] = [
        {"number": number, "id": words["id"], "title": words["title"]}
        for number, words in enumerate(messages.prose["step"], 1)
    ]
    return {"schema": CONTENTS, "language": messages.prose["language"], "steps": steps}


def page(
    trace: Trace, messages: Messages, chosen: Sequence[str], picture: doc.Picture | None = None
) -> doc.Document:
    """Show the chosen steps under the walkthrough's title, after a picture of the passes."""
    steps: list[doc.Block] = []
    for step in render(trace, messages, chosen):
        steps += [doc.Heading(f"{step.number}. {step.title}", 2, step.id), *step.blocks]
    title = messages.string("title", "walkthrough")
    if messages.hide:
        command = _command(trace.problem, messages)
        return [
            doc.Heading(messages.string("exercise", "title", title=title)),
            doc.Paragraph(messages.text("exercise", "instructions")),
            doc.Paragraph(messages.text("exercise", "solution")),
            doc.Code(command),
            *steps,
        ]
    document: list[doc.Block] = [doc.Heading(title)]
    if any(isinstance(block, doc.Check) for block in steps):
        document.append(doc.Paragraph(messages.text("check", "meaning")))
    if picture is not None:
        document.append(picture)
    return [*document, *steps]


def _command(problem: Problem, messages: Messages) -> str:
    """Write the command that shows the derivation of this problem."""

    def numbers(values: FloatArray) -> str:
        return ",".join(map(messages.exactly, values.tolist()))

    words = f"dropout-cli walkthrough -x {numbers(problem.x)} -p {messages.probability(problem.p)}"
    if problem.mask is None:
        words += " --eval"
    elif problem.drawn is None:
        words += f" -m {''.join(f'{bit:d}' for bit in problem.mask)}"
    else:
        words += f" --seed {problem.drawn.seed} --rng {problem.drawn.rng}"
        words += f" --skip {problem.drawn.skip}" if problem.drawn.skip else ""
    if problem.grad_y is None:
        return f"{words} --loss {problem.loss}"
    return f"{words} -g {numbers(problem.grad_y)}"


def record(trace: Trace, messages: Messages, chosen: Sequence[str]) -> records.WalkthroughRecord:
    """Record the chosen steps and the trace."""
    return {
        "schema": SCHEMA,
        "language": messages.prose["language"],
        "steps": [_step_record(step) for step in render(trace, messages, chosen)],
        "trace": backward_record(trace),
    }


def render(
    trace: Trace, messages: Messages, chosen: Sequence[str], *, checks: bool = True
) -> Iterator[Step]:
    """Render the steps with these ids, in the derivation's order, each when it is reached.

    checks: whether it is said what was checked.
    """
    for number, words in enumerate(messages.prose["step"], 1):
        if words["id"] in chosen:
            context = StepContext(trace, messages, words)
            pieces, numbers = STEPS[words["id"]](context)
            blocks = [context.paragraph(p) if isinstance(p, str) else p for p in pieces]
            if messages.hide or not checks:
                blocks = [block for block in blocks if not isinstance(block, doc.Check)]
            if messages.hide:
                blocks.insert(0, doc.Question(context.paragraph("question").text))
            yield Step(words["id"], number, words["title"], blocks, numbers)


def _step_record(step: Step) -> records.StepRecord:
    texts: list[doc.Text] = []
    for block in step.blocks:
        match block:
            case doc.Paragraph(text) | doc.Check(_, text):
                texts.append(text)
            case doc.Items(items):
                texts += items
    return {
        "id": step.id,
        "title": step.title,
        "text": [text.plain for text in texts],
        "latex": [block.latex for block in step.blocks if isinstance(block, doc.Formula)],
        "numbers": step.numbers,
    }
