"""The command line as scripts and terminals use it."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import npy
from running import program, slow

from dropout_cli import Problem, Trace
from dropout_cli.cli import run

DRAWN = {"kind": "drawn", "rng": "numpy", "seed": 0}
RECORDS = {
    "forward": {
        "schema": "dropout-cli/trace/1", "mode": "training", "p": 0.5, "scale": 2,
        "x": [2, 4, 6, 8], "mask": [1, 0, 1, 0], "mask_source": {"kind": "given"},
        "y": [4, 0, 12, 0],
    },
    "backward": {
        "grad_y": [0.1, 0.2, 0.3, 0.4], "grad_y_source": "given", "loss": None,
        "local_grad": [2, 0, 2, 0], "grad_x": [0.2, 0, 0.6, 0],
    },
    "backward --loss sum": {"loss": 16, "grad_y": [1, 1, 1, 1], "grad_x": [2, 0, 2, 0]},
    "backward --loss mean": {"loss": 4, "grad_y": [0.25] * 4, "grad_x": [0.5, 0, 0.5, 0]},
    "backward --loss sum-squares": {
        "loss": 4**2 + 12**2, "grad_y": [8, 0, 24, 0], "grad_x": [16, 0, 48, 0],
    },
    "backward --eval -p 0.3": {
        "mode": "inference", "scale": 1, "mask": None, "mask_source": None, "y": [2, 4, 6, 8],
        "grad_x": [0.1, 0.2, 0.3, 0.4],
    },
    "backward -p 1": {
        "scale": None, "mask_source": DRAWN, "y": [0] * 4, "local_grad": [0] * 4, "grad_x": [0] * 4,
    },
    "backward -p 0": {"mask": [1, 1, 1, 1], "y": [2, 4, 6, 8]},
    "backward -p -0.0": {"p": 0, "mask": [1, 1, 1, 1]},
    "backward -p 1/3": {"p": 1 / 3},
    "backward -x 1,2,3": {"mask_source": DRAWN, "grad_y": [1, 1, 1], "grad_y_source": "sum"},
    f"forward --seed {2**70}": {"mask_source": {**DRAWN, "seed": 2**70}},
}  # fmt: skip


@pytest.mark.parametrize("line", RECORDS)
def test_json_holds_both_passes(cli, line):
    assert RECORDS[line].items() <= cli(*line.split(), "-f", "json").json.items()


def test_what_is_left_open_is_chosen_and_said(cli):
    table = cli("backward", "-x", "1 2 3").out
    assert "that numpy draws from seed 0" in table
    assert "L = Σ yᵢ =" in table


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.npy", npy(np.array([2, 4, 6, 8], dtype=np.float32))), ("x.json", b"[2, 4.0, 6e0, 8]"),
        ("x.txt", b"2,4\n6\t \n8\n"), ("x.csv", b"\xef\xbb\xbf2, 4 ,6,8"),
    ],
)  # fmt: skip
def test_a_vector_is_read_from_a_file(cli, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert cli("forward", "-x", f"@{tmp_path / name}").out == cli("forward").out


def test_a_vector_or_a_mask_is_read_from_standard_input(cli):
    assert cli("forward", "-x", "-", stdin=b"2 4 6 8").out == cli("forward").out
    assert cli("forward", "-m", "-", stdin=b"1 0 1 0").out == cli("forward").out


def test_the_mask_drawn_forward_is_used_backward(cli):
    saved = cli("forward", "-x", "1,2,3,4,5,6", "-p", "0.3", "--seed", "7", "-f", "json")
    ones = ["-g", "1,1,1,1,1,1", "-f", "json"]
    result = cli("backward", "--from", "-", *ones, stdin=saved.out.encode())
    assert result.json.items() >= saved.json.items()
    kept = [m / (1 - 0.3) for m in saved.json["mask"]]
    assert result.json["grad_x"] == pytest.approx(kept, rel=1e-15)


def test_a_saved_backward_pass_brings_its_upstream_gradient(cli, tmp_path):
    path = str(tmp_path / "pass.json")
    for options in (["-g", "4,3,2,1"], ["--loss", "sum-squares"], ["--eval"], ["-p", "1"]):
        assert cli("backward", *options, "-o", path).code == 0
        assert cli("backward", "--from", path, "-f", "json").out == Path(path).read_text()
    assert cli("backward", "--from", path, "--loss", "sum", "-f", "json").json["loss"] == 0


@pytest.mark.parametrize("loss", ["sum", "sum-squares"])
def test_json_reads_back_to_the_same_floats(cli, loss):
    floats = np.random.default_rng(0).integers(0, 2**64, 2000, dtype=np.uint64).view(np.float64)
    x = floats[np.abs(floats) < 1e150]
    given = ["-p", "0.3", "--seed", "7", "--loss", loss, "-f", "json"]
    saved = cli("backward", "-x", "-", *given, stdin=" ".join(map(repr, x.tolist())).encode())
    assert np.array(saved.json["x"]).tobytes() == x.tobytes()
    trace = Trace(Problem.create(x, 0.3, seed=7, loss=loss))
    assert np.array(saved.json["grad_x"]).tobytes() == trace.grad_x.tobytes()
    again = cli("backward", "--from", "-", "-f", "json", stdin=saved.out.encode())
    assert again.out == saved.out


@pytest.fixture
def ascii_terminal(monkeypatch):
    """Run a command where standard output takes ASCII alone, and return what it wrote."""

    def call(*args):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
        assert run(list(args)) == 0
        return written.getvalue().decode()

    return call


@pytest.mark.parametrize("command", ["forward", "backward", "walkthrough", "masks", "verify"])
@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_a_terminal_without_unicode_gets_ascii(ascii_terminal, command, form):
    assert "?" not in ascii_terminal(command, "-f", form) != ""


def test_columns_stand_below_one_another_in_ascii(ascii_terminal):
    facts = ascii_terminal("backward", "--loss", "sum-squares").split("\n\n")[1].splitlines()
    glosses = {len(fact) - len(fact.partition("   ")[2].lstrip()) for fact in facts}
    assert len(glosses) == 1  # after dL/dy = [8, 0, 24, 0]^T as after p = 0.5


@pytest.mark.parametrize("lang", ["C", slow("C.UTF-8")])
def test_the_help_can_be_read_in_a_locale_without_unicode(lang):
    locale = os.environ | {"LC_ALL": lang, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for args in (["--help"], ["forward"]):
        done = program(*args, env=locale)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()


@pytest.mark.slow
def test_colour_is_for_terminals_and_changes_no_word():
    def printed(**variables):
        return program("walkthrough", env=os.environ | {"COLUMNS": "80"} | variables).stdout

    plain, coloured = printed(), printed(FORCE_COLOR="1", NO_COLOR="")
    ansi = re.compile(r"\x1b\[[0-9;]*m")
    assert "\x1b" not in plain
    assert len(set(ansi.findall(coloured))) >= 4  # heading, kept, dropped, and back
    assert [line.rstrip() for line in ansi.sub("", coloured).splitlines()] == plain.splitlines()
    assert printed(FORCE_COLOR="1", NO_COLOR="1") == plain


@pytest.mark.parametrize(
    ("args", "modules"),
    [
        (["--help"], {"numpy", "rich", "matplotlib"}),
        (["plot", "--help"], {"numpy", "rich", "matplotlib"}),
        (["backward", "-f", "json"], {"rich", "matplotlib"}),
    ],
)
def test_a_command_loads_no_library_that_it_does_not_need(args, modules):
    code = (
        "import sys\n"
        "from dropout_cli.cli import run\n"
        f"assert run({args!r}) == 0\n"
        f"print({modules!r} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.strip() == b"set()"


def test_a_bare_call_shows_the_help_and_version_the_version(cli):
    assert re.search(r"\d+\.\d+\.\d+", cli("--version").out)
    assert cli().out == cli("--help").out


def test_the_help_names_every_mask_source(cli):
    from dropout_cli.cli import options
    from dropout_cli.masks import SOURCES

    assert tuple(SOURCES) == options.SOURCES, "SOURCES in dropout_cli/cli/options.py"
    for command in ("forward", "backward", "walkthrough", "plot", "verify"):
        assert f"Draw it with: {', '.join(SOURCES)}." in cli(command, "--help").words


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        ("forward", ".md"),
        ("backward", ".html"),
        *(slow("walkthrough", suffix) for suffix in (".json", ".md", ".txt", ".html", ".svg")),
        *(("verify", suffix) for suffix in (".json", ".md", ".txt", ".html", ".svg", ".xml")),
    ],
)
def test_a_file_is_the_same_each_time_and_leaves_nothing_beside_it(cli, tmp_path, command, suffix):
    path = tmp_path / "deep" / "er" / f"page{suffix}"
    result = cli(command, "-o", str(path))
    lanes = path.with_name("page-lanes.svg")
    written = [lanes, path] if (command, suffix) == ("walkthrough", ".md") else [path]
    assert result.code == 0
    assert result.out == (cli("verify").out if suffix == ".xml" else "")
    assert result.err == "".join(f"wrote {each}\n" for each in written)
    first = path.read_bytes()
    os.environ["COLUMNS"] = "50"
    assert cli(command, "-o", str(path)).code == 0
    assert path.read_bytes() == first
    assert sorted(path.parent.iterdir()) == written
    names = rb'xmlns(:\w+)?="[^"]*"|<!-- Generated with Rich https://www.textualize.io -->'
    assert b"http" not in re.sub(names, b"", first)  # nothing is loaded


@pytest.mark.parametrize(("theme", "ground"), [("dark", "#0f1419"), slow("light", "#ffffff")])
def test_a_picture_of_a_terminal_has_its_theme_and_is_as_wide_as_its_lines(
    cli, tmp_path, theme, ground
):
    widths = {}
    for command in ("walkthrough --list", "walkthrough"):
        path = tmp_path / f"{command}.svg"
        assert cli(*command.split(), "-o", str(path), "--theme", theme).code == 0
        svg = path.read_text("utf-8")
        assert f'fill="{ground}"' in svg
        widths[command] = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    assert widths["walkthrough --list"] < 0.9 * widths["walkthrough"]
