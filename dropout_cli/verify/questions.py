"""The questions asked of a layer: each is a function Record → Finding, and a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.proof.finding import Finding, Reason
from dropout_cli.verify import naming
from dropout_cli.verify.chance import LEVEL, of_share
from dropout_cli.verify.compare import (
    UnaskedError,
    answered,
    compare,
    compare_both,
    fault,
    kept_of,
    must_not_raise,
    quoted,
)
from dropout_cli.verify.layers import NoArrayError
from dropout_cli.verify.layers import values as read
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.verify.calls import Feature, Record
    from dropout_cli.verify.draws import Draws

    Question = Callable[[Record], Finding]


def answers(record: Record) -> Finding:
    """Every call is answered, or all like it are refused."""
    finding = Finding(0.0, True, sum(call.x.size for call in record.calls), "answers", record.p)
    for call in record.faults:
        assert call.error is not None
        key = "returned" if isinstance(call.error, NoArrayError) else "raised"
        reason = Reason(key, at=str(call.x.shape), **quoted(call.error))
        return finding._replace(ok=False, mistakes=("raised",), reason=reason)
    if record.not_taken:
        error = next(iter(record.not_taken.values()))
        raise UnaskedError("not-taken", at=", ".join(_telling(record)), **quoted(error))
    return finding


def _telling(record: Record) -> list[str]:
    """As few of the features that are not taken as explain every call that was refused."""
    refused = [set(call.features) for call in record.calls if call.error is not None]
    found: list[Feature] = []
    while refused:
        count = {name: sum(name in each for each in refused) for name in record.not_taken}
        found.append(max(count, key=lambda name: count[name]))
        refused = [each for each in refused if found[-1] not in each]
    return sorted({name for name, _ in found})


def values(record: Record) -> Finding:
    """In training each y_i is 0 or x_i/(1−p)."""
    calls = answered(record, "y", True)
    cases = [(c, "y", kept_of(c, c.x, record.p)) for c in calls]
    return compare("values", record.p, cases, naming.in_training)


def same_mask(record: Record) -> Finding:
    """∂L/∂x_i = ∂L/∂y_i · m_i/(1−p), with the mask m of the forward pass."""
    must_not_raise(record, "same-mask", True)
    calls = [c for c in answered(record, "grad_x", True) if c.array("y") is not None]
    cases = [(c, "grad_x", kept_of(c, c.grad_y, record.p)) for c in calls if c.one_factor]
    if not cases:
        raise UnaskedError("no-mask")
    finding = compare("same-mask", record.p, cases, naming.in_training)
    return _lost_at_zero(record, finding) if finding.ok else finding


def _lost_at_zero(record: Record, finding: Finding) -> Finding:
    """Where x is 0, y does not show what was kept, and ∂L/∂x does: as much as elsewhere."""
    relu = [call for call in record.answered("y", True) if call.step.relu and call.main]
    zero = [call.mask[call.x == 0] for call in relu if call.array("grad_x") is not None]
    n, kept = sum(mask.size for mask in zero), sum(int(mask.sum()) for mask in zero)
    if not n or not record.sampled or record.draws.dependence.chance < LEVEL:
        return finding
    setting = record.draws.setting
    found = of_share(kept, n, setting)
    if found >= LEVEL:
        return finding
    reason = Reason("lost", kept, n, n * setting.q, found)
    name = "depends-on-x" if kept else "lost-at-zero"
    return finding._replace(ok=False, mistakes=(name,), reason=reason)


def kept_fraction(record: Record) -> Finding:
    """Each element is dropped with probability p, wherever it is."""
    draws = _drawn(record)
    if draws.dependence.chance < LEVEL and not draws.biased:
        raise UnaskedError("dependent")
    found, kept, n = draws.place if draws.biased else draws.share, draws.kept, draws.n
    ok = found.chance >= LEVEL
    key = "kept" if ok or found.key == "all" else f"kept-{found.key}"
    if not ok and key == "kept":
        kept, n = map(int, found.label.split())  # of large or of small calls
    names = () if ok else naming.of_share(record.p, kept, n) if key == "kept" else ["by-place"]
    reason = Reason(key, kept, n, n * (1 - record.p), found.chance, found.label)
    error = abs(kept / n - (1 - record.p))
    return Finding(error, ok, draws.n, "kept-fraction", record.p, "mask", names, reason=reason)


def independent(record: Record) -> Finding:
    """Elements are dropped independently: of each other, and of x."""
    draws = _varied(record)
    found = draws.dependence
    ok = found.chance >= LEVEL
    if ok and not draws.telling:
        raise UnaskedError("p-near-its-ends")
    reason = Reason("dependent", chance=found.chance, n=draws.n, at=found.label)
    names = () if ok else (draws.name,)
    return Finding(0.0, ok, draws.n, "independent", record.p, "mask", names, reason=reason)


def fresh_mask(record: Record) -> Finding:
    """Each call draws a mask of its own: no two agree more than by chance."""
    draws = _varied(record)
    found = draws.alike
    ok = found.chance >= LEVEL
    if ok and not draws.telling:
        raise UnaskedError("p-near-its-ends")
    if not draws.repeated and draws.dependence.chance < LEVEL:
        raise UnaskedError("dependent")
    names = () if ok else ("same-mask-each-call",) if draws.repeated else ("masks-alike",)
    reason = Reason("alike", chance=found.chance, n=len(draws.masks))
    return Finding(0.0, ok, draws.n, "fresh-mask", record.p, "mask", names, reason=reason)


def _drawn(record: Record) -> Draws:
    """The masks, where they can be read."""
    if not record.sampled:
        answered(record, "y", True)
        raise UnaskedError("no-mask")
    return record.draws


def _varied(record: Record) -> Draws:
    """The masks, where not all is kept, nor all dropped."""
    draws = _drawn(record)
    if draws.kept in (0, draws.n):
        raise UnaskedError("all-kept" if draws.kept else "all-dropped")
    if draws.biased:
        raise UnaskedError("by-place")
    return draws


def inference(record: Record) -> Finding:
    """In inference y = x and ∂L/∂x = ∂L/∂y."""
    cases = [(c, c.x, c.grad_y) for c in answered(record, "y", False)]
    finding = compare_both(record, "inference", cases, naming.in_inference)
    quiet = [call for call in record.calls if not call.training and call.error is None]
    raised = [call for call in quiet if call.backward_error is not None]
    if finding.ok and raised and len(raised) == len(quiet):
        error = raised[0].backward_error
        assert error is not None
        raise UnaskedError("no-backward", **quoted(error))
    if finding.ok and raised:
        return fault(finding, raised[0])
    return finding


def p_0(record: Record) -> Finding:
    """At p = 0 every element is kept, unscaled: y = x and ∂L/∂x = ∂L/∂y."""
    must_not_raise(record, "p-0", True)
    cases = [(c, c.x, c.grad_y) for c in answered(record, "y", True)]
    return compare_both(record, "p-0", cases, naming.at_p_0)


def p_1(record: Record) -> Finding:
    """At p = 1 every element is dropped: y and ∂L/∂x are 0, not 0/0."""
    must_not_raise(record, "p-1", True)
    cases = [(c, 0 * c.x, 0 * c.grad_y) for c in answered(record, "y", True)]
    return compare_both(record, "p-1", cases, naming.at_p_1)


def untouched(record: Record) -> Finding:
    """x and ∂L/∂y are as they were before the call, and what was returned as it was then."""
    calls = [call for call in record.calls if call.passed is not None]
    if record.inplace or not calls:
        raise UnaskedError("in-place" if calls else "no-answer")
    n = sum(call.x.size for call in calls)
    finding = Finding(0.0, True, n, "input-untouched", record.p, "x")
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
    found = [
        (call, about, values)
        for call in record.calls for about, values in (("y", call.y), ("grad_x", call.grad_x))
        if values is not None
    ]  # fmt: skip
    if not found:
        raise UnaskedError("no-answer")
    n = sum(call.x.size for call, about, _ in found if about == "y")
    finding = Finding(0.0, True, n, "shape-and-dtype", record.p)
    widened: dict[str, str] = {}
    for call, about, (dtype, array) in found:
        if array.shape != call.x.shape:
            reason = Reason("shape", got=str(array.shape), wanted=str(call.x.shape))
            wrong = "wrong-shape"
        elif dtype not in TYPES or (dtype != call.dtype and not record.may_widen(dtype)):
            reason, wrong = Reason("type", got=dtype, wanted=call.dtype), "wrong-dtype"
        else:
            widened |= {"got": dtype, "wanted": call.dtype} if dtype != call.dtype else {}
            continue
        return finding._replace(ok=False, about=about, mistakes=(wrong,), reason=reason)
    if widened:
        raise UnaskedError("other-type-judged", **widened)
    return finding


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
    """The questions that have a meaning at this p, in the order in which they are told."""
    if p == 0:
        return {"p-0": p_0} | ALWAYS
    return ({"p-1": p_1} if p == 1 else BETWEEN) | ALWAYS
