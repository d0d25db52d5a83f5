"""The questions asked of a layer: each is a function Record → Finding, and a row of a table."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dropout_cli.proof.finding import Finding, Reason
from dropout_cli.verify import mistakes
from dropout_cli.verify.answer import compare
from dropout_cli.verify.calls import Call, Record, other_p
from dropout_cli.verify.chance import LEVEL, Worst, chernoff_bound
from dropout_cli.verify.draws import SAME, Draws
from dropout_cli.verify.layers import NoArrayError, read_values
from dropout_cli.verify.load import quote_with_place
from dropout_cli.verify.script import SITUATIONS
from dropout_cli.verify.tolerance import TYPES

Question = Callable[[Record], Finding]

SHOWN = 5  # at most this many wrong elements are given
EXPLAINED = 6  # at most this many wrong calls, which a mistake must explain, are examined


class NoAnswerError(Exception):
    """A question that cannot be judged or, if ok is False, failed before any comparison."""

    def __init__(self, key: str, ok: bool | None = None, about: str = "y", **known: Any) -> None:
        """Create the finding. key, known: of the reason. about: as in Finding."""
        mistakes = ("raised",) if ok is False else ()
        self.finding = Finding(0.0, ok, 0, "", 0.0, about, mistakes, reason=Reason(key, **known))


def values(record: Record) -> Finding:
    """In training each y_i is 0 or x_i/(1−p)."""
    return _compare(_answered(record, "y", True), "y")


def same_mask(record: Record) -> Finding:
    """∂L/∂x_i = ∂L/∂y_i · m_i/(1−p), with the mask m of the forward pass."""
    _must_not_raise(record, True)
    calls = [call for call in _answered(record, "grad_x", True) if call.factor is not None]
    if not calls:
        raise NoAnswerError("no-mask")
    finding = _compare(calls, "grad_x")
    only_then = finding.ok or (finding.reason and finding.reason.key != "wrong")
    return _lost_at_zero(record, finding) if only_then else finding


def _lost_at_zero(record: Record, finding: Finding) -> Finding:
    """Check that as much is kept where x is 0, which only ∂L/∂x shows, as elsewhere."""
    calls = [call for call in record.answered("grad_x", True) if call.main]
    zero = [call.mask[call.x == 0] for call in calls]
    n, kept = sum(mask.size for mask in zero), sum(int(mask.sum()) for mask in zero)
    draws = record.draws
    if not n or draws is None or draws.dependence.chance < LEVEL:
        return finding
    chance = chernoff_bound(kept, n, draws.model)
    if chance >= LEVEL:
        return finding
    reason = Reason("lost", kept, n, n * draws.model.q, chance)
    name = "depends-on-x" if kept else "lost-at-zero"
    return finding._replace(ok=False, mistakes=(name,), reason=reason)


def kept_fraction(record: Record) -> Finding:
    """Each element is dropped with probability p, wherever it is."""
    draws, others, p = _draws(record), record.others, record.p
    if draws.explains == "dependent":
        raise NoAnswerError("dependent")
    found, kept, n = draws.share, draws.kept, draws.n
    ok = found.chance >= LEVEL / 2  # the share is tested twice, of other instances too
    key = "kept" if ok or found.key == "all" else f"kept-{found.key}"
    if not ok and key == "kept":
        kept, n = map(int, found.label.split())  # of large or of small calls
    names = () if ok else mistakes.explain_share(p, kept, n) if key == "kept" else ["by-place"]
    made = others is not None and others.whole < LEVEL / 2
    if ok and others and made and mistakes.likely(1 - other_p(p), others.kept, others.n):
        ok, key, kept, n, names = False, "kept-made", others.kept, others.n, ["p-shared"]
    reason = Reason(key, kept, n, n * (1 - p), found.chance, found.label)
    error = abs(kept / n - (1 - p))
    return Finding(error, ok, draws.n, about="mask", mistakes=names, reason=reason)


def independent(record: Record) -> Finding:
    """Elements are dropped independently: of each other, and of x."""
    return _by_chance(record, _draws(record).dependence, "dependent")


def fresh_mask(record: Record) -> Finding:
    """Each call draws a mask of its own: no two agree more than by chance."""
    draws, others = _draws(record), record.others
    found, repeated = draws.alike, draws.alike.name == SAME
    if draws.explains == "dependent" and not repeated:
        raise NoAnswerError("dependent")
    if record.reseeded and not repeated:
        reason = Reason("reseeded", at=record.reseeded)
        return Finding(0.0, False, draws.n, about="mask", mistakes=("reseeds",), reason=reason)
    if others is not None and others.alike.log < found.log and others.whole >= LEVEL:
        found = others.alike._replace(name="instances-alike")
    return _by_chance(record, found._replace(log=found.log + math.log(2)), "alike")


def _by_chance(record: Record, found: Worst, key: str) -> Finding:
    """Judge a dependence by its probability, and name it if that is too small."""
    draws = _draws(record)
    if draws.explains == "by-place":
        raise NoAnswerError("by-place")
    ok = found.chance >= LEVEL
    if ok and not draws.is_informative:
        raise NoAnswerError("too-few")
    reason = Reason(key, len(record.sampled), draws.n, chance=found.chance, at=found.label)
    names = () if ok else (found.name,)
    return Finding(0.0, ok, draws.n, about="mask", mistakes=names, reason=reason)


def p_0_or_1(record: Record) -> Finding:
    """At p = 0 y = x and ∂L/∂x = ∂L/∂y; at p = 1 both are 0, not 0/0."""
    _must_not_raise(record, True)
    return _compare_both(record, True)


def inference(record: Record) -> Finding:
    """In inference y = x and ∂L/∂x = ∂L/∂y."""
    finding = _compare_both(record, False)
    if not finding.ok:
        return finding
    passed = [call for call in record.calls if not call.training and call.error is None]
    usual = [call for call in passed if call.step.situation not in SITUATIONS]
    errors = [call.backward_error for call in usual if call.backward_error is not None]
    if errors and len(errors) == len(usual):
        raise NoAnswerError("no-backward", **_quoted(errors[0]))
    _must_not_raise(record, False)
    return finding


def untouched(record: Record) -> Finding:
    """x and ∂L/∂y are as they were before the call, and what was returned as it was then."""
    _must_answer(record)
    if record.adapter and record.adapter.inplace:
        raise NoAnswerError("in-place")
    calls = [(call, call.passed) for call in record.calls if call.passed is not None]
    calls = [each for each in calls if each[0].step.situation != "overwritten"]
    finding = Finding(0.0, True, sum(call.x.size for call, _ in calls), about="x")
    for call, passed in calls:
        for about, name, now, before in (
            ("x", "changes-x", passed.x, call.x),
            ("grad_y", "changes-grad-y", passed.grad_y, call.grad_y),
            ("y", "overwrites-y", passed.y, call.y and call.y.array),
            ("grad_x", "overwrites-y", call.gradient, call.grad_x and call.grad_x.array),
        ):
            if before is None:
                continue
            got = read_values(now).array
            if np.array_equal(got, before, equal_nan=True):
                continue
            changed = got != before if got.shape == before.shape else np.ones(call.x.shape)
            reason = Reason("changed", int(changed.sum()), call.x.size)
            return finding._replace(ok=False, about=about, mistakes=(name,), reason=reason)
    return finding


def shape_and_dtype(record: Record) -> Finding:
    """y and ∂L/∂x have the shape and the type of x."""
    _must_answer(record)
    found = [
        (call, about, answer)
        for call in record.calls for about, answer in (("y", call.y), ("grad_x", call.grad_x))
        if answer is not None
    ]  # fmt: skip
    finding = Finding(0.0, True, sum(call.x.size for call, about, _ in found if about == "y"))
    widest = 24 if record.adapter and record.adapter.autograd else 53
    for call, about, (dtype, array) in found:
        narrowest = min(TYPES[call.dtype].bits, 24)
        fits = dtype in TYPES and narrowest <= TYPES[dtype].bits <= widest
        if array.shape != call.x.shape:
            reason = Reason("shape", got=str(array.shape), wanted=str(call.x.shape))
            name = "wrong-shape"
        elif not fits and dtype != call.dtype:
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
    _must_answer(record)
    finding = Finding(0.0, True, sum(call.x.size for call in record.calls))
    for call in record.calls:
        explained = call.refused and record.not_taken.keys() & set(call.features)
        if call.error is not None and not explained:
            key = "returned" if isinstance(call.error, NoArrayError) else "raised"
            reason = Reason(key, at=str(call.x.shape), **_quoted(call.error))
            return finding._replace(ok=False, mistakes=("raised",), reason=reason)
    if record.not_taken:
        names = dict.fromkeys(name for name, _ in record.not_taken)
        errors = dict.fromkeys(_quoted(error)["error"] for error in record.not_taken.values())
        raise NoAnswerError("not-taken", at=", ".join(names), error="; ".join(errors))
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
    """Return the questions that have a meaning at this p, in the order of the report."""
    return (BETWEEN if 0 < p < 1 else {f"p-{p:g}": p_0_or_1}) | ALWAYS


def _answered(record: Record, about: str, training: bool) -> list[Call]:
    """Return the calls of record.answered; NoAnswerError if there are none."""
    if calls := record.answered(about, training):
        return calls
    calls = [call for call in record.calls if call.training is training] or record.calls
    errors = [error for call in calls if (error := call.error or call.backward_error)]
    if errors and isinstance(errors[0], ArithmeticError) and training and record.p in (0, 1):
        raise NoAnswerError("raised-always", ok=False, **_quoted(errors[0]))
    raise _no_answer(record, errors)


def _must_answer(record: Record) -> None:
    """Raise NoAnswerError if no call was answered with an array."""
    errors = [call.error for call in record.calls if call.error]
    if len(errors) == len(record.calls):
        raise _no_answer(record, errors)


def _no_answer(record: Record, errors: Sequence[BaseException]) -> NoAnswerError:
    if not errors:
        return NoAnswerError("no-answer")
    if isinstance(errors[0], NoArrayError):
        return NoAnswerError("returned", code=record.layer.code, **_quoted(errors[0]))
    return NoAnswerError("refused", **_quoted(errors[0]))


def _must_not_raise(record: Record, training: bool) -> None:
    """Raise NoAnswerError if backward raised, or returned no array, though forward passed."""
    for call in record.calls:
        error = call.backward_error
        if call.training is training and error is not None:
            key = "returned-backward" if isinstance(error, NoArrayError) else "raised-backward"
            at = str(call.x.shape)
            raise NoAnswerError(key, ok=False, about="grad_x", at=at, **_quoted(error))


def _quoted(error: BaseException) -> dict[str, Any]:
    sentence = str(error) if isinstance(error, NoArrayError) else quote_with_place(error)
    return {"error": sentence, "cause": error}


def _draws(record: Record) -> Draws:
    """Return the statistics of the masks; NoAnswerError if no mask can be read."""
    if record.draws is None:
        _answered(record, "y", True)
        raise NoAnswerError("no-mask")
    return record.draws


def _compare_both(record: Record, training: bool) -> Finding:
    """Compare y and, if that is right, ∂L/∂x, in all calls in this mode."""
    y = _compare(_answered(record, "y", training), "y")
    calls = record.answered("grad_x", training)
    if not y.ok or not calls:
        return y
    grad_x = _compare(calls, "grad_x")
    return grad_x._replace(
        checked=y.checked + grad_x.checked,
        max_error=float(np.maximum(y.max_error, grad_x.max_error)),
        about="y" if grad_x.ok else "grad_x",
    )


def _compare(calls: Sequence[Call], about: str) -> Finding:
    """Compare y or grad_x with what is right, and name the mistakes that explain usual calls."""
    finding, wrong = compare([call.answer for call in calls], about, SHOWN)
    if finding.reason is None:
        return finding
    calls = [calls[k] for k in wrong]
    best = max(call.usual for call in calls)
    usual = [call for call in calls if call.usual == best]
    some = usual[:: -(-len(usual) // EXPLAINED)]
    names = mistakes.in_all([mistakes.explain_call(call.answer, about) for call in some])
    (situation, *more) = {call.step.situation for call in calls}
    key = f"wrong-{situation}" if situation and not more else "wrong"
    return finding._replace(mistakes=names, reason=finding.reason._replace(key=key))
