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
SHORT = 16  # elements of a mask in a heading, or where there is room for no more
GAP = 2  # columns between two of a table


def masks_record(
    masks: dict[str, Mask], like: Mask | None, seed: int, skip: int, p: float
) -> MasksRecord:
    """Record what each source draws from the seed, and whether it is the mask like."""
    n = next(iter(masks.values())).size
    drawn = {rng: mask.astype(int).tolist() for rng, mask in masks.items()}
    record: MasksRecord = {"schema": SCHEMA, "p": p, "n": n, "seed": seed, "masks": drawn}
    if skip:
        record["skip"] = skip
    if like is not None:
        record["equal"] = {rng: bool((mask == like).all()) for rng, mask in masks.items()}
    return record


def seeds_record(
    seeds: dict[str, int | None], mask: Mask, skip: int, p: float, below: int
) -> MasksRecord:
    """Record from which seed below a bound each source draws the mask."""
    find = mask.astype(int).tolist()
    record: MasksRecord = {
        "schema": SCHEMA, "p": p, "n": mask.size, "find": find, "below": below, "seeds": seeds,
    }  # fmt: skip
    if skip:
        record["skip"] = skip
    return record


def masks_page(
    masks: dict[str, Mask], like: Mask | None, seed: int, skip: int, p: float, messages: Messages,
    width: int,
) -> Document:  # fmt: skip
    """Show what each source draws from the seed; like is a mask to compare them with.

    width: of the page, in columns.
    """
    n = next(iter(masks.values())).size
    given = messages.text(
        "masks", "given_after" if skip else "given", seed=seed, skip=f"{skip:,}",
        elements=messages.elements(n), p_value=messages.probability(p),
    )  # fmt: skip
    return [
        Heading(messages.string("masks", "title")),
        Paragraph(given),
        _masks_table(masks, like, messages, width),
        Paragraph(messages.text("masks", "why")),
        Paragraph(messages.text("masks", "elsewhere")),
    ]


def _masks_table(
    masks: dict[str, Mask], like: Mask | None, messages: Messages, width: int
) -> Table:
    """Tabulate the sources: the name, who draws so, the mask, and whether it is the mask like.

    A mask is as long as the width leaves room for.
    """
    columns = [messages.string("masks", key) for key in ("rng", "who", "mask")]
    rows = [[rng, messages.string("source", rng)] for rng in masks]
    room = width - sum(max(map(_cells, column)) + GAP for column in zip(*rows, strict=True))
    if like is not None:
        columns.append(messages.string("masks", "equal", mask=bits(like)))
        room -= _cells(columns[-1]) + GAP
    for row, mask in zip(rows, masks.values(), strict=True):
        row.append(bits(mask, room if mask.size <= room else room - len(" …")))
        if like is not None:
            row.append(SIGNS[bool(np.array_equal(mask, like))])
    return Table(columns, rows, words=range(len(columns)))


def seeds_page(
    seeds: dict[str, int | None], mask: Mask, skip: int, p: float, below: int, messages: Messages,
    width: int,
) -> Document:  # fmt: skip
    """Show from which seed each source draws the mask; None where no seed is < below."""
    sought = messages.text(
        "masks", "sought_after" if skip else "sought", mask=bits(mask, width),
        p_value=messages.probability(p), skip=f"{skip:,}",
    )  # fmt: skip
    none = messages.string("masks", "none", below=f"{below:,}")
    rows = [
        [rng, messages.string("source", rng), none if seed is None else str(seed)]
        for rng, seed in seeds.items()
    ]
    columns = [messages.string("masks", key) for key in ("rng", "who", "seed")]
    table = Table(columns, rows, words=range(len(columns)))
    return [Heading(messages.string("masks", "search")), Paragraph(sought), table]


def _cells(text: str) -> int:
    """Count the columns of a text, two for a Chinese character."""
    return sum(1 + (sign > "⺀") for sign in text)


def bits(mask: Mask, most: int = SHORT) -> str:
    """Write the mask as 1010, and no more than its first elements, but those of SHORT."""
    most = max(most, SHORT)
    return "".join(f"{bit:d}" for bit in mask[:most]) + (" …" if mask.size > most else "")
