"""Compare what a layer answered with what is right, or find out why nothing can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.proof.finding import Example, Finding, Reason, Wrong
from dropout_cli.verify.layers import WRAP, NoArrayError
from dropout_cli.verify.load import quote_with_place
from dropout_cli.verify.mistakes import factor, offset
from dropout_cli.verify.naming import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from dropout_cli.arrays import FloatArray
    from dropout_cli.verify.calls import Call, Record

SHOWN = 5  # at most this many wrong elements are given
NAMED = 6  # calls that a name must fit, of so many elements if there are such
BIG = 1000


class NoAnswerError(Exception):
    """Nothing can be compared, so that a question is not judged, or failed where ok is False."""

    def __init__(self, key: str, ok: bool | None = None, about: str = "y", **known: Any) -> None:
        """Take the key of a sentence and what stands in it. about: as in Finding."""
        super().__init__(key)
        self.finding = Finding(0.0, ok, 0, about=about, reason=Reason(key, **known))
        if ok is False:
            self.finding = self.finding._replace(mistakes=("raised",))


def answered(record: Record, about: str, training: bool) -> list[Call]:
    """Return the calls in this mode whose y, or grad_x, can be judged, if there are any."""
    if calls := record.answered(about, training):
        return calls
    calls = [call for call in record.calls if call.training is training]
    for call in calls:
        found = call.y if about == "y" else call.grad_x
        if found is not None and found.array.shape != call.x.shape:
            raise NoAnswerError("other-shape", got=str(found.array.shape))
        if found is not None:
            raise NoAnswerError("other-type", got=found.dtype)
    errors = [record.refused, *(call.error or call.backward_error for call in calls)]
    error = next(filter(None, errors), None)
    if isinstance(error, ArithmeticError) and training and record.p in (0, 1):
        raise NoAnswerError("raised-always", ok=False, **quoted(error))
    raise no_answer(error)


def no_answer(error: BaseException | None) -> NoAnswerError:
    """Say that no call was answered, and what was raised or returned instead."""
    if error is None:
        return NoAnswerError("no-answer")
    if isinstance(error, NoArrayError):
        return NoAnswerError("returned", code=WRAP["cache"], **quoted(error))
    return NoAnswerError("refused", **quoted(error))


def must_answer(record: Record) -> None:
    """Raise NoAnswerError where no call was answered with an array."""
    errors = [call.error for call in record.calls]
    if None not in errors:
        raise no_answer(next(iter(errors), record.refused))


def must_not_raise(record: Record, training: bool) -> None:
    """Raise NoAnswerError where backward raised, or returned no array, though forward passed."""
    for call in record.calls:
        error = call.backward_error
        if call.training is training and error is not None:
            key = "returned-backward" if isinstance(error, NoArrayError) else "raised-backward"
            at = str(call.x.shape)
            raise NoAnswerError(key, ok=False, about="grad_x", at=at, **quoted(error))


def quoted(error: BaseException) -> dict[str, Any]:
    """Return what a reason says of an exception."""
    sentence = str(error) if isinstance(error, NoArrayError) else quote_with_place(error)
    return {"error": sentence, "cause": error}


def compare_both(record: Record, training: bool) -> Finding:
    """Compare y and, if that is right, ∂L/∂x, in all calls in this mode."""
    calls = answered(record, "y", training)
    y = compare(calls, "y")
    calls = [call for call in calls if call.array("grad_x") is not None]
    if not y.ok or not calls:
        return y
    grad_x = compare(calls, "grad_x")
    return grad_x._replace(
        checked=y.checked + grad_x.checked,
        max_error=float(np.maximum(y.max_error, grad_x.max_error)),
        about="y" if grad_x.ok else "grad_x",
    )


def compare(calls: Sequence[Call], about: str) -> Finding:
    """Compare y or grad_x of these calls with what is right, element by element."""
    wrong: list[tuple[Call, FloatArray, FloatArray, Any]] = []
    checked, count, largest = 0, 0, 0.0
    for call in calls:
        got, right = call.array(about), call.right(about)
        assert got is not None
        good = call.allowed(about).near(got, right)
        checked += got.size
        with np.errstate(all="ignore"):
            largest = float(np.maximum(largest, np.abs(got - right).max()))  # nan stays nan
        if not good.all():
            count += int((~good).sum())
            wrong.append((call, got, right, good))
    finding = Finding(largest, not count, checked, about=about)
    if not wrong:
        return finding
    several = [each for each, *_ in wrong if each.x.size >= BIG] or [each for each, *_ in wrong]
    names, *others = [names_of(each, about) for each in several[:: -(-len(several) // NAMED)]]
    names = [name for name in names if all(name in each for each in others)]
    call, got, right, good = wrong[0]
    places = [tuple(place) for place in np.argwhere(~good)[:SHOWN].tolist()]
    allowed = call.allowed(about)
    reason = Reason("wrong", count, checked, factor=factor(got.ravel(), right.ravel(), allowed))
    if not names:
        reason = reason._replace(
            offset=offset(got.ravel(), right.ravel(), allowed) or _offset(call, about, got),
            example=_example(call, places[0], float(got[places[0]])),
        )
    shown = [Wrong(place, float(got[place]), float(right[place])) for place in places]
    return finding._replace(mistakes=names, wrong=shown, reason=reason)


def _offset(call: Call, about: str, got: FloatArray) -> float | None:
    """What is added to every y, dropped ones too: most often what these are."""
    if about != "y" or not 0 < call.p < 1 or not call.training:
        return None
    seen, counts = np.unique(got, return_counts=True)
    most = float(seen[counts.argmax()])
    right = np.where(got == most, 0, call.x / (1 - call.p))
    return most if call.allowed(about).near(got - most, right).all() else None


def _example(call: Call, place: Any, got: float) -> Example:
    kept = bool(call.mask[place]) if call.training and call.array("y") is not None else None
    return Example(float(call.x[place]), float(call.grad_y[place]), kept, got)
