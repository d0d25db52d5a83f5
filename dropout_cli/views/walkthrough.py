"""The derivation as a page and as a record: the chosen steps, each told when it is reached."""

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
    Table,
)
from dropout_cli.views.passes import backward_record
from dropout_cli.views.steps import STEPS, Numbers, Telling, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dropout_cli.trace import Trace
    from dropout_cli.views.records import (
        ContentsRecord,
        StepRecord,
        TitleRecord,
        WalkthroughRecord,
    )
    from dropout_cli.words.messages import Voice

SCHEMA = "dropout-cli/walkthrough/1"
CONTENTS = "dropout-cli/steps/1"


class Step(NamedTuple):
    """One step, told: its blocks, and what gives the numbers in them."""

    id: str
    number: int
    title: str
    blocks: list[Block]
    numbers: Numbers


def contents(voice: Voice) -> Document:
    """The steps: their numbers, the names that --step takes, and their titles."""
    rows = [
        [str(number), words["id"], words["title"]]
        for number, words in enumerate(voice.prose["step"], 1)
    ]
    columns = ["", "--step", voice.say("title", "step")]
    return [Heading(voice.say("title", "walkthrough")), Table(columns, rows, words=(1, 2))]


def contents_record(voice: Voice) -> ContentsRecord:
    """The steps, as JSON can hold them."""
    steps: list[TitleRecord] = [
        {"number": number, "id": words["id"], "title": words["title"]}
        for number, words in enumerate(voice.prose["step"], 1)
    ]
    return {"schema": CONTENTS, "language": voice.prose["language"], "steps": steps}


def page(trace: Trace, voice: Voice, chosen: Sequence[str]) -> Document:
    """The chosen steps, under the walkthrough's heading."""
    document: list[Block] = [Heading(voice.say("title", "walkthrough"))]
    for step in tell(trace, voice, chosen):
        document += step_page(step)
    return document


def step_page(step: Step) -> list[Block]:
    """One step under its own heading."""
    return [Heading(f"{step.number}. {step.title}", 2), *step.blocks]


def record(trace: Trace, voice: Voice, chosen: Sequence[str]) -> WalkthroughRecord:
    """The chosen steps and the trace, as JSON can hold them."""
    return {
        "schema": SCHEMA,
        "language": voice.prose["language"],
        "steps": [_step_record(step) for step in tell(trace, voice, chosen)],
        "trace": backward_record(trace),
    }


def tell(trace: Trace, voice: Voice, chosen: Sequence[str]) -> Iterable[Step]:
    """The steps with these ids, in the derivation's order, each computed when it is reached."""
    for number, words in enumerate(voice.prose["step"], 1):
        if words["id"] in chosen:
            blocks, numbers = _collect(STEPS[words["id"]](Told(trace, voice, words)))
            if voice.hide:  # a check would tell
                blocks = [block for block in blocks if not isinstance(block, Check)]
            yield Step(words["id"], number, words["title"], blocks, numbers)


def _collect(telling: Telling) -> tuple[list[Block], Numbers]:
    """The blocks that a step yields, and what it returns."""
    blocks = []
    while True:
        try:
            blocks.append(next(telling))
        except StopIteration as end:
            return blocks, end.value


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
        "numbers": step.numbers(),
    }
