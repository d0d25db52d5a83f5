"""The derivation, told with a problem's own numbers."""

from dataclasses import replace

from dropout_cli.document import Block, Document, Facts, Heading, Paragraph
from dropout_cli.prose import Voice
from dropout_cli.tables import backward_page, backward_table, facts, forward_page, upstream_facts
from dropout_cli.trace import Trace


def walkthrough_page(trace: Trace, voice: Voice) -> Document:
    """The problem, both passes, what to observe; then the same problem with L = Σ y_i."""

    def section(key: str, *blocks: Block) -> list[Block]:
        return [Heading(voice.say("title", key), 2), *blocks]

    summed = Trace(replace(trace.problem, grad_y=None, loss="sum"))
    return [
        Heading(voice.say("title", "walkthrough")),
        *section("problem", facts(trace, voice)),
        *section("forward", *forward_page(trace, voice)[2:]),
        *section("upstream", Facts(upstream_facts(trace, voice))),
        *section("backward", *backward_page(trace, voice)[2:]),
        *section("observe", *_observations(trace, voice)),
        *section("sum", Facts(upstream_facts(summed, voice)), backward_table(summed, voice)),
    ]


def _observations(trace: Trace, voice: Voice) -> list[Block]:
    mask, n = trace.problem.mask, trace.problem.x.size
    if mask is None:
        return [Paragraph(voice.say("observe", "inference", n=f"{n:,}"))]
    kept = int(mask.sum())
    said: list[Block] = []
    if kept < n:
        said.append(Paragraph(voice.say("observe", "dropped", count=f"{n - kept:,}", n=f"{n:,}")))
    if kept:
        assert trace.scale is not None
        scale = voice.number(trace.scale)
        said.append(
            Paragraph(voice.say("observe", "kept", count=f"{kept:,}", n=f"{n:,}", scale=scale))
        )
    return said
