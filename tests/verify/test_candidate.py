"""Candidates: what was allowed, how large the difference was, and of how many elements."""

from __future__ import annotations

import numpy as np
import pytest

from dropout_cli import Problem, Trace
from dropout_cli.verify.candidate import RTOL, Candidate, judge
from dropout_cli.verify.decimals import half_units
from dropout_cli.verify.mistakes import diagnose
from dropout_cli.verify.tolerance import Tolerance, tolerance

EXACT = Tolerance(0, 0, np.inf)


def judged(problem, values, dtype="float64", rtol=None, units=None):
    vectors = {name: np.array(vector, dtype=float) for name, vector in values.items()}
    candidate = Candidate(None, problem, problem.x.shape, dtype, vectors, units=units or {})
    return judge(candidate, rtol)


def one(verdict, name):
    (finding,) = [each for each in verdict.findings if each.id == name]
    return finding


def test_each_vector_is_held_against_its_own():
    problem = Problem.create([1, 2, 3], 0.5, [1, 0, 1], grad_y=[1, 1, -2])
    verdict = judged(problem, {"y": [2, 0, 6.5], "grad_x": [2, 0, -4]})
    assert one(verdict, "y")[:3] == (0.5, False, 3)
    assert one(verdict, "grad_x")[:3] == (0.0, True, 3)
    assert one(verdict, "y").reason.example == (3.0, -2.0, True, 6.5)


@pytest.mark.parametrize("rtol", [None, 0, 1e-3])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_given_is_allowed_else_what_the_type_explains(rtol, dtype):
    p = 0.999
    verdict = judged(Problem.create([1.0], p, [1], grad_y=[1]), {"y": [1 / (1 - p)]}, dtype, rtol)
    explained = tolerance(dtype, p).relative
    assert explained > RTOL or dtype == "float32"
    assert verdict.allowed["y"].relative == (max(RTOL, explained) if rtol is None else rtol)


def test_in_inference_nothing_is_divided_so_p_excuses_nothing():
    for dtype in ("float16", "float32"):
        verdict = judged(Problem.create([1.0], 0.999, training=False), {"y": [1.0]}, dtype, 0)
        assert verdict.allowed["y"] == tolerance(dtype, 0)._replace(relative=0)


def test_the_largest_numbers_are_compared_without_a_warning():
    problem = Problem.create([8e307], 0.5, [1], grad_y=[1])
    verdict = judged(problem, {"y": [-1.7e308]})
    assert one(verdict, "y")[:3] == (np.inf, False, 1)
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
    verdict = judged(trace.problem, {"y": trace.grad_x, "grad_x": trace.y})
    assert [each.mistakes for each in verdict.findings[:2]] == [("swapped",), ("swapped",)]


# Decimals


@pytest.mark.parametrize(
    ("texts", "units"),
    [
        (["1.0000", "-2.5"], 0.5e-4),
        (["0.12345678"], 0.5e-8),
        (["0.123456789"], 0),
        (["1.25", "3"], 0),
        (["12"], 0),
        (["nan", "1.234"], 0.5e-3),
        ([], 0),
    ],
)
def test_the_decimals_that_were_written(texts, units):
    assert half_units(texts) == pytest.approx(units)


def test_the_decimals_of_numbers_with_exponents_are_those_of_each():
    assert half_units(["1.429e-01", "2.000e+02"]) == pytest.approx([0.5e-4, 0.05])


WAYS = {"%.3f": "{:.3f}", "%.4f": "{:.4f}", "%f": "{:f}", "%.3e": "{:.3e}", "%g": "{:g}"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", [None, "sum-squares"])
def test_no_right_result_that_was_rounded_is_accused(way, loss):
    rng, write = np.random.default_rng(5), WAYS[way].format
    for _ in range(200):
        n, p = int(rng.integers(1, 40)), float(rng.uniform(0, 0.95))
        x, g = rng.normal(size=(2, n)) * 10 ** rng.uniform(-1, 1)
        mask = rng.random(n) >= p
        exact = Trace(
            Problem.create(x, p, mask if p else None, grad_y=None if loss else g, loss=loss)
        )
        texts = {"x": x, "grad_y": g, "y": exact.y, "grad_x": exact.grad_x}
        texts = {key: [write(v) for v in vector] for key, vector in texts.items()}
        read = {key: np.array(vector, dtype=float) for key, vector in texts.items()}
        upstream = None if loss else read["grad_y"]
        problem = Problem.create(read["x"], p, mask if p else None, grad_y=upstream, loss=loss)
        units = {key: half_units(vector) for key, vector in texts.items()}
        verdict = judged(problem, {k: read[k] for k in ("y", "grad_x")}, "float32", units=units)
        assert all(each.ok for each in verdict.findings if each.id in ("y", "grad_x")), texts


def test_what_rounding_does_not_explain_is_still_named():
    x, p, mask = np.array([0.4113, 1.2345, -0.7]), 0.3, [1, 0, 1]
    problem = Problem.create(x, p, mask, grad_y=[1, 1, 1])
    wrong = np.round(x * mask, 4)
    verdict = judged(problem, {"y": wrong}, units=dict.fromkeys(("x", "y"), 0.5e-4))
    assert one(verdict, "y").mistakes == ["not-scaled"]
