"""Is a layer right: it is run at each p, every question is asked, and what is wrong is named."""

from __future__ import annotations

import random
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.arrays import as_probability
from dropout_cli.errors import RequestError
from dropout_cli.proof.finding import Finding, Reason
from dropout_cli.verify import naming, questions
from dropout_cli.verify.calls import Record, record
from dropout_cli.verify.compare import FaultError, UnaskedError
from dropout_cli.verify.layers import WRAP, NoArrayError, adapt
from dropout_cli.verify.load import OutOfMemoryError, quote_with_place
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SWEEP = (0.0, 0.1, 0.137, 0.3, 0.5, 0.9, 1.0)  # 0.137 is no multiple of 1/256 or 1/100
SEEDS = 2**64


def judge_layer(
    layer: object, ps: Sequence[float] | None = None, seed: int = 0, dtype: str | None = None
) -> list[Finding]:
    """The answer to every question of questions.py at each p.

    layer: an object of a kind that layers.py knows. An instance is run as it is.
    ps: the drop probabilities; if not given, SWEEP, or for an instance its own p.
    seed: from 0. It sets the global generators of Python, NumPy and, if it is loaded, PyTorch;
        afterwards they have their states back. A generator of the layer's own is not reached.
    dtype: of x, a name in tolerance.TYPES; if not given, float32, or what the layer answers with.

    Raises RequestError for a layer of no known kind, for a p that is no probability, and for one
    that an instance does not have.
    """
    if type(seed) is not int or not 0 <= seed < SEEDS:
        raise RequestError(f"seed is {seed!r}, but it must be a whole number from 0 to 2^64 - 1")
    if dtype is not None and dtype not in TYPES:
        raise RequestError(f"dtype is {dtype!r}, but it must be one of {', '.join(TYPES)}")
    adapted = adapt(layer)
    own = None if adapted.p is None else as_probability(adapted.p)
    if ps is None:
        ps = SWEEP if own is None else (own,)
    asked = [as_probability(p) for p in ps]
    for p in asked:
        if own is not None and p != own:
            raise RequestError(
                f"the layer is an instance with p = {own}, so it cannot be asked at p = {p}: give"
                " the class instead"
            )
    try:
        with _seeded(seed), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            findings = [each for p in asked for each in ask(record(adapted, p, seed, dtype))]
    except MemoryError as error:  # in the layer, or in the checks themselves
        raise OutOfMemoryError(error) from None
    return reconcile(findings)


def ask(found: Record) -> list[Finding]:
    """Every question that has a meaning at this p."""
    errors = [call.error for call in found.calls if call.error is not None]
    error = found.refused or (errors[0] if len(errors) == len(found.calls) else None)
    if error is not None:
        return [_unanswered(name, found.p, error) for name in questions.at(found.p)]
    findings = []
    for name, question in questions.at(found.p).items():
        try:
            findings.append(question(found))
        except FaultError as fault:
            findings.append(fault.finding)
        except UnaskedError as unasked:
            findings.append(Finding(0.0, None, 0, name, found.p, reason=unasked.reason))
    return findings


def _unanswered(name: str, p: float, error: BaseException) -> Finding:
    """Where no call was answered: not judged, but for a division by 0 at p = 1 or 0."""
    key = "returned" if isinstance(error, NoArrayError) else "refused"
    told = str(error) if isinstance(error, NoArrayError) else quote_with_place(error)
    code = WRAP["cache"] if isinstance(error, NoArrayError) else ""
    reason = Reason(key, error=told, cause=error, code=code)
    if p in (0, 1) and isinstance(error, ArithmeticError) and name in ("p-0", "p-1"):
        reason = reason._replace(key="raised")
        return Finding(0.0, False, 0, name, p, mistakes=("raised",), reason=reason)
    return Finding(0.0, None, 0, name, p, reason=reason)


def reconcile(findings: Sequence[Finding]) -> list[Finding]:
    """Each failure named by what explains it at every p, and by one cause where there is one.

    At one p alone formulas may coincide: at p = 0.5, v·m·p is v·m·(1−p).
    """
    common: dict[str, list[str]] = {}
    for each in findings:
        if each.ok is False:
            names = common.setdefault(each.id, list(each.mistakes))
            common[each.id] = [name for name in names if name in each.mistakes]
    found = [
        each if each.ok is not False or "raised" in each.mistakes
        else each._replace(mistakes=each.mistakes if each.about == "mask" else common[each.id])
        for each in findings
    ]  # fmt: skip
    cut = "gradient-cut" in common.get("same-mask", ["gradient-cut"])
    found = [
        each if "gradient-cut" not in each.mistakes or len(each.mistakes) < 2
        else each._replace(mistakes=[n for n in each.mistakes if (n == "gradient-cut") is cut])
        for each in found
    ]  # fmt: skip
    return _with_cause(found)


CAUSED = ("p-0", "p-1", "values", "same-mask", "kept-fraction")  # what one cause may explain


def _with_cause(findings: list[Finding]) -> list[Finding]:
    """One name for what one misunderstanding of p explains: it is the keep probability, or none."""
    failing = {(each.id, each.p): each for each in findings if each.ok is False}
    names = {name for each in failing.values() for name in each.mistakes}
    cause, got = None, ""
    fitting = _fitting_p(findings)
    if {"divided-by-p", "keeps-with-p"} <= names:
        cause = "p-is-keep"
    elif "drawn-normal" in names and not {"values", "same-mask"} & {name for name, _ in failing}:
        cause = "drawn-normal"
    elif len(set(fitting.values())) == 1 and any(fit != p for p, fit in fitting.items()):
        cause, got = "p-ignored", f"{next(iter(fitting.values())):.4g}"
    if cause is None:
        return findings
    return [
        each if each.ok is not False or each.id not in CAUSED
        else each._replace(mistakes=(cause,), reason=each.reason and each.reason._replace(
            got=got, factor=None, offset=None, example=None))
        for each in findings
    ]  # fmt: skip


def _fitting_p(findings: Sequence[Finding]) -> dict[float, float]:
    """For each p between 0 and 1, the p that the values and the share both fit, to four digits.

    Empty where there is a p that none fits.
    """
    found: dict[float, float] = {}
    for p in dict.fromkeys(each.p for each in findings if 0 < each.p < 1):
        at_p = {each.id: each for each in findings if each.p == p}
        values, share = at_p["values"], at_p["kept-fraction"]
        if values.ok is None or share.reason is None or not share.reason.n:
            return {}
        factor = 1.0 if values.ok else values.reason and values.reason.factor
        if not factor:
            return {}
        fit = 1 - (1 - p) / factor
        if not 0 < fit < 1:
            return {}
        kept, n = share.reason.counted, share.reason.n
        if not naming.likely(1 - fit, kept, n):
            return {}
        found[p] = round(fit, 4)
    return found


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Set the global generators from the seed, and give them their states back."""
    torch: Any = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    generator = torch and torch.default_generator
    state = torch and generator.get_state()
    threads = torch and torch.get_num_threads()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if torch:
        generator.manual_seed(seed)
        torch.set_num_threads(1)  # on a busy machine they wait for each other at every call
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch:
            generator.set_state(state)
            torch.set_num_threads(threads)
