"""A layer that the command line, or a test suite, names: how it is found, judged and reported."""

import json
import subprocess
import sys
from pathlib import Path

import junitparser
import numpy as np
import pytest

import dropout_cli
from dropout_cli import RequestError

LAYERS = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "dropout_cli", "verify", "-p", "0.5", "--layer"]


@pytest.fixture(autouse=True)
def beside_the_layers(monkeypatch):
    monkeypatch.chdir(LAYERS)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def verify_layer(cli, tmp_path, monkeypatch):
    """Judge a layer of a module with this code, at p = 0.5."""

    def call(code, layer, *args):
        module = layer.partition(":")[0]
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(LAYERS)
        monkeypatch.chdir(tmp_path)
        (tmp_path / f"{module}.py").write_text(code)
        return cli("verify", "--layer", layer, *(args or ("-p", "0.5")))

    return call


SWEPT = {0, 0.1, 0.137, 0.25, 0.5, 0.9, 1}


@pytest.mark.parametrize("ps", [{0.3}, pytest.param(SWEPT, marks=pytest.mark.slow)])
def test_a_right_layer(cli, monkeypatch, ps):
    monkeypatch.setitem(sys.modules, "torch", None)  # it is not loaded for a layer without it
    args = () if ps == SWEPT else ("-p", "0.3")
    result = cli("verify", "--layer", "my_layers:Dropout", *args, "-f", "json")
    assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
    claims = result.json["claims"]
    assert {claim["case"] for claim in claims} == {"my_layers:Dropout"}
    assert {claim["p"] for claim in claims} == ps
    assert len(claims) == (55 if ps == SWEPT else 9)
    assert all(claim["checked"] >= 200_000 for claim in claims)


def test_a_wrong_layer_and_its_mistake_in_chinese(cli):
    result = cli("verify", "--layer", "my_layers:Careless", "-p", "0.3", "--lang", "zh")
    assert result.code == 1
    assert "它以概率 p 保留" in result.out
    assert "{" not in result.out


def test_its_report_in_junit_while_the_page_shows_only_what_failed(cli, tmp_path):
    path, ps = tmp_path / "report.xml", ("-p", "0", "-p", "0.3")
    printed = cli("verify", "--layer", "my_layers:Careless", *ps, "-q", "-o", str(path)).out
    assert printed.startswith("my_layers:Careless\n──")
    assert "requirement" not in printed
    assert printed.endswith("\n✗ 2 of 14 checks failed. Exit code 1: something is wrong.\n")
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    assert (suite.name, suite.tests, suite.failures) == ("my_layers:Careless", 14, 2)
    assert len({case.name for case in suite}) == 14  # a case for each question and p, told apart
    failures = {case.name: case.result[0] for case in suite if case.result}
    (at_0,) = [failure for name, failure in failures.items() if name.startswith("p-0:")]
    assert at_0.text.splitlines()[2].split() == ["1", "-0.0", "-1.4375"]
    assert sum("it keeps with probability p" in each.message for each in failures.values()) == 1


def test_a_layer_that_takes_no_p_between_0_and_1_is_not_passed(verify_layer):
    """It cannot be checked, which is neither a pass nor a failure."""
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
    ("layer", "says"),
    [
        ("my_layers", "it must be MODULE:NAME"),
        ("my_layer:Dropout", "there is no module 'my_layer'"),
        ("my_layers:Dropuot", "did you mean 'Dropout'?"),
        ("my_layers:np", "but a layer is a torch.nn.Module, a class called with p that has"),
        ("pathlib:Path", "a class without backward(grad_y)"),
        ("../my_layers.py:Dropout", "must be in the current folder or below it"),
        ("/tmp/my_layers.py:Dropout", "must be in the current folder or below it"),
        ("..a:b", "must be in the current folder or below it"),
    ],
)
def test_what_is_no_layer(cli, layer, says):
    result = cli("verify", "--layer", layer)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_a_module_that_cannot_be_imported(verify_layer):
    result = verify_layer("raise ValueError('no such\\n thing')", "broken_layers:Dropout")
    assert (result.code, result.out) == (2, "")
    assert "broken_layers cannot be imported: ValueError: no such thing" in result.err


@pytest.mark.parametrize(
    "rude",
    [
        "sys.__stdout__.write('aside')",
        "sys.stdout.write('aside')",
        "import atexit; atexit.register(print, 'aside')",
    ],
)
def test_a_layer_that_handles_the_streams(tmp_path, rude):
    """It may do with standard output what scripts do; the report is not disturbed."""
    code = f"import sys\n{rude}\ndef run(x, grad_y, p, training):\n    raise ValueError\n"
    (tmp_path / "rude_layers.py").write_text(code)
    command = [*COMMAND, "rude_layers:run", "-f", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert json.loads(done.stdout)["ok"] is None
    assert done.stderr in (b"", b"aside", b"aside\n")


OWN_SIGNALS = (  # what a layer raises, and the exit codes that are right
    ("raise KeyboardInterrupt", {130}),
    ("from dropout_cli.errors import SignalExit; raise SignalExit(15)", {143}),
    ("sys.exit(0)", {1, 2}),
    ("raise MemoryError", {2}),
    ("np.zeros(10**15)", {2}),
)
FAST = {("backward", 0), ("forward", 2), ("backward", 4)}
ENDINGS = [
    pytest.param(where, *signal, marks=() if (where, k) in FAST else pytest.mark.slow)
    for where in ("forward", "backward")
    for k, signal in enumerate(OWN_SIGNALS)
]


@pytest.mark.parametrize(("where", "statement", "codes"), ENDINGS)
def test_no_layer_ends_the_run_as_if_all_were_right(tmp_path, where, statement, codes):
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
    command = [*COMMAND, "ending_layers:Ending"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode in codes
    assert b"Traceback" not in done.stderr
    if codes == {2}:
        told = b"Error: the layer was not checked, because memory ran out: MemoryError"
        assert (done.stdout, done.stderr.startswith(told)) == (b"", True)


RESHAPES = """
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
    result = verify_layer(RESHAPES, "breaking_layers:run", "-p", "0.5", "-f", "json")
    (claim,) = [each for each in result.json["claims"] if each["id"] == "input-untouched"]
    (told,) = [each for each in result.json["diagnosis"] if each["claim"] == "input-untouched"]
    assert (claim["ok"], told["id"]) == (False, "changes-x")
    assert "x was changed in 70,001 of 70,001 elements" in told["explanation"]


def test_no_name_that_a_layer_gives_reaches_the_terminal_raw(verify_layer):
    result = verify_layer(RESHAPES, "red\x1b[31m:red")
    assert result.code == 2
    assert "the layer raised Red[31m" in result.out
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize(
    "option",
    ["-x 1,2", "-m 10", "--eval", "-g 1,1", "--loss sum", "--y 1", "--rtol 0.1", "--against torch"],
)
def test_options_that_a_layer_does_not_take(cli, option):
    result = cli("verify", "--layer", "my_layers:Dropout", *option.split())
    assert result.code == 2
    assert "cannot be combined with --layer" in result.err


def test_what_a_layer_prints_is_not_data_and_what_it_lacks_is_said(verify_layer):
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
    assert (
        "the layer returned NoneType, which is no array of real numbers, given the shape (17, 53,"
    ) in " ".join(result.out.split())
    assert "hello" not in result.out
    assert result.err.startswith("imported\nhello\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
@pytest.mark.parametrize(("closed", "code"), [(">&-", 2), ("2>&-", 0), (">&- 2>&-", 2)])
def test_closed_streams(closed, code):
    line = " ".join([*COMMAND, "my_layers:Dropout", closed])
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert done.returncode == code
    assert b"a defect" not in done.stderr


# In a test suite


class OnlyEnds:
    """A layer that cannot be checked where it would show what it does."""

    def __init__(self, p):
        assert p in (0, 1)
        self.p, self.training = p, True

    def forward(self, v):
        return 0 * v if self.p and self.training else v

    backward = forward


def test_check(monkeypatch):
    monkeypatch.syspath_prepend(LAYERS)
    import my_layers

    dropout_cli.check(my_layers.Dropout(0.3))
    with pytest.raises(AssertionError) as raised:
        dropout_cli.check(my_layers.Careless, p=0.1, seed=3)
    verdict, report = str(raised.value).split("\n", 1)
    assert verdict.startswith("my_layers:Careless is wrong, 1 of 9 checks failed: m keeps ")
    assert verdict.endswith("it keeps with probability p, not 1−p.")
    assert "requirement, at p =" in report
    assert "Exit code" not in report
    with pytest.raises(RequestError, match="a layer is a torch"):
        dropout_cli.check("Dropout")
    with pytest.raises(RequestError, match="could not be judged: the layer raised AssertionError"):
        dropout_cli.check(OnlyEnds, p=[0, 0.5])
    with pytest.raises(RequestError, match="p is 2"):
        dropout_cli.check(my_layers.Dropout, p=2)


X, GRAD_Y = np.array([[1.0, -2.0, 0.0], [0.5, 3.0, 4.0]]), np.arange(6.0).reshape(2, 3) + 1
KEPT = np.array([[1, 0, 1], [0, 1, 1]])


@pytest.mark.parametrize("mask", [KEPT, KEPT == 1, None])
def test_check_values(mask):
    right = {"x": X, "p": 0.3, "mask": mask, "grad_y": GRAD_Y}
    y, grad_x = X * KEPT / (1 - 0.3), GRAD_Y * KEPT / (1 - 0.3)
    dropout_cli.check_values(**right, y=y.astype(np.float32), grad_x=grad_x.tolist())
    with pytest.raises(AssertionError) as raised:
        dropout_cli.check_values(**right, y=X * KEPT, grad_x=grad_x)
    verdict, report = str(raised.value).split("\n", 1)
    assert verdict == (
        "what was computed is wrong, 1 of 2 checks failed: y is wrong in 3 of 6 elements:"
        " it is m·x, not scaled by 1/(1−p)."
    )
    assert ["2,", "3", "y[1,", "2]", "4", "5.71429"] in [row.split() for row in report.split("\n")]
    dropout_cli.check_values(**right, y=X * KEPT, rtol=0.5)
    with pytest.raises(AssertionError, match="the mask is inverted"):
        dropout_cli.check_values(X, 0.3, mask=1 - KEPT, y=y)
    dropout_cli.check_values(X, 0.3, y=X, grad_y=GRAD_Y, grad_x=GRAD_Y, training=False)
    half = (X[0].astype(np.float16) / np.float16(0.7)) * KEPT[0].astype(np.float16)
    dropout_cli.check_values(X[0], 0.3, y=half)
    with pytest.raises(AssertionError, match="it is what float16 gives"):
        dropout_cli.check_values(X[0], 0.3, y=half, dtype="float32")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "there is neither y nor grad_x"),
        ({"grad_x": X}, "there is grad_x, but no grad_y"),
        ({"grad_y": X, "grad_x": X}, "there is neither a mask"),
        ({"y": [1, 2]}, "the shapes differ, but they must be one: x 2×3, y 2"),
        ({"y": X, "dtype": "float8"}, "dtype is 'float8'"),
        ({"x": [0, 0], "y": [0, 0]}, "could not be judged: the mask can be read nowhere"),
    ],
)
def test_values_that_cannot_be_judged(values, says):
    with pytest.raises(RequestError, match=says):
        dropout_cli.check_values(**{"x": X, "p": 0.3} | values)
