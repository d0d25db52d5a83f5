"""A layer that the command line names: how it is found, judged and reported."""

import json
import sys
from pathlib import Path

import junitparser
import pytest
from running import program, slow

TESTS = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def beside_the_layers(monkeypatch):
    monkeypatch.chdir(TESTS)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def verify_layer(cli, tmp_path, monkeypatch):
    """Judge a layer of a module with this code, at p = 0.5."""

    def call(code, layer, *args):
        module = layer.partition(":")[0]
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(TESTS)
        monkeypatch.chdir(tmp_path)
        (tmp_path / f"{module}.py").write_text(code)
        return cli("verify", "--layer", layer, *(args or ("-p", "0.5")))

    return call


@pytest.mark.parametrize(
    ("args", "ps", "claims"),
    [(("-p", "0.3"), {0.3}, 9), slow((), {0, 0.1, 0.137, 0.25, 0.5, 0.9, 1}, 55)],
)
def test_a_right_layer_passes_every_claim_at_every_p(cli, monkeypatch, args, ps, claims):
    monkeypatch.setitem(sys.modules, "torch", None)  # it is not loaded for a layer without it
    result = cli("verify", "--layer", "my_layers:Dropout", *args, "-f", "json")
    assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
    assert {claim["case"] for claim in result.json["claims"]} == {"my_layers:Dropout"}
    assert {claim["p"] for claim in result.json["claims"]} == ps
    assert len(result.json["claims"]) == claims
    assert all(claim["checked"] >= 200_000 for claim in result.json["claims"])


def test_a_mistake_is_named_in_chinese_too(cli):
    result = cli("verify", "--layer", "my_layers:Careless", "-p", "0.3", "--lang", "zh")
    assert result.code == 1
    assert "它以概率 p 保留" in result.out
    assert "{" not in result.out


def test_junit_has_a_case_for_each_question_and_p_while_a_quiet_page_has_what_failed(cli, tmp_path):
    path, ps = tmp_path / "report.xml", ("-p", "0", "-p", "0.3")
    printed = cli("verify", "--layer", "my_layers:Careless", *ps, "-q", "-o", str(path)).out
    assert printed.startswith("my_layers:Careless\n──")
    assert "requirement" not in printed
    assert printed.endswith("\n✗ 2 of 14 checks failed. Exit code 1: something is wrong.\n")
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    assert (suite.name, suite.tests, suite.failures) == ("my_layers:Careless", 14, 2)
    assert len({case.name for case in suite}) == 14
    failures = {case.name: case.result[0] for case in suite if case.result}
    (at_0,) = [failure for name, failure in failures.items() if name.startswith("p-0:")]
    assert at_0.text.splitlines()[2].split() == ["1", "-0.0", "-1.4375"]
    assert sum("it keeps with probability p" in each.message for each in failures.values()) == 1


def test_a_layer_that_takes_no_p_between_0_and_1_neither_passes_nor_fails(verify_layer):
    code = (
        "from my_layers import Dropout\n"
        "class Refusing(Dropout):\n"
        "    def __init__(self, p):\n"
        "        assert p in (0, 1)\n"
        "        super().__init__(p)\n"
    )
    some = ("-p", "0", "-p", "0.5")
    result = verify_layer(code, "refusing:Refusing", *some)
    assert result.code == 2
    assert "– 5 checks passed, 9 not made or not applicable. Exit code 2: what" in result.out
    quiet = verify_layer(code, "refusing:Refusing", *some, "-q").out
    assert "Not judged at p = 0.5 (–): the layer raised AssertionError" in quiet
    assert verify_layer(code, "refusing:Refusing", "-p", "0").code == 0


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("my_layers", "it must be MODULE:NAME"),
        ("my_layer:Dropout", "there is no module 'my_layer'"),
        ("my_layers:Dropuot", "did you mean 'Dropout'?"),
        ("my_layers:np", "but a layer is a torch.nn.Module, a class called with p that has"),
        ("pathlib:Path", "a class without backward(grad_y)"),
        ("../my_layers.py:Dropout", "must be in the current folder or below it"),
        ("/tmp/my_layers.py:Dropout", "must be in the current folder or below it"),
    ],
)
def test_what_is_no_layer_is_refused(cli, layer, message):
    assert message in cli("verify", "--layer", layer).error


def test_a_module_that_cannot_be_imported_says_why(verify_layer):
    error = verify_layer("raise ValueError('no such\\n thing')", "broken_layers:Dropout").error
    assert "broken_layers cannot be imported: ValueError: no such thing" in error


@pytest.mark.parametrize(
    "rude",
    [
        "sys.__stdout__.write('aside')",
        "sys.stdout.write('aside')",
        "import atexit; atexit.register(print, 'aside')",
        "import os; os.system('echo aside')",
    ],
)
def test_what_a_layer_prints_does_not_disturb_the_report(tmp_path, rude):
    code = f"import sys\n{rude}\ndef run(x, grad_y, p, training):\n    raise ValueError\n"
    (tmp_path / "rude_layers.py").write_text(code)
    command = ["verify", "-p", "0.5", "--layer", "rude_layers:run", "-f", "json"]
    done = program(*command, cwd=tmp_path)
    assert json.loads(done.stdout)["ok"] is None
    assert done.stderr.strip() in ("", "aside")


def test_what_a_layer_prints_goes_to_standard_error_and_what_it_lacks_is_said(verify_layer):
    code = (
        "from my_layers import Dropout\n"
        "print('imported')\n"
        "class Lacking(Dropout):\n"
        "    def forward(self, x):\n"
        "        print('hello')\n"
        "        return super().forward(x) if x.ndim < 3 else None\n"
    )
    result = verify_layer(code, "lacking:Lacking")
    assert result.code == 1
    why = "the layer returned NoneType, which is no array of real numbers, given the shape (17, 53,"
    assert why in result.words
    assert "hello" not in result.out
    assert result.err.startswith("imported\nhello\n")


ENDINGS = {  # what a layer raises, and the exit codes that are right
    "raise KeyboardInterrupt": {130},
    "from dropout_cli.errors import SignalExit; raise SignalExit(15)": {143},
    "sys.exit(0)": {1, 2},
    "raise MemoryError": {2},
    "np.zeros(10**15)": {2},
}
FAST = {("backward", 0), ("forward", 2), ("backward", 4)}


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        (pytest.param if (where, k) in FAST else slow)(where, statement)
        for where in ("forward", "backward")
        for k, statement in enumerate(ENDINGS)
    ],
)
def test_no_layer_ends_the_run_as_if_all_were_right(tmp_path, where, statement):
    (tmp_path / "ending_layers.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "class Ending:\n"
        "    training = True\n"
        "    def __init__(self, p):\n"
        "        pass\n"
        "    def forward(self, x):\n"
        "        return x\n"
        "    backward = forward\n"
        f"def ends(self, v):\n    {statement}\n"
        f"Ending.{where} = ends\n"
    )
    done = program("verify", "-p", "0.5", "--layer", "ending_layers:Ending", cwd=tmp_path)
    assert done.returncode in ENDINGS[statement]
    assert "Traceback" not in done.stderr
    if ENDINGS[statement] == {2}:
        assert done.stdout == ""
        why = "Error: the layer was not checked, because memory ran out: MemoryError"
        assert done.stderr.startswith(why)


UNUSUAL = """
def run(x, grad_y, p, training):
    x.shape = (1, -1)
    return x, grad_y

class RedError(Exception):
    pass

RedError.__name__ = "Red\\x1b[31m"

def red(x, grad_y, p, training):
    raise RedError
"""


def test_a_layer_that_reshapes_its_input_changes_it(verify_layer):
    result = verify_layer(UNUSUAL, "breaking_layers:run", "-p", "0.5", "-f", "json")
    (claim,) = [each for each in result.json["claims"] if each["id"] == "input-untouched"]
    (why,) = [each for each in result.json["diagnosis"] if each["claim"] == "input-untouched"]
    assert (claim["ok"], why["id"]) == (False, "changes-x")
    assert "x was changed in 70,001 of 70,001 elements" in why["explanation"]


def test_no_name_that_a_layer_gives_reaches_the_terminal_raw(verify_layer):
    result = verify_layer(UNUSUAL, "red\x1b[31m:red")
    assert result.code == 2
    assert "the layer raised Red[31m" in result.out
    assert "\x1b" not in result.out + result.err
