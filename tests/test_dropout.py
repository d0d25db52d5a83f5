"""The mathematics, against exact fractions."""

import sys
from fractions import Fraction

import exact
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli import Problem, RequestError, Trace, backward, forward, local_gradient
from dropout_cli.losses import LOSSES

NUMBERS = st.floats(-1e100, 1e100)
ELEMENTS = st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans()), min_size=1, max_size=20)
PROBABILITIES = st.floats(0, 1, exclude_min=True, exclude_max=True)


def test_the_worked_example():
    x, mask, grad_y = [2, 4, 6, 8], [1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4]
    assert forward(x, mask, 0.5).tolist() == [4, 0, 12, 0]
    assert local_gradient(x, mask, 0.5).tolist() == [2, 0, 2, 0]
    assert backward(grad_y, mask, 0.5).tolist() == [0.2, 0, 0.6, 0]
    trace = Trace(Problem.create(loss="sum"))
    assert trace.loss_value == 16
    assert trace.grad_x.tolist() == [2, 0, 2, 0]


@given(ELEMENTS, PROBABILITIES)
def test_kept_are_divided_by_the_keep_probability_and_dropped_are_zero(elements, p):
    x, grad_y, mask = map(list, zip(*elements, strict=True))
    for values, result in ((x, forward(x, mask, p)), (grad_y, backward(grad_y, mask, p))):
        for kept, got, want in zip(mask, result, exact.forward(values, mask, p), strict=True):
            assert exact.ulps(got, want) <= 2
            assert kept or (got == 0 and not np.signbit(got))


@given(ELEMENTS, PROBABILITIES, st.sampled_from(["sum", "mean", "sum-squares"]))
def test_the_gradient_is_the_central_difference_of_the_loss(elements, p, loss):
    x, _, mask = map(list, zip(*elements, strict=True))
    trace = Trace(Problem.create(x, p, mask, loss=loss))
    for i in range(len(x)):
        assert exact.ulps(trace.grad_x[i], exact.gradient(loss, x, mask, p, i)) <= 4


@given(ELEMENTS, PROBABILITIES)
def test_the_local_gradient_is_the_slope_of_the_forward_pass(elements, p):
    x, _, mask = map(list, zip(*elements, strict=True))
    slopes = local_gradient(x, mask, p)
    for i, slope in enumerate(slopes):
        up = [Fraction(v) + (k == i) for k, v in enumerate(x)]
        rise = exact.forward(up, mask, p)[i] - exact.forward(x, mask, p)[i]
        assert exact.ulps(slope, rise) <= 2


@given(ELEMENTS, st.floats(0, 1))
def test_inference_is_the_identity_both_ways(elements, p):
    x, grad_y, _ = map(list, zip(*elements, strict=True))
    assert forward(x, None, p).tolist() == x
    assert backward(grad_y, None, p).tolist() == grad_y
    assert local_gradient(x, None, p).tolist() == [1] * len(x)
    array = np.array(x)
    assert not np.shares_memory(forward(array, None, p), array)


def test_p_0_keeps_all_and_p_1_drops_all():
    assert forward([2, -4], [1, 1], 0).tolist() == [2, -4]
    for function in (forward, local_gradient, backward):
        assert function([2, -4], [0, 0], 1).tolist() == [0, 0]
    assert str(Problem.create(p=-0.0, mask=[1, 1, 1, 1]).p) == "0.0"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("function", [forward, local_gradient, backward])
@pytest.mark.parametrize("mask", [[1, 0], None])
def test_floats_keep_their_type(function, dtype, mask):
    assert function(np.array([1, 2], dtype=dtype), mask, 0.3).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(data=st.data(), p=PROBABILITIES)
def test_each_type_is_within_two_units_in_its_last_place(dtype, data, p):
    """Both 1−p and the quotient are rounded; a dropped element is +0 for every p."""
    value = data.draw(st.floats(-100, 100, width=8 * dtype().itemsize))
    with np.errstate(over="ignore"):
        kept, dropped = forward(np.array([value, value], dtype), [1, 0], p)
    (right,) = exact.forward([value], [1], p)
    assert (dropped, np.signbit(dropped)) == (0, False)
    if np.isfinite(kept):
        assert abs(Fraction(float(kept)) - right) <= 2 * Fraction(float(np.spacing(abs(kept))))


def test_float16_where_its_own_1_minus_p_would_be_0():
    with np.errstate(over="ignore"):
        assert forward(np.array([1, 2], np.float16), [0, 1], 1 - 1e-9).tolist() == [0, np.inf]
    assert forward(np.array([0.5], np.float16), [1], 0.99999).tolist() == [np.float16(50000)]


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=50))
def test_a_sum_of_some_floats_is_rounded_once(values):
    value = Trace(Problem.create(values, training=False, loss="sum")).loss_value
    if value is None:
        assert sum(Fraction(abs(v)) for v in values) > sys.float_info.max
    else:
        assert value == float(sum(map(Fraction, values), Fraction(0)))


@pytest.mark.parametrize(
    ("terms", "loss", "right"),
    [
        ([1e16, 1, -1e16], "sum", 1),
        ([5e-324, 1e-323], "sum", 1.5e-323),
        ([1e16, 1, -1e16] * 100_000, "mean", 1 / 3),
        ([1e308, -1e308, 5e-324], "sum", 5e-324),
    ],
)
def test_a_loss_is_exact(terms, loss, right):
    assert Trace(Problem.create(terms, training=False, loss=loss)).loss_value == right


LARGE = [1e308] * 5


@pytest.mark.parametrize(
    ("x", "loss"), [(LARGE, "sum"), ([-v for v in LARGE], "sum"), ([1e200], "sum-squares")]
)
def test_a_loss_that_overflows_has_no_value_and_yet_a_gradient(x, loss):
    trace = Trace(Problem.create(x, training=False, loss=loss))
    assert trace.loss_value is None
    assert trace.grad_x.tolist() == ([1] * 5 if loss == "sum" else [2e200])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_at_most_quadratic(loss):
    """Only then are its central differences exact, by which its gradient is checked."""
    values = [LOSSES[loss].value(np.array([Fraction(k)], dtype=object), 1) for k in range(-2, 3)]
    thirds = np.diff(values, 3)
    assert not thirds.any(), f"dropout_cli/losses.py: LOSSES[{loss!r}] is not at most quadratic"


def test_vectors_may_have_any_shape():
    x = np.arange(6).reshape(2, 3)
    assert forward(x, x % 2, 0.5).tolist() == [[0, 2, 0], [6, 0, 10]]
    assert forward(3, 1, 0.5) == 6


@pytest.mark.parametrize(
    ("x", "mask", "p", "message"),
    [
        ([1, 2], [1, 0], 1.5, "p is 1.5"),
        ([1, 2], [1, 0], float("nan"), "p is nan"),
        ([1, 2], [1, 0], "half", "p is 'half'"),
        ([1, 2], [1, 0, 1], 0.5, "length 3, but it must have length 2, a bit for each element$"),
        ([[1, 2]], [1, 0], 0.5, r"mask has length 2, but it must have shape \(1, 2\)"),
        ([1, 2], [1, 2], 0.5, r"element 2 of mask is 2"),
        ([1, 2], [1, float("nan")], 0.5, r"element 2 of mask is nan"),
        ([1, 2], ["1", "0"], 0.5, "mask must hold 0 and 1"),
        ([[1, 2], [3, 4]], [[1, 0], [7, 1]], 0.5, r"element \[2, 1\] of mask is 7"),
        ([1, 2], [1, 0], 0, r"element 2 of mask is 0, but p = 0 drops no element"),
        ([1, 2], [1, 0], 1, r"element 1 of mask is 1, but p = 1 drops every element"),
        ([1, float("inf")], [1, 0], 0.5, r"element 2 of (x|grad_y) is inf"),
        ([[1, 2], [float("nan"), 3]], [[1, 1], [1, 1]], 0.5, r"element \[2, 1\] of \w+ is nan"),
        (float("inf"), 1, 0.5, "^(x|grad_y) is inf, but"),
        (["a", "b"], [1, 0], 0.5, "must hold real numbers"),
        ([1j, 2], [1, 0], 0.5, "must hold real numbers"),
    ],
)
@pytest.mark.parametrize("function", [forward, local_gradient, backward])
def test_impossible_arguments_are_refused(function, x, mask, p, message):
    with pytest.raises(RequestError, match=message):
        function(x, mask, p)


def test_a_problem_cannot_be_changed():
    x, mask = np.array([2.0, 4, 6, 8]), np.array([True, False, True, False])
    mine = x[:]
    mine.flags.writeable = False
    problem, view = Problem.create(x, mask=mask), Problem.create(mine)
    x[0], mask[0] = 99, False
    assert problem.x[0] == view.x[0] == 2
    assert problem.mask[0]
    for array in (problem.x, problem.mask, problem.grad_y, Trace(problem).y, Trace(problem).grad_x):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_package_exports_what_it_names():
    import dropout_cli

    for name in dropout_cli.__all__:
        assert getattr(dropout_cli, name).__name__ == name
    assert dir(dropout_cli) == sorted(dropout_cli.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        dropout_cli.nothing  # noqa: B018
