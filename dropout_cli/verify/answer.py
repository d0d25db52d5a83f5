"""The values that an implementation computed for a problem, compared with the right ones."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.proof.finding import Finding, Reason, Wrong
from dropout_cli.trace import Trace
from dropout_cli.verify.tolerance import Tolerance

NOTHING = 1e-6  # times x: what is smaller was dropped, as no layer scales by less


class Answer(NamedTuple):
    """A y, a grad_x or both, as an implementation computed them.

    trace: of the problem that it was computed for. shape: of its vectors, which are flat here.
    values: the vectors by their names. allowed: how far each may be off.
    """

    trace: Trace
    shape: tuple[int, ...]
    values: dict[str, FloatArray]
    allowed: dict[str, Tolerance]

    def right(self, about: str) -> FloatArray:
        """Return what y or grad_x should be."""
        return self.trace.y if about == "y" else self.trace.grad_x

    def near(self, about: str, values: FloatArray) -> Mask:
        """Test where y or grad_x has these values, up to the difference allowed."""
        return self.allowed[about].near(self.values[about], values)

    def factor(self, about: str) -> float | None:
        """Find the factor from the right values to these, if all elements share one."""
        got, right = self.values[about], self.right(about)
        first = np.abs(right).argmax()
        with np.errstate(all="ignore"):
            found = float(got[first] / right[first])
            fits = np.isfinite(found) and self.near(about, found * right).all()
        return found if fits else None

    def offset(self, about: str) -> float | None:
        """Find the difference from the right values to these, if all elements share one."""
        got, right = self.values[about], self.right(about)
        with np.errstate(all="ignore"):
            found = float(np.median(got - right))
            fits = np.isfinite(found) and self.allowed[about].near(got - found, right).all()
        return found if fits and got.size > 1 else None


def compare(answers: Sequence[Answer], about: str, shown: int) -> tuple[Finding, list[int]]:
    """Compare y or grad_x of each answer with what is right, element by element.

    shown: how many wrong elements of the first wrong answer are given at most.

    Returns the finding, without the mistakes that explain it, and which of the answers are wrong.
    """
    wrong: list[int] = []
    checked, count, largest = 0, 0, 0.0
    for k, answer in enumerate(answers):
        got, right = answer.values[about], answer.right(about)
        bad = int((~answer.near(about, right)).sum())
        wrong += [k] if bad else []
        count += bad
        checked += got.size
        with np.errstate(all="ignore"):
            largest = float(np.maximum(largest, np.abs(got - right).max()))  # nan stays nan
    finding = Finding(largest, not wrong, checked, about=about)
    if wrong:
        first = answers[wrong[0]]
        factor, offset = first.factor(about), first.offset(about)
        reason = Reason("wrong", count, checked, factor=factor, offset=offset)
        finding = finding._replace(reason=reason, wrong=_wrong(first, about, shown))
    return finding, wrong


def _wrong(answer: Answer, about: str, shown: int) -> list[Wrong]:
    """Return the first wrong elements of an answer."""
    got, right, trace = answer.values[about], answer.right(about), answer.trace
    x, grad_y, mask = trace.problem.x, trace.grad_y, trace.problem.mask
    found = []
    for i in np.flatnonzero(~answer.near(about, right))[:shown].tolist():
        place = tuple(int(k) for k in np.unravel_index(i, answer.shape))
        kept = None if mask is None else bool(mask[i])
        found.append(
            Wrong(place, float(got[i]), float(right[i]), float(x[i]), float(grad_y[i]), kept)
        )
    return found


def shown_mask(
    x: FloatArray, grad_y: FloatArray, values: Mapping[str, FloatArray]
) -> tuple[Mask, Mask]:
    """Read the mask from y, and where x is 0 from grad_x, unless ∂L/∂y is 0 too.

    Returns the mask, and where neither shows it.
    """
    kept = ~np.asarray(np.abs(values["y"]) <= NOTHING * np.abs(x))  # nan is kept
    shown = x != 0
    if "grad_x" in values:
        by_grad_x = ~shown & (grad_y != 0)
        grad_x, upstream = values["grad_x"][by_grad_x], grad_y[by_grad_x]
        kept[by_grad_x] = ~(np.abs(grad_x) <= NOTHING * np.abs(upstream))
        shown |= by_grad_x
    return kept, ~shown & ~kept
