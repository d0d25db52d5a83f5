"""What came of running a layer at one p, and the form of a finding on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.verify.layers import NoArrayError, quote
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.verify.layers import Answer, Values

NOTHING = 1e-6  # times x: what is smaller is a dropped element
COINS = 100  # further calls to a layer that keeps everything, or drops everything
ABOUT = {
    "same-mask": "grad_x",
    "kept-fraction": "mask",
    "independent": "mask",
    "fresh-mask": "mask",
    "input-untouched": "x",
}


class LayerRaisedError(Exception):
    """What the layer raised, or returned that is no array."""

    def __init__(self, error: BaseException, in_backward: bool = False) -> None:
        """in_backward: whether it came from the backward pass, not from forward."""
        super().__init__(quote(error))
        self.reason: dict[str, Any] = {"in_backward": in_backward, "exception": quote(error)}
        if isinstance(error, NoArrayError):
            self.reason = {"in_backward": in_backward, "returned": str(error)}


class UnreadableError(Exception):
    """Why a question could not be asked, though the layer answered: a name, and its values."""

    def __init__(self, reason: str, **values: object) -> None:
        """reason: a name that the prose knows."""
        super().__init__(reason)
        self.reason: dict[str, Any] = {"open": reason, **values}


class Wrong(NamedTuple):
    """A wrong element: its place, an index from 0 for each axis of the input."""

    place: tuple[int, ...]
    got: float
    expected: float


class LayerFinding(NamedTuple):
    """The answer to one question at one p.

    id: the question. p: the drop probability.
    ok: whether the layer is right; None where that could not be asked, and reason says why.
    checked: over how many elements. max_error: the largest difference, in values or, where the
        question is one of chance, in fractions.
    mistake: the name of what explains it; None where nothing is wrong, or no name fits.
    about: what was looked at: "y", "grad_x", "mask" or "x". wrong: the first wrong elements.
    reason: the numbers behind it: counts, levels, p-values; "exception", what the layer raised, in
        one line; "open", the name of why the question could not be asked; "unfit", the shapes
        that it does not take, and "exception".
    fits: the names of all that explains it at this p, where that may be several formulas.
    """

    id: str
    p: float
    ok: bool | None
    checked: int
    max_error: float
    mistake: str | None
    about: str
    wrong: list[Wrong]
    reason: dict[str, Any]
    fits: list[str] | None = None


class Run(NamedTuple):
    """One call of the layer: what it was given, in which type, and what it answered."""

    x: FloatArray
    grad_y: FloatArray
    dtype: str
    answer: Answer

    @property
    def y(self) -> FloatArray:
        """The output. Raises UnreadableError where it is of another shape, or not of floats."""
        return self._readable("y", self.answer.y)

    @property
    def grad_x(self) -> FloatArray:
        """The gradient. Raises as y does, and LayerRaisedError where backward raised."""
        if isinstance(self.answer.grad_x, BaseException):
            raise LayerRaisedError(self.answer.grad_x, in_backward=True)
        return self._readable("grad_x", self.answer.grad_x)

    @property
    def mask(self) -> Mask:
        """The mask of a run in training: True, kept, where y is not 0, as no x is 0.

        Nor 0 but for rounding: a factor of 10^−6 is none that a layer scales by.
        """
        return ~np.asarray(np.abs(self.y) <= NOTHING * np.abs(self.x))

    def type_of(self, about: str) -> str:
        """The type of y or grad_x, where it is readable."""
        values = self.answer.grad_x if about == "grad_x" else self.answer.y
        assert not isinstance(values, BaseException)
        return values.dtype

    def _readable(self, name: str, values: Values) -> FloatArray:
        if values.array.shape != self.x.shape:
            raise UnreadableError("other-shape", about=name, got=values.array.shape)
        if values.dtype not in TYPES:
            raise UnreadableError("other-type", about=name, got=values.dtype)
        return values.array


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs at one p: in training, then in inference, then in training again.

    Each holds one run for each shape (again: one run), or what the layer raised.
    repeated: right after each run of training, of the same shape.
    more: makes one more run in training.
    refused: whether the layer does not take this p.
    unfit: the shapes that it does not take, and what it raised.
    """

    p: float
    training: list[Run] | LayerRaisedError
    repeated: list[Run] | LayerRaisedError
    inference: list[Run] | LayerRaisedError
    again: list[Run] | LayerRaisedError
    more: Callable[[], list[Run] | LayerRaisedError]
    refused: bool = False
    unfit: dict[str, BaseException] = field(default_factory=dict)

    def first(self) -> list[Run]:
        """The first runs in training. Like all of these, raises what the layer raised."""
        return _or_raise(self.training)

    def second(self) -> list[Run]:
        """The second runs in training, of the same shapes."""
        return _or_raise(self.repeated)

    def trained(self) -> list[Run]:
        """All runs in training."""
        return self.first() + self.second() + _or_raise(self.again)

    def inferred(self) -> list[Run]:
        """All runs in inference."""
        return _or_raise(self.inference)

    def every(self) -> list[Run]:
        """All runs that did not raise."""
        outcomes = (self.training, self.repeated, self.inference, self.again)
        runs = [run for outcome in outcomes if isinstance(outcome, list) for run in outcome]
        return runs or self.first()

    @cached_property
    def coin(self) -> set[bool] | None:
        """If every call keeps all or drops all: the outcomes seen, True = all kept; else None.

        If it is always the same one, up to COINS more calls are made.
        """
        seen = set()
        more = (_or_raise(self.more())[0] for _ in range(COINS))
        for count, run in enumerate(chain(self.trained(), more), start=1):
            kept = run.mask.all()
            if not kept and run.mask.any():
                return None
            seen.add(bool(kept))
            if len(seen) == 2 and count >= len(self.trained()):
                break
        return seen


def unanswered(name: str, p: float, ok: bool | None, **reason: Any) -> LayerFinding:
    """The finding where there is no answer to judge: a failure, or None where it is left open."""
    return LayerFinding(name, p, ok, 0, 0.0, None, ABOUT.get(name, "y"), [], reason)


def _or_raise(runs: list[Run] | LayerRaisedError) -> list[Run]:
    if isinstance(runs, LayerRaisedError):
        raise runs
    return runs
