"""The derivation: every number of it recomputed, every sentence true of every problem."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product

import pytest
from steps import IDS, LANGUAGES, PROBLEMS

from dropout_cli.words import load


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_of_the_derivation_in_its_order(cli, language):
    assert [step["id"] for step in load(language)["step"]] == IDS
    listed = cli("walkthrough", "--list", "--lang", language).out
    assert re.findall(r"^ ?\d+  (\S+)", listed, flags=re.MULTILINE) == IDS


@pytest.fixture
def numbers(cli):
    def of(*args):
        steps = cli("walkthrough", "-f", "json", *args).json["steps"]
        return {step["id"]: step["numbers"] for step in steps}

    return of


def test_every_number_of_the_default_walkthrough(numbers):
    """The worked example in exact fractions, from the definition alone."""
    x, m, p = [2, 4, 6, 8], [1, 0, 1, 0], Fraction(1, 2)
    g = [Fraction(k, 10) for k in (1, 2, 3, 4)]
    scale = 1 / (1 - p)
    y = [v * b * scale for v, b in zip(x, m, strict=True)]
    grad_x = [v * b * scale for v, b in zip(g, m, strict=True)]
    told = numbers()

    def same(found, wanted):
        assert found == pytest.approx([float(v) for v in wanted], rel=1e-15, abs=0)

    assert told["definition"] == {"p": 0.5, "keep": 0.5, "scale": 2}
    assert told["setup"]["n"] == 4
    same(told["setup"]["x"], x)
    same(told["setup"]["y"], y)
    assert told["chain-rule"] == {"i": 1, "grad_y": 0.1, "local_grad": 2, "grad_x": 0.2}
    same(told["local-gradient"]["local_grad"], [b * scale for b in m])
    assert told["gradient"] == {"kept": 2, "dropped": 2}
    same(told["vector-form"]["grad_x"], grad_x)
    assert told["local-gradient"]["changed_by_a_fresh_mask"] == 2  # each with probability 1/2
    dx = [Fraction(k, 100) for k in (1, 2, 3, 4)]
    same(told["proof"]["dx"], dx)
    change = sum(u * b * scale * d for u, b, d in zip(g, m, dx, strict=True))
    same([told["proof"]["dL_by_y"], told["proof"]["dL_by_x"]], [change, change])
    same(told["worked-example"]["y"], y)
    same(told["worked-example"]["grad_y"], g)
    same(told["worked-example"]["grad_x"], grad_x)
    assert told["sum-loss"]["loss"] == sum(y) == 16
    same(told["sum-loss"]["grad_x"], [b * scale for b in m])
    masks = {"torch-rand": [1, 1, 0, 1], "torch-cpu": [1, 1, 1, 1]}  # measured, torch 2.13.0
    assert told["pytorch"] == {
        "seed": 42,
        "masks": masks,
        "differences": {"y": x[2] * scale, "grad_x": float(g[2] * scale)},  # the third element's
    }
    means = [[0] * 4 for _ in range(3)]
    for mask in product((0, 1), repeat=4):
        for i, b in enumerate(mask):
            for mean, value in zip(
                means, (x[i] * b, x[i] * b * scale, g[i] * b * scale), strict=True
            ):
                mean[i] += value / 16
    for name, mean in zip(("unscaled", "y", "grad_x"), means, strict=True):
        same(told["why-scale"][name], mean)
    same(told["why-scale"]["variance"], [v * v for v in x])  # p/(1−p) = 1
    assert told["why-scale"]["masks"] == 16
    same(told["inference"]["y"], x)
    same(told["inference"]["grad_x"], g)
    assert told["summary"]["largest_difference"] == 0


def test_each_number_stands_in_the_text(cli):
    text = cli("walkthrough").out
    for line in (
        "P(mᵢ = 1) = 1 − 0.5 = 0.5,   P(mᵢ = 0) = 0.5",
        "x = [2, 4, 6, 8]ᵀ",
        "y = [4, 0, 12, 0]ᵀ",
        "∂L/∂x₁ = ∂L/∂y₁ · ∂y₁/∂x₁ = 0.1 × 2 = 0.2",
        "⎢ 0  0  2  0 ⎥",
        "∂L/∂x = ⎢ ∂L/∂y₂ · m₂/(1−p) ⎥ = ⎢ 0.2 × 0 ⎥ = ⎢ 0   ⎥",
        "dL = Σ ∂L/∂yᵢ dyᵢ = 0.02",
        "dL = Σ ∂L/∂xᵢ dxᵢ = 0.02",
        "L = Σ yᵢ = 16",
        "1  1 × 1 / 0.5       2          2           0  ✓ kept",
        "2  1 × 0 / 0.5       0          0           0  ✗ dropped",
        "✓ checked: x · mask / (1−p) in NumPy",
        "torch-rand  torch.rand(n) > p, written by hand       1101",
        "torch-cpu   nn.Dropout on any CPU since PyTorch 2.7  1111",
        "∂L/∂x (nn.Dropout) = [0.2, 0.4, 0.6, 0.8]ᵀ",
        "Σ |difference| = 0.6",
        "4   8         4      8       64        0.4",
        "✓ checked: the 14 claims of the derivation hold",
    ):
        assert line in text


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_says_something_true_of_every_problem(cli, problem, language):
    args = PROBLEMS[problem].split()
    out = cli("walkthrough", "--lang", language, *args).out
    assert len(re.findall(r"^\d+\. ", out, flags=re.MULTILINE)) == 13
    assert re.search("^✗", out, flags=re.MULTILINE) is None
    assert "nan" not in out.replace("nan。", "").replace("gives nan", "")
    assert "{" not in out.replace("⎧", "")
    assert re.search(r"\b1 (elements|masks)|\b0 elements", out) is None


def test_the_gradients_expectation_is_not_preserved_under_squares(cli, numbers):
    p = Fraction(0.25)
    args = ["--loss", "sum-squares", "-p", "0.25"]
    expected = [2 * v / (1 - p) for v in (2, 4, 6, 8)]
    assert numbers(*args)["why-scale"]["grad_x"] == [float(v) for v in expected]
    for loss in (args, args[2:]):  # the counterexample is told with every loss
        words = cli("walkthrough", "--step", "why-scale", *loss).out
        assert "1.33333 times 2xᵢ, the gradient without dropout" in " ".join(words.split())


def test_the_ends_of_p_are_told(cli, numbers):
    kept = " ".join(cli("walkthrough", "-p", "0").out.split())
    assert "nothing to make up for" in kept
    assert "At p = 0 nn.Dropout drops nothing" in kept
    dropped = " ".join(cli("walkthrough", "-p", "1").out.split())
    assert "both expectations are 0" in dropped
    assert "At p = 1 the masks are the same, whatever the seed, but the outputs are not" in dropped
    assert "gives nan" in dropped
    for out in (kept, dropped):
        assert "nother seed" not in out
        assert "freshly drawn" not in out
    assert numbers("-p", "1")["why-scale"]["y"] == [0, 0, 0, 0]


def test_the_pytorch_step_uses_the_problems_seed(numbers):
    told = numbers("--seed", "7", "--rng", "torch-cpu")["pytorch"]
    assert told["seed"] == 7
    assert numbers("--seed", "7", "--rng", "torch-cpu")["gradient"]["kept"] == sum(
        told["masks"]["torch-cpu"]
    )
