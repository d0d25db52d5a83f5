"""The derivation: every number of it recomputed, every sentence true of every problem."""

import re
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from itertools import product
from typing import Any

import pytest
from running import slow
from steps import LANGUAGES, PROBLEMS


@pytest.fixture
def numbers(cli):
    def of(*args: str) -> dict[str, Any]:
        steps = cli("walkthrough", "-f", "json", *args).json["steps"]
        return {step["id"]: step["numbers"] for step in steps}

    return of


def test_every_number_of_the_default_walkthrough(numbers):
    """The worked example in exact fractions, from the definition alone."""
    x, m, scale = [2, 4, 6, 8], [1, 0, 1, 0], 1 / (1 - Fraction(1, 2))
    g = [Fraction(k, 10) for k in (1, 2, 3, 4)]
    y = [v * b * scale for v, b in zip(x, m, strict=True)]
    grad_x = [v * b * scale for v, b in zip(g, m, strict=True)]
    local, dx = [b * scale for b in m], [Fraction(k, 100) for k in (1, 2, 3, 4)]
    change = sum(u * d for u, d in zip(grad_x, dx, strict=True))
    means = {"unscaled": [Fraction(0)] * 4, "y": [Fraction(0)] * 4, "grad_x": [Fraction(0)] * 4}
    for mask in product((0, 1), repeat=4):
        for i, b in enumerate(mask):
            for name, value in zip(
                means, (Fraction(x[i]), x[i] * scale, g[i] * scale), strict=True
            ):
                means[name][i] += b * value / 16
    wanted: dict[str, dict[str, Any]] = {
        "definition": {"p": 0.5, "keep": 0.5, "scale": scale},
        "setup": {"n": 4, "x": x, "y": y},
        "chain-rule": {"i": 1, "grad_y": g[0], "local_grad": scale, "grad_x": grad_x[0]},
        # A fresh mask changes each with probability 1/2.
        "local-gradient": {"local_grad": local, "changed_by_a_fresh_mask": 2},
        "gradient": {"kept": 2, "dropped": 2},
        "vector-form": {"grad_x": grad_x},
        "proof": {"dx": dx, "dL_by_y": change, "dL_by_x": change},
        "worked-example": {"y": y, "grad_y": g, "grad_x": grad_x},
        "sum-loss": {"loss": 16, "grad_x": local},
        "why-scale": {**means, "variance": [v * v for v in x], "masks": 16},  # p/(1−p) = 1
        "inference": {"y": x, "grad_x": g},
        "summary": {"claims": 14, "largest_difference": 0},
    }
    recorded = numbers()
    assert recorded.pop("pytorch") == {  # measured, torch 2.13.0; the third element differs
        "seed": 42,
        "masks": {"torch-rand": [1, 1, 0, 1], "torch-cpu": [1, 1, 1, 1]},
        "differences": {"y": x[2] * scale, "grad_x": float(g[2] * scale)},
    }
    assert recorded.keys() == wanted.keys()
    for step, values in wanted.items():
        exactly = {
            k: [*map(float, v)] if isinstance(v, list) else float(v) for k, v in values.items()
        }
        assert recorded[step] == {k: pytest.approx(v, rel=1e-15) for k, v in exactly.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_derivation_is_short_enough_to_read(cli, language):
    lines = cli("walkthrough", "--lang", language).out.splitlines()
    assert len(lines) <= 310
    steps = cli("walkthrough", "-f", "json", "--lang", language).json["steps"]
    assert sum(len(text.split()) for step in steps for text in step["text"]) <= 1150
    assert sum(line.startswith("✓") for line in lines) <= 8
    assert max(len(line) for line in lines if line.startswith("✓")) <= 80


@pytest.mark.parametrize(
    ("args", "level", "nudged"),
    [
        ("-x 1,2,3 -p 0.2 -m 101", "= 5", ["5.0125", "5", "5.0125"]),
        ("-x 1,2,3 -p 0.3 -m 101", "≈ 5.71429", ["5.72857", "5.71429", "5.72857"]),
        ("-x 1e9,1 -p 0.5 -m 11", "= 2000000002", ["2000000002.02", "2000000002.02"]),
    ],
)
def test_a_nudge_of_each_input_is_seen(cli, args, level, nudged):
    """0.01/(1−p) more for a kept element, by hand."""
    out = cli("walkthrough", *args.split(), "--step", "sum-loss").out
    assert f"and L {level} becomes:" in out
    assert re.findall(r"^\d+  .* (\S+) +\S+  [✓✗]", out, flags=re.MULTILINE) == nudged


@pytest.mark.parametrize(
    ("args", "same"),
    [
        ("", False),
        ("--loss sum-squares", True),
        ("-m 1111", True),
        ("-m 0000", False),
        ("-x 1,2,3,4,5,6,7,8,9,10,11,12 -p 0.15", False),
        ("-x 5 -p 0.3", True),
    ],
)
def test_what_comes_of_forgetting_the_factor_or_the_mask(cli, args, same):
    """For squares ∂L/∂y is 0 wherever y is, so that the mask is not missed."""
    page = cli("walkthrough", *args.split(), "--step", "gradient")
    labels = "right", r"1/\(1−p\) forgotten", "the mask forgotten"
    right, _, unmasked = (
        re.findall(rf"^(∂L/∂x₁ .*?) +{label}", page.out, re.M)[0] for label in labels
    )
    assert (right == unmasked) == same
    assert ("the same here, as no element with" in page.words) == same


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_has_thirteen_whole_steps(cli, problem, language):
    out = cli("walkthrough", "--lang", language, *PROBLEMS[problem].split()).out
    assert len(re.findall(r"^\d+\. ", out, flags=re.MULTILINE)) == 13
    assert re.search("^✗", out, flags=re.MULTILINE) is None
    assert "nan" not in out.replace("得到 nan。", "").replace("give nan.", "")
    assert "{" not in out.replace("⎧", "")
    assert re.search(r"\b1 (elements|masks|gradient\b)|\b0 elements", out) is None
    for ends in ("p =", "p", "n =", "p <", "n"):  # an equation is not broken
        assert re.search(rf"\b{ends}\n *[=<\d]", out) is None


def test_the_gradients_expectation_is_not_preserved_under_squares(cli, numbers):
    p = Fraction(1, 4)
    args = ["--loss", "sum-squares", "-p", "0.25"]
    expected = [2 * v / (1 - p) for v in (2, 4, 6, 8)]
    assert numbers(*args)["why-scale"]["grad_x"] == [float(v) for v in expected]
    for loss in (args, args[2:]):  # the counterexample stands there with every loss
        out = cli("walkthrough", "--step", "why-scale", *loss).words
        assert "1.33333 times 2xᵢ, the gradient without dropout" in out


def test_at_the_ends_of_p_nothing_untrue_is_said(cli, numbers):
    kept, dropped = (cli("walkthrough", "-p", p).words for p in "01")
    assert "nothing to make up for" in kept
    assert "At p = 0 nn.Dropout draws nothing and drops nothing." in kept
    assert "these expectations are 0" in dropped
    assert "undefined: every output is 0, and m/(1−p) is read as 0" in dropped
    assert "At p = 1 both drop every element, whatever the seed, and give zeros" in dropped
    for out in (kept, dropped):
        for untrue in ("nother seed", "freshly drawn", "draw differently", "draws a new mask"):
            assert untrue not in out
        assert "For p < 1, inference stands in for the average over all masks" in out
        assert "For p < 1 the factor 1/(1−p) preserves the expectation" in out
        assert "for p > 0 nearer to 0 than in inference" in out
    assert numbers("-p", "1")["why-scale"]["y"] == [0, 0, 0, 0]


def test_the_examples_are_the_first_kept_and_the_first_dropped(cli, numbers):
    assert numbers("-m", "0011")["chain-rule"] == {
        "i": 3, "grad_y": 0.3, "local_grad": 2, "grad_x": 0.6,
    }  # fmt: skip
    out = cli("walkthrough", "-m", "0011", "--step", "setup").out
    assert "x₁ = 2 —×0→ y₁ = 0,   ∂L/∂y₁ = 0.1 —×0→ ∂L/∂x₁ = 0" in out
    assert "x₃ = 6 —×2→ y₃ = 12,   ∂L/∂y₃ = 0.3 —×2→ ∂L/∂x₃ = 0.6" in out


def test_inference_has_the_factor_1_wherever_there_are_numbers(cli):
    out = cli("walkthrough", "--eval", "--step", "4-9").out
    assert not re.search(r"m.?/\(1−p\).*[=≈] -?\d", out)
    assert "(3) dL = Σ ∂L/∂yᵢ · 1 dxᵢ = 0.03" in out
    assert "∂L/∂x₁ = ∂L/∂y₁ · 1 = 0.1 × 1 = 0.1" in out


@pytest.mark.parametrize(("loss", "differs"), [("sum-squares", True), ("sum", False)])
def test_an_upstream_gradient_that_differs_in_inference(cli, loss, differs):
    out = cli("walkthrough", "--loss", loss, "--step", "inference").words
    assert ("This ∂L/∂y is that of the new y, not that of step 2." in out) == differs


def test_every_expectation_is_recorded(numbers):
    """Of 40 elements all 40, though a page shows 12."""
    for args in ("", "--loss sum-squares", "-p 1"):
        recorded = numbers(*PROBLEMS["long"].split(), *args.split())["why-scale"]
        p = Fraction(1 if "1" in args else 0.5)
        kept = [Fraction(0 if p == 1 else v) for v in range(40)]
        assert recorded["unscaled"] == [float((1 - p) * v) for v in kept]
        assert recorded["y"] == [float(v) for v in kept]
        assert recorded["variance"] == [float(v * v) for v in kept]  # p/(1−p) = 1
        squares = [float(4 * v) for v in kept]  # 2x/(1−p)
        assert recorded["grad_x"] == (squares if "squares" in args else [float(p < 1)] * 40)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("-x 8e307,8e307,8e307,1 -m 1110 -p 0.1 -g 1,1,1,1", "L = Σ yᵢ ≈ 2.66667e+308"),
        ("-x 1e308,1,1,1 -m 0111 --loss sum-squares", "∂L/∂x = ∂L/∂y = [2.00000e+308, 2, 2, 2]ᵀ"),
    ],
)
def test_a_number_that_nobody_asked_for_may_overflow(cli, problem, message):
    assert cli("verify", *problem.split()).code == 0
    page = cli("walkthrough", *problem.split())
    assert (page.code, page.err) == (0, "")
    assert message in page.out
    assert cli("walkthrough", *problem.split(), "-f", "json").code == 0


def test_an_inference_that_overflows_at_an_element_that_is_not_shown_has_no_numbers(cli, numbers):
    problem = [f"-x{'1,' * 9}1e308{',1' * 9}", f"-m{'1' * 9}0{'1' * 9}", "--loss", "sum-squares"]
    assert cli("walkthrough", *problem).code == 0
    assert numbers(*problem)["inference"] == {}


EQUALITIES = {
    "-p 0.3": [
        "1−p = 0.7 ", "1/(1−p) ≈ 1.42857", "1−p = 0.7,   P(mᵢ = 0) = p = 0.3",
        "yₙ]ᵀ ≈ [2.85714, 0, 8.57143, 0]ᵀ",
        "xₙ]ᵀ = [2, 4, 6, 8]ᵀ", "∂L/∂x₁ = ∂L/∂y₁ · m₁/(1−p) ≈ 0.1 × 1.42857 = 0.142857",
        "x₁ = 2 —×1/(1−p)→ y₁ ≈ 2.85714,", "and L ≈ 11.4286 becomes:",
        "J ≈ ⎢", "dL = Σ ∂L/∂xᵢ dxᵢ ≈ 0.0142857", "dx = [0.01, 0.02, 0.03, 0.04]ᵀ",
        "dy ≈ [0.0142857, 0, 0.0428571, 0]ᵀ", "L = Σ yᵢ ≈ 11.4286",
        "multiplied by 1/(1−p) ≈ 1.42857", "would be only 1−p = 0.7 times as large",
    ],
    "-p 1/3 -x -2,4,6,8": ["1 × (-2) / (2/3) -3 ✓", "1 × 6 / (2/3) 9 ✓", "0.1 × 1 / (2/3) 0.15 ✓"],
    "-x 1,2,3,4,5,6,7,8,9,10,11,12 -p 0.15": [
        "yₙ]ᵀ ≈ [1.17647, 2.35294, 3.52941, 4.70588, 5.88235, 0, 8.23529, 9.41176, 10.5882, 0,",
    ],
    "-p 1/3": [
        "1−p ≈ 0.666667", "1/(1−p) = 1.5", "1−p ≈ 0.666667,   P(mᵢ = 0) = p = 1/3",
        "yₙ]ᵀ = [3, 0, 9, 0]ᵀ",
    ],
    "-p 0.1": ["1−p = 0.9", "1/(1−p) ≈ 1.11111", "∂L/∂y = [0.1, 0.2, 0.3, 0.4]ᵀ"],
    "-p 0.1 --precision 17": ["1−p ≈ 0.90000000000000002", "∂L/∂y ≈ [0.10000000000000001,"],
    "-p 0.123456789": ["p = 0.123456789 ", "1−p ≈ 0.876543 "],
    "-p 0.123456789 --precision 9": ["1−p = 0.876543211 "],
    "-x 0.33333333,2,3,4": ["xₙ]ᵀ ≈ [0.333333, 2, 3, 4]ᵀ", "yₙ]ᵀ ≈ [0.666667, 0, 6, 0]ᵀ"],
    "-x 0.1,0.2,0.3,0.4 --loss sum-squares": ["L = Σ yᵢ² = 0.4 ", "yₙ]ᵀ = [0.2, 0, 0.6, 0]ᵀ"],
    "--loss sum-squares -p 0.3": ["L = Σ yᵢ² ≈ 81.6327", "∂L/∂y ≈ [5.71429, 0, 17.1429, 0]ᵀ"],
    "--loss mean -x 1,2,3 -m 111": ["∂L/∂y ≈ [0.333333, 0.333333, 0.333333]ᵀ", "yᵢ = 4 "],
    "-g 1,-0.25,1e-7,0.33333333": ["L ≈ 1·y₁ − 0.25·y₂ + 1e-07·y₃ + 0.333333·y₄."],
    "-g -1,2,3,4": ["say L = -1·y₁ + 2·y₂ + 3·y₃ + 4·y₄."],
    "-x 1,2,3,4,5,6 -g 1,2,3,4,5,6": ["say L = 1·y₁ + 2·y₂ + … + 6·y₆."],
    "--eval": ["1/(1−p) = 2 times 2xᵢ", "would be only 1−p = 0.5 times as large", "L = Σ yᵢ = 20"],
    "-p 0.3 --hide": [
        "yₙ]ᵀ ≈ [_______, _______, _______, _______]ᵀ", "m₁/(1−p) ≈ 0.1 × _______ = ________",
        "1/(1−p) ≈ 1.42857",
    ],
}  # fmt: skip


@pytest.mark.parametrize("args", EQUALITIES)
def test_what_is_rounded_is_not_called_equal(cli, args):
    """Each sign by hand: 7/10 is 0.7, and 10/7 is not 1.42857."""
    out = cli("walkthrough", *args.split()).words
    wanted = [" ".join(each.split()) for each in EQUALITIES[args]]
    assert [each for each in wanted if each not in out] == []


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_chain_of_products_is_right_as_it_stands(cli, problem):
    """a × b = c is an equality of the numbers shown, and a × b ≈ c is none."""
    out = cli("walkthrough", *PROBLEMS[problem].split(), "--step", "gradient").out
    found = re.findall(r"[=≈] (\S+) × (\S+) ([=≈]) (\S+)$", out, flags=re.MULTILINE)
    for a, b, sign, c in found:
        assert (Fraction(a) * Fraction(b) == Fraction(c)) == (sign == "=")
    assert len(found) == 1


@pytest.mark.parametrize("args", ["-p 1/3", "-p 0.9", "-x 1 -m 1", "-x 0,0,3 -m 111"])
def test_the_pytorch_step_shows_two_masks_that_differ(numbers, args):
    recorded = numbers(*args.split())["pytorch"]
    by_hand, framework = recorded["masks"].values()
    assert by_hand != framework
    assert recorded["seed"] >= 42
    assert recorded["differences"]["y"] > 0


def test_the_pytorch_step_uses_the_problems_seed_and_says_where_masks_agree(cli, numbers):
    recorded = numbers("--seed", "7", "--rng", "torch-cpu")
    assert recorded["pytorch"]["seed"] == 7
    assert recorded["gradient"]["kept"] == sum(recorded["pytorch"]["masks"]["torch-cpu"])
    out = cli("walkthrough", "-p", "1e-9", "--step", "pytorch").words
    assert "the two masks happen to be the same" in out


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("args", ["-p 1/3", slow("-x 1,2,3 -s 1")])
def test_the_fair_comparison_runs_in_a_fresh_python_and_finds_no_difference(cli, args):
    out = cli("walkthrough", *args.split(), "--step", "pytorch").out
    (code,) = re.findall(r"^  import torch\n.*?# True$", out, flags=re.MULTILINE | re.DOTALL)
    *lines, last = [line.strip() for line in code.splitlines()]
    program = "\n".join([*lines, f"assert {last}"])
    subprocess.run([sys.executable, "-c", program], check=True)
