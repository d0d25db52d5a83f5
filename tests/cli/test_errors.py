"""What cannot be done is said in one sentence, and changes nothing."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="pipes, signals and permissions are those of POSIX"
)
PROC = pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc here")

FILES = {
    "pickled.npy": lambda path: np.save(path, np.array([{}, 1], dtype=object), allow_pickle=True),
    "complex.npy": lambda path: np.save(path, np.array([1j])),
    "nan.npy": lambda path: np.save(path, np.array([1, np.nan])),
    "long.npy": lambda path: np.save(path, np.array([np.longdouble("1e4000")])),
    "rubbish.npy": lambda path: path.write_bytes(bytes(range(256))),
    "rubbish.txt": lambda path: path.write_bytes(bytes(range(256))),
    "empty.txt": lambda path: path.write_bytes(b""),
    "nul.txt": lambda path: path.write_bytes(b"1\x002"),
    "word.json": lambda path: path.write_text('[1, 2, "a"]'),
    "ragged.json": lambda path: path.write_text("[[1, 2], [3]]"),
    "mixed.json": lambda path: path.write_text("[1, [2]]"),
    "broken.json": lambda path: path.write_text('{"schema": '),
    "deep.json": lambda path: path.write_text("[" * 100_000),
    "inf.json": lambda path: path.write_text("[1, 1e999]"),
    "snan.npy": lambda path: np.save(path, np.array([0x7FA00001], "<u4").view("<f4")),
    "huge.json": lambda path: path.write_text("[1" + "0" * 400 + "]"),
    "folder.txt": Path.mkdir,
    "folder.json": Path.mkdir,
}

REQUESTS = [
    # the input
    ("forward -x abc", "element 1 of x is 'abc'"),
    ("forward -x 1,2,abc,4", "element 3 of x is 'abc'"),
    ("forward -x=", "x is empty"),
    ("forward -x 1,,2", "x has two commas with no number between them"),
    ("forward -x nan", "element 1 of x is nan"),
    ("forward -x 1,-inf", "element 2 of x is -inf"),
    ("backward -g 1,2,x,4", "element 3 of grad_y is 'x'"),
    ("backward -g nan,1,1,1", "element 1 of grad_y is nan"),
    ("backward -g 1,2", "grad_y has length 2, but it must have length 4"),
    ("forward -m 1,0", "mask has length 2, but it must have length 4"),
    ("forward -m 1,2,0,1", "element 2 of mask is 2"),
    # the probability
    ("forward -p 1.5", "p is 1.5"),
    ("forward -p -0.1", "p is -0.1"),
    ("forward -p nan", "p is nan"),
    ("forward -p half", "'half' is neither a number nor a fraction such as 1/3"),
    ("forward -p 0 -m 1010", "element 2 of mask is 0, but p = 0"),
    ("forward -p 1 -m 1010", "element 1 of mask is 1, but p = 1"),
    # contradictions
    ("forward -m 1010 -s 1", "a given mask cannot be combined with a seed"),
    ("backward -g 1,2,3,4 --loss sum", "grad_y cannot be combined with a loss"),
    ("forward --skip 3", "skip counts draws of MT19937, but default_rng draws with PCG64"),
    ("forward --rng torch-cpu --skip -1", "skip is -1, but it must be from 0 to 1000000000"),
    ("verify --against torch --skip 3 --rng torch-cpu", "--skip cannot be combined with --against"),
    ("forward -g 1,1,1,1", "-g belongs to backward, plot, verify, walkthrough, not to forward"),
    ("backward --upstream 1,1,1,1", "No such option '--upstream'"),
    ("walkthrough --step foo", "there is no step 'foo': give a name of --list"),
    ("forward -x 1.0 -2.0 3.0", "quotes around the numbers, -x '1.0 -2.0 3.0'"),
    (
        "forward -m 1 1 0 0",
        "write commas without spaces, or quotes around the numbers, -m '1 1 0 0'",
    ),
    ("verify --y [4., 0., 12., 0.]", "--y takes one word"),
    ("forward -x [[1,2],[3,4]] -m [[1,0]]", "the shapes of x, mask and grad_y differ"),
    ("forward --eval -m 1010", "inference has no mask"),
    ("forward -f table -o a.json", "--format table cannot be combined with -o a.json"),
    ("forward -o a.npz", "the name 'a.npz' must end in one of .json, .md"),
    ("masks --below 5", "--below belongs to --find"),
    ("walkthrough --pause -f json", "--format cannot be combined with --pause, which presents in"),
    ("masks -n 3 -m 10", "mask has length 2, but it must have length 3, a bit for each element"),
    ("forward -f json -o page.md", "--format json cannot be combined with -o page.md"),
    ("backward -x - -g -", "x is empty, but it must hold at least one number"),
    (
        "backward --from saved.json -p 0.5",
        "--drop-prob cannot be combined with --from, which already sets it",
    ),
    # options
    ("forward -s -1", "seed is -1"),
    ("forward --rng dice", "'dice' is not one of 'numpy', 'torch-rand'"),
    ("backward --loss huber", "'huber' is not one of 'sum', 'mean', 'sum-squares'"),
    ("forward -f xml", "'xml' is not one of"),
    ("forward --nonsense", "No such option '--nonsense'"),
    ("nonsense", "No such command 'nonsense'"),
    # files to read
    ("forward -x @missing", "cannot read missing: No such file"),
    ("forward -x @folder.txt", "cannot read folder.txt: Is a directory"),
    ("forward -x @pickled.npy", "pickled.npy is not a .npy file of real numbers"),
    ("forward -x @complex.npy", "complex.npy is not a .npy file of real numbers"),
    ("forward -x @nan.npy", "element 2 of x is nan"),
    ("forward -x @long.npy", "element 1 of x is inf"),
    ("forward -x @rubbish.npy", "rubbish.npy is not a .npy file"),
    ("forward -x @rubbish.txt", "rubbish.txt is not UTF-8 text: byte 129 is 0x80"),
    ("forward -x @empty.txt", "x is empty"),
    ("forward -x @nul.txt", "element 1 of x is '1\\x002'"),
    ("forward -x @word.json", "element 3 of x is 'a', which is not a number"),
    ("forward -x @ragged.json", "x has rows of different lengths, but they must be one"),
    ("forward -x @mixed.json", "x has rows of different lengths"),
    ("forward -x @broken.json", "broken.json is not JSON"),
    ("forward -x @deep.json", "deep.json is not JSON: maximum recursion depth"),
    ("forward -x @inf.json", "element 2 of x is inf"),
    ("forward -x @huge.json", "element 1 of x is inf"),
    ("forward -x @snan.npy", "element 1 of x is nan"),
    ("backward --from broken.json", "broken.json is not JSON"),
    ("backward --from word.json", "word.json is not a saved pass"),
    ("backward --from -", "standard input is not JSON"),
    # files to write
    ("forward -o page", "must end in one of .json"),
    ("forward -o page.gif", "must end in one of .json"),
    ("plot -o figure.jpg", "must end in one of .png"),
    ("forward -o folder.json", "cannot write folder.json: Is a directory"),
    ("forward -o saved.json/page.json", "cannot write saved.json/page.json"),
    ("forward -o /proc/page.json", "cannot write /proc/page.json"),
    # results beyond a float
    ("forward -x 1e308,1,1,1", "element 1 of y overflows"),
    ("backward -g 1,1,1e308,1", "element 3 of grad_x overflows"),
    # the figure
    ("plot --size 0x0", "size is 0x0"),
    ("plot --size 14", "--size is '14'"),
    ("plot --size infx10", "size is infx"),
    ("plot --dpi 0", "dpi is 0"),
    ("plot --panel x --layout flow", "--panel cannot be combined with lanes"),
    ("plot --layout panels -o flow.gif", "the layout panels cannot be combined with an animation"),
    ("plot --transparent -o flow.gif", "--transparent cannot be combined with an animation"),
    ("plot --size 30x30 -o flow.gif", "2880x2880 pixels"),
    ("plot -x 1,2,3,4,5,6,7,8,9,10,11,12,13 -o flow.gif", "an animation shows at most 12 elements"),
    ("plot --from nothing.png", "cannot read nothing.png"),
    ("plot --from a.png -x 1,2", "--input cannot be combined with --from, which already sets it"),
    ("plot -x 1e305,1,1,1", "too large to draw"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, make in FILES.items():
        make(folder / name)
    (folder / "saved.json").write_text('{"kept": "as it was"}')
    return folder


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        pytest.param(line, says, id=line, marks=[PROC] if "/proc" in line else [])
        for line, says in REQUESTS
    ],
)
def test_one_sentence_and_nothing_changed(cli, monkeypatch, folder, request_, says):
    monkeypatch.chdir(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    args = request_.replace("-x=", "--input=").split(" ")
    result = cli(*args)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Error: ")
    assert says in result.err
    assert "a defect" not in result.err
    assert result.err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


GOOD = {
    "schema": "dropout-cli/trace/1", "mode": "training", "p": 0.5, "scale": 2.0, "x": [1.0, 2.0],
    "mask": [1, 0], "mask_source": {"kind": "given"}, "y": [2.0, 0.0],
}  # fmt: skip
DRAWN = {"kind": "drawn", "rng": "numpy", "seed": 0}
UPSTREAM = {
    "grad_y": [1.0, 1.0], "grad_y_source": "sum", "loss": 2.0, "local_grad": [2.0, 0.0],
    "grad_x": [2.0, 0.0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "dropout-cli/trace/2"}, "its schema must be 'dropout-cli/trace/1'"),
        ({"mode": "test"}, "mode does not follow"),
        ({"mode": "inference"}, "inference has no mask"),
        ({"p": "0.5"}, "p does not follow"),
        ({"p": 2}, "p is 2"),
        ({"x": "12"}, "x is not a list"),
        ({"x": []}, "x is empty"),
        ({"x": [1, None]}, "element 2 of x is 'None'"),
        ({"mask": None}, "mask does not follow"),
        ({"mask": [1]}, "mask has length 1"),
        ({"mask": [1, 2]}, "element 2 of mask is 2"),
        ({"mask_source": None}, "mask_source does not follow"),
        ({"mask_source": {"kind": "drawn"}}, "mask_source does not follow"),
        ({"mask_source": DRAWN | {"rng": "dice"}}, "rng is 'dice'"),
        ({"mask_source": DRAWN, "mask": [1, 0]}, "mask does not follow from the rest of the pass"),
        ({"y": [2.0, 0.5]}, "y does not follow from the rest of the pass"),
        ({"y": [2.0]}, "y does not follow from the rest of the pass"),
        ({"y": None}, "y does not follow"),
        ({"scale": 3}, "scale does not follow"),
        ({"p": 10**400}, "it must be a number from 0 to 1"),
        ({"mask_source": DRAWN | {"seed": 1.5}}, "mask_source does not follow"),
        (UPSTREAM | {"grad_y_source": []}, "loss is '[]'"),
        (UPSTREAM | {"grad_y": [7, 7]}, "grad_y does not follow"),
        (UPSTREAM | {"grad_x": [7, 7]}, "grad_x does not follow"),
        (UPSTREAM | {"loss": 99}, "loss does not follow"),
        (UPSTREAM | {"grad_y_source": "given", "grad_y": [1]}, "grad_y has length 1"),
        ({"grad_y_source": "given"}, "has no 'grad_y'"),
        (UPSTREAM | {"grad_y_source": "huber"}, "loss is 'huber'"),
        (UPSTREAM | {"grad_y_source": 3}, "loss is '3'"),
        ({"grad_y": [5, 5]}, "the saved pass has no 'grad_y_source'"),
        *((UPSTREAM | {key: ...}, f"has no '{key}'") for key in UPSTREAM),
        *(({key: ...}, f"has no '{key}'") for key in GOOD if key != "schema"),
    ],
)
def test_a_saved_pass_that_contradicts_itself(cli, change, says):
    saved = {key: value for key, value in (GOOD | change).items() if value is not ...}
    result = cli("backward", "--from", "-", stdin=json.dumps(saved).encode())
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert "standard input" in result.err
    assert result.err.count("\n") == 1


def test_the_saved_pass_that_the_above_changes_is_good(cli):
    assert cli("backward", "--from", "-", stdin=json.dumps(GOOD).encode()).code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("args", [["forward"], ["--help"]])
def test_a_full_standard_output(args):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dropout_cli", *args],
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 2
    assert done.stderr == b"Error: the operating system refused: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["plot", "-o", "saved.png"], marks=pytest.mark.slow, id="plot"),
        pytest.param(["walkthrough", "-o", "saved.svg"], id="svg"),
    ],
)
def test_a_full_disk_leaves_the_old_file(tmp_path, args):
    limited = (
        "import os, resource, sys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "os.execv(sys.executable, [sys.executable, '-B', '-m', 'dropout_cli', *sys.argv[1:]])"
    )
    old = tmp_path / args[-1]
    old.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", limited, *args],
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 2
    assert done.stderr == f"Error: cannot write {args[-1]}: File too large\n".encode()
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("columns", ["0", "-5", "wide", "9" * 20, ""])
def test_a_width_that_is_none(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    result = cli("forward")
    assert (result.code, result.err) == (0, "")
    assert "1   2   1  1 × 2 / 0.5   4  ✓ kept" in result.out


def test_termination_while_writing_leaves_nothing(tmp_path, monkeypatch, cli):
    """What SIGTERM raises, at the worst moment."""
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: sys.exit(143))
    assert cli("forward", "-o", str(tmp_path / "page.json")).code == 143
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "number", "code"),
    [("win32", errno.EINVAL, 141), ("linux", errno.EPIPE, 141), ("linux", errno.EINVAL, 2)],
)
def test_a_closed_pipe_is_another_error_on_windows(cli, monkeypatch, platform, number, code):
    def closed(*_):
        raise OSError(number, "closed")

    monkeypatch.setattr("dropout_cli.cli.output.print_page", closed)
    monkeypatch.setattr(sys, "platform", platform)
    result = cli("forward")
    assert (result.code, result.err != "") == (code, code == 2)


@pytest.mark.parametrize("name", ["report.xml", "report.json", "report.md"])
@pytest.mark.parametrize("args", ["--layer no_module:Nope", "--candidate missing.json", "-p 2"])
def test_no_report_of_an_earlier_run_stays(cli, tmp_path, monkeypatch, name, args):
    monkeypatch.chdir(tmp_path)
    assert cli("verify", "-o", name).code == 0
    assert Path(name).exists()
    assert cli("verify", *args.split(), "-o", name).code == 2
    assert not Path(name).exists()


def test_a_candidate_is_no_report_of_an_earlier_run(cli, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"x": "broken"}')
    assert cli("verify", "--candidate", str(path), "-o", str(path)).code == 2
    assert path.exists()


def test_even_a_defect_is_one_sentence(cli, monkeypatch):
    monkeypatch.setattr("dropout_cli.views.passes.forward_page", lambda *_: 1 // 0)
    result = cli("forward")
    assert (result.code, result.out) == (2, "")
    assert result.err == "Error: a defect of dropout-cli, ZeroDivisionError: " + (
        "integer division or modulo by zero\n"
    )


def test_a_library_that_cannot_be_loaded(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "dropout_cli.trace", None)
    result = cli("forward")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Error: a library cannot be loaded: import of dropout_cli.trace")


@pytest.mark.slow
def test_in_development_mode_a_defect_shows_its_traceback():
    code = (
        "import dropout_cli.views.passes as passes\n"
        "passes.forward_page = lambda *_: 1 // 0\n"
        "from dropout_cli.cli import run\n"
        "run(['forward'])\n"
    )
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a\nwrote b.md", r"a\nwrote b.md"), ("\x1b[31mred.md", r"\x1b[31mred.md"),
        ("\x85.md", r"\x85.md"), ("\u2028\u202e.md", r"\u2028\u202e.md"),
    ],
)  # fmt: skip
def test_no_name_reaches_the_terminal_raw(cli, tmp_path, monkeypatch, name, told):
    monkeypatch.chdir(tmp_path)
    assert cli("forward", "-o", name).err == f"wrote {told}\n"
    assert told in cli("forward", "-x", f"@{name}x").err
    assert cli("forward", name).err.count("\n") == 1


def test_a_long_word_is_shortened_in_its_middle(cli):
    err = cli("forward", "-s", "1" + "2" * 4000 + "3x").err
    assert len(err) < 400
    assert "'12" in err
    assert "23x'" in err
    assert "…" in err


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("-x 8e307,8e307,8e307,1 -m 1110 -p 0.1 -g 1,1,1,1", "L = Σ yᵢ ≈ 2.66667e+308"),
        ("-x 1e308,1,1,1 -m 0111 --loss sum-squares", "∂L/∂x = ∂L/∂y = [2.00000e+308, 2, 2, 2]ᵀ"),
    ],
)
def test_a_loss_that_nobody_asked_for_may_overflow(cli, problem, says):
    assert cli("verify", *problem.split()).code == 0
    told = cli("walkthrough", *problem.split())
    assert told.code == 0
    assert says in told.out
    assert cli("walkthrough", *problem.split(), "-f", "json").code == 0


def test_an_overflow_at_an_element_that_is_not_shown_is_told(cli):
    problem = [f"-x{','.join(['1'] * 9 + ['1e308'] + ['1'] * 9)}", f"-m{'1' * 9}0{'1' * 9}"]
    problem += ["--loss", "sum-squares"]
    told = cli("walkthrough", *problem)
    assert (told.code, told.err) == (0, "")
    result = cli("walkthrough", *problem, "--step", "inference", "-f", "json")
    assert (result.code, json.loads(result.out)["steps"][0]["numbers"]) == (0, {})
