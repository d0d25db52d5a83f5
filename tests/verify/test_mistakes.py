"""The known mistakes: each found from its own output, and none in a right implementation."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import LOSSES, diagnose, problems

from dropout_cli import Problem, Trace
from dropout_cli.verify.mistakes import (
    IN_GRADIENT,
    IN_INFERENCE,
    IN_TRAINING,
    SUMS,
    wrong_values,
)
from dropout_cli.verify.tolerance import Tolerance

ALLOWED = Tolerance(1e-5, 2.0**-126, np.inf)
KNOWN = [
    *((True, about, name) for about in ("y", "grad_x") for name in IN_TRAINING),
    *((False, about, name) for about in ("y", "grad_x") for name in IN_INFERENCE),
    *((training, "grad_x", name) for training in (True, False) for name in IN_GRADIENT),
]


@pytest.mark.parametrize(("training", "about", "name"), KNOWN)
@settings(max_examples=20)
@given(st.data())
def test_every_mistake_is_found_from_its_own_output(training, about, name, data):
    own = {"sum-loss": ["mean"], "mean-loss": SUMS, "ignores-grad-y": [None]}
    losses = own.get(name, LOSSES)
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
    """1,000 random problems, in float64 and float32, as frameworks compute them."""
    random = np.random.default_rng(0)
    for _ in range(1000):
        n, p = int(random.integers(1, 12)), float(random.uniform(0, 0.99))
        scale = 10.0 ** random.uniform(-6, 6)
        x, g = random.normal(size=(2, n)) * scale
        mask = random.random(n) < 1 - p
        trace = Trace(Problem.create(x, p, mask, grad_y=g))
        for dtype in (np.float32, np.float64):
            noise = mask.astype(dtype) / dtype(1 - p)
            assert diagnose(trace, "y", x.astype(dtype) * noise, ALLOWED) is None
            assert diagnose(trace, "grad_x", g.astype(dtype) * noise, ALLOWED) is None


def test_several_that_fit_are_all_named_and_another_p_tells_them_apart():
    p = (3 - 5**0.5) / 2  # where (1−p)² = p
    trace = Trace(Problem.create(p=p))
    diagnosis = diagnose(trace, "y", trace.y / (1 - p), ALLOWED)
    assert set(diagnosis.mistakes) == {"divided-by-p", "scaled-twice"}
    trace = Trace(Problem.create([3, 5], 0.5, [1, 0], loss="sum"))
    diagnosis = diagnose(trace, "grad_x", trace.grad_x / 2, ALLOWED)
    assert set(diagnosis.mistakes) == {"not-scaled", "mean-loss"}
    other = Trace(Problem.create([3, 5], 0.3, [1, 0], loss="sum"))
    again = diagnose(other, "grad_x", other.grad_x / 2, ALLOWED)
    assert again.mistakes == ["mean-loss"]


def test_one_formula_has_one_name():
    diagnosis = diagnose(Trace(Problem.create()), "y", np.array([2.0, 0, 6, 0]), ALLOWED)
    assert diagnosis.mistakes == ["not-scaled"]
    assert diagnosis.factor is None


def test_the_mean_is_no_mistake_where_it_is_the_loss():
    x, n = [1.0, 2, 3, 4, 5], 5
    trace = Trace(Problem.create(x, 0.3, [1, 1, 0, 1, 0], loss="mean"))
    for factor, found in ((1 / n, []), (n, ["sum-loss"]), (1, None)):
        diagnosis = diagnose(trace, "grad_x", trace.grad_x * factor, ALLOWED)
        assert (None if diagnosis is None else diagnosis.mistakes) == found
    summed = Trace(Problem.create(x, 0.3, [1, 1, 0, 1, 0], loss="sum"))
    assert diagnose(summed, "grad_x", summed.grad_x * n, ALLOWED).mistakes == []


def test_a_formula_is_named_before_a_free_choice():
    trace = Trace(Problem.create(p=0.3))
    inverted = np.array([0, 4, 0, 8]) / 0.7
    diagnosis = diagnose(trace, "y", inverted, ALLOWED)
    assert diagnosis == ([0, 1, 2, 3], ["inverted"], None, None)
    diagnosis = diagnose(trace, "y", np.array([2, 4, 0, 0]) / 0.7, ALLOWED)
    assert diagnosis == ([1, 2], ["other-mask"], None, None)


def test_what_no_mistake_explains():
    trace = Trace(Problem.create(p=0.3))
    diagnosis = diagnose(trace, "y", trace.y * 7, ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong) == ([], [0, 2])
    assert diagnosis.factor == pytest.approx(7)
    diagnosis = diagnose(trace, "y", trace.y + np.array([0, 0, 1, 0]), ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [2], None)
    diagnosis = diagnose(trace, "y", np.array([np.nan, 0, np.inf, 0]), ALLOWED)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [0, 2], None)


V, M = [4.0, 8, 12], [1, 0, 1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("not-scaled", [4, 0, 12]),
        ("not-masked", [5, 10, 15]),
        ("divided-by-p", [20, 0, 60]),
        ("inverted", [0, 10, 0]),
        ("not-applied", [4, 8, 12]),
        ("scaled-twice", [6.25, 0, 18.75]),
        ("multiplied-by-keep", [3.2, 0, 9.6]),
        ("multiplied-by-p", [0.8, 0, 2.4]),
        ("other-mask", [5, 10, 0]),
    ],
)
def test_what_each_mistake_makes_of_these_numbers(name, values):
    trace = Trace(Problem.create(V, 0.2, M, grad_y=V))
    for about in ("y", "grad_x"):
        assert diagnose(trace, about, np.array(values, dtype=float), ALLOWED).mistakes == [name]


def test_what_each_mistake_makes_of_the_gradient_alone():
    x = [2.0, 3, 5]
    given = Trace(Problem.create(x, 0.2, M, grad_y=V))
    assert diagnose(given, "grad_x", np.array([10.0, 0, 75]), ALLOWED).mistakes == ["times-x"]
    for loss, right, wrong, name in (
        ("sum", 1.25, 1.25 / 3, "mean-loss"),
        ("mean", 1.25 / 3, 1.25, "sum-loss"),
    ):
        trace = Trace(Problem.create(x, 0.2, M, loss=loss))
        assert trace.grad_x == pytest.approx([right, 0, right])
        assert diagnose(trace, "grad_x", np.array([wrong, 0, wrong]), ALLOWED).mistakes == [name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("drops-in-inference", [0, 10, 15]),
        ("scales-in-inference", [3.2, 6.4, 9.6]),
    ],
)
def test_what_each_mistake_makes_of_inference(name, values):
    trace = Trace(Problem.create(V, 0.2, training=False, grad_y=V))
    assert diagnose(trace, "y", np.array(values, dtype=float), ALLOWED).mistakes == [name]


def test_what_goes_wrong_at_p_1():
    trace = Trace(Problem.create(V, 1, [0, 0, 0], grad_y=V))
    nan = np.full(3, np.nan)
    assert diagnose(trace, "y", nan, ALLOWED).mistakes == ["nan-at-p-1"]
    assert diagnose(trace, "y", np.array(V), ALLOWED).mistakes == ["not-applied"]


def test_where_all_are_kept_not_to_scale_is_not_to_apply():
    trace = Trace(Problem.create(V, 0.2, [1, 1, 1]))
    assert diagnose(trace, "y", np.array(V), ALLOWED).mistakes == ["not-applied"]
