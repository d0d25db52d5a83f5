"""Everything that the README shows is run."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml
from running import slow

import dropout_cli
from dropout_cli.cli import commands
from dropout_cli.cli.judge import KEYS
from dropout_cli.views import records

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [text.strip() for kind, text in BLOCKS if kind == "sh"]
SET_UP, EXAMPLES, DEVELOP = COMMANDS[:2], COMMANDS[2:-1], COMMANDS[-1]
JOBS = [text for kind, text in BLOCKS if kind == "yaml"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


@pytest.fixture
def shell(tmp_path):
    """Run a command as a reader would, with this Python's scripts and the layers at hand."""
    shutil.copy(ROOT / "tests" / "my_layers.py", tmp_path)
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}

    def run(command, **variables):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path, env=environment | variables, capture_output=True, text=True,
            encoding="utf-8",
        )  # fmt: skip

    return run


def test_the_set_up_commands_stand_first_and_alone():
    """CI runs them as they are written: `.ci/run`."""
    assert [kind for kind, _ in BLOCKS[:2]] == ["sh", "sh"]
    walkthrough, tests = SET_UP
    install = ".venv && .venv/bin/pip install -q -e ."
    assert walkthrough == f"python3 -m venv {install} && .venv/bin/dropout-cli walkthrough"
    assert tests == f"python3 -m venv --upgrade-deps {install} --group test && .venv/bin/pytest"


@needs_bash
def test_ci_runs_the_developers_commands():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    functions = re.search(r"^block\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)[0]
    calls = re.findall(r'"\$\((block .*?)\)"', script)
    found = [
        subprocess.run(
            ["bash", "-c", f"{functions}\n{call}"], cwd=ROOT, capture_output=True, check=True,
            encoding="utf-8",
        ).stdout.strip()
        for call in calls
    ]  # fmt: skip
    assert found == [*SET_UP, DEVELOP]


@needs_bash
@pytest.mark.parametrize("block", EXAMPLES)
def test_every_command_runs_and_prints_what_is_shown(shell, tmp_path, block):
    done = shell(block)
    assert done.returncode == 0, done.stderr
    kind, output = BLOCKS[BLOCKS.index(("sh", f"{block}\n")) + 1]
    if kind == "text":
        assert done.stdout == output
    if "outputs/walkthrough.svg" in block:
        made, kept = (
            re.findall(
                "<text[^>]*>([^<]*)</text>", (folder / "outputs/walkthrough.svg").read_text("utf-8")
            )
            for folder in (tmp_path, ROOT)
        )
        assert made == kept != []


@needs_bash
@pytest.mark.parametrize(
    ("layer", "code"),
    [("Dropout", 0), slow("Careless", 1), ("Nobody", 2)],
)
@pytest.mark.parametrize("job", JOBS)
def test_a_job_leaves_its_exit_code_and_its_reports(shell, tmp_path, job, layer, code):
    steps = re.findall(r"^ +- (?:run: )?((?:pip|dropout-cli) .*)$", job, re.MULTILINE)
    install, *verify = [step.replace("my_layers:Dropout", f"my_layers:{layer}") for step in steps]
    assert install.startswith("pip install ")
    summary = tmp_path / "summary.md"
    for step in verify:
        done = shell(step, GITHUB_STEP_SUMMARY=str(summary))
        assert done.returncode == code, done.stderr
    if code == 2:
        assert "my_layers has no 'Nobody'" in done.stderr
        return
    report = JUnitXml.fromfile(str(tmp_path / "dropout.xml"))
    assert report.tests > 5
    assert (report.failures > 0) is (code == 1)
    if "GITHUB_STEP_SUMMARY" in job:
        assert summary.read_text("utf-8").startswith("# Verification\n")


def cs231n() -> dict[str, Any]:
    """The two functions as the course's notes define them; p is the probability of keeping."""

    def dropout_forward(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        mask = None
        out = x
        if mode == "train":
            mask = (np.random.rand(*x.shape) < p) / p  # noqa: NPY002
            out = x * mask
        return out.astype(x.dtype, copy=False), (dropout_param, mask)

    def dropout_backward(dout, cache):
        dropout_param, mask = cache
        return dout * mask if dropout_param["mode"] == "train" else dout

    layers = ModuleType("cs231n.layers")
    vars(layers).update(dropout_forward=dropout_forward, dropout_backward=dropout_backward)
    return {"cs231n": ModuleType("cs231n"), "cs231n.layers": layers}


C_SOURCE = r"""
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
void dropout(const float *x, const float *grad_y, size_t n, float p, bool training, float *y,
             float *grad_x) {
    static unsigned long long state = 88172645463325252ULL;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bool kept = !training || (state >> 40) >= p * 16777216.0;
        float factor = training ? 1 / (SCALE) : 1;
        y[i] = kept ? x[i] * factor : 0, grad_x[i] = kept ? grad_y[i] * factor : 0;
    }
}
"""


def run_example(word: str, *replaced: str) -> dict[str, Any]:
    """Run the one Python example that has this word, and return its names."""
    (found,) = [text for text in PYTHON if word in text]
    names: dict[str, Any] = {}
    exec(found.replace(*replaced) if replaced else found, names)
    return names


def test_the_python_examples_run(monkeypatch):
    run_example("import backward")  # it checks itself
    monkeypatch.syspath_prepend(ROOT / "tests")
    monkeypatch.setattr(dropout_cli, "check", partial(dropout_cli.check, p=0.3))
    run_example("def test_dropout")["test_dropout"]()


def test_a_course_with_a_cache_is_judged(monkeypatch):
    for name, module in cs231n().items():
        monkeypatch.setitem(sys.modules, name, module)
    dropout_cli.check(run_example("cs231n")["run"], p=0.3)
    with pytest.raises(AssertionError):
        dropout_cli.check(run_example("cs231n", '"p": 1 - p', '"p": p')["run"], p=0.3)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed")
def test_a_library_in_c_is_judged_through_ctypes(tmp_path):
    source = tmp_path / "dropout.c"
    source.write_text(C_SOURCE)

    def compiled(scale):
        library = tmp_path / f"{scale}.so"
        options = ["-O2", "-shared", "-fPIC", f"-DSCALE={scale}"]
        subprocess.run(["cc", *options, source, "-o", library], check=True)
        return run_example("CDLL", "./libdropout.so", str(library))["run"]

    dropout_cli.check(compiled("1-p"), p=0.3)
    with pytest.raises(AssertionError):
        dropout_cli.check(compiled("p"), p=0.3)


def test_gradcheck_is_content_with_a_layer_that_is_not_scaled():
    torch = pytest.importorskip("torch")

    class Unscaled(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self, p):
            super().__init__()
            self.p = p

        def forward(self, x):
            return x * (torch.rand(x.shape) >= self.p).to(x.dtype) if self.training else x

    def seeded(x):
        torch.manual_seed(0)
        return Unscaled(0.5)(x)

    assert torch.autograd.gradcheck(seeded, torch.ones(8, dtype=torch.float64, requires_grad=True))
    with pytest.raises(AssertionError, match="not scaled"):
        dropout_cli.check(Unscaled, p=0.5)


def test_every_option_is_named():
    for command in commands.cli.commands.values():
        for param in command.params:
            names = "|".join(param.opts)
            assert re.search(rf"(?<![\w-])({names})(?![\w-])", README), names
            if param.envvar:
                assert str(param.envvar) in README


def documented(record):
    """Return the keys of a record, each with the comment that documents it."""
    source = Path(records.__file__).read_text("utf-8")
    body = re.search(rf"^class {record.__name__}\(.*?(?=^class |\Z)", source, re.M | re.S)[0]
    return dict(re.findall(r"^    (\w+): .*?(?:  # (.+))?$", body, re.M))


@pytest.mark.parametrize(
    "record", [each for each in vars(records).values() if hasattr(each, "__required_keys__")]
)
def test_every_key_of_every_record_is_documented(record):
    keys = documented(record)
    assert keys.keys() <= record.__annotations__.keys()
    assert [key for key, words in keys.items() if not words] == []


def test_every_key_of_a_candidate_is_documented():
    assert sorted(documented(records.CandidateRecord)) == sorted(KEYS)


@pytest.mark.parametrize(
    ("args", "record"),
    [
        (["forward"], records.ForwardRecord), (["backward", "--eval"], records.TraceRecord),
        (["backward", "--loss", "mean"], records.TraceRecord),
        (["verify", "--y", "1,2,3,4"], records.VerifyRecord),
        (["walkthrough"], records.WalkthroughRecord),
        (["walkthrough", "--list"], records.ContentsRecord),
        (["masks", "-m", "1010"], records.MasksRecord),
        (["masks", "--find", "1010"], records.MasksRecord),
    ],
)  # fmt: skip
def test_each_command_writes_its_record(cli, args, record):
    document = cli(*args, "-f", "json").json
    assert record.__required_keys__ <= document.keys() <= record.__annotations__.keys()
    step = records.TitleRecord if record is records.ContentsRecord else records.StepRecord
    parts = {"claims": records.ClaimRecord, "diagnosis": records.DiagnosisRecord, "steps": step}
    for key, inner in parts.items():
        for each in document.get(key, []):
            assert each.keys() == inner.__annotations__.keys()
    for each in document.get("diagnosis", []):
        for element in each["elements"]:
            assert element.keys() == records.ElementRecord.__annotations__.keys()


LINKS = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'(?:src|srcset)="([^"]+)"', README)


@pytest.mark.parametrize("target", LINKS)
def test_what_it_links_to_is_there(target):
    if target.startswith("#"):
        titles = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
        assert target[1:] in [title.lower().replace(" ", "-") for title in titles]
    else:
        assert (ROOT / target).is_file()


def test_the_dollar_formulas_have_nothing_that_github_takes_for_an_escape():
    for formula in re.findall(r"^\$\$\n(.*?)^\$\$$", README, re.MULTILINE | re.DOTALL):
        assert not re.search(r"\\[^A-Za-z]", formula)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 250


def test_the_newest_change_is_of_this_version():
    changelog = (ROOT / ".github" / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## (\S+)$", changelog, re.MULTILINE)[1] == dropout_cli.__version__


def test_ci_runs_the_oldest_versions_that_are_promised():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = dict(each.split(">=") for each in project["dependencies"])
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert dict(re.findall(r" (\w+)==(\S+)", workflow)) == bounds
