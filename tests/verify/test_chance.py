"""The exact tests against exact fractions, and against masks that are known."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.verify.chance import (
    LEVEL,
    agreement,
    between,
    can_fail,
    kept_with,
    least_likely,
    pairs,
    tails,
    two_sided,
)


def exact_tails(k, n, probability):
    p = Fraction(probability)
    chances = [math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(n + 1)]
    return sum(chances[: k + 1]), sum(chances[k:])


@given(st.integers(1, 40), st.floats(0, 1), st.data())
def test_tails_are_exact(n, probability, data):
    k = data.draw(st.integers(0, n))
    for found, exact in zip(tails(k, n, probability), exact_tails(k, n, probability), strict=True):
        if exact > Fraction(1, 10**290):
            assert abs(Fraction(found) / exact - 1) < Fraction(1, 10**12)
        else:
            assert found < 1e-289


@pytest.mark.parametrize(
    ("k", "numerator"), [(0, 1), (94_000, 5), (99_000, 5), (101_000, 5), (21_000, 1), (18_500, 1)]
)
def test_tails_of_many_elements(k, numerator):
    """n = 200,000, in integers: each term follows from the one before by an exact division."""
    n, denominator = 200_000, 10
    mode = n * numerator // denominator
    step = 1 if k >= mode else -1
    term = math.comb(n, k) * numerator**k * (denominator - numerator) ** (n - k)
    total, j = 0, k
    while term and 0 <= j <= n and abs(j - k) < 3000:
        total += term
        if step == 1:
            term = term * (n - j) * numerator // ((j + 1) * (denominator - numerator))
        else:
            term = term * j * (denominator - numerator) // ((n - j + 1) * numerator)
        j += step
    exact = Fraction(total, denominator**n)
    found = tails(k, n, numerator / denominator)[step == 1]
    if exact < Fraction(1, 10**300):
        assert found == 0
    else:
        # 0.1 is not 1/10 to the last bit, and that counts n times over.
        assert abs(Fraction(found) / exact - 1) < Fraction(1, 10**9)


@pytest.mark.parametrize("probability", [5e-324, 1e-300, 1e-12, 0.3, 1 - 2**-53])
@pytest.mark.parametrize("n", [1, 200_000, 10**9])
def test_any_probability_can_be_tested(n, probability):
    expected = min(n, round(n * probability))
    assert two_sided(expected, n, probability) > 0.5
    lower, upper = tails(expected, n, probability)
    assert 0 <= lower <= 1 + 1e-12
    assert 0 <= upper <= 1 + 1e-12
    assert lower + upper >= 1 - 1e-9


def test_what_is_certain():
    assert tails(5, 5, 1.0) == (1.0, 1.0)
    assert two_sided(4, 5, 1.0) == 0
    assert two_sided(0, 5, 0.0) == 1
    assert two_sided(1, 5, 0.0) == 0


def test_an_interval_is_as_good_as_its_best_probability():
    assert two_sided(60, 100, 0.4, 0.7) == pytest.approx(two_sided(60, 100, 0.6))
    assert two_sided(80, 100, 0.4, 0.7) == two_sided(80, 100, 0.7)
    assert two_sided(30, 100, 0.4, 0.7) == two_sided(30, 100, 0.4)


def test_between():
    assert between(2, 3, 5, 0.5) == pytest.approx(20 / 32)
    assert between(0, 5, 5, 0.5) == pytest.approx(1)


def test_agreement_is_least_at_one_half():
    assert agreement(0.3, 0.3) == pytest.approx((0.58, 0.58))
    assert agreement(0.3, 0.9) == pytest.approx((0.5, 0.82))
    assert agreement(0.1, 0.2) == pytest.approx((0.68, 0.82))


def test_pairs_are_disjoint_and_all_there():
    mask = np.arange(15).reshape(3, 5) % 2 == 0
    found = {(name, axis): agree for name, axis, agree in pairs(mask)}
    assert found["neighbours", 0].shape == (1, 5)
    assert found["odd neighbours", 1].shape == (2, 3)
    assert found["halves", 1].shape == (2, 3)
    assert not found["neighbours", 1].any()  # they alternate
    assert found["halves", 1].all()


def test_the_level_is_kept():
    """Of many masks that are right, the share with a p-value below a level is at most the level."""
    rng = np.random.default_rng(0)
    values = [two_sided(int(k), 1000, 0.3) for k in rng.binomial(1000, 0.3, 20_000)]
    for level in (0.1, 0.01, 0.001):
        assert np.mean(np.array(values) <= level) < 1.3 * level


@pytest.mark.parametrize(
    ("p", "dropped", "n", "mistake"),
    [
        (0.5, 1000, 1000, "drops-everything"),
        (0.5, 0, 1000, "drops-nothing"),
        (0.2, 800, 1000, "keeps-with-p"),
        (0.2, 500, 1000, None),
    ],
)
def test_a_share_that_cannot_be_is_explained(p, dropped, n, mistake):
    p_value, explained = kept_with(p, dropped, n)
    assert p_value < LEVEL
    assert explained == mistake
    assert kept_with(p, round(p * n), n) == (pytest.approx(1, abs=0.05), None)


def test_p_may_differ_by_a_step():
    n, step = 10**6, 0.01
    for share, likely in ((0.3, True), (0.31, True), (0.29, True), (0.32, False), (0.28, False)):
        assert (kept_with(0.3, round(share * n), n, step)[0] > 0.9) == likely
        assert (kept_with(0.3, round(share * n), n, step)[0] < LEVEL) != likely
    assert kept_with(0.995, 100, 100, step) == kept_with(0.005, 0, 100, step) == (1.0, None)
    assert kept_with(0.995, 900, 1000, step)[0] < LEVEL


@given(st.integers(1, 40), st.floats(0.01, 0.99), st.data())
def test_the_smaller_tail_counts_twice(n, probability, data):
    k = data.draw(st.integers(0, n))
    expected = min(1, 2 * min(exact_tails(k, n, probability)))
    assert two_sided(k, n, probability) == pytest.approx(float(expected), rel=1e-12)


def test_each_element_is_paired_with_the_next_and_with_that_half_an_axis_on():
    mask = np.array([1, 1, 0, 1, 1, 0]) > 0
    assert [(name, axis, agree.tolist()) for name, axis, agree in pairs(mask)] == [
        ("neighbours", 0, [True, False, False]),
        ("odd neighbours", 0, [False, True]),
        ("halves", 0, [True, True, True]),
    ]
    assert [(name, axis) for name, axis, _ in pairs(np.ones((2, 2)) > 0)][3:] == [
        ("neighbours", 1), ("odd neighbours", 1), ("halves", 1),
    ]  # fmt: skip


def test_what_can_fail_at_a_level():
    assert can_fail(4, 0.5, 0.5, 0.126)
    assert not can_fail(4, 0.5, 0.5, 0.125)
    assert not can_fail(4, 0.4, 0.6, 0.126)


def test_pairs_that_differ_too_rarely_or_too_often():
    assert least_likely(np.ones(4) > 0, 0.5, 0, 1e-9) is None
    first_half = np.arange(400) < 200
    worst = least_likely(first_half, 0.5, 0, 1e-9)
    assert worst[:3] == ("neighbours", 200, 200)
    assert worst.p_value == pytest.approx(3 * 2 * 0.5**200, rel=1e-9)  # three kinds of pairs
    assert least_likely(first_half, 0.5, 0.25, 1e-9)[:3] == ("halves", 0, 200)  # p may be 1/4
    rows = np.repeat(np.random.default_rng(1).random((60, 1)) < 0.9, 12, axis=1)
    worst = least_likely(rows, 0.1, 0, 1e-9)
    assert worst[:3] == ("neighbours", 360, 360)
    assert worst.p_value == pytest.approx(6 * 2 * (1 - 2 * 0.1 * 0.9) ** 360, rel=1e-9)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.7])
def test_the_level_of_all_pairs_together_is_kept(p):
    rng = np.random.default_rng(2)
    values = [least_likely(rng.random((20, 30)) >= p, p, 0, 0.05).p_value for _ in range(4000)]
    assert np.mean(np.array(values) <= 0.05) < 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5
    assert np.mean(np.array(values) <= 0.05) > 0.005
