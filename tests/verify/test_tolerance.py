"""The tolerance against brute force: every way to compute m·x/(1−p), in every type."""

from fractions import Fraction

import numpy as np
import pytest
from running import slow

from dropout_cli.verify.tolerance import TYPES, Tolerance, tolerance

NARROW = ["float16", "bfloat16", "float32"]


def numpy_type(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name).type


def probabilities(count):
    """p over all scales, many near 0 and near 1."""
    rng = np.random.default_rng(0)
    some = [
        rng.random(count),
        10 ** rng.uniform(-12, 0, count),
        1 - 10 ** rng.uniform(-7, 0, count),
        1 - 2.0 ** -np.arange(1, 53),
        [0, 0.1, 0.3, 0.5, 0.9, 0.998, 1e-300],
    ]
    return np.concatenate(some).tolist()


def ways(x, p, kind):
    """Each way in which a layer of this type may compute x/(1−p).

    p may be stored as it is, in the type, or in float32 before that; 1−p be computed in the type or
    rounded to it; then it divides, or 1/(1−p) multiplies, in the type or in float32. A p that is
    stored as 1 and a 1/(1−p) that overflows leave nothing to compute.
    """
    single = np.float32
    wider = (single,) if kind is not single else ()
    stored = {float(kind(p)), p, *(float(w(p)) for w in wider), *(float(kind(w(p))) for w in wider)}
    for value in stored:
        for keep in {1 - value, float(kind(1) - kind(value)), float(kind(1 - value))}:
            if keep == 0:
                continue
            for work in (kind, *wider):
                divisor = work(keep)
                if divisor != 0:
                    yield (x.astype(work) / divisor).astype(kind)
                if divisor != 0 and np.isfinite(work(1) / divisor):
                    yield (x.astype(work) * (work(1) / divisor)).astype(kind)
                    yield (x.astype(work) * work(1 / keep)).astype(kind)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("count", [100, slow(1000)])
def test_no_right_result_is_accused(dtype, count):
    kind = numpy_type(dtype)
    rng = np.random.default_rng(1)
    given = rng.normal(size=50) * 10 ** rng.uniform(-3, 0, 50)
    for p in probabilities(count):
        with np.errstate(all="ignore"):
            for got in ways(given.astype(kind), p, kind):
                assert tolerance(dtype, p).near(got.astype(np.float64), given / (1 - p)).all(), p


MISTAKES = {
    "not-scaled": lambda x, _p: x,
    "divided-by-p": lambda x, p: x / p,
    "scaled-twice": lambda x, p: x / (1 - p) ** 2,
    "multiplied-by-keep": lambda x, p: x * (1 - p),
    "dropped": lambda x, _p: 0 * x,
}
FLOAT16 = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(float)  # all from 0 up


@pytest.mark.parametrize("p", [0, 0.1, 0.3, 0.5, 0.9, 0.99, 0.998, 1 - 2.0**-11, 0.9999])
def test_every_number_of_float16_and_those_between_them_are_judged_right(p):
    """x is given in decimals, most of which float16 rounds before it computes."""
    steps = np.diff(FLOAT16)
    given = np.concatenate([FLOAT16, FLOAT16[:-1] + 0.4999 * steps, FLOAT16[:-1] + 0.5001 * steps])
    allowed, x = tolerance("float16", p), given.astype(np.float16)
    with np.errstate(all="ignore"):
        for got in ways(x, p, np.float16):
            assert allowed.near(got.astype(float), given / (1 - p)).all()
        for name, mistake in MISTAKES.items():
            wrong, right = mistake(given, p), given / (1 - p)
            seen = np.abs(wrong - right) > 2 * (allowed.relative * right + allowed.absolute)
            got = wrong.astype(np.float16).astype(float)
            seen &= np.isfinite(got)
            assert not allowed.near(got[seen], right[seen]).any(), name
            if name == "not-scaled" and 0.1 <= p <= 0.9:
                assert seen[given > 2e-5].mean() > 0.9


@pytest.mark.parametrize("dtype", NARROW)
def test_no_right_gradient_of_squares_is_accused(dtype):
    """∂L/∂y = 2y follows from a rounded y, and is scaled and rounded once more."""
    kind, rng = numpy_type(dtype), np.random.default_rng(4)
    given = rng.normal(size=200) * 10 ** rng.uniform(-7, 0, 200)
    more = 0
    for p in [0, 0.1, 0.3, 0.5, 0.9, 0.99, 0.998]:
        once = tolerance(dtype, p)
        allowed, right = once.of_both_passes(1 / (1 - p)), 2 * given / (1 - p) ** 2
        with np.errstate(all="ignore"):
            for y in ways(given.astype(kind), p, kind):
                for got in ways(2 * y, p, kind):
                    assert allowed.near(got.astype(float), right).all(), p
                    more += int((~once.near(got.astype(float), right)).sum())
    assert more > 0  # one pass would not explain it
    right = np.abs(2 * given / 0.5**2)
    allowed = tolerance(dtype, 0.5).of_both_passes(2)
    assert not allowed.near((1 + 12.5 * 2.0 ** -TYPES[dtype].bits) * right, right)[right > 1].any()


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("dtype", TYPES)
def test_no_known_mistake_passes_where_it_matters(dtype, name):
    """Where the mistake is off by more than what rounding explains, every element is refused."""
    kind, unit = numpy_type(dtype), 2.0 ** -TYPES[dtype].bits
    given = np.random.default_rng(2).uniform(1, 2, 50)
    refused = 0
    for p in probabilities(100):
        with np.errstate(all="ignore"):
            wrong, right = MISTAKES[name](given, p), given / (1 - p)
            got = wrong.astype(kind).astype(np.float64)
        allowed = tolerance(dtype, p)
        if np.isfinite(got).all() and (np.abs(wrong / right - 1) > 2 * allowed.relative).all():
            assert not allowed.near(got, right).any(), p
            refused += 1
        elif 0.05 <= p <= 0.45 or 0.55 <= p <= 0.95:
            assert np.abs(wrong / right - 1).max() < 100 * unit, p
    assert refused > 100


@pytest.mark.parametrize("dtype", TYPES)
def test_round_is_that_of_the_type(dtype):
    kind, rng = numpy_type(dtype), np.random.default_rng(3)
    values = rng.random(2000) * 2.0 ** rng.integers(-160, 1, 2000)
    for value in [*values, 1 + 2.0**-9, 1 + 2.0**-12, 0.0, 1.0]:
        assert TYPES[dtype].round(float(value)) == float(kind(value))


@pytest.mark.parametrize("dtype", TYPES)
def test_subnormal_results(dtype):
    """Right to the nearest subnormal number; where numbers are often flushed, 0 is right too."""
    kind, p, allowed = numpy_type(dtype), 0.7, tolerance(dtype, 0.7)
    smallest = 2.0 ** (TYPES[dtype].least + TYPES[dtype].bits - 1)
    x = smallest * np.array([2.0**-4, 0.1, 0.29, 0.4])
    with np.errstate(all="ignore"):
        got = (x.astype(kind) / kind(1 - p)).astype(np.float64)
    exact = x.astype(kind).astype(np.float64) / (1 - p)
    assert allowed.near(got, exact).all()
    assert allowed.near(0 * exact, exact).all() == (dtype != "float16")
    assert not allowed.near(3 * exact + 8 * smallest, exact).any()


EXPONENTS = {"float16": -24, "bfloat16": -126, "float32": -126, "float64": -1022}


@pytest.mark.parametrize(("dtype", "exponent"), EXPONENTS.items())
def test_the_absolute_difference_is_a_flushed_quotient_but_in_float16_two_halves_of_a_step(
    dtype, exponent
):
    steps = (4 * (1 + 6 * 2.0**-11) + 1) / 2 if dtype == "float16" else 4
    assert tolerance(dtype, 0.75).absolute == 2.0**exponent * steps
    assert tolerance(dtype, 1).absolute == 2.0 ** TYPES[dtype].least
    assert tolerance(dtype, 0).absolute == pytest.approx(2.0**exponent, rel=0.002)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_relative_difference_is_six_roundings_unless_p_is_near_1(dtype):
    unit = 2.0 ** -TYPES[dtype].bits
    for p in (0, 0.25, 0.5, 1):
        assert tolerance(dtype, p).relative == 6 * unit
    for p in np.linspace(0.01, 0.5, 50):
        assert 6 * unit <= tolerance(dtype, float(p)).relative <= 8 * unit


@pytest.mark.parametrize(
    ("p", "stored"),
    [
        (0.998, [0.998046875]),  # 0.998 in float16
        (0.5 + 2.0**-12, [0.5]),  # in the middle between two of float16: it becomes the even one
        # above their middle, but not in float32: rounded twice, it becomes the lower one
        (0.5 + 2.0**-12 + 2.0**-40, [0.5, 0.5 + 2.0**-11]),
        (0.99999, [np.float32(0.99999).item()]),  # 1 in float16, where it excuses nothing
    ],
)
def test_near_1_it_is_that_of_a_stored_p_in_exact_fractions(p, stored):
    keep, unit = 1 - Fraction(p), Fraction(1, 2**11)
    off = max(abs(keep / (1 - Fraction(value)) - 1) for value in stored)
    expected = off + 6 * unit * (1 + off)
    assert tolerance("float16", p).relative == pytest.approx(float(expected), rel=1e-9)


def test_the_ends_of_what_is_allowed():
    allowed = Tolerance(0.5, 0.25, 12.0)
    values = np.array([1.75, 1.7500001, 0.25, 0.2499999, np.inf, np.inf, np.inf, -np.inf, np.nan])
    right = np.array([1, 1, 1, 1, 8, 7.99, 1.0, 8, 8])
    assert allowed.near(values, right).tolist() == [True, False, True, False, True, *[False] * 4]
    zeros = np.array([0.0, -0.0, 5e-324, 0.25, np.nan])  # where 0 is right, nothing else is
    assert allowed.near(zeros, np.zeros(5)).tolist() == [True, True, False, False, False]
    assert allowed.near(np.array([np.inf]), np.array([np.inf])).all()  # no warning is raised
    assert allowed.near(np.array([1e308]), np.array([-1e308])).tolist() == [False]
