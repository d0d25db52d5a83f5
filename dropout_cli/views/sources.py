"""Which source draws which mask, and from which seed, as pages and as a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import SIGNS, Document, Heading, Paragraph, Table

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.views.records import MasksRecord
    from dropout_cli.words.messages import Voice

SCHEMA = "dropout-cli/masks/1"


def masks_record(masks: dict[str, Mask], like: Mask | None, seed: int, p: float) -> MasksRecord:
    """What each source draws from the seed, and whether it is the mask like."""
    n = next(iter(masks.values())).size
    drawn = {rng: mask.astype(int).tolist() for rng, mask in masks.items()}
    record: MasksRecord = {"schema": SCHEMA, "p": p, "n": n, "seed": seed, "masks": drawn}
    if like is not None:
        record["equal"] = {rng: bool((mask == like).all()) for rng, mask in masks.items()}
    return record


def seeds_record(seeds: dict[str, int | None], mask: Mask, p: float, below: int) -> MasksRecord:
    """From which seed below a bound each source draws the mask."""
    find = mask.astype(int).tolist()
    return {
        "schema": SCHEMA, "p": p, "n": mask.size, "find": find, "below": below, "seeds": seeds,
    }  # fmt: skip


def masks_page(
    masks: dict[str, Mask], like: Mask | None, seed: int, p: float, voice: Voice
) -> Document:
    """What each source draws with the seed; like is a mask to compare them with."""
    n = next(iter(masks.values())).size
    given = voice.tell(
        "masks", "given", seed=seed, elements=voice.elements(n), p_value=voice.probability(p)
    )
    return [
        Heading(voice.say("masks", "title")),
        Paragraph(given),
        masks_table(masks, like, voice),
    ]


def masks_table(masks: dict[str, Mask], like: Mask | None, voice: Voice) -> Table:
    """One row per source: its name, who draws so, its mask, and whether that is the mask like."""
    rows = []
    for rng, mask in masks.items():
        equal = None if like is None else bool(np.array_equal(mask, like))
        cells = [rng, voice.say("source", rng), bits(mask)]
        rows.append(cells if equal is None else [*cells, SIGNS[equal]])
    columns = [voice.say("masks", key) for key in ("rng", "who", "mask")]
    if like is not None:
        columns.append(voice.say("masks", "equal", mask=bits(like)))
    return Table(columns, rows, words=range(len(columns)))


def seeds_page(
    seeds: dict[str, int | None], mask: Mask, p: float, below: int, voice: Voice
) -> Document:
    """With which seed each source draws the mask; None where no seed is < below."""
    sought = voice.tell("masks", "sought", mask=bits(mask), p_value=voice.probability(p))
    none = voice.say("masks", "none", below=f"{below:,}")
    rows = [
        [rng, voice.say("source", rng), none if seed is None else str(seed)]
        for rng, seed in seeds.items()
    ]
    columns = [voice.say("masks", key) for key in ("rng", "who", "seed")]
    table = Table(columns, rows, words=range(len(columns)))
    return [Heading(voice.say("masks", "search")), Paragraph(sought), table]


def bits(mask: Mask) -> str:
    """The mask as 1010, its first sixteen elements."""
    return "".join(f"{bit:d}" for bit in mask[:16]) + (" …" if mask.size > 16 else "")
