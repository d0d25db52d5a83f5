"""The claims: true of every trace, and false of a wrong one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from problems import problems

from dropout_cli import Problem, Trace
from dropout_cli.proof import claims


@settings(max_examples=60)
@given(problems())
def test_every_claim_holds(problem):
    trace = Trace(problem)
    for name, claim in claims.CLAIMS.items():
        assert claim(trace).ok is not False, name


def bend(trace, name):
    """Make one quantity of the trace wrong in its last element."""
    values = getattr(trace, name).copy()
    values[-1] = values[-1] * 1.001 + 0.001
    vars(trace)[name] = values


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(
    ("wrong", "found_by"),
    [
        ("y", {"forward"}),
        ("local_grad", {"local-gradient", "chain-rule"}),
        ("grad_x", {"chain-rule", "gradient", "backward", "total-differential"}),
    ],
)
def test_a_wrong_trace_is_found_out(wrong, found_by, last):
    trace = Trace(Problem.pose(mask=[1, 0, 1, last]))
    bend(trace, wrong)
    failing = {name for name, claim in claims.CLAIMS.items() if claim(trace).ok is False}
    if not last:
        found_by = found_by | ({"zero", "same-mask"} if wrong in ("y", "grad_x") else set())
    assert failing == found_by


def test_the_variance_of_the_worked_example():
    mean = claims.Expectation(Problem.pose(), slice(None))
    assert mean.variance == [4, 16, 36, 64]  # p/(1−p)·x² with p = 1/2


@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_long_vectors_take_the_room_of_the_trace_and_two_more(loss):
    n = 10**6
    x = np.linspace(-1, 1, n)
    tracemalloc.start()
    trace = Trace(Problem.pose(x, 0.3, seed=0, loss=loss))
    for claim in claims.CLAIMS.values():
        claim(trace)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    mask, vectors, more = 1, 5 * 8, 2 * 8
    assert peak < (mask + vectors + more) * n


def test_of_a_long_vector_the_first_elements_are_checked_and_counted():
    n = 2000
    trace = Trace(Problem.pose(np.linspace(-1, 1, n), 0.3, seed=0))
    for name, checked in (
        ("forward", 1000), ("local-gradient", 16), ("chain-rule", 1000), ("gradient", 16),
        ("total-differential", 1000), ("expected-output", 1000), ("inference", n),
    ):  # fmt: skip
        finding = claims.CLAIMS[name](trace)
        assert (finding.ok, finding.checked) == (True, checked)
