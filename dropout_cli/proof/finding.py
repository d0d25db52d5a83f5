"""The results of checks: of claims, of computed values and of layers."""

from collections.abc import Sequence
from typing import NamedTuple


class Wrong(NamedTuple):
    """A wrong element, with the numbers that it is computed from.

    place: its index on each axis, from 0. kept: its mask bit; None in inference.
    """

    place: tuple[int, ...]
    got: float
    expected: float
    x: float
    grad_y: float
    kept: bool | None


class Reason(NamedTuple):
    """Why a check failed or could not be made: the key of a sentence, and the values in it.

    counted, n, expected: so many of n elements or calls, and how many were expected.
    chance: a bound on the probability that a right layer fails like this.
    at: where: a distance, a slice, a shape, a generator, or features of the input.
    got, wanted: a type, a shape or a value.
    error: an exception in one line, with its file and line. cause: the exception itself.
    factor, offset: from the right values to the wrong ones, if all elements share it.
    code: lines to paste that help.
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
    code: str = ""


class Finding(NamedTuple):
    """The result of one check.

    max_error: the largest difference from the right values.
    ok: whether all is right; None if it was not checked, or there was nothing to check.
    checked: the number of elements checked.
    id: of the check. p: the drop probability.
    about: the vector checked: "y", "grad_x", "mask", "x" or "grad_y".
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
