"""Completion, as each shell asks for it."""

import shutil
import subprocess
import sys

import pytest

COMPLETIONS = [
    ("walkthrough --step cha", ["chain-rule"]),
    ("walkthrough --step 2,proof,cha", ["2,proof,chain-rule"]),
    ("forward --rng torch-", ["torch-rand", "torch-cpu", "torch-mkl"]),
    ("backward --loss sum", ["sum", "sum-squares"]),
    ("plot --lang z", ["zh"]),
]


@pytest.mark.parametrize(("line", "expected"), COMPLETIONS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(cli, monkeypatch, shell, line, expected):
    words = line.split()
    if shell == "fish" and "," in words[-1]:
        pytest.skip("click's script for fish splits a completion at its commas")
    monkeypatch.setenv("_DROPOUT_CLI_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", f"dropout-cli {line}")
    monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
    result = cli()
    assert result.code == 0
    parts = result.out.split()  # each word with its type, and for zsh with its help, if any
    found = [each.removeprefix("plain,") for each in parts if each not in ("plain", "_")]
    assert found == expected


@pytest.mark.parametrize(
    "line", ["plot --from", "backward --from", "verify --candidate", "masks -o"]
)
def test_files_are_completed_by_the_shell(cli, monkeypatch, line):
    monkeypatch.setenv("_DROPOUT_CLI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"dropout-cli {line} sli")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert cli().out == "file,sli\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes(tmp_path):
    """Bash itself, with the line of the README, for a word that is completed in one way."""
    (tmp_path / "dropout-cli").write_text(f'#!/bin/sh\nexec {sys.executable} -m dropout_cli "$@"\n')
    (tmp_path / "dropout-cli").chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(_DROPOUT_CLI_COMPLETE=bash_source dropout-cli)"
        COMP_WORDS=(dropout-cli walkthrough --step pro) COMP_CWORD=3
        _dropout_cli_completion dropout-cli pro --step
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("proof\n", "")
