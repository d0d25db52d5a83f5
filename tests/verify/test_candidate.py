"""Candidates: what was allowed, how large the difference was, and of how many elements."""

import numpy as np
import pytest
from problems import diagnose

from dropout_cli import Problem, Trace
from dropout_cli.verify.candidate import RTOL, Candidate, judge_candidate
from dropout_cli.verify.tolerance import Tolerance, half_units, tolerance

EXACT = Tolerance(0, 0, np.inf)


def judged(problem, values, dtype="float64", rtol=None, units=None):
    """Return the findings by their id, and what was allowed."""
    vectors = {name: np.array(vector, dtype=float) for name, vector in values.items()}
    findings, allowed = judge_candidate(Candidate(problem, vectors, dtype, units=units or {}), rtol)
    return {each.id: each for each in findings}, allowed


def test_each_vector_is_compared_with_its_own():
    problem = Problem.create([1, 2, 3], 0.5, [1, 0, 1], grad_y=[1, 1, -2])
    found, _ = judged(problem, {"y": [2, 0, 6.5], "grad_x": [2, 0, -4]})
    assert found["y"][:3] == (0.5, False, 3)
    assert found["grad_x"][:3] == (0.0, True, 3)
    assert found["y"].wrong == [((2,), 6.5, 6.0, 3.0, -2.0, True)]


@pytest.mark.parametrize("rtol", [None, 0, 1e-3])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_given_is_allowed_else_what_the_type_explains(rtol, dtype):
    p = 0.999
    problem = Problem.create([1.0], p, [1], grad_y=[1])
    _, allowed = judged(problem, {"y": [1 / (1 - p)]}, dtype, rtol)
    explained = tolerance(dtype, p).relative
    assert explained > RTOL or dtype == "float32"
    assert allowed["y"].relative == (max(RTOL, explained) if rtol is None else rtol)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_in_inference_nothing_is_divided_so_p_excuses_nothing(dtype):
    _, allowed = judged(Problem.create([1.0], 0.999, training=False), {"y": [1.0]}, dtype, 0)
    assert allowed["y"] == tolerance(dtype, 0)._replace(relative=0)


def test_the_largest_numbers_are_compared_without_a_warning():
    found, _ = judged(Problem.create([8e307], 0.5, [1], grad_y=[1]), {"y": [-1.7e308]})
    assert found["y"][:3] == (np.inf, False, 1)
    tiny = Trace(Problem.create([1e-300], 0.5, [1], grad_y=[1]))
    assert diagnose(tiny, "y", np.array([1e300]), EXACT).factor is None


def test_a_factor_is_that_of_the_largest_and_there_is_none_of_zeros():
    trace = Trace(Problem.create([5e-324, 1.0], 0.5, [1, 1], grad_y=[1, 1]))
    diagnosis = diagnose(trace, "y", trace.y * 7.3, Tolerance(1e-9, 5e-324, np.inf))
    assert diagnosis.factor == pytest.approx(7.3)
    zeros = Trace(Problem.create([0.0, 0.0], 0.5, [1, 1], grad_y=[1, 1]))
    assert diagnose(zeros, "y", np.array([3.0, 1.0]), EXACT).factor is None


def test_y_and_grad_x_that_are_swapped_are_named_so():
    trace = Trace(Problem.create([1, 2, 3], 0.3, [1, 0, 1], grad_y=[5, 7, 9]))
    found, _ = judged(trace.problem, {"y": trace.grad_x, "grad_x": trace.y})
    assert found["y"].mistakes == found["grad_x"].mistakes == ["swapped"]


# Decimals


@pytest.mark.parametrize(
    ("texts", "units"),
    [
        (["1.0000", "-2.5"], 0.5e-4),
        (["0.12345678"], 0.5e-8),
        (["0.123456789"], 0),
        (["1.25", "3"], 0),
        (["nan", "1.234"], 0.5e-3),
        (["1.429e-01", "2.000e+02"], [0.5e-4, 0.05]),  # those of each
        ([], 0),
    ],
)
def test_the_decimals_that_were_written(texts, units):
    assert half_units(texts) == pytest.approx(units)


WAYS = ["%.3f", "%.4f", "%f", "%.3e", "%g"]


def rounded(way, seed, count, loss=None, mistake=lambda x, m, p: x * m / (1 - p)):
    """Yield what is found in random problems as they are written, by id."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n, p = int(rng.integers(1, 40)), float(rng.uniform(0.05, 0.95))
        x, g = rng.normal(size=(2, n)) * 10 ** rng.uniform(-1, 1)
        mask = rng.random(n) >= p
        exact = Trace(Problem.create(x, p, mask, grad_y=None if loss else g, loss=loss))
        vectors = {"x": x, "grad_y": g, "y": mistake(x, mask, p), "grad_x": exact.grad_x}
        texts = {key: [way % v for v in vector] for key, vector in vectors.items()}
        read = {key: np.array(vector, dtype=float) for key, vector in texts.items()}
        upstream = None if loss else read["grad_y"]
        problem = Problem.create(read["x"], p, mask, grad_y=upstream, loss=loss)
        units = {key: half_units(vector) for key, vector in texts.items()}
        yield judged(problem, {k: read[k] for k in ("y", "grad_x")}, "float32", units=units)[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", [None, "sum-squares"])
def test_no_right_result_that_was_rounded_is_accused(way, loss):
    for found in rounded(way, 5, 100, loss):
        assert found["y"].ok
        assert found["grad_x"].ok


def test_a_mistake_is_named_though_rounding_is_multiplied_by_more_than_is_allowed():
    """Each x is off by half a unit, which scaling twice multiplies by 1/(1−p)²."""
    found = list(rounded("%.4f", 6, 100, mistake=lambda x, m, p: x * m / (1 - p) ** 2))
    wrong = [each["y"] for each in found if not each["y"].ok]
    named = ["scaled-twice" in each.mistakes for each in wrong]
    assert len(wrong) > 90
    assert sum(named) > 0.9 * len(named)
