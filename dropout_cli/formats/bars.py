"""The bars of a table as characters: what arrived, what the scaling adds, what was lost."""

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from dropout_cli.formats.document import Bar

FEWEST, MOST = 10, 24  # characters of a bar, on both sides of zero
STEPS = (1, 2, 2.5, 5)  # times a power of ten: the possible values of a character
ARRIVED, ADDED, LOST, LITTLE, ZERO = "█▒╌▏│"


def draw(bars: Sequence[Bar | None], room: int) -> list[Text]:
    """Draw bars on one scale. room: in characters, at least FEWEST."""
    room = min(room, MOST)
    some = [bar for bar in bars if bar is not None]
    zero = ZERO * any(min(bar.arrived, bar.result) < 0 for bar in some)
    for cell in _cells(some, room):
        signs = [(bar.arrived < 0, len(_signs(bar, cell))) for bar in some]
        below = max((length for negative, length in signs if negative), default=0)
        above = max((length for negative, length in signs if not negative), default=0)
        if below + len(zero) + above <= room:
            break
    return [Text() if bar is None else _drawn(bar, _signs(bar, cell), below, zero) for bar in bars]


def _cells(bars: Sequence[Bar], room: int) -> Iterator[float]:
    """Yield the values that a character may have, from one too small for the largest bar."""
    largest = max((max(abs(bar.arrived), abs(bar.result)) for bar in bars), default=0)
    power = math.floor(math.log10(largest / room)) if largest > 0 else 0
    for k in range(power, power + 4):
        yield from (step * 10.0**k for step in STEPS)


def _signs(bar: Bar, cell: float) -> str:
    """Write a bar from zero outwards."""
    arrived = math.floor(abs(bar.arrived) / cell + 0.5)
    if not bar.kept:
        return LOST * max(arrived, bar.arrived != 0)
    result = math.floor(abs(bar.result) / cell + 0.5)
    return (ARRIVED * arrived + ADDED * (result - arrived)) or LITTLE * (bar.arrived != 0)


def _drawn(bar: Bar, signs: str, below: int, zero: str) -> Text:
    """Put a bar on its side of the zero line."""
    left, right = (signs[::-1], "") if bar.arrived < 0 else ("", signs)
    style = "kept" if bar.kept else "dropped"
    return Text.assemble((left.rjust(below), style), (zero, "gloss"), (right, style))


def key(labels: Sequence[str], drawn: Sequence[Text]) -> Text:
    """Explain the characters that occur."""
    occurring = "".join(bar.plain for bar in drawn)
    explained = [
        Text.assemble((sign * 2, "dropped" if sign == LOST else "kept"), f" {label}")
        for sign, label in zip((ARRIVED, ADDED, LOST), labels, strict=True)
        if sign in occurring
    ]
    return Text("   ").join(explained)
