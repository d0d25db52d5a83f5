"""Which source draws which mask, and from which seed, as pages and as records."""

import numpy as np

from dropout_cli.arrays import Mask
from dropout_cli.formats.document import SIGNS, Document, Heading, Paragraph, Table
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
    """Show what each source draws from the seed, and whether it is the mask like.

    width: of the page, in columns. A mask is as long as it leaves room for.
    """
    given = messages.text(
        "masks", "given", seed=seed, after=messages.after(skip), p_value=messages.probability(p),
        elements=messages.counted("elements", next(iter(masks.values())).size),
    )  # fmt: skip
    columns = [messages.string("masks", key) for key in ("rng", "who", "mask")]
    rows = [[rng, messages.string("source", rng)] for rng in masks]
    room = width - sum(max(map(_cells, column)) + GAP for column in zip(*rows, strict=True))
    if like is not None:
        columns.append(messages.string("masks", "equal", mask=bits(like)))
        room -= _cells(columns[-1]) + GAP
    for row, mask in zip(rows, masks.values(), strict=True):
        row.append(bits(mask, room))
        if like is not None:
            row.append(SIGNS[bool(np.array_equal(mask, like))])
    return [
        Heading(messages.string("masks", "title")),
        Paragraph(given),
        Table(columns, rows, words=range(len(columns))),
        Paragraph(messages.text("masks", "why")),
        Paragraph(messages.text("masks", "elsewhere")),
    ]


def seeds_page(
    seeds: dict[str, int | None], mask: Mask, skip: int, p: float, below: int, messages: Messages,
    width: int,
) -> Document:  # fmt: skip
    """Show from which seed each source draws the mask; None where no seed is < below."""
    sought = messages.text(
        "masks", "sought", mask=bits(mask, width), p_value=messages.probability(p),
        after=messages.after(skip),
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


def bits(mask: Mask, room: int = SHORT) -> str:
    """Write the mask as 1010, or as 1010 … where it is longer than the room and than SHORT."""
    whole = "".join(f"{bit:d}" for bit in mask[: max(room, SHORT) + 1])
    return whole if len(whole) <= max(room, SHORT) else f"{whole[: max(room - 2, SHORT)]} …"
