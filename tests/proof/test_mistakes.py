"""The known mistakes: each found from its own output, and none in a right implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import LOSSES, problems

from dropout_cli import Problem, Trace
from dropout_cli.proof.mistakes import (
    IN_GRADIENT,
    IN_INFERENCE,
    IN_TRAINING,
    SUMS,
    diagnose,
    wrong_values,
)
from dropout_cli.proof.tolerance import Tolerance

ALLOWED = Tolerance(1e-5, 2.0**-126, np.inf)
KNOWN = [
    *((True, about, name) for about in ("y", "grad_x") for name in IN_TRAINING),
    *((False, about, name) for about in ("y", "grad_x") for name in IN_INFERENCE),
    *((training, "grad_x", name) for training in (True, False) for name in IN_GRADIENT),
]


@pytest.mark.parametrize(("training", "about", "name"), KNOWN)
@settings(max_examples=40)
@given(st.data())
def test_every_mistake_is_found_from_its_own_output(training, about, name, data):
    losses = {"sum-loss": ["mean"], "mean-loss": SUMS}.get(name, LOSSES)
    trace = Trace(data.draw(problems(training=training, losses=losses)))
    values = wrong_values(trace, about).get(name)
    assume(values is not None)  # not-scaled, where nothing is dropped
    choice = data.draw(
        st.lists(st.integers(0, len(values) - 1), min_size=len(values[0]), max_size=len(values[0]))
    )
    candidate = np.choose(choice, values)
    diagnosis = diagnose(trace, about, candidate, ALLOWED)
    assume(diagnosis is not None)  # or the mistake makes no difference to these numbers
    assert name in diagnosis.mistakes or (name == "other-mask" and diagnosis.mistakes)
    right = trace.y if about == "y" else trace.grad_x
    wrong = np.flatnonzero(~np.isclose(candidate, right, rtol=1e-5, atol=0))
    assert diagnosis.wrong == wrong.tolist()


def test_a_right_implementation_is_never_accused():
    """10,000 random problems, in float64 and float32, by the ways that frameworks compute."""
    random = np.random.default_rng(0)
    for _ in range(10_000):
        n, p = int(random.integers(1, 12)), float(random.uniform(0, 0.99))
        scale = 10.0 ** random.uniform(-6, 6)
        x, g = random.normal(size=(2, n)) * scale
        mask = random.random(n) < 1 - p
        trace = Trace(Problem.pose(x, p, mask if p > 0 else None, grad_y=g, seed=None))
        for dtype in (np.float32, np.float64):
            noise = mask.astype(dtype) / dtype(1 - p)
            assert diagnose(trace, "y", x.astype(dtype) * noise, ALLOWED) is None
            assert diagnose(trace, "grad_x", g.astype(dtype) * noise, ALLOWED) is None


def test_several_that_fit_are_all_named_and_a_p_tells_them_apart():
    p = (3 - 5**0.5) / 2  # where (1−p)² = p
    trace = Trace(Problem.pose(p=p))
    diagnosis = diagnose(trace, "y", trace.y / (1 - p), ALLOWED)
    assert set(diagnosis.mistakes) == {"divided-by-p", "scaled-twice"}
    assert diagnosis.telling_p is not None
    trace = Trace(Problem.pose([3, 5], 0.5, [1, 0], loss="sum"))
    diagnosis = diagnose(trace, "grad_x", trace.grad_x / 2, ALLOWED)
    assert set(diagnosis.mistakes) == {"not-scaled", "mean-loss"}
    told = Trace(Problem.pose([3, 5], diagnosis.telling_p, [1, 0], loss="sum"))
    again = diagnose(told, "grad_x", told.grad_x / 2, ALLOWED)
    assert again.mistakes == ["mean-loss"]


def test_one_formula_has_one_name():
    diagnosis = diagnose(Trace(Problem.pose()), "y", np.array([2.0, 0, 6, 0]), ALLOWED)
    assert diagnosis.mistakes == ["not-scaled"]
    assert (diagnosis.telling_p, diagnosis.factor) == (None, None)


def test_the_mean_is_no_mistake_where_it_is_the_loss():
    x, n = [1.0, 2, 3, 4, 5], 5
    trace = Trace(Problem.pose(x, 0.3, [1, 1, 0, 1, 0], loss="mean"))
    for factor, found in ((1 / n, []), (n, ["sum-loss"]), (1, None)):
        diagnosis = diagnose(trace, "grad_x", trace.grad_x * factor, ALLOWED)
        assert (None if diagnosis is None else diagnosis.mistakes) == found


def test_a_formula_is_named_before_a_free_choice():
    trace = Trace(Problem.pose(p=0.3))
    inverted = np.array([0, 4, 0, 8]) / 0.7
    diagnosis = diagnose(trace, "y", inverted, ALLOWED)
    assert diagnosis == ("y", [0, 1, 2, 3], ["inverted"], None, None)
    diagnosis = diagnose(trace, "y", np.array([2, 4, 0, 0]) / 0.7, ALLOWED)
    assert diagnosis == ("y", [1, 2], ["other-mask"], None, None)


def test_what_no_mistake_explains():
    trace = Trace(Problem.pose(p=0.3))
    diagnosis = diagnose(trace, "y", trace.y * 7, ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong) == ([], [0, 2])
    assert diagnosis.factor == pytest.approx(7)
    diagnosis = diagnose(trace, "y", trace.y + np.array([0, 0, 1, 0]), ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [2], None)
    diagnosis = diagnose(trace, "y", np.array([np.nan, 0, np.inf, 0]), ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [0, 2], None)
