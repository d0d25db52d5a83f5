"""What a layer gave against what is right, and why that may leave nothing to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.proof.finding import Example, Finding, Reason, Wrong
from dropout_cli.verify.layers import NoArrayError
from dropout_cli.verify.load import quote_with_place
from dropout_cli.verify.mistakes import factor, offset
from dropout_cli.verify.tolerance import tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dropout_cli.arrays import FloatArray
    from dropout_cli.verify.calls import Call, Record
    from dropout_cli.verify.tolerance import Tolerance

    Case = tuple[Call, str, FloatArray]  # a call, "y" or "grad_x", and what is right
    Namer = Callable[[str, Call, float, FloatArray], list[str]]  # about, a call, p, what it gave

SHOWN = 5  # at most this many wrong elements are given
NAMED = 6  # calls that a name must fit, of so many elements if there are such
BIG = 1000


class UnaskedError(Exception):
    """A question that cannot be asked of this record, and why."""

    def __init__(self, key: str, **known: Any) -> None:
        """key: of a sentence. known: what stands in it."""
        super().__init__(key)
        self.reason = Reason(key, **known)


def answered(record: Record, about: str, training: bool) -> list[Call]:
    """The calls in this mode whose y, or grad_x, can be judged; UnaskedError where none can."""
    calls = record.answered(about, training)
    if calls:
        return calls
    for call in record.calls:
        found = call.y if about == "y" else call.grad_x
        if found is not None and call.training is training:
            if found.array.shape != call.x.shape:
                raise UnaskedError("other-shape", got=str(found.array.shape))
            raise UnaskedError("other-type", got=found.dtype)
    for call in record.calls:
        error = call.error or call.backward_error
        if error is not None and call.training is training:
            if isinstance(error, ArithmeticError) and record.p in (0, 1):
                reason = Reason("raised", at=str(call.x.shape), **quoted(error))
                name = f"p-{record.p:g}"
                raise FaultError(
                    Finding(0.0, False, 0, name, record.p, mistakes=("raised",), reason=reason)
                )
            raise UnaskedError("refused", **quoted(error))
    raise UnaskedError("no-answer")


def must_not_raise(record: Record, name: str, training: bool) -> None:
    """Raise FaultError where backward raised though forward had passed."""
    for call in record.calls:
        if call.training is training and call.backward_error is not None:
            raise FaultError(fault(Finding(0.0, False, 0, name, record.p), call))


class FaultError(Exception):
    """A failure that leaves nothing to compare."""

    def __init__(self, finding: Finding) -> None:
        """finding: what is to be told."""
        super().__init__(finding.id)
        self.finding = finding


def fault(finding: Finding, call: Call) -> Finding:
    """Backward raised, or returned no array."""
    error = call.backward_error
    assert error is not None
    key = "returned-backward" if isinstance(error, NoArrayError) else "raised-backward"
    reason = Reason(key, at=str(call.x.shape), **quoted(error))
    return finding._replace(ok=False, about="grad_x", mistakes=("raised",), reason=reason)


def quoted(error: BaseException) -> dict[str, Any]:
    """What a reason says of an exception."""
    told = str(error) if isinstance(error, NoArrayError) else quote_with_place(error)
    return {"error": told, "cause": error}


def kept_of(call: Call, v: FloatArray, p: float) -> FloatArray:
    """v ⊙ m/(1−p)."""
    return np.where(call.mask, v / (1 - p), 0)


def compare_both(
    record: Record, name: str, cases: Sequence[tuple[Call, FloatArray, FloatArray]], namer: Namer
) -> Finding:
    """The output and, if that is right, the gradient; cases hold a call and what both should be."""
    y = compare(name, record.p, [(call, "y", of_y) for call, of_y, _ in cases], namer)
    both = [(call, "grad_x", of_x) for call, _, of_x in cases if call.array("grad_x") is not None]
    if not y.ok or not both:
        return y
    grad_x = compare(name, record.p, both, namer)
    return grad_x._replace(
        checked=y.checked + grad_x.checked,
        max_error=float(np.maximum(y.max_error, grad_x.max_error)),
        about="y" if grad_x.ok else "grad_x",
    )


def compare(name: str, p: float, cases: Sequence[Case], namer: Namer) -> Finding:
    """What the layer gave against what is right, element by element."""
    wrong: list[tuple[Call, FloatArray, FloatArray, Any]] = []
    checked, count, largest, about = 0, 0, 0.0, "y"
    for call, about, right in cases:
        got = call.array(about)
        assert got is not None
        good = _allowed(call, about, p).near(got, right)
        checked += got.size
        with np.errstate(all="ignore"):
            largest = float(np.maximum(largest, np.abs(got - right).max()))  # nan stays nan
        if not good.all():
            count += int((~good).sum())
            wrong.append((call, got, right, good))
    finding = Finding(largest, not count, checked, name, p, about)
    if not wrong:
        return finding
    several = [case for case in wrong if case[0].x.size >= BIG] or wrong
    told = [namer(about, call, p, got) for call, got, *_ in several[:: -(-len(several) // NAMED)]]
    names = [each for each in told[0] if all(each in others for others in told)]
    call, got, right, good = wrong[0]
    places = [tuple(place) for place in np.argwhere(~good)[:SHOWN].tolist()]
    shown = [Wrong(place, float(got[place]), float(right[place])) for place in places]
    reason = Reason("wrong", count, checked)
    if not names:
        allowed = _allowed(call, about, p)
        reason = reason._replace(
            factor=factor(got.ravel(), right.ravel(), allowed),
            offset=offset(got.ravel(), right.ravel(), allowed) or _offset(call, about, p, got),
            example=_example(call, places[0], shown[0].got),
        )
    return finding._replace(mistakes=names, wrong=shown, reason=reason)


def _offset(call: Call, about: str, p: float, got: FloatArray) -> float | None:
    """What is added to every y, dropped ones too: most often what these are."""
    if about != "y" or not 0 < p < 1 or not call.training:
        return None
    seen, counts = np.unique(got, return_counts=True)
    most = float(seen[counts.argmax()])
    right = np.where(got == most, 0, call.x / (1 - p))
    return most if _allowed(call, about, p).near(got - most, right).all() else None


def _example(call: Call, place: Any, got: float) -> Example:
    kept = bool(call.mask[place]) if call.training and call.array("y") is not None else None
    return Example(float(call.x[place]), float(call.grad_y[place]), kept, got)


def _allowed(call: Call, about: str, p: float) -> Tolerance:
    """What rounding explains in the type of y or grad_x."""
    return tolerance(call.coarsest(about), p if call.training else 0)
