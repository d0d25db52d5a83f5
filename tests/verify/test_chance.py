"""The one inequality against exact binomial tails, and the sums against plain loops."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.verify import chance
from dropout_cli.verify.chance import LEVEL, Model, chernoff_bound, log_bound, worst
from dropout_cli.verify.draws import examine, shared

FINE = 2.0**-22


def tail(k, n, q):
    """P(K ≥ k) for k above the mean, P(K ≤ k) below it, exact."""
    p = Fraction(q)
    js = range(k, n + 1) if k >= n * p else range(k + 1)
    return float(sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in js))


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.data())
def test_the_bound_is_never_below_the_exact_tail(n, q, data):
    k = data.draw(st.integers(0, n))
    assert chernoff_bound(k, n, Model(q, 0)) >= min(1, tail(k, n, q)) * (1 - 1e-9)


def test_it_is_freedmans():
    for t, v, b in ((10, 2500, 0.5), (300, 9e4, 0.9), (40, 10, 1)):
        bound = 2 * math.exp(-(t**2) / (2 * (v + b * t / 3)))
        assert math.exp(log_bound(t, v, b)) == pytest.approx(bound, rel=1e-9)
        assert log_bound(chance.radius(v, b, 1e-9), v, b) == pytest.approx(math.log(1e-9))


def test_the_level_is_kept():
    """Of many right masks, the share with a bound below a level is at most the level."""
    rng = np.random.default_rng(0)
    model = Model(0.7, FINE)
    found = []
    for _ in range(1000):
        masks = [rng.random((12, 9)) < 0.7 for _ in range(4)]
        found.append(worst([chance.lags(masks, model)], chance.shares(masks, model)).chance)
    for level in (0.1, 0.01):
        assert np.mean(np.array(found) <= level) <= level + 3 * (level / 1000) ** 0.5


def test_the_grid_of_random_numbers_is_no_fault():
    assert chernoff_bound(5_100, 10_000, Model(0.5, 0.01)) == 1
    assert chernoff_bound(6_000, 10_000, Model(0.5, 0.01)) < LEVEL


def test_lags_are_plain_sums():
    rng = np.random.default_rng(1)
    masks = [rng.random(23) < 0.6, rng.random((4, 7)) < 0.6]
    sums = chance.lags(masks, Model(0.6, 0))
    for k, total in zip(sums.labels, sums.totals, strict=True):
        centred = [mask.ravel() - 0.6 for mask in masks]
        plain = sum(float((c[:-k] * c[k:]).sum()) for c in centred if c.size > k)
        assert total == pytest.approx(plain, abs=1e-9)
    every_third = chance.lags(masks, Model(0.6, 0), unit=3)
    assert every_third.totals == pytest.approx(sums.totals[2::3])


def test_calls_are_compared_as_far_as_the_shorter_one_goes():
    rng = np.random.default_rng(2)
    masks = [rng.random(n) < 0.6 for n in (100, 130, 90)]
    sums = chance.between_calls(masks, Model(0.6, 0))
    pairs = [(0, 1, 100), (0, 2, 90), (1, 2, 90)]
    plain = [((masks[a][:n] - 0.6) * (masks[b][:n] - 0.6)).sum() for a, b, n in pairs]
    assert sums.totals == pytest.approx(plain)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (3, 10), (50, 100), (999, 1000)])
def test_no_count_is_likelier_than_its_bound(k, n):
    exact = Fraction(math.comb(n, k)) * Fraction(k, n) ** k * Fraction(n - k, n) ** (n - k)
    assert exact <= chance.most_likely(k, n) <= 1.13 * float(exact)
    assert chance.most_likely(0, n) == chance.most_likely(n, n) == 1


def drawn(mask, p):
    mask = np.asarray(mask) > 0
    return examine([mask], [np.ones(mask.shape)], Model(1 - p, FINE))


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        ([[1, 1], [1, 1]], "one-mask-for-batch"),
        ([[1, 0], [1, 0]], "one-mask-for-every-row"),
        ([[1, 1], [0, 0]], "one-mask-for-every-column"),
        ([[1, 0], [0, 1]], None),
        ([1, 1, 1], None),
        ([[[1, 0], [0, 1]], [[1, 0], [0, 1]]], "one-mask-for-every-row"),
        ([[[1, 1], [0, 0]], [[0, 0], [1, 1]]], "whole-channels"),
    ],
)
def test_what_shares_a_mask(mask, name):
    assert shared([np.asarray(mask) > 0]) == name


def test_a_lag_is_named():
    rng = np.random.default_rng(3)
    half = rng.random(500) < 0.5
    found = drawn(np.concatenate((half, half)), 0.5).dependence
    assert (found.key, found.label) == ("lag", "500")
    assert found.chance < LEVEL
    assert not drawn(rng.random(20) < 0.5, 0.5).is_informative
