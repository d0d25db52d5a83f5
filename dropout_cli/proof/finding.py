"""What a check found: of a claim, of what an implementation computed, of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wrong(NamedTuple):
    """A wrong element: its place, an index from 0 for each axis, and what was right."""

    place: tuple[int, ...]
    got: float
    expected: float


class Example(NamedTuple):
    """The smallest case in which an element is wrong: one element, whose mask bit is kept."""

    x: float
    grad_y: float
    kept: bool | None
    got: float


class Reason(NamedTuple):
    """Why a check failed, or could not be made: the key of a sentence, and what stands in it.

    counted of n: elements or calls, where expected would be usual.
    chance: a bound on the probability with which that happens to a right layer.
    at: where: a distance, an axis, what was given. got, wanted: a type, a shape, a value.
    error: an exception in one line, with its file and line. cause: the exception itself.
    factor, offset: between what is right and what came out, where it is one for all elements.
    example: an element to try it with. code: lines to paste that would help.
    """

    key: str
    counted: int = 0
    n: int = 0
    expected: float = 0.0
    chance: float = 1.0
    at: str = ""
    got: str = ""
    wanted: str = ""
    error: str = ""
    cause: BaseException | None = None
    factor: float | None = None
    offset: float | None = None
    example: Example | None = None
    code: str = ""


class Finding(NamedTuple):
    """What one check found.

    max_error: the largest difference from what is right.
    ok: whether all is right; None where that was not checked, or there was nothing to check.
    checked: over how many elements.
    id: of the check. p: the drop probability.
    about: what was looked at: "y", "grad_x", "mask", "x" or "grad_y".
    mistakes: the names of all that explain it.
    wrong: the first wrong elements. reason: why, unless all is right.
    """

    max_error: float
    ok: bool | None
    checked: int
    id: str = ""
    p: float = 0.0
    about: str = "y"
    mistakes: Sequence[str] = ()
    wrong: Sequence[Wrong] = ()
    reason: Reason | None = None


SILENT = Finding(0.0, None, 0)
