"""The questions asked of a layer: each is a function Record → Finding, and a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.proof.finding import Finding, Reason
from dropout_cli.verify import naming
from dropout_cli.verify.chance import LEVEL, of_share
from dropout_cli.verify.compare import (
    NoAnswerError,
    answered,
    compare,
    compare_both,
    must_answer,
    must_not_raise,
    quoted,
)
from dropout_cli.verify.layers import NoArrayError
from dropout_cli.verify.layers import values as read
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.verify.calls import Record
    from dropout_cli.verify.draws import Draws

    Question = Callable[[Record], Finding]


def values(record: Record) -> Finding:
    """In training each y_i is 0 or x_i/(1−p)."""
    return compare(answered(record, "y", True), "y")


def same_mask(record: Record) -> Finding:
    """∂L/∂x_i = ∂L/∂y_i · m_i/(1−p), with the mask m of the forward pass."""
    must_not_raise(record, True)
    calls = [c for c in answered(record, "grad_x", True) if c.array("y") is not None]
    calls = [call for call in calls if call.one_factor]
    if not calls:
        raise NoAnswerError("no-mask")
    finding = compare(calls, "grad_x")
    return _lost_at_zero(record, finding) if finding.ok else finding


def _lost_at_zero(record: Record, finding: Finding) -> Finding:
    """Where x is 0, y does not show what was kept, and ∂L/∂x does: as much as elsewhere."""
    zero = [
        call.mask[call.x == 0]
        for call in record.answered("y", True) if call.main and call.array("grad_x") is not None
    ]  # fmt: skip
    n, kept = sum(mask.size for mask in zero), sum(int(mask.sum()) for mask in zero)
    if not n or not record.sampled or record.draws.dependence.chance < LEVEL:
        return finding
    setting = record.draws.setting
    chance = of_share(kept, n, setting)
    if chance >= LEVEL:
        return finding
    reason = Reason("lost", kept, n, n * setting.q, chance)
    name = "depends-on-x" if kept else "lost-at-zero"
    return finding._replace(ok=False, mistakes=(name,), reason=reason)


def kept_fraction(record: Record) -> Finding:
    """Each element is dropped with probability p, wherever it is."""
    draws = _draws(record)
    if draws.dependence.chance < LEVEL and not draws.biased:
        raise NoAnswerError("dependent")
    found, kept, n = draws.share, draws.kept, draws.n
    ok, error = found.chance >= LEVEL, abs(kept / n - (1 - record.p))
    key = "kept" if ok or found.key == "all" else f"kept-{found.key}"
    if not ok and key == "kept":
        kept, n = map(int, found.label.split())  # of large or of small calls
    names = () if ok else naming.of_share(record.p, kept, n) if key == "kept" else ["by-place"]
    reason = Reason(key, kept, n, n * (1 - record.p), found.chance, found.label)
    return Finding(error, ok, draws.n, about="mask", mistakes=names, reason=reason)


def independent(record: Record) -> Finding:
    """Elements are dropped independently: of each other, and of x."""
    draws = _varied(record)
    found = draws.dependence
    ok = found.chance >= LEVEL
    if ok and not draws.can_show_dependence:
        raise NoAnswerError("p-near-its-ends")
    reason = Reason("dependent", chance=found.chance, n=draws.n, at=found.label)
    names = () if ok else (draws.name,)
    return Finding(0.0, ok, draws.n, about="mask", mistakes=names, reason=reason)


def fresh_mask(record: Record) -> Finding:
    """Each call draws a mask of its own: no two agree more than by chance."""
    draws = _varied(record)
    ok = draws.alike.chance >= LEVEL
    if ok and not draws.can_show_dependence:
        raise NoAnswerError("p-near-its-ends")
    if not draws.repeated and draws.dependence.chance < LEVEL:
        raise NoAnswerError("dependent")
    names = () if ok else ("same-mask-each-call" if draws.repeated else "masks-alike",)
    reason = Reason("alike", chance=draws.alike.chance, n=len(draws.masks))
    return Finding(0.0, ok, draws.n, about="mask", mistakes=names, reason=reason)


def _draws(record: Record) -> Draws:
    """Return the masks, where they can be read."""
    if not record.sampled:
        answered(record, "y", True)
        raise NoAnswerError("no-mask")
    return record.draws


def _varied(record: Record) -> Draws:
    """Return the masks, where not all is kept, nor all dropped."""
    draws = _draws(record)
    if draws.kept in (0, draws.n):
        raise NoAnswerError("all-kept" if draws.kept else "all-dropped")
    if draws.biased:
        raise NoAnswerError("by-place")
    return draws


def p_0_or_1(record: Record) -> Finding:
    """At p = 0 y = x and ∂L/∂x = ∂L/∂y; at p = 1 both are 0, not 0/0."""
    must_not_raise(record, True)
    return compare_both(record, True)


def inference(record: Record) -> Finding:
    """In inference y = x and ∂L/∂x = ∂L/∂y."""
    finding = compare_both(record, False)
    passed = [call for call in record.calls if not call.training and call.error is None]
    errors = [call.backward_error for call in passed if call.backward_error is not None]
    if finding.ok and errors:
        if len(errors) == len(passed):
            raise NoAnswerError("no-backward", **quoted(errors[0]))
        must_not_raise(record, False)
    return finding


def untouched(record: Record) -> Finding:
    """x and ∂L/∂y are as they were before the call, and what was returned as it was then."""
    must_answer(record)
    calls = [call for call in record.calls if call.passed is not None]
    if record.inplace:
        raise NoAnswerError("in-place")
    finding = Finding(0.0, True, sum(call.x.size for call in calls), about="x")
    for call in calls:
        assert call.passed is not None
        for about, name, now, before in (
            ("x", "changes-x", call.passed.x, call.x),
            ("grad_y", "changes-grad-y", call.passed.grad_y, call.grad_y),
            ("y", "overwrites-y", call.passed.y, call.y and call.y.array),
            ("grad_x", "overwrites-y", call.gradient, call.grad_x and call.grad_x.array),
        ):
            if before is None:
                continue
            got, size = read(now).array, call.x.size
            if got.shape != before.shape or not np.array_equal(got, before, equal_nan=True):
                changed = int((got != before).sum()) if got.shape == before.shape else size
                reason = Reason("changed", changed, size)
                return finding._replace(ok=False, about=about, mistakes=(name,), reason=reason)
    return finding


def shape_and_dtype(record: Record) -> Finding:
    """y and ∂L/∂x have the shape and the type of x."""
    must_answer(record)
    found = [
        (call, about, answer)
        for call in record.calls for about, answer in (("y", call.y), ("grad_x", call.grad_x))
        if answer is not None
    ]  # fmt: skip
    finding = Finding(0.0, True, sum(call.x.size for call, about, _ in found if about == "y"))
    for call, about, (dtype, array) in found:
        if array.shape != call.x.shape:
            reason = Reason("shape", got=str(array.shape), wanted=str(call.x.shape))
            name = "wrong-shape"
        elif dtype not in TYPES or (dtype != call.dtype and not record.may_widen(dtype)):
            reason, name = Reason("type", got=dtype, wanted=call.dtype), "wrong-dtype"
        else:
            continue
        return finding._replace(ok=False, about=about, mistakes=(name,), reason=reason)
    for call, _, (dtype, _) in found:
        if dtype != call.dtype:
            raise NoAnswerError("other-type-judged", got=dtype, wanted=call.dtype)
    return finding


def answers(record: Record) -> Finding:
    """Every call is answered, or all like it are refused."""
    must_answer(record)
    for call in record.calls:
        explained = call.refused and record.not_taken.keys() & set(call.features)
        if call.error is not None and not explained:
            key = "returned" if isinstance(call.error, NoArrayError) else "raised"
            raise NoAnswerError(key, ok=False, at=str(call.x.shape), **quoted(call.error))
    if record.not_taken:
        error = next(iter(record.not_taken.values()))
        raise NoAnswerError("not-taken", at=", ".join(_refused(record)), **quoted(error))
    return Finding(0.0, True, sum(call.x.size for call in record.calls))


def _refused(record: Record) -> list[str]:
    """Return as few of the features that are not taken as explain every call that was refused."""
    calls = [call.features for call in record.calls if call.refused]
    found: list[str] = []
    while calls:
        found.append(max(record.not_taken, key=lambda name: sum(name in each for each in calls)))
        calls = [each for each in calls if found[-1] not in each]
    return sorted(found)


ALWAYS: dict[str, Question] = {
    "inference": inference,
    "input-untouched": untouched,
    "shape-and-dtype": shape_and_dtype,
    "answers": answers,
}
BETWEEN: dict[str, Question] = {
    "values": values,
    "same-mask": same_mask,
    "kept-fraction": kept_fraction,
    "independent": independent,
    "fresh-mask": fresh_mask,
}
OF_CHANCE = ("same-mask", "kept-fraction", "independent", "fresh-mask")


def at(p: float) -> dict[str, Question]:
    """Return the questions that have a meaning at this p, in the order of the report."""
    return (BETWEEN if 0 < p < 1 else {f"p-{p:g}": p_0_or_1}) | ALWAYS
