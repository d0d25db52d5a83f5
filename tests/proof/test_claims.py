"""The claims: true of every trace, and false of a wrong one."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import problems

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.losses import LOSSES
from dropout_cli.proof import claims
from dropout_cli.proof.claims import CLAIMS


def wrong(trace: Trace) -> set[str]:
    return {name for name, claim in CLAIMS.items() if claim(trace).ok is False}


@settings(max_examples=30)
@given(problems())
def test_every_claim_holds(problem: Problem) -> None:
    assert wrong(Trace(problem)) == set()


STEP = 2.0**-1074
ENDS = st.one_of(
    st.integers(-9, 9).map(lambda k: k * STEP), st.sampled_from([1.0, 1e-300, 1e150, 1e300, 1e308])
)


@settings(max_examples=15)
@given(
    pairs=st.lists(st.tuples(ENDS, ENDS, st.booleans()), min_size=1, max_size=60),
    p=st.one_of(st.sampled_from([0.05, 0.3, 0.87, 1 - 2.0**-40]), st.floats(0.01, 0.99)),
    loss=st.sampled_from([None, *LOSSES]),
)
def test_every_claim_holds_at_both_ends_of_float64(pairs, p, loss):
    x, grad_y, mask = zip(*pairs, strict=True)
    problem = Problem.create(x, p, mask, grad_y=grad_y if loss is None else None, loss=loss)
    try:
        assert wrong(Trace(problem)) == set()
    except RequestError:  # y or the gradient overflows
        assume(False)


@pytest.mark.parametrize(
    ("x", "p", "grad_y", "loss"),
    [([1e-323], 0.87, None, "sum-squares"), ([1] * 60, 0.3, [1.5e-323] * 60, None),
     ([1] * 40, 0.05, [1e308] * 40, None)],
)  # fmt: skip
def test_rounding_at_the_ends_of_float64_is_no_mistake(x, p, grad_y, loss):
    trace = Trace(Problem.create(x, p, [1] * len(x), grad_y=grad_y, loss=loss))
    for name in ("gradient", "total-differential"):
        assert CLAIMS[name](trace).ok


def bend(trace: Trace, name: str, **by: float) -> None:
    """Make the last element of one quantity of the trace wrong, or its first by some units."""
    values = getattr(trace, name).copy()
    if by:
        values[0] += by["units"] * np.spacing(values[0])
    else:
        values[-1] = values[-1] * 1.001 + 0.001
    vars(trace)[name] = values


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(
    ("quantity", "found_by"),
    [
        ("y", {"forward"}),
        ("local_grad", {"local-gradient", "chain-rule"}),
        ("grad_x", {"chain-rule", "gradient", "backward", "total-differential"}),
    ],
)
def test_a_wrong_trace_is_found_out(quantity, found_by, last):
    trace = Trace(Problem.create(mask=[1, 0, 1, last]))
    bend(trace, quantity)
    if not last and quantity != "local_grad":
        found_by = found_by | {"zero", "same-mask"}
    assert wrong(trace) == found_by


@pytest.mark.parametrize(
    ("name", "vector", "allowed"),
    [
        ("forward", "y", 2), ("local-gradient", "local_grad", 2), ("chain-rule", "grad_x", 3),
        ("gradient", "grad_x", 4), ("backward", "grad_x", 2),
    ],
)  # fmt: skip
def test_a_float_may_be_off_by_a_few_units_in_the_last_place(name, vector, allowed):
    """Of these numbers every result is exact, so the difference is all that is added."""
    for units, ok in ((allowed, True), (allowed + 1, False)):
        trace = Trace(Problem.create([1, 2], 0.5, [1, 0], grad_y=[1, 1]))
        bend(trace, vector, units=units)
        finding = CLAIMS[name](trace)
        assert (finding.ok, finding.max_error) == (ok, units * np.spacing(2.0))


def test_the_total_differential_may_be_off_by_two_roundings_of_each_term() -> None:
    for units, ok in ((3, True), (4, False)):
        trace = Trace(Problem.create([1], 0.5, [1], grad_y=[127]))
        vars(trace)["grad_x"] = np.array([254 + units * 2.0**-45])
        finding = claims.total_differential(trace)  # along the axis 254/8 = 2^51 · 3.97 · 2^-48
        assert (finding.ok, finding.max_error) == (ok, units * 2.0**-48)


def test_errors_that_cancel_along_a_step_are_found_along_an_axis() -> None:
    trace = Trace(Problem.create([1, 2, 3, 4], 0.5, [1, 1, 1, 1], grad_y=[1, 1, 1, 1]))
    vars(trace)["grad_x"] = trace.grad_x + np.array([1, -1, -1, 1])
    assert claims.total_differential(trace)[:2] == (1 / 8, False)


def test_of_a_long_vector_the_first_elements_are_checked_and_counted() -> None:
    n = 2000
    trace = Trace(Problem.create(np.linspace(-1, 1, n), 0.3, seed=0))
    checked = {"local-gradient": 16, "gradient": 16, "same-mask": n, "inference": n}
    checked["zero"] = int((trace.y == 0).sum())
    for name in CLAIMS:
        finding = claims.check(name, trace)
        assert (name, finding.ok, finding.checked) == (name, True, checked.get(name, 1000))
        assert claims.check(name, trace) is finding


@pytest.mark.parametrize(
    ("n", "p", "masks"),
    [
        (3, 0.3, 8), (10, 0.5, 1024), (11, 0.5, None), (3, 0, 1), (3, 1, 1),
        (1, 2.0**-120, 2), (1, 2.0**-121, None), (11, 0, 1), (10**7, 1, 1),
    ],
)  # fmt: skip
def test_over_how_many_masks_is_summed(n, p, masks):
    assert claims.masks_summed(n, p) == masks


def test_inference_that_is_no_identity_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = Trace(Problem.create([1, -2, 3]))
    for way in ("forward", "backward"):
        with monkeypatch.context() as patch:
            patch.setattr(f"dropout_cli.dropout.{way}", lambda v, *_: v + np.array([0, 2, 0]))
            assert claims.inference(trace)[:3] == (2.0, False, 3)
    zeros = Trace(Problem.create([0.0, 1], grad_y=[1, 1]))
    monkeypatch.setattr("dropout_cli.dropout.forward", lambda v, *_: v * [-1, 1])
    assert claims.inference(zeros)[:3] == (0.0, False, 2)  # -0 is not 0, bit for bit
