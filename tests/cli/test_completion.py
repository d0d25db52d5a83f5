"""Completion, as each shell asks for it."""

import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def complete(cli, monkeypatch):
    """Complete the last word of a line as click's script for a shell does."""

    def call(shell, line):
        words = line.split(" ")
        monkeypatch.setenv("_DROPOUT_CLI_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", f"dropout-cli {line}")
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        result = cli()
        assert result.code == 0
        return result.out

    return call


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("walkthrough --step cha", ["chain-rule"]),
        ("walkthrough --step 2,proof,cha", ["2,proof,chain-rule"]),
        ("forward --rng torch-", ["torch-rand", "torch-cpu", "torch-mkl"]),
        ("backward --loss sum", ["sum", "sum-squares"]),
        ("plot --lang z", ["zh"]),
    ],
)
def test_each_shell_completes_names(complete, shell, line, expected):
    if shell == "fish" and "," in line:
        pytest.skip("click's script for fish splits a completion at its commas")
    parts = complete(shell, line).split()  # each word with its type, and for zsh with its help
    found = [each.removeprefix("plain,") for each in parts if each not in ("plain", "_")]
    assert found == expected


@pytest.mark.parametrize(
    "line", ["plot --from", "backward --from", "verify --candidate", "masks -o"]
)
def test_files_are_completed_by_the_shell(complete, line):
    assert complete("bash", f"{line} sli") == "file,sli\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_with_the_line_of_the_readme(tmp_path):
    (tmp_path / "dropout-cli").write_text(f'#!/bin/sh\nexec {sys.executable} -m dropout_cli "$@"\n')
    (tmp_path / "dropout-cli").chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(_DROPOUT_CLI_COMPLETE=bash_source dropout-cli)"
        COMP_WORDS=(dropout-cli walkthrough --step pro) COMP_CWORD=3
        _dropout_cli_completion dropout-cli pro --step
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("proof\n", "")
