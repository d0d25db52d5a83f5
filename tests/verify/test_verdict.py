"""Verdicts: what was allowed, how large the difference was, and of how many elements."""

from __future__ import annotations

import numpy as np
import pytest

from dropout_cli import Problem, Trace
from dropout_cli.verify.mistakes import diagnose
from dropout_cli.verify.tolerance import Tolerance, tolerance
from dropout_cli.verify.verdict import RTOL, Candidate, judge

EXACT = Tolerance(0, 0, np.inf)


def judged(problem, values, dtype="float64", rtol=None):
    vectors = {name: np.array(vector, dtype=float) for name, vector in values.items()}
    return judge(Candidate(None, problem, problem.x.shape, dtype, vectors), rtol)


def test_each_vector_is_held_against_its_own():
    problem = Problem.pose([1, 2, 3], 0.5, [1, 0, 1], grad_y=[1, 1, -2])
    verdict = judged(problem, {"y": [2, 0, 6.5], "grad_x": [2, 0, -4]})
    assert verdict.findings == {"y": (0.5, False, 3), "grad_x": (0.0, True, 3)}
    assert [diagnosis.about for diagnosis in verdict.diagnoses] == ["y"]


@pytest.mark.parametrize("rtol", [None, 0, 1e-3])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_given_is_allowed_else_what_the_type_explains(rtol, dtype):
    p = 0.999
    verdict = judged(Problem.pose([1.0], p, [1], grad_y=[1]), {"y": [1 / (1 - p)]}, dtype, rtol)
    explained = tolerance(dtype, p).relative
    assert explained > RTOL or dtype == "float32"
    assert verdict.allowed["y"].relative == (max(RTOL, explained) if rtol is None else rtol)


def test_in_inference_nothing_is_divided_so_p_excuses_nothing():
    for dtype in ("float16", "float32"):
        verdict = judged(Problem.pose([1.0], 0.999, training=False), {"y": [1.0]}, dtype, 0)
        assert verdict.allowed["y"] == tolerance(dtype, 0)._replace(relative=0)


@pytest.mark.parametrize(
    ("n", "p", "checks"),
    [(30, 0.5, 0), (31, 0.5, 0), (32, 0.5, 1), (68, 0.5, 2), (1, 1e-10, 0)],
)
def test_a_mask_is_tested_where_some_mask_would_fail(n, p, checks):
    problem = Problem.pose(np.ones(n), p, np.arange(n) % 4 != 1, grad_y=np.ones(n))
    findings = judged(problem, {"y": Trace(problem).y}).findings
    assert list(findings) == ["y", "kept-fraction", "independent"][: 1 + checks]


def test_a_mask_that_rounding_may_hide_is_not_tested():
    """A y of float16 is 0 where x is below 3e-8, kept or not."""
    problem = Problem.pose(np.full(100, 1e-8), 0.5, np.zeros(100))
    for read, dtype, checks in ((True, "float16", 0), (True, "float64", 1), (False, "float16", 1)):
        values = {"y": np.zeros(100)}
        candidate = Candidate(None, problem, (100,), dtype, values, read_mask=read)
        findings = judge(candidate, None).findings
        assert findings["y"].ok
        assert list(findings)[1:] == ["kept-fraction"][:checks]


def test_random_numbers_on_a_grid_drop_more_than_a_tiny_p():
    """In float32 u < p holds for u = 0 alone, whose probability is 2^-24."""
    mask = np.arange(10**6) >= 5
    problem = Problem.pose(np.ones(mask.size), 1e-12, mask)
    verdict = judged(problem, {"y": Trace(problem).y}, "float32")
    assert [finding.ok for finding in verdict.findings.values()] == [True, True, True]


def test_the_fraction_is_told_and_dependence_not_where_it_is_wrong():
    n = 1000
    problem = Problem.pose(np.ones(n), 0.5, np.arange(n) % 4 > 0)
    verdict = judged(problem, {"y": Trace(problem).y})
    assert verdict.findings["kept-fraction"] == (0.25, False, n)
    assert verdict.diagnoses[0].about == "kept-fraction"
    assert "independent" not in verdict.findings


def test_a_right_mask_is_never_accused():
    rng = np.random.default_rng(7)
    for p in (1e-6, 0.01, 0.1, 0.5, 0.9, 0.999):
        for n in (1, 4, 33, 100, 1000, 20_000):
            for _ in range(20):
                problem = Problem.pose(np.ones(n), p, rng.random(n) >= p, grad_y=np.ones(n))
                assert all(f.ok for f in judged(problem, {"y": Trace(problem).y}).findings.values())


def test_the_largest_numbers_are_compared_without_a_warning():
    problem = Problem.pose([8e307], 0.5, [1], grad_y=[1])
    verdict = judged(problem, {"y": [-1.7e308]})
    assert verdict.findings["y"] == (np.inf, False, 1)
    tiny = Trace(Problem.pose([1e-300], 0.5, [1], grad_y=[1]))
    assert diagnose(tiny, "y", np.array([1e300]), EXACT).factor is None


def test_a_factor_is_that_of_the_largest_and_there_is_none_of_zeros():
    trace = Trace(Problem.pose([5e-324, 1.0], 0.5, [1, 1], grad_y=[1, 1]))
    diagnosis = diagnose(trace, "y", trace.y * 7.3, Tolerance(1e-9, 5e-324, np.inf))
    assert diagnosis.factor == pytest.approx(7.3)
    zeros = Trace(Problem.pose([0.0, 0.0], 0.5, [1, 1], grad_y=[1, 1]))
    assert diagnose(zeros, "y", np.array([3.0, 1.0]), EXACT).factor is None
