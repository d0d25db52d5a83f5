"""A layer that the command line names: how it is found, told and reported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import junitparser
import pytest

import dropout_cli
from dropout_cli import RequestError

LAYERS = Path(__file__).parent.parent
QUESTIONS = 10


@pytest.fixture(autouse=True)
def beside_the_layers(monkeypatch):
    monkeypatch.chdir(LAYERS)
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_right_layer(cli):
    result = cli("verify", "--layer", "my_layers:Dropout", "-f", "json")
    assert (result.code, result.json["ok"], result.json["diagnosis"]) == (0, True, [])
    claims = result.json["claims"]
    assert {claim["case"] for claim in claims} == {"my_layers:Dropout"}
    assert {claim["p"] for claim in claims} == {0, 0.1, 0.137, 0.3, 0.5, 0.9, 1}
    assert all(claim["checked"] >= 200_000 for claim in claims)
    assert "✓ All 55 checks passed." in cli("verify", "--layer", "my_layers:Dropout").out


def test_a_wrong_layer_and_its_mistake(cli):
    result = cli("verify", "--layer", "my_layers:Careless", "-f", "json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert {(each["p"], each["id"]) for each in result.json["diagnosis"]} == {
        (0, "drops-at-p-0"), (0.1, "keeps-with-p"), (0.137, "keeps-with-p"),
        (0.3, "keeps-with-p"), (0.9, "keeps-with-p"),
    }  # fmt: skip
    words = " ".join(cli("verify", "--layer", "my_layers:Careless", "-p", "0.3").out.split())
    assert "✗ 1 of 9 checks failed." in words
    assert "it keeps with probability p, not 1−p." in words


def test_its_report_in_junit(cli, tmp_path):
    path = tmp_path / "report.xml"
    printed = cli("verify", "--layer", "my_layers:Careless", "-o", str(path)).out
    assert "✗ 5 of 55 checks failed." in printed
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    assert (suite.name, suite.tests, suite.failures) == ("my_layers:Careless", 55, 5)
    names = [case.name for case in suite]
    assert len(set(names)) == 55  # a case for each question and p, told apart
    (failure,) = [case.result[0] for case in suite if case.name.startswith("p-0:")]
    assert failure.text.splitlines()[2].split() == ["1", "-0.0", "-1.4375"]


def test_a_file_with_all_of_a_layers_failures_in_each_language(cli):
    for language, says in (("en", "it keeps with probability p"), ("zh", "它以概率 p 保留")):
        out = cli("verify", "--layer", "my_layers:Careless", "--lang", language).out
        assert says in out
        assert "{" not in out


def test_a_layer_that_takes_no_p_between_0_and_1_is_not_passed(cli, tmp_path, monkeypatch):
    """It cannot be checked, which is neither a pass nor a failure."""
    (tmp_path / "refusing.py").write_text(
        "from my_layers import Dropout\n"
        "class Refusing(Dropout):\n"
        "    def __init__(self, p):\n"
        "        assert p in (0, 1)\n"
        "        super().__init__(p)\n"
    )
    monkeypatch.syspath_prepend(LAYERS)
    monkeypatch.chdir(tmp_path)
    result = cli("verify", "--layer", "refusing:Refusing")
    assert result.code == 2
    assert "– 10 checks passed, 45 not made or not applicable." in result.out
    assert cli("verify", "--layer", "refusing:Refusing", "-p", "0").code == 0


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("my_layers", "it must be MODULE:NAME"),
        ("my_layer:Dropout", "there is no module 'my_layer'"),
        ("my_layers:Dropuot", "did you mean 'Dropout'?"),
        ("my_layers:np", "but a layer is a torch.nn.Module, a class called with p that has"),
        ("pathlib:Path", "a class without backward(grad_y)"),
        ("broken_layers:Dropout", "broken_layers cannot be imported: ValueError: no such thing"),
    ],
)
def test_what_is_no_layer(cli, tmp_path, monkeypatch, layer, says):
    (tmp_path / "broken_layers.py").write_text("raise ValueError('no such\\n thing')")
    if layer.startswith("broken"):
        monkeypatch.chdir(tmp_path)
    result = cli("verify", "--layer", layer)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


RIGHT = """
import sys
import numpy as np

def run(x, grad_y, p, training):
    m = np.random.rand(*x.shape) < 1 - p if training else np.ones(x.shape)
    scale = 1 / (1 - p) if training and p < 1 else 1
    return (x * m * scale).astype(x.dtype), (grad_y * m * scale).astype(x.dtype)
"""


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
    (tmp_path / "rude_layers.py").write_text(RIGHT + rude)
    command = [sys.executable, "-m", "dropout_cli", "verify", "--layer", "rude_layers:run"]
    done = subprocess.run(
        [*command, "-p", "0.5", "-f", "json"], cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["ok"] is True
    assert done.stderr in (b"", b"aside", b"aside\n")
    done = subprocess.run(
        [*command, "-p", "0.5", "-o", "r.xml"], cwd=tmp_path, capture_output=True, check=True
    )
    assert b"wrote r.xml\n" in done.stderr


OWN_SIGNALS = (  # what a layer raises, and the exit codes that are right
    ("raise KeyboardInterrupt", {130}),
    ("from dropout_cli.errors import SignalExit; raise SignalExit(15)", {143}),
    ("sys.exit(0)", {1, 2}),
    ("raise MemoryError", {2}),
    ("np.zeros(10**15)", {2}),
)


@pytest.mark.parametrize(("statement", "codes"), OWN_SIGNALS)
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_no_layer_ends_the_run_as_if_all_were_right(tmp_path, statement, codes, where):
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
    command = [sys.executable, "-m", "dropout_cli", "verify", "--layer", "ending_layers:Ending"]
    done = subprocess.run([*command, "-p", "0.5"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode in codes
    assert b"Traceback" not in done.stderr
    if codes == {2}:
        told = b"Error: the layer was not checked, because memory ran out: MemoryError"
        assert (done.stdout, done.stderr.startswith(told)) == (b"", True)


RESHAPES = """
def run(x, grad_y, p, training):
    x.shape = {}
    return x, grad_y

class RedError(Exception):
    pass

RedError.__name__ = "Red\\x1b[31m"

def red(x, grad_y, p, training):
    raise RedError
"""


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_a_layer_that_reshapes_its_input_changes_it(cli, tmp_path, monkeypatch, shape):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "breaking_layers", raising=False)
    (tmp_path / "breaking_layers.py").write_text(RESHAPES.format(shape))
    result = cli("verify", "--layer", "breaking_layers:run", "-p", "0.5", "-f", "json")
    (claim,) = [each for each in result.json["claims"] if each["id"] == "input-untouched"]
    (told,) = [each for each in result.json["diagnosis"] if each["claim"] == "input-untouched"]
    assert (claim["ok"], told["id"]) == (False, "changes-x")
    assert "x was changed in 70,001 of 70,001 elements" in told["explanation"]


def test_no_name_that_a_layer_gives_reaches_the_terminal_raw(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "red\x1b[31m.py").write_text(RESHAPES.format((-1,)))
    result = cli("verify", "--layer", "red\x1b[31m:red", "-p", "0.5")
    assert result.code == 2
    assert "the layer raised Red[31m" in result.out
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize("name", ["../my_layers.py:Dropout", "/tmp/my_layers.py:Dropout", "..a:b"])
def test_a_layer_outside_the_current_folder(cli, name):
    result = cli("verify", "--layer", name)
    assert (result.code, result.out) == (2, "")
    assert "must be in the current folder or below it" in result.err


@pytest.mark.parametrize(
    "option",
    ["-x 1,2", "-m 10", "--eval", "-g 1,1", "--loss sum", "--y 1", "--rtol 0.1", "--against torch"],
)
def test_options_that_a_layer_does_not_take(cli, option):
    result = cli("verify", "--layer", "my_layers:Dropout", *option.split())
    assert result.code == 2
    assert "cannot be combined with --layer" in result.err


def test_what_a_layer_prints_is_not_data(cli, tmp_path, monkeypatch):
    (tmp_path / "talking.py").write_text(
        "from my_layers import Dropout\n"
        "print('imported')\n"
        "class Talking(Dropout):\n"
        "    def forward(self, x):\n"
        "        print('hello')\n"
        "        return super().forward(x)\n"
    )
    monkeypatch.syspath_prepend(LAYERS)
    monkeypatch.chdir(tmp_path)
    result = cli("verify", "--layer", "talking:Talking", "-p", "0.5", "-f", "json")
    assert result.json["ok"] is True
    assert result.err.startswith("imported\nhello\n")


def test_torch_is_not_loaded_for_a_layer_without_it(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli("verify", "--layer", "my_layers:Dropout", "-p", "0.5").code == 0


def test_a_shape_for_which_it_returns_nothing(cli, tmp_path, monkeypatch):
    (tmp_path / "lacking.py").write_text(
        "from my_layers import Dropout\n"
        "class Lacking(Dropout):\n"
        "    def forward(self, x):\n"
        "        return super().forward(x) if x.ndim < 3 else None\n"
    )
    monkeypatch.syspath_prepend(LAYERS)
    monkeypatch.chdir(tmp_path)
    told = cli("verify", "--layer", "lacking:Lacking", "-p", "0.5")
    words = " ".join(told.out.split())
    assert told.code == 1
    assert (
        "the layer returned NoneType, which is no array of real numbers, given the shape (17, 53,"
        in words
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(closed):
    line = f"{sys.executable} -m dropout_cli verify --layer my_layers:Dropout -p 0.5 {closed}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"a defect" not in done.stderr


class OnlyEnds:
    """A layer that cannot be checked where it would show what it does."""

    def __init__(self, p):
        assert p in (0, 1)
        self.p, self.training = p, True

    def forward(self, v):
        return 0 * v if self.p and self.training else v

    backward = forward


def test_check_in_a_test_suite(monkeypatch):
    monkeypatch.syspath_prepend(LAYERS)
    import my_layers

    assert dropout_cli.check(my_layers.Dropout) is None
    dropout_cli.check(my_layers.Dropout(0.3))
    with pytest.raises(AssertionError) as raised:
        dropout_cli.check(my_layers.Careless, p=0.1, seed=3)
    words = " ".join(str(raised.value).split())
    assert "my_layers:Careless" in words
    assert "it keeps with probability p, not 1−p." in words
    with pytest.raises(RequestError, match="a layer is a torch"):
        dropout_cli.check("Dropout")
    with pytest.raises(RequestError, match="could not be judged: the layer raised AssertionError"):
        dropout_cli.check(OnlyEnds)
    verdict, _ = str(raised.value).split("\n", 1)
    assert verdict.startswith("my_layers:Careless is wrong, 1 of 9 checks failed: m keeps ")
    assert verdict.endswith("it keeps with probability p, not 1−p.")
    with pytest.raises(RequestError, match="p is 2"):
        dropout_cli.check(my_layers.Dropout, p=2)
