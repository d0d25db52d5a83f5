"""The masks that each source draws, and the seeds that draw a mask: records and pages."""

import numpy as np

from dropout_cli.arrays import Mask
from dropout_cli.formats.document import SIGNS, Document, Heading, Paragraph, Table
from dropout_cli.views.records import MasksRecord, Vector
from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/masks/1"
SHORT = 16  # elements of a mask in a heading, or where there is room for no more
GAP = 2  # columns between two of a table


def masks_record(
    masks: dict[str, Mask], like: Mask | None, seed: int, skip: int, p: float
) -> MasksRecord:
    """Record what each source draws from the seed, and whether that equals `like`."""
    n = next(iter(masks.values())).size
    drawn = {rng: mask.view(np.int8) for rng, mask in masks.items()}
    record: MasksRecord = {"schema": SCHEMA, "p": p, "n": n, "seed": seed, "masks": drawn}
    if skip:
        record["skip"] = skip
    if like is not None:
        record["equal"] = {rng: bool((mask == like).all()) for rng, mask in masks.items()}
    return record


def seeds_record(
    seeds: dict[str, int | None], mask: Mask, skip: int, p: float, below: int
) -> MasksRecord:
    """Record from which seed below a bound each source draws the mask; None: from none."""
    record: MasksRecord = {
        "schema": SCHEMA, "p": p, "n": mask.size, "find": mask.view(np.int8), "below": below,
        "seeds": seeds,
    }  # fmt: skip
    if skip:
        record["skip"] = skip
    return record


def masks_page(record: MasksRecord, like: Mask | None, messages: Messages, width: int) -> Document:
    """Show the record of masks, and which of them equals `like`.

    width: of the page, in columns, to which masks are shortened.
    """
    columns = [messages.string("masks", key) for key in ("rng", "who", "mask")]
    rows = [[rng, messages.string("source", rng)] for rng in record["masks"]]
    room = width - sum(max(map(_cells, column)) + GAP for column in zip(*rows, strict=True))
    if like is not None:
        columns.append(messages.string("masks", "equal", mask=_bits(like)))
        room -= _cells(columns[-1]) + GAP
    for row, (rng, mask) in zip(rows, record["masks"].items(), strict=True):
        row.append(_bits(mask, room))
        if like is not None:
            row.append(SIGNS[record["equal"][rng]])
    elements = messages.counted("elements", record["n"])
    return [
        Heading(messages.string("masks", "title")),
        _opening("given", record, messages, seed=record["seed"], elements=elements),
        Table(columns, rows, words=range(len(columns))),
        Paragraph(messages.text("masks", "why")),
        Paragraph(messages.text("masks", "elsewhere")),
    ]


def seeds_page(record: MasksRecord, messages: Messages, width: int) -> Document:
    """Show the record of seeds. width: as for masks_page."""
    none = messages.string("masks", "none", below=f"{record['below']:,}")
    rows = [
        [rng, messages.string("source", rng), none if seed is None else str(seed)]
        for rng, seed in record["seeds"].items()
    ]
    columns = [messages.string("masks", key) for key in ("rng", "who", "seed")]
    return [
        Heading(messages.string("masks", "search")),
        _opening("sought", record, messages, mask=_bits(record["find"], width)),
        Table(columns, rows, words=range(len(columns))),
    ]


def _opening(key: str, record: MasksRecord, messages: Messages, **values: object) -> Paragraph:
    p, after = messages.probability(record["p"]), messages.after(record.get("skip", 0))
    return Paragraph(messages.text("masks", key, p_value=p, after=after, **values))


def _cells(text: str) -> int:
    """Count the columns of a text, two for a Chinese character."""
    return sum(1 + (sign > "⺀") for sign in text)


def _bits(mask: Vector, room: int = SHORT) -> str:
    """Write the mask as 1010, or as 1010 … where it is longer than the room and than SHORT."""
    whole = "".join(f"{bit:d}" for bit in mask[: max(room, SHORT) + 1])
    return whole if len(whole) <= max(room, SHORT) else f"{whole[: max(room - 2, SHORT)]} …"
