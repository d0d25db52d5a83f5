"""Everything that the README shows is run."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dropout_cli.cli import commands
from dropout_cli.cli.candidates import KEYS
from dropout_cli.views.records import (
    ClaimRecord,
    ContentsRecord,
    DiagnosisRecord,
    ElementRecord,
    ForwardRecord,
    MasksRecord,
    StepRecord,
    TitleRecord,
    TraceRecord,
    VerifyRecord,
    WalkthroughRecord,
)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [text.strip() for kind, text in BLOCKS if kind == "sh"]
SET_UP, EXAMPLES = COMMANDS[:2], COMMANDS[2:]


@pytest.fixture
def shell(tmp_path):
    """Run a command as a reader would, with this Python's scripts and the layers at hand."""
    shutil.copy(ROOT / "tests" / "my_layers.py", tmp_path)
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}

    def run(command):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip

    return run


def test_the_set_up_commands_stand_first_and_alone():
    assert [kind for kind, _ in BLOCKS[:2]] == ["sh", "sh"]
    start = "python3 -m venv .venv && .venv/bin/pip install -q "
    walkthrough, tests = SET_UP
    assert walkthrough == f"{start}. && .venv/bin/dropout-cli walkthrough"
    assert tests == f"{start}'.[test]' && .venv/bin/pytest"


@pytest.mark.parametrize("command", EXAMPLES)
def test_example(shell, command):
    done = shell(command)
    assert done.returncode == 0, done.stderr


def test_the_examples_outputs_are_what_they_print(shell):
    shown = 0
    for (kind, command), (next_kind, output) in itertools.pairwise(BLOCKS):
        if (kind, next_kind) == ("sh", "text"):
            assert shell(command).stdout == output
            shown += 1
    assert shown == sum(kind == "text" for kind, _ in BLOCKS) > 0


def test_the_python_examples():
    for example in [text for kind, text in BLOCKS if kind == "python"]:
        names = {}
        exec(example, names)
        tests = [value for name, value in names.items() if name.startswith("test_")]
        for test in tests:
            test()
        assert tests or "assert" in example  # it checks itself


def test_every_option_is_named():
    for command in commands.cli.commands.values():
        for param in command.params:
            names = "|".join(param.opts)
            assert re.search(rf"(?<![\w-])({names})(?![\w-])", README), names
            if param.envvar:
                assert param.envvar in README


RECORDS = {
    "dropout-cli/trace/1": TraceRecord,
    "dropout-cli/verify/1": VerifyRecord,
    "dropout-cli/steps/1": ContentsRecord,
    "dropout-cli/walkthrough/1": WalkthroughRecord,
    "dropout-cli/masks/1": MasksRecord,
}


@pytest.mark.parametrize(("schema", "record"), RECORDS.items())
def test_every_key_of_every_record_is_documented(schema, record):
    table = README[README.index(f"`{schema}`") :].split("\n\n")[1]
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)))
    assert keys == [key for key in record.__annotations__ if key != "schema"]


def test_every_key_of_a_candidate_is_documented():
    table = README[README.index("A candidate, which") :].split("\n\n")[1]
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)))
    assert sorted(keys) == sorted(KEYS)


@pytest.mark.parametrize(
    ("args", "record"),
    [
        (["forward"], ForwardRecord), (["backward", "--eval"], TraceRecord),
        (["backward", "--loss", "mean"], TraceRecord), (["verify", "--y", "1,2,3,4"], VerifyRecord),
        (["walkthrough"], WalkthroughRecord), (["walkthrough", "--list"], ContentsRecord),
        (["masks", "-m", "1010"], MasksRecord),
        (["masks", "--find", "1010"], MasksRecord),
    ],
)  # fmt: skip
def test_each_command_writes_its_record(cli, args, record):
    document = cli(*args, "-f", "json").json
    assert record.__required_keys__ <= document.keys() <= record.__annotations__.keys()
    step = TitleRecord if record is ContentsRecord else StepRecord
    parts = {"claims": ClaimRecord, "diagnosis": DiagnosisRecord, "steps": step}
    for key, inner in parts.items():
        for each in document.get(key, []):
            assert each.keys() == inner.__annotations__.keys()
    for each in document.get("diagnosis", []):
        for element in each["elements"]:
            assert element.keys() == ElementRecord.__annotations__.keys()


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_what_it_links_to_is_there(target):
    assert (ROOT / target).is_file()


def text_of(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_capture_is_what_its_command_makes(shell, tmp_path):
    (command,) = [line for line in EXAMPLES if "outputs/walkthrough.svg" in line]
    assert shell(command).returncode == 0
    made = (tmp_path / "outputs" / "walkthrough.svg").read_text("utf-8")
    kept = (ROOT / "outputs" / "walkthrough.svg").read_text("utf-8")
    assert text_of(made) == text_of(kept) != []
