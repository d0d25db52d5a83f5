"""The derivation as a page and as a record: the chosen steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dropout_cli.formats.document import (
    Block,
    Check,
    Document,
    Formula,
    Heading,
    Items,
    Paragraph,
    Picture,
    Question,
    Table,
)
from dropout_cli.proof import claims
from dropout_cli.views import derivation, examples, reasons
from dropout_cli.views.context import Rendered, StepContext
from dropout_cli.views.passes import backward_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from dropout_cli.problem import Problem
    from dropout_cli.trace import Trace
    from dropout_cli.views.records import (
        ContentsRecord,
        StepRecord,
        TitleRecord,
        WalkthroughRecord,
    )
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/walkthrough/1"
CONTENTS = "dropout-cli/steps/1"
WRITTEN_OUT = 12  # elements that the command of a solution lists

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
    blocks: list[Block]
    numbers: dict[str, Any]


def contents(messages: Messages) -> Document:
    """List the steps: their numbers, the names that --step takes, and their titles."""
    rows = [
        [str(number), words["id"], words["title"]]
        for number, words in enumerate(messages.prose["step"], 1)
    ]
    columns = ["", "--step", messages.string("title", "step")]
    return [Heading(messages.string("title", "walkthrough")), Table(columns, rows, words=(1, 2))]


def contents_record(messages: Messages) -> ContentsRecord:
    """Record the list of the steps."""
    steps: list[TitleRecord] = [
        {"number": number, "id": words["id"], "title": words["title"]}
        for number, words in enumerate(messages.prose["step"], 1)
    ]
    return {"schema": CONTENTS, "language": messages.prose["language"], "steps": steps}


def page(
    trace: Trace, messages: Messages, chosen: Sequence[str], picture: Picture | None = None
) -> Document:
    """Show the chosen steps under the walkthrough's title, after a picture of the passes."""
    steps = [block for step in render(trace, messages, chosen) for block in step_page(step)]
    document: list[Block] = [Heading(messages.string("title", "walkthrough"))]
    if messages.hide:
        document = _instructions(trace.problem, messages)
    elif any(isinstance(block, Check) for block in steps):
        found = (claims.check(name, trace) for name in claims.CLAIMS)
        rounded = any(finding.max_error for finding in found)
        key = "meaning_rounded" if rounded else "meaning"
        document.append(Paragraph(messages.text("check", key)))
    if picture is not None and not messages.hide:
        document.append(picture)
    return [*document, *steps]


def _instructions(problem: Problem, messages: Messages) -> list[Block]:
    """Say that this is an exercise, what to do, and which command prints the solution."""
    title = messages.string("title", "walkthrough")
    if problem.x.size > WRITTEN_OUT:
        solution = messages.text("exercise", "same_command")
    else:
        solution = messages.text("exercise", "solution", command=_command(problem, messages))
    return [
        Heading(messages.string("exercise", "title", title=title)),
        Paragraph(messages.text("exercise", "instructions")),
        Paragraph(solution),
    ]


def _command(problem: Problem, messages: Messages) -> str:
    """Write the command that shows the derivation of this problem."""

    def numbers(values: Sequence[float]) -> str:
        return ",".join(map(messages.exactly, values))

    options = [f"-x {numbers(problem.x.tolist())}", f"-p {messages.probability(problem.p)}"]
    if problem.mask is None:
        options.append("--eval")
    elif problem.drawn is not None:
        options.append(f"--seed {problem.drawn.seed} --rng {problem.drawn.rng}")
        if problem.drawn.skip:
            options.append(f"--skip {problem.drawn.skip}")
    else:
        options.append(f"-m {''.join(f'{bit:d}' for bit in problem.mask)}")
    if problem.grad_y is not None:
        options.append(f"-g {numbers(problem.grad_y.tolist())}")
    else:
        options.append(f"--loss {problem.loss}")
    return f"dropout-cli walkthrough {' '.join(options)}"


def step_page(step: Step) -> list[Block]:
    """Show one step under its own heading."""
    return [Heading(f"{step.number}. {step.title}", 2, step.id), *step.blocks]


def record(trace: Trace, messages: Messages, chosen: Sequence[str]) -> WalkthroughRecord:
    """Record the chosen steps and the trace."""
    return {
        "schema": SCHEMA,
        "language": messages.prose["language"],
        "steps": [_step_record(step) for step in render(trace, messages, chosen, recorded=True)],
        "trace": backward_record(trace),
    }


def render(
    trace: Trace,
    messages: Messages,
    chosen: Sequence[str],
    *,
    checks: bool = True,
    recorded: bool = False,
) -> Iterator[Step]:
    """Render the steps with these ids, in the derivation's order, each when it is reached.

    checks: whether it is said what was checked. recorded: whether the numbers are asked for.
    """
    for number, words in enumerate(messages.prose["step"], 1):
        if words["id"] in chosen:
            context = StepContext(trace, messages, words, checks and not messages.hide, recorded)
            blocks, numbers = STEPS[words["id"]](context)
            if messages.hide:
                question = messages.fill(words["question"], n_value=f"{trace.problem.x.size:,}")
                blocks = [Question(question), *blocks]
            yield Step(words["id"], number, words["title"], blocks, numbers)


def _step_record(step: Step) -> StepRecord:
    texts = []
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
        "numbers": step.numbers,
    }
