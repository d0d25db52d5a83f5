"""A verdict on the claims, or against a framework, as people and CI systems read it."""

import sys
from importlib.metadata import version

import junitparser
import pytest

from dropout_cli.proof.claims import CLAIMS


@pytest.mark.parametrize(
    ("args", "silent"),
    [
        ("", set()),
        ("-x 1,2,3 -p 0.1 -m 101", set()),
        ("-p 0", {"zero"}),
        ("-p 1", {"definition", "variance", "expected-output", "expected-gradient",
                  "nonlinear-gradient"}),
        ("--eval", {"zero", "same-mask"}),
        ("--loss sum-squares", {"expected-gradient"}),
    ],
)  # fmt: skip
def test_every_claim_holds_or_says_nothing_here(cli, args, silent):
    result = cli("verify", *args.split(), "-f", "json")
    assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
    assert result.json["schema"] == "dropout-cli/verify/1"
    assert [claim["id"] for claim in result.json["claims"]] == list(CLAIMS)
    assert {claim["id"] for claim in result.json["claims"] if claim["ok"] is None} == silent


def test_the_last_line_says_what_the_exit_code_means(cli):
    last = "✓ All 14 checks passed. Exit code 0: nothing is wrong.\n"
    assert cli("verify").out.endswith(f"\n{last}")
    assert cli("verify", "-q").out == last
    chinese = "✓ 全部 14 项检查通过。退出码 0：没有发现错误。\n"
    assert cli("verify", "-q", "--lang", "zh").out == chinese


def test_a_wrong_gradient_is_reported_with_its_mistake_and_its_elements(cli):
    wrong = ["verify", "-p", "0.3", "--grad-x", "0.1,0,0.3,0"]
    result = cli(*wrong, "--y", "2,0,6,0", "-f", "json")
    assert (result.code, result.json["ok"]) == (1, False)
    named = {(each["about"], each["id"]) for each in result.json["diagnosis"]}
    assert {("y", "not-scaled"), ("grad_x", "not-scaled")} <= named
    page = cli(*wrong)
    assert "∂L/∂x is wrong in 2 of 4 elements" in page.out
    assert "not scaled by 1/(1−p)" in page.words
    assert [row.split() for row in page.out.splitlines()[-4:-2]] == [
        ["1", "grad_x[0]", "0.1", "0.142857"],
        ["3", "grad_x[2]", "0.3", "0.428571"],
    ]


def test_another_mask_in_backward_is_proved_by_its_elements(cli):
    result = cli("verify", "-p", "0.3", "--grad-x", f"{0.1 / 0.7},{0.2 / 0.7},0,0", "-f", "json")
    (diagnosis,) = result.json["diagnosis"]
    assert diagnosis["id"] == "other-mask"
    assert [element["i"] for element in diagnosis["elements"]] == [2, 3]
    assert diagnosis["elements"][1] == {"i": 3, "got": 0.0, "expected": 0.3 / 0.7}


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_framework_that_is_not_installed_is_skipped_and_exits_with_2(cli, monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    result = cli("verify", "--against", framework, "-f", "json")
    assert (result.code, result.json["ok"]) == (2, None)
    assert [claim["id"] for claim in result.json["claims"] if claim["ok"] is None] == [framework]
    page = cli("verify", "--against", framework)
    assert f"agrees {framework} is not installed" in page.words
    assert "All" not in page.out
    assert f"{framework} is not installed" in cli("verify", "--against", framework, "-q").out


@pytest.mark.parametrize(("framework", "rng"), [("torch", "torch-cpu"), ("jax", "jax")])
@pytest.mark.parametrize(
    "args",
    ["", "-p 0.3 --seed 7", "--eval", "-p 0", "-p 1", "--loss sum-squares -p 0.9 -s 3",
     "-x 1,-2,3,-4,5 -s -1 --rng RNG", "-p 1 --loss sum"],
)  # fmt: skip
def test_our_mask_and_passes_are_those_of_a_framework(cli, framework, rng, args):
    pytest.importorskip(framework)
    args = args.replace("RNG", rng)
    result = cli("verify", "--against", framework, *args.split(), "-f", "json")
    claims = {claim["id"]: claim for claim in result.json["claims"]}
    assert result.code == 0, claims
    assert claims[f"{framework}-dropout"]["ok"] is True
    assert version(framework) in claims[f"{framework}-dropout"]["method"]
    if "--eval" not in args:
        mask = claims[f"{framework}-mask"]
        assert mask["ok"] is True
        assert version(framework) in mask["method"]
        assert f" draws the mask of --rng {framework}" in mask["statement"]


@pytest.mark.parametrize(
    ("framework", "last", "message"),
    [("torch", 2**64 - 1, "PyTorch takes integers from -2^63 to 2^64-1"),
     ("jax", 2**63 - 1, "JAX takes integers from -2^63 to 2^63-1")],
)  # fmt: skip
def test_a_seed_that_the_framework_does_not_take_is_refused(cli, framework, last, message):
    pytest.importorskip(framework)
    against = ("verify", "--against", framework)
    assert cli(*against, "-s", str(last)).code == 0
    for args in ((), ("-p", "0"), ("-p", "1")):
        error = cli(*against, "-s", str(last + 1), *args).error
        assert error == f"Error: seed is {last + 1}, but {message}\n"


@pytest.mark.parametrize("args", ["", "--y 2,0,6,0 --grad-x 0.2,0,0.6,0", "-p 1"])
def test_junit_is_read_by_a_junit_reader(cli, tmp_path, args):
    path = tmp_path / "report.xml"
    document = cli("verify", *args.split(), "-f", "json").json
    assert cli("verify", *args.split(), "-o", str(path)).code == (0 if document["ok"] else 1)
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    cases = list(suite)
    assert len(cases) == suite.tests == len(document["claims"])
    for case, claim in zip(cases, document["claims"], strict=True):
        kinds = [type(result).__name__ for result in case.result]
        assert kinds == {True: [], False: ["Failure"], None: ["Skipped"]}[claim["ok"]]
        assert claim["statement"] in case.name
    assert suite.failures == sum(claim["ok"] is False for claim in document["claims"])
    assert suite.skipped == sum(claim["ok"] is None for claim in document["claims"])
    if "--y" in args:
        assert "not scaled" in cases[0].result[0].message
