"""A verdict as people and CI systems read it."""

import json
import sys
from importlib.metadata import version

import junitparser
import pytest

from dropout_cli.proof import claims


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


def test_all_claims_hold_and_the_exit_code_says_so(cli):
    for args in ([], ["-x", "1,2,3", "-p", "0.1"], ["--loss", "sum-squares"], ["-s", "-0"]):
        result = cli("verify", *args, "-f", "json")
        assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
        assert result.json["schema"] == "dropout-cli/verify/1"
        assert [claim["id"] for claim in result.json["claims"]] == list(claims.CLAIMS)
    last = "✓ All 14 checks passed. Exit code 0: nothing is wrong.\n"
    assert cli("verify").out.endswith(f"\n{last}")
    assert cli("verify", "-q").out == last
    assert cli("verify", "-q", "--lang", "zh").out == (
        "✓ 全部 14 项检查通过。退出码 0：没有发现错误。\n"
    )


def test_a_wrong_candidate_is_told_its_mistake(cli):
    result = cli("verify", "-p", "0.3", "--y", "2,0,6,0", "--grad-x", "0.1,0,0.3,0", "-f", "json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert ("grad_x", "not-scaled") in {
        (each["about"], each["id"]) for each in result.json["diagnosis"]
    }
    words = cli("verify", "-p", "0.3", "--grad-x", "0.1,0,0.3,0").out
    assert "not scaled by 1/(1−p)" in " ".join(words.split())
    assert "∂L/∂x is wrong in 2 of 4 elements" in words
    assert [each.split() for each in words.splitlines()[-4:-2]] == [
        ["1", "grad_x[0]", "0.1", "0.142857"],
        ["3", "grad_x[2]", "0.3", "0.428571"],
    ]


def test_another_mask_in_backward_is_proved_by_its_elements(cli):
    result = cli("verify", "-p", "0.3", "--grad-x", f"{0.1 / 0.7},{0.2 / 0.7},0,0", "-f", "json")
    (diagnosis,) = result.json["diagnosis"]
    assert diagnosis["id"] == "other-mask"
    assert [element["i"] for element in diagnosis["elements"]] == [2, 3]
    assert diagnosis["elements"][1] == {"i": 3, "got": 0.0, "expected": 0.3 / 0.7}


def test_what_a_file_leaves_out_comes_from_the_options(cli, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"x": [1, 2], "y": [1.25, 0]}')
    assert cli("verify", "--candidate", str(path), "-p", "0.2", "-m", "10").code == 0
    path.write_text('{"mode": "inference", "x": [3, 4], "grad_x": [0.1, 0.2]}')
    assert cli("verify", "--candidate", str(path), "-g", "0.1,0.2").code == 0
    path.write_text('{"mode": "inference", "grad_y": [1, 1], "grad_x": [1, 1]}')
    assert cli("verify", "--candidate", str(path), "-x", "3,4").code == 0


@pytest.mark.parametrize(
    ("args", "written", "says"),
    [
        ("--y 1,2", "", "y has length 2, but it must have length 4"),
        ("--y 1,b,3,4", "", "element 2 of y is 'b'"),
        ("--y 4,0,12,0 --against torch", "", "--against cannot be combined with a candidate"),
        ("--against tensorflow", "", "'tensorflow' is not one of"),
        ("--candidate -", "", "standard input is not JSON"),
        ("--rtol 2", "", "2.0 is not in the range"),
        ("--candidate missing.json", "", "cannot read missing.json"),
        ("--candidate mine.json", "{", "mine.json is not JSON"),
        ("--candidate mine.json -p 0.5", '{"y": [4,0], "p": 0.5}',
         "--drop-prob cannot be combined with the candidate"),
        ("--candidate mine.json -s 1", '{"x": [2,4], "p": 0.5, "y": [4,0], "mask": [1,0]}',
         "a given mask cannot be combined with a seed"),
        ("--candidate mine.json --y 1,2", '{"y": [4,0]}', "--y cannot be combined with --candidat"),
        ("--rtol 0.1", "", "--rtol cannot be combined with a verification of the claims"),
        ("-o report.yaml", "", "must end in one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged(cli, tmp_path, monkeypatch, args, written, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text(written)
    result = cli("verify", *args.split())
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_framework_that_is_not_installed_is_skipped_and_exits_with_2(cli, monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    result = cli("verify", "--against", framework, "-f", "json")
    assert (result.code, result.json["ok"]) == (2, None)
    assert [claim["id"] for claim in result.json["claims"] if claim["ok"] is None] == [framework]
    page = cli("verify", "--against", framework).out
    assert f"agrees {framework} is not installed" in " ".join(page.split())
    assert "All" not in page
    assert f"{framework} is not installed" in cli("verify", "--against", framework, "-q").out


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


@pytest.mark.parametrize(
    ("framework", "seed", "says"),
    [("torch", 2**64, "PyTorch takes integers from -2^63 to 2^64-1"),
     ("torch", 10**40, "PyTorch takes integers from -2^63 to 2^64-1"),
     ("jax", 2**63, "JAX takes integers from -2^63 to 2^63-1"),
     ("jax", 2**64, "JAX takes integers from -2^63 to 2^63-1")],
)  # fmt: skip
def test_a_seed_that_the_framework_does_not_take(cli, framework, seed, says):
    pytest.importorskip(framework)
    for args in ((), ("-p", "0"), ("-p", "1")):
        result = cli("verify", "--against", framework, "-s", str(seed), *args)
        assert (result.code, result.out) == (2, "")
        assert result.err == f"Error: seed is {seed}, but {says}\n"
    last = (2**64 if framework == "torch" else 2**63) - 1
    assert cli("verify", "--against", framework, "-s", str(last)).code == 0


@pytest.mark.parametrize(("framework", "source"), [("torch", "torch-"), ("jax", "jax")])
def test_a_comparison_names_the_version_and_the_source(cli, framework, source):
    pytest.importorskip(framework)
    told = cli("verify", "--against", framework, "-s", "7", "-f", "json").json["claims"]
    claims = {claim["id"]: claim for claim in told}
    assert f" draws the mask of --rng {source}" in claims[f"{framework}-mask"]["statement"]
    for name in (f"{framework}-mask", f"{framework}-dropout"):
        assert version(framework) in claims[name]["method"]


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
    assert result.out == (cli("verify").out if suffix == ".xml" else "")
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
        assert language == "en" or "检查项" in out


@pytest.mark.parametrize("given", ["-x @./o.json", "--candidate ./o.json"])
def test_a_report_never_removes_what_is_read(cli, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    case = {"x": [1, 2], "p": 0.5, "mask": [1, 0], "y": [2, 0]}
    written = json.dumps(case if "candidate" in given else [1, 2])
    (tmp_path / "o.json").write_text(written)
    assert cli("verify", *given.split(), "-o", "o.json").code == 0
    assert json.loads((tmp_path / "o.json").read_text())["ok"] is True
