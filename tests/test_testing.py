"""check and check_values, as a test suite calls them."""

import my_layers
import numpy as np
import pytest

import dropout_cli
from dropout_cli import RequestError


class OnlyEnds:
    """A layer that cannot be checked where it would show what it does."""

    def __init__(self, p):
        assert p in (0, 1)
        self.p, self.training = p, True

    def forward(self, v):
        return 0 * v if self.p and self.training else v

    backward = forward


def test_a_right_layer_passes():
    dropout_cli.check(my_layers.Dropout(0.3))


def test_a_wrong_layer_raises_with_the_verdict_first_and_then_the_report():
    with pytest.raises(AssertionError) as raised:
        dropout_cli.check(my_layers.Careless, p=0.1, seed=3)
    verdict, report = str(raised.value).split("\n", 1)
    assert verdict.startswith("my_layers:Careless is wrong, 1 of 9 checks failed: m keeps ")
    assert verdict.endswith("it keeps with probability p, not 1−p.")
    assert "requirement, at p =" in report
    assert "Exit code" not in report


class RaisesLater(my_layers.Dropout):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) if self.calls != 2 else 1 / 0


def test_the_cause_is_what_the_layer_raised():
    with pytest.raises(AssertionError, match="is wrong") as raised:
        dropout_cli.check(RaisesLater, p=0.5)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("layer", "p", "message"),
    [
        ("Dropout", 0.5, "a layer is a torch"),
        (OnlyEnds, [0, 0.5], "could not be judged: the layer raised AssertionError"),
        (my_layers.Dropout, 2, "p is 2"),
    ],
)
def test_what_cannot_be_checked_is_refused(layer, p, message):
    with pytest.raises(RequestError, match=message):
        dropout_cli.check(layer, p=p)


X, GRAD_Y = np.array([[1.0, -2.0, 0.0], [0.5, 3.0, 4.0]]), np.arange(6.0).reshape(2, 3) + 1
KEPT = np.array([[1, 0, 1], [0, 1, 1]])
Y, GRAD_X = X * KEPT / (1 - 0.3), GRAD_Y * KEPT / (1 - 0.3)


@pytest.mark.parametrize("mask", [KEPT, KEPT == 1, None])
def test_values_are_judged_with_a_mask_or_without(mask):
    problem = {"x": X, "p": 0.3, "mask": mask, "grad_y": GRAD_Y}
    dropout_cli.check_values(**problem, y=Y.astype(np.float32), grad_x=GRAD_X.tolist())
    with pytest.raises(AssertionError) as raised:
        dropout_cli.check_values(**problem, y=X * KEPT, grad_x=GRAD_X)
    verdict, report = str(raised.value).split("\n", 1)
    assert verdict == (
        "what was computed is wrong, 1 of 2 checks failed: y is wrong in 3 of 6 elements:"
        " it is m·x, not scaled by 1/(1−p)."
    )
    assert ["2,", "3", "y[1,", "2]", "4", "5.71429"] in [row.split() for row in report.split("\n")]


def test_values_are_judged_as_the_arguments_say():
    dropout_cli.check_values(X, 0.3, mask=KEPT, y=X * KEPT, rtol=0.5)
    dropout_cli.check_values(X, 0.3, mask=KEPT, y=Y + 1e-3 * KEPT, atol=2e-3)
    dropout_cli.check_values(X, 0.3, y=X, grad_y=GRAD_Y, grad_x=GRAD_Y, training=False)
    with pytest.raises(AssertionError, match="the mask is inverted"):
        dropout_cli.check_values(X, 0.3, mask=1 - KEPT, y=Y)


def test_values_are_judged_in_their_own_type():
    half = (X[0].astype(np.float16) / np.float16(0.7)) * KEPT[0].astype(np.float16)
    dropout_cli.check_values(X[0], 0.3, y=half)
    with pytest.raises(AssertionError, match="it is what float16 gives"):
        dropout_cli.check_values(X[0], 0.3, y=half, dtype="float32")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "there is neither y nor grad_x"),
        ({"grad_x": X}, "there is grad_x, but no grad_y"),
        ({"grad_y": X, "grad_x": X}, "there is neither a mask"),
        ({"y": [1, 2]}, "the shapes differ, but they must be one: x 2×3, y 2"),
        ({"y": X, "dtype": "float8"}, "dtype is 'float8'"),
        ({"x": [0, 0], "y": [0, 0]}, "could not be judged: the mask can be read nowhere"),
    ],
)
def test_values_that_cannot_be_judged_are_refused(values, message):
    with pytest.raises(RequestError, match=message):
        dropout_cli.check_values(**{"x": X, "p": 0.3} | values)
