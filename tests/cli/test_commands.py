"""The command line as scripts and terminals use it."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dropout_cli import RequestError
from dropout_cli.cli import run
from dropout_cli.cli.input import read_problem
from dropout_cli.formats.json import to_json
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.views.context import Context
from dropout_cli.views.passes import backward_record, backward_table
from dropout_cli.views.walkthrough import page
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

COMMANDS = ("forward", "backward", "walkthrough", "plot", "masks", "verify")
PROGRAM = [sys.executable, "-m", "dropout_cli"]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def process(*args: str, **options) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "COLUMNS": "80", **options.pop("env", {})}
    return subprocess.run([*PROGRAM, *args], env=environment, capture_output=True, **options)


def test_forward_json(cli):
    assert cli("forward", "-f", "json").json == {
        "schema": "dropout-cli/trace/1",
        "mode": "training",
        "p": 0.5,
        "scale": 2.0,
        "x": [2, 4, 6, 8],
        "mask": [1, 0, 1, 0],
        "mask_source": {"kind": "given"},
        "y": [4, 0, 12, 0],
    }


def test_backward_json(cli):
    document = cli("backward", "-f", "json").json
    assert document["grad_y"] == [0.1, 0.2, 0.3, 0.4]
    assert document["grad_y_source"] == "given"
    assert document["loss"] is None
    assert document["local_grad"] == [2, 0, 2, 0]
    assert document["grad_x"] == [0.2, 0, 0.6, 0]


def test_losses(cli):
    document = cli("backward", "--loss", "sum", "-f", "json").json
    assert (document["loss"], document["grad_y"]) == (16, [1, 1, 1, 1])
    assert document["grad_x"] == [2, 0, 2, 0]
    document = cli("backward", "--loss", "sum-squares", "-f", "json").json
    assert (document["loss"], document["grad_y"]) == (4**2 + 12**2, [8, 0, 24, 0])
    assert document["grad_x"] == [16, 0, 48, 0]


def test_inference(cli):
    document = cli("backward", "--eval", "-p", "0.3", "-f", "json").json
    assert (document["mode"], document["scale"]) == ("inference", 1)
    assert document["mask"] is document["mask_source"] is None
    assert document["y"] == document["x"]
    assert document["grad_x"] == document["grad_y"]


def test_the_ends_of_p(cli):
    document = cli("backward", "-p", "1", "-f", "json").json
    assert document["scale"] is None
    assert document["mask_source"] == {"kind": "drawn", "rng": "numpy", "seed": 0}
    assert document["y"] == document["local_grad"] == document["grad_x"] == [0, 0, 0, 0]
    document = cli("backward", "-p", "0", "-f", "json").json
    assert (document["mask"], document["y"]) == ([1, 1, 1, 1], [2, 4, 6, 8])


def test_what_is_left_open_is_chosen_and_said(cli):
    document = cli("backward", "-x", "1 2 3", "-f", "json").json
    assert document["mask_source"] == {"kind": "drawn", "rng": "numpy", "seed": 0}
    assert (document["grad_y"], document["grad_y_source"]) == ([1, 1, 1], "sum")
    table = cli("backward", "-x", "1 2 3").out
    assert "that numpy draws from seed 0" in table
    assert "L = Σ yᵢ =" in table


@pytest.mark.parametrize("seed", [0, 7, 2**70])
def test_a_seed_draws_the_same_mask_each_time(cli, seed):
    first = cli("forward", "--seed", str(seed), "-f", "json").json
    assert first == cli("forward", "--seed", str(seed), "--rng", "numpy", "-f", "json").json
    assert first["mask_source"]["seed"] == seed


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.npy", lambda path: np.save(path, np.array([2, 4, 6, 8], dtype=np.float32))),
        ("x.json", lambda path: path.write_text("[2, 4.0, 6e0, 8]")),
        ("x.txt", lambda path: path.write_text("2,4\n6\t \n8\n")),
        ("x.csv", lambda path: path.write_bytes(b"\xef\xbb\xbf2, 4 ,6,8")),
    ],
)
def test_vectors_from_files(cli, tmp_path, name, write):
    write(tmp_path / name)
    assert cli("forward", "-x", f"@{tmp_path / name}").out == cli("forward").out


def test_a_vector_and_a_mask_from_standard_input(cli):
    assert cli("forward", "-x", "-", stdin=b"2 4 6 8").out == cli("forward").out
    assert cli("forward", "-m", "-", stdin=b"1 0 1 0").out == cli("forward").out
    assert cli("forward", "-m", "1010").out == cli("forward").out


def test_the_mask_sampled_forward_is_used_backward(cli):
    saved = cli("forward", "-x", "1,2,3,4,5,6", "-p", "0.3", "--seed", "7", "-f", "json")
    result = cli(
        "backward", "--from", "-", "-g", "1,1,1,1,1,1", "-f", "json", stdin=saved.out.encode()
    )
    assert result.json.items() >= saved.json.items()
    kept = [m / (1 - 0.3) for m in saved.json["mask"]]
    assert result.json["grad_x"] == pytest.approx(kept, rel=1e-15)


def test_a_saved_backward_pass_brings_its_upstream_gradient(cli, tmp_path):
    for options in (["-g", "4,3,2,1"], ["--loss", "sum-squares"], ["--eval"], ["-p", "1"]):
        path = str(tmp_path / "pass.json")
        assert cli("backward", *options, "-o", path).code == 0
        assert cli("backward", "--from", path, "-f", "json").out == Path(path).read_text()
    assert cli("backward", "--from", path, "--loss", "sum", "-f", "json").json["loss"] == 0


VECTORS = st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=30)


@given(VECTORS, st.floats(0, 1), st.integers(0, 2**64), st.sampled_from(["sum", "sum-squares"]))
def test_json_reads_back_to_the_same_floats(x, p, seed, loss):
    trace = Trace(Problem.create(x, p, seed=seed, loss=loss))
    try:
        text = to_json(backward_record(trace))
    except RequestError:
        assume(False)
    again = Trace(read_problem(json.loads(text), "text"))
    for name in ("y", "grad_y", "local_grad", "grad_x"):
        assert getattr(again, name).tobytes() == getattr(trace, name).tobytes()
    assert (again.loss_value, again.scale) == (trace.loss_value, trace.scale)
    assert again.problem.x.tobytes() == trace.problem.x.tobytes()


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "plot"])
@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_a_terminal_without_unicode_gets_ascii(monkeypatch, command, form):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert run([command, "-f", form]) == 0
    assert b"?" not in written.getvalue() != b""


def test_columns_stand_below_one_another_in_ascii(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert run(["backward", "--loss", "sum-squares"]) == 0
    facts = written.getvalue().decode().split("\n\n")[1].splitlines()  # dL/dy = [8, 0, 24, 0]^T   …
    assert len({len(fact) - len(fact.partition("   ")[2].lstrip()) for fact in facts}) == 1


@pytest.mark.parametrize("lang", ["C", pytest.param("C.UTF-8", marks=pytest.mark.slow)])
def test_the_help_in_a_locale_without_unicode(lang):
    environment = {"LC_ALL": lang, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for args in (["--help"], ["forward"]):
        result = process(*args, env=environment)
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout.decode("ascii")


@pytest.mark.slow
def test_colour_is_for_terminals_and_changes_no_word():
    plain = process("walkthrough").stdout.decode()
    assert "\x1b" not in plain
    coloured = process("walkthrough", env={"FORCE_COLOR": "1", "NO_COLOR": ""}).stdout.decode()
    assert len(set(ANSI.findall(coloured))) >= 4  # heading, kept, dropped, and back
    bare = ANSI.sub("", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()
    assert (
        process("walkthrough", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout.decode() == plain
    )


def test_a_closed_pipe_ends_quietly():
    vector = " ".join(map(str, range(100_000)))
    with subprocess.Popen(
        [*PROGRAM, "forward", "-x", "-", "-f", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdin.write(vector.encode())
        running.stdin.close()
        assert running.stdout.read(1) == b"{"
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize(
    ("args", "modules"),
    [
        (["--help"], {"numpy", "rich", "matplotlib"}),
        (["plot", "--help"], {"numpy", "rich", "matplotlib"}),
        (["backward", "-f", "json"], {"rich", "matplotlib"}),
    ],
)
def test_a_command_waits_for_no_library_that_it_does_not_need(args, modules):
    code = (
        "import sys\n"
        "from dropout_cli.cli import run\n"
        f"assert run({args!r}) == 0\n"
        f"print({modules!r} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.strip() == b"set()"
    assert done.stdout


def test_version_and_bare_call(cli):
    assert re.search(r"\d+\.\d+\.\d+", cli("--version").out)
    assert cli().out == cli("--help").out


def test_the_help_names_every_mask_source(cli):
    from dropout_cli.cli import options
    from dropout_cli.masks import SOURCES

    assert tuple(SOURCES) == options.SOURCES, "SOURCES in dropout_cli/cli/options.py"
    for command in ("forward", "backward", "walkthrough", "plot", "verify"):
        help_ = " ".join(cli(command, "--help").out.split())
        assert f"Draw it with: {', '.join(SOURCES)}." in help_


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        ("forward", ".md"),
        ("backward", ".html"),
        *(
            pytest.param("walkthrough", suffix, marks=pytest.mark.slow)
            for suffix in (".json", ".md", ".txt", ".html", ".svg")
        ),
    ],
)
def test_files_are_the_same_each_time_and_leave_nothing_beside(cli, tmp_path, command, suffix):
    path = tmp_path / "deep" / "er" / f"page{suffix}"
    result = cli(command, "-o", str(path))
    lanes = path.with_name("page-lanes.svg")
    written = [lanes, path] if (command, suffix) == ("walkthrough", ".md") else [path]
    assert (result.code, result.out) == (0, "")
    assert result.err == "".join(f"wrote {each}\n" for each in written)
    first = path.read_bytes()
    os.environ["COLUMNS"] = "50"
    assert cli(command, "-o", str(path)).code == 0
    assert path.read_bytes() == first
    assert sorted(path.parent.iterdir()) == written
    names = rb'xmlns(:\w+)?="[^"]*"|<!-- Generated with Rich https://www.textualize.io -->'
    assert b"http" not in re.sub(names, b"", first)  # nothing is loaded


class CountingMessages(Messages):
    said = 0

    def number(self, value: float) -> str:
        CountingMessages.said += 1
        return super().number(value)


@pytest.mark.slow
def test_a_long_vector_costs_no_more_to_lay_out_than_a_short_one():
    counts = []
    for n in (100, 100_000):
        CountingMessages.said = 0
        trace, messages = Trace(Problem.create(np.ones(n))), CountingMessages(load("en"))
        table = backward_table(Context(trace, messages))
        derivation = page(trace, messages, [step["id"] for step in messages.prose["step"]])
        counts.append((len(table.rows), len(derivation), CountingMessages.said))
    (rows, blocks, said), (more_rows, more_blocks, more_said) = counts
    assert more_said <= said + 10
    assert rows == more_rows == 13
    assert more_blocks <= blocks + 1  # wider indices break one formula in two
    assert [row[-1] for row in table.rows if row[0] == "⋮"] == ["99,988 more"]
    assert [row[0] for row in table.rows][-1] == "100,000"


@pytest.mark.parametrize(
    ("theme", "ground"),
    [("dark", "#0f1419"), pytest.param("light", "#ffffff", marks=pytest.mark.slow)],
)
def test_a_picture_of_a_terminal_has_its_theme_and_its_width(cli, tmp_path, theme, ground):
    widths = {}
    for command in ("walkthrough --list", "walkthrough"):
        path = tmp_path / f"{command}.svg"
        assert cli(*command.split(), "-o", str(path), "--theme", theme).code == 0
        svg = path.read_text("utf-8")
        assert f'fill="{ground}"' in svg
        widths[command] = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    assert widths["walkthrough --list"] < 0.9 * widths["walkthrough"]  # as wide as what it holds
