"""The exact arithmetic, compared with derivatives by hand."""

from fractions import Fraction

from dropout_cli.proof.exact import automatic, differences

X = [Fraction(3), Fraction(-2)]


def test_automatic_differentiation_of_sums_and_products():
    def f(x):  # (x₁ + x₂)·x₁/4 + 2x₂
        return (x[0] + x[1]) * x[0] / 4 + 2 * x[1]

    assert automatic(f, X, 0) == Fraction(4, 4)  # (2x₁ + x₂)/4
    assert automatic(f, X, 1) == Fraction(3, 4) + 2  # x₁/4 + 2
    assert automatic(lambda x: sum(x), X, 1) == 1
    assert automatic(lambda _: Fraction(7), X, 0) == 0


def test_differences_are_exact_up_to_squares():
    def f(x):
        return [x[0] * x[0] + x[1], x[0] * x[1]]

    assert differences(f, X, 0) == [6, -2]
    assert differences(f, X, 1) == [1, 3]
