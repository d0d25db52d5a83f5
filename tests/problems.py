"""Random problems, and what is wrong with values that were computed for one."""

from typing import NamedTuple

from hypothesis import strategies as st

from dropout_cli import Problem
from dropout_cli.verify.answer import Answer, compare
from dropout_cli.verify.mistakes import fitting

NUMBERS = st.floats(0.125, 100) | st.floats(-100, -0.125)
LOSSES = (None, "sum", "mean", "sum-squares")


@st.composite
def problems(draw, training=None, losses=LOSSES):
    n = draw(st.integers(2, 8))
    vector = st.lists(NUMBERS, min_size=n, max_size=n)
    loss = draw(st.sampled_from(losses))
    is_training = draw(st.booleans()) if training is None else training
    return Problem.create(
        draw(vector),
        draw(st.floats(0.05, 0.95)),
        draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)) if is_training else None,
        grad_y=None if loss else draw(vector),
        loss=loss,
        training=is_training,
    )


class Diagnosis(NamedTuple):
    wrong: list[int]
    mistakes: list[str]
    factor: float | None
    offset: float | None


def diagnose(trace, about, values, allowed):
    """Explain y or grad_x: the factor and the offset where no mistake fits; None if it is right."""
    answer = Answer(trace, values.shape, {about: values}, {about: allowed})
    finding, _ = compare([answer], about, values.size)
    if finding.ok:
        return None
    places = [each.place[0] for each in finding.wrong]
    names, reason = fitting(answer, about), finding.reason
    return Diagnosis(places, names, *((None, None) if names else (reason.factor, reason.offset)))
