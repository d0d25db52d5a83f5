"""Which source draws which mask, and from which seed, as pages and as records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import SIGNS, Document, Heading, Paragraph, Table

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.views.records import MasksRecord
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/masks/1"


def masks_record(masks: dict[str, Mask], like: Mask | None, seed: int, p: float) -> MasksRecord:
    """Record what each source draws from the seed, and whether it is the mask like."""
    n = next(iter(masks.values())).size
    drawn = {rng: mask.astype(int).tolist() for rng, mask in masks.items()}
    record: MasksRecord = {"schema": SCHEMA, "p": p, "n": n, "seed": seed, "masks": drawn}
    if like is not None:
        record["equal"] = {rng: bool((mask == like).all()) for rng, mask in masks.items()}
    return record


def seeds_record(seeds: dict[str, int | None], mask: Mask, p: float, below: int) -> MasksRecord:
    """Record from which seed below a bound each source draws the mask."""
    find = mask.astype(int).tolist()
    return {
        "schema": SCHEMA, "p": p, "n": mask.size, "find": find, "below": below, "seeds": seeds,
    }  # fmt: skip


def masks_page(
    masks: dict[str, Mask], like: Mask | None, seed: int, p: float, messages: Messages
) -> Document:
    """Show what each source draws from the seed; like is a mask to compare them with."""
    n = next(iter(masks.values())).size
    given = messages.tell(
        "masks", "given", seed=seed, elements=messages.elements(n), p_value=messages.probability(p)
    )
    columns = [messages.say("masks", key) for key in ("rng", "who", "mask")]
    rows = [[rng, messages.say("source", rng), bits(mask)] for rng, mask in masks.items()]
    if like is not None:
        columns.append(messages.say("masks", "equal", mask=bits(like)))
        for row, mask in zip(rows, masks.values(), strict=True):
            row.append(SIGNS[bool(np.array_equal(mask, like))])
    return [
        Heading(messages.say("masks", "title")),
        Paragraph(given),
        Table(columns, rows, words=range(len(columns))),
        Paragraph(messages.tell("masks", "why")),
    ]


def seeds_page(
    seeds: dict[str, int | None], mask: Mask, p: float, below: int, messages: Messages
) -> Document:
    """Show from which seed each source draws the mask; None where no seed is < below."""
    sought = messages.tell("masks", "sought", mask=bits(mask), p_value=messages.probability(p))
    none = messages.say("masks", "none", below=f"{below:,}")
    rows = [
        [rng, messages.say("source", rng), none if seed is None else str(seed)]
        for rng, seed in seeds.items()
    ]
    columns = [messages.say("masks", key) for key in ("rng", "who", "seed")]
    table = Table(columns, rows, words=range(len(columns)))
    return [Heading(messages.say("masks", "search")), Paragraph(sought), table]


def bits(mask: Mask) -> str:
    """Write the first sixteen elements of the mask as 1010."""
    return "".join(f"{bit:d}" for bit in mask[:16]) + (" …" if mask.size > 16 else "")
