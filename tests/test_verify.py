"""The claims, the known mistakes, and the verdict as people and CI systems read it."""

from __future__ import annotations

import json
import sys
from functools import cached_property

import junitparser
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dropout_cli import Problem, Trace, claims
from dropout_cli.mistakes import INFERENCE, TRAINING, diagnose
from dropout_cli.prose import load

NUMBERS = st.floats(0.125, 100) | st.floats(-100, -0.125)
LOSSES = st.sampled_from([None, "sum", "sum-squares"])


@st.composite
def problems(draw, training=None):
    n = draw(st.integers(2, 8))
    vector = st.lists(NUMBERS, min_size=n, max_size=n)
    loss = draw(LOSSES)
    is_training = draw(st.booleans()) if training is None else training
    return Problem.pose(
        draw(vector),
        draw(st.floats(0.05, 0.95)),
        draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)) if is_training else None,
        grad_y=None if loss else draw(vector),
        loss=loss,
        training=is_training,
    )


# The claims


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_claim_holds(problem):
    trace = Trace(problem)
    for name, claim in claims.CLAIMS.items():
        assert claim(trace).ok is not False, name


class Broken(Trace):
    """A trace in which one quantity is wrong in its last element."""

    wrong = ""

    def _bent(self, name):
        values = getattr(super(), name)
        if name == self.wrong:
            values = values.copy()
            values[-1] = values[-1] * 1.001 + 0.001
        return values

    y = cached_property(lambda self: self._bent("y"))
    local_grad = cached_property(lambda self: self._bent("local_grad"))
    grad_x = cached_property(lambda self: self._bent("grad_x"))


for _name in ("y", "local_grad", "grad_x"):
    getattr(Broken, _name).__set_name__(Broken, _name)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(
    ("wrong", "found_by"),
    [
        ("y", {"forward"}),
        ("local_grad", {"local-gradient", "chain-rule"}),
        ("grad_x", {"chain-rule", "gradient", "backward", "total-differential"}),
    ],
)
def test_a_wrong_trace_is_found_out(wrong, found_by, last):
    trace = Broken(Problem.pose(mask=[1, 0, 1, last]))
    object.__setattr__(trace, "wrong", wrong)
    failing = {name for name, claim in claims.CLAIMS.items() if claim(trace).ok is False}
    if not last:
        found_by = found_by | ({"zero", "same-mask"} if wrong in ("y", "grad_x") else set())
    assert failing == found_by


def test_the_variance_of_the_worked_example():
    mean = claims.expectation(Trace(Problem.pose()))
    assert mean.variance == [4, 16, 36, 64]  # p/(1−p)·x² with p = 1/2


@pytest.mark.parametrize(
    ("args", "silent"),
    [
        (
            ["-p", "1"],
            {"definition", "variance"}
            | {"expected-output", "expected-gradient", "nonlinear-gradient"},
        ),
        (["-p", "0"], {"zero"}),
        (["--eval"], {"zero", "same-mask"}),
        (["--loss", "sum-squares"], {"expected-gradient"}),
        ([], set()),
    ],
)
def test_what_says_nothing_here_is_skipped(cli, args, silent):
    result = cli("verify", *args, "-f", "json")
    assert result.code == 0
    assert {claim["id"] for claim in result.json["claims"] if claim["ok"] is None} == silent


# The mistakes

KNOWN = [
    *((True, about, name) for about, name in TRAINING),
    *((False, about, name) for about, name in INFERENCE),
]


@pytest.mark.parametrize(("training", "about", "name"), KNOWN)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_mistake_is_found_from_its_own_output(training, about, name, data):
    trace = Trace(data.draw(problems(training=training)))
    mistake = (TRAINING if training else INFERENCE)[about, name]
    values = mistake(trace)
    assume(values)
    choice = data.draw(
        st.lists(st.integers(0, len(values) - 1), min_size=len(values[0]), max_size=len(values[0]))
    )
    candidate = np.choose(choice, values)
    diagnosis = diagnose(trace, about, candidate, 1e-5)
    assume(diagnosis is not None)  # or the mistake makes no difference to these numbers
    assert name in diagnosis.mistakes or (name == "other-mask" and diagnosis.mistakes)
    right = trace.y if about == "y" else trace.grad_x
    wrong = np.flatnonzero(~np.isclose(candidate, right, rtol=1e-5, atol=0))
    assert diagnosis.wrong == wrong.tolist()


def test_a_right_implementation_is_never_accused():
    """10,000 random problems, in float64 and float32, by the ways that frameworks compute."""
    random = np.random.default_rng(0)
    for _ in range(10_000):
        n, p = int(random.integers(1, 12)), float(random.uniform(0, 0.99))
        scale = 10.0 ** random.uniform(-6, 6)
        x, g = random.normal(size=(2, n)) * scale
        mask = random.random(n) < 1 - p
        trace = Trace(Problem.pose(x, p, mask if p > 0 else None, grad_y=g, seed=None))
        for dtype in (np.float32, np.float64):
            noise = mask.astype(dtype) / dtype(1 - p)
            assert diagnose(trace, "y", x.astype(dtype) * noise, 1e-5) is None
            assert diagnose(trace, "grad_x", g.astype(dtype) * noise, 1e-5) is None


def test_several_that_fit_are_all_named_and_a_p_tells_them_apart():
    p = (3 - 5**0.5) / 2  # where (1−p)² = p
    trace = Trace(Problem.pose(p=p))
    diagnosis = diagnose(trace, "y", trace.y / (1 - p), 1e-5)
    assert set(diagnosis.mistakes) == {"divided-by-p", "scaled-twice"}
    assert diagnosis.telling_p is not None
    trace = Trace(Problem.pose([3, 5], 0.5, [1, 0], loss="sum"))
    diagnosis = diagnose(trace, "grad_x", trace.grad_x / 2, 1e-5)
    assert set(diagnosis.mistakes) == {"not-scaled", "mean-loss"}
    told = Trace(Problem.pose([3, 5], diagnosis.telling_p, [1, 0], loss="sum"))
    again = diagnose(told, "grad_x", told.grad_x / 2, 1e-5)
    assert again.mistakes == ["mean-loss"]


def test_two_names_for_one_formula_are_told_apart_by_no_p():
    diagnosis = diagnose(Trace(Problem.pose()), "y", np.array([2.0, 0, 6, 0]), 1e-5)
    assert set(diagnosis.mistakes) == {"not-scaled", "scaled-in-inference"}
    assert (diagnosis.telling_p, diagnosis.factor) == (None, None)


def test_a_formula_is_named_before_a_free_choice():
    trace = Trace(Problem.pose(p=0.3))
    inverted = np.array([0, 4, 0, 8]) / 0.7
    diagnosis = diagnose(trace, "y", inverted, 1e-5)
    assert diagnosis == ("y", [0, 1, 2, 3], ["inverted"], None, None)
    diagnosis = diagnose(trace, "y", np.array([2, 4, 0, 0]) / 0.7, 1e-5)
    assert diagnosis == ("y", [1, 2], ["other-mask"], None, None)


def test_of_a_long_vector_the_first_elements_are_checked_and_counted():
    n = 2000
    trace = Trace(Problem.pose(np.linspace(-1, 1, n), 0.3, seed=0))
    for name, checked in (
        ("forward", 1000), ("local-gradient", 16), ("chain-rule", 1000), ("gradient", 16),
        ("total-differential", 1000), ("expected-output", 1000), ("inference", n),
    ):  # fmt: skip
        finding = claims.CLAIMS[name](trace)
        assert (finding.ok, finding.checked) == (True, checked)


def test_what_no_mistake_explains():
    trace = Trace(Problem.pose(p=0.3))
    diagnosis = diagnose(trace, "y", trace.y * 7, 1e-5)
    assert (diagnosis.mistakes, diagnosis.wrong) == ([], [0, 2])
    assert diagnosis.factor == pytest.approx(7)
    diagnosis = diagnose(trace, "y", trace.y + np.array([0, 0, 1, 0]), 1e-5)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [2], None)
    diagnosis = diagnose(trace, "y", np.array([np.nan, 0, np.inf, 0]), 1e-5)
    assert (diagnosis.mistakes, diagnosis.wrong, diagnosis.factor) == ([], [0, 2], None)


def test_every_mistake_and_claim_has_its_words():
    for language in ("en", "zh"):
        prose = load(language)
        assert {f"{about}-{name}" for _, about, name in KNOWN} == set(prose["mistake"])
        assert set(claims.CLAIMS) <= set(prose["claim"])
        assert set(prose["claim"]) - {"torch", "jax"} <= set(prose["method"])


# The command


def test_all_claims_hold_and_the_exit_code_says_so(cli):
    for args in ([], ["-x", "1,2,3", "-p", "0.1"], ["--loss", "sum-squares"], ["-s", "-0"]):
        result = cli("verify", *args, "-f", "json")
        assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
        assert result.json["schema"] == "dropout-cli/verify/1"
        assert [claim["id"] for claim in result.json["claims"]] == list(claims.CLAIMS)
    assert cli("verify").out.rstrip().endswith("All hold.")
    assert cli("verify", "--lang", "zh").out.rstrip().endswith("全部成立。")


def test_a_right_candidate(cli):
    result = cli("verify", "--y", "4,0,12,0", "--grad-x", "0.2,0,0.6,0", "-f", "json")
    assert (result.code, result.json["ok"]) == (0, True)
    assert [claim["id"] for claim in result.json["claims"]] == ["y", "grad_x"]


def test_a_wrong_candidate_is_told_its_mistake(cli):
    result = cli("verify", "-p", "0.3", "--y", "2,0,6,0", "--grad-x", "0.1,0,0.3,0", "-f", "json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert ("grad_x", "not-scaled") in {
        (each["about"], each["id"]) for each in result.json["diagnosis"]
    }
    words = cli("verify", "-p", "0.3", "--grad-x", "0.1,0,0.3,0").out
    assert "not scaled by 1/(1−p)" in " ".join(words.split())
    assert "i = 1, 3" in words


def test_another_mask_in_backward_is_proved_by_its_elements(cli):
    result = cli("verify", "-p", "0.3", "--grad-x", f"{0.1 / 0.7},{0.2 / 0.7},0,0", "-f", "json")
    (diagnosis,) = result.json["diagnosis"]
    assert diagnosis["id"] == "other-mask"
    assert "i = 2, 3" in diagnosis["explanation"]


def test_a_candidates_file_holds_the_whole_problem(cli, tmp_path):
    path = tmp_path / "mine.json"
    saved = cli("backward", "-x", "1,2,3", "-p", "0.1", "-m", "101", "-f", "json").json
    path.write_text(json.dumps(saved))
    assert cli("verify", "--candidate", str(path)).code == 0
    saved["grad_x"] = [v * 0.9 for v in saved["grad_x"]]
    path.write_text(json.dumps(saved))
    result = cli("verify", "--candidate", str(path), "-f", "json")
    assert result.code == 1
    assert [each["id"] for each in result.json["diagnosis"]] == ["not-scaled"]


def test_what_a_file_leaves_out_comes_from_the_options(cli, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"x": [1, 2], "y": [1.25, 0]}')
    assert cli("verify", "--candidate", str(path), "-p", "0.2", "-m", "10").code == 0
    path.write_text('{"mode": "inference", "grad_x": [0.1, 0.2, 0.3, 0.4]}')
    assert cli("verify", "--candidate", str(path)).code == 0


@pytest.mark.parametrize(
    ("args", "written", "says"),
    [
        ("--y 1,2", None, "y has length 2, but it must have length 4"),
        ("--y 1,b,3,4", None, "y[2] is 'b'"),
        ("--y 4,0,12,0 --against torch", None, "--against contradicts a candidate"),
        ("--against tensorflow", None, "'tensorflow' is not one of"),
        ("--y 4,0,12,0 --rtol nan", None, "rtol is nan"),
        ("--candidate -", None, "standard input is not JSON"),
        ("--rtol 2", None, "2.0 is not in the range"),
        ("--candidate missing.json", None, "cannot read missing.json"),
        ("--candidate mine.json", "{", "mine.json is not JSON"),
        ("--candidate mine.json", "[]", "mine.json is not a candidate"),
        ("--candidate mine.json", '{"schema": "x/1", "y": [1]}', "mine.json is not a candidate"),
        ("--candidate mine.json", '{"x": [1]}', "neither 'y' nor 'grad_x'"),
        ("--candidate mine.json", '{"y": "4"}', "y is not a list in JSON"),
        ("--candidate mine.json", '{"y": [1, null]}', "y[2] is 'None'"),
        ("--candidate mine.json", '{"y": [4,0,12,0], "p": "x"}', "p must be a number"),
        ("--candidate mine.json", '{"y": [4,0,12,0], "mode": "test"}', "mode must be"),
        (
            "--candidate mine.json -p 0.5",
            '{"y": [4,0,12,0], "p": 0.5}',
            "--drop-prob contradicts",
        ),
        (
            "--candidate mine.json -s 1",
            '{"y": [4,0], "mask": [1,0]}',
            "--seed contradicts",
        ),
        ("--candidate mine.json --y 1,2,3,4", '{"y": [4,0,12,0]}', "y is given twice"),
        ("--candidate mine.json", '{"y": [1], "grad_y_source": "huber"}', "loss is 'huber'"),
        ("-o report.yaml", None, "must end in one of"),
    ],
)
def test_what_cannot_be_judged(cli, tmp_path, monkeypatch, args, written, says):
    monkeypatch.chdir(tmp_path)
    if written is not None:
        (tmp_path / "mine.json").write_text(written)
    result = cli("verify", *args.split())
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_framework_that_is_not_installed_is_skipped_and_exits_with_2(cli, monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    result = cli("verify", "--against", framework, "-f", "json")
    assert (result.code, result.json["ok"]) == (2, True)
    assert [claim["id"] for claim in result.json["claims"] if claim["ok"] is None] == [framework]
    assert f"{framework} is not installed" in cli("verify", "--against", framework).out


@pytest.mark.parametrize("framework", ["torch", "jax"])
@pytest.mark.parametrize(
    "args",
    ["", "-p 0.3 --seed 7", "--eval", "-p 0", "-p 1", "--loss sum-squares -p 0.9 -s 3",
     "-x 1,-2,3,-4,5 -s -1 --rng torch-cpu", "-p 1 --loss sum"],
)  # fmt: skip
def test_against_a_framework(cli, framework, args):
    pytest.importorskip(framework)
    if framework == "jax" and "torch" in args:
        args = args.replace("torch-cpu", "jax")
    result = cli("verify", "--against", framework, *args.split(), "-f", "json")
    told = {claim["id"]: claim["ok"] for claim in result.json["claims"]}
    assert result.code == 0, told
    assert told[f"{framework}-dropout"] is True
    if "--eval" not in args:
        assert told[f"{framework}-mask"] is True


@pytest.mark.parametrize("args", [[], ["--y", "2,0,6,0", "--grad-x", "0.2,0,0.6,0"], ["-p", "1"]])
def test_junit_is_read_by_a_junit_reader(cli, tmp_path, args):
    path = tmp_path / "report.xml"
    document = cli("verify", *args, "-f", "json").json
    assert cli("verify", *args, "-o", str(path)).code == (0 if document["ok"] else 1)
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    cases = list(suite)
    assert len(cases) == suite.tests == len(document["claims"])
    for case, claim in zip(cases, document["claims"], strict=True):
        kinds = [type(result).__name__ for result in case.result]
        assert kinds == {True: [], False: ["Failure"], None: ["Skipped"]}[claim["ok"]]
        assert claim["statement"] in case.name
    assert suite.failures == sum(claim["ok"] is False for claim in document["claims"])
    if args and args[0] == "--y":
        assert "not scaled" in cases[0].result[0].message


@pytest.mark.parametrize("suffix", [".json", ".md", ".txt", ".html", ".svg", ".xml"])
def test_a_verdict_in_each_format(cli, tmp_path, suffix):
    path = tmp_path / f"verdict{suffix}"
    result = cli("verify", "-o", str(path))
    assert (result.code, result.err) == (0, f"wrote {path}\n")
    first = path.read_bytes()
    assert cli("verify", "-o", str(path)).code == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_verdict_fits_the_terminal(cli, monkeypatch, columns, language):
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", columns)
    for args in ([], ["--y", "2,0,6,0"], ["--y", "1,2,3,4"]):
        out = cli("verify", "--lang", language, *args).out
        assert max(map(cell_len, out.splitlines())) <= int(columns)
