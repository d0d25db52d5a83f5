"""What cannot be done is said in one sentence, and changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import npy

FILES = {
    "pickled.npy": npy(np.array([{}, 1], dtype=object)), "complex.npy": npy(np.array([1j])),
    "nan.npy": npy(np.array([1, np.nan])), "rubbish.npy": bytes(range(256)),
    "rubbish.txt": bytes(range(256)), "empty.txt": b"", "word.json": b'[1, 2, "a"]',
    "broken.json": b'{"schema": ', "deep.json": b"[" * 100_000, "inf.json": b"[1, 1e999]",
    "long.json": b"[1" + b"0" * 400 + b"]", "saved.json": b'{"kept": "as it was"}',
    "many.npy": npy(np.zeros(10**7 + 1, np.int8)), "mine.json": b'{"y": [4, 0]}',
    "p.json": b'{"y": [4, 0], "p": 0.5}',
    "mask.json": b'{"x": [2, 4], "p": 0.5, "y": [4, 0], "mask": [1, 0]}',
    "right.json": b'{"x": [2, 4], "p": 0.5, "mask": [1, 0], "y": [4, 0]}',
}  # fmt: skip

REQUESTS = [
    # numbers
    ("forward -x 1,2,abc,4", "element 3 of x is 'abc', which is not a number"),
    ("forward --input=", "x is empty"),
    ("forward -x 1,-inf", "element 2 of x is -inf"),
    ("backward -x - -g -", "x is empty, but it must hold at least one number"),
    ("backward -g 1,2", "grad_y has length 2, but it must have length 4"),
    ("backward -g nan,1,1,1", "element 1 of grad_y is nan"),
    ("forward -m 1,0", "mask has length 2, but it must have length 4, a bit for each element"),
    ("forward -m 1,2,0,1", "element 2 of mask is 2"),
    ("forward -x [[1,2],[3,4]] -m [[1,0]]", "the shapes of x, mask and grad_y differ"),
    ("forward -p 1.5", "p is 1.5"),
    ("forward -p a/3", "'a/3' is neither a number nor a fraction such as 1/3"),
    ("forward -p 1/0", "'1/0' is neither a number nor a fraction such as 1/3"),
    ("forward -p 0 -m 1010", "element 2 of mask is 0, but p = 0"),
    ("forward -s -1", "seed is -1, but numpy takes integers from 0 up"),
    ("forward --rng torch-cpu --skip -1", "skip is -1, but it must be from 0 to 1000000000"),
    # results beyond a float
    ("forward -x 1e308,1,1,1", "element 1 of y overflows"),
    ("backward -g 1,1,1e308,1", "element 3 of grad_x overflows"),
    # contradictions
    ("forward -m 1010 -s 1", "a given mask cannot be combined with a seed"),
    ("forward --eval -m 1010", "inference has no mask"),
    ("backward -g 1,2,3,4 --loss sum", "grad_y cannot be combined with a loss"),
    ("forward --skip 3", "skip counts draws of MT19937, but default_rng draws with PCG64"),
    ("backward --from saved.json -p 0.5", "--drop-prob cannot be combined with --from, which"),
    ("plot --from a.png -x 1,2", "--input cannot be combined with --from, which already sets it"),
    # options
    ("forward -g 1,1,1,1", "-g belongs to backward, plot, verify, walkthrough, not to forward"),
    ("masks --precision 3", "--precision belongs to backward, forward, plot, verify, walkthrough"),
    ("backward --upstream 1,1,1,1", "No such option '--upstream'"),
    ("forward --presicion 3", "Did you mean '--precision'?"),
    ("forward -x 1.0 -2.0 3.0", "quotes around the numbers, -x '1.0 -2.0 3.0'"),
    ("forward -m 1 1 0 0", "write commas without spaces, or quotes around the numbers, -m '1 1 0"),
    ("verify --y [4., 0., 12., 0.]", "--y takes one word"),
    ("forward --rng dice", "'dice' is not one of 'numpy', 'torch-rand'"),
    ("backward --loss huber", "'huber' is not one of 'sum', 'mean', 'sum-squares'"),
    ("nonsense", "No such command 'nonsense'"),
    # files to read
    ("forward -x @missing", "cannot read missing: No such file"),
    ("forward -x @folder.txt", "cannot read folder.txt: Is a directory"),
    *((f"forward -x @{name}.npy", f"{name}.npy is not a .npy file of real numbers")
      for name in ("pickled", "complex", "rubbish")),
    ("forward -x @nan.npy", "element 2 of x is nan"),
    ("forward -x @many.npy", "x has 10,000,001 elements, but at most 10,000,000 are taken"),
    ("forward -x @rubbish.txt", "rubbish.txt is not UTF-8 text: byte 129 is 0x80"),
    ("forward -x @empty.txt", "x is empty"),
    ("forward -x @word.json", "element 3 of x is 'a', which is not a number"),
    ("forward -x @broken.json", "broken.json is not JSON"),
    ("forward -x @deep.json", "deep.json is not JSON: maximum recursion depth"),
    ("forward -x @inf.json", "element 2 of x is inf"),
    ("forward -x @long.json", "element 1 of x is inf"),
    ("backward --from broken.json", "broken.json is not JSON"),
    ("backward --from word.json", "word.json is not a saved pass"),
    ("backward --from -", "standard input is not JSON"),
    ("plot --from nothing.png", "cannot read nothing.png"),
    # files to write
    ("forward -o a.npz", "the name 'a.npz' must end in one of .json, .md"),
    ("forward -o page", "must end in one of .json"),
    ("plot -o figure.jpg", "must end in one of .png"),
    ("verify -o report.yaml", "must end in one of .json, .md, .ipynb, .html, .svg, .txt, .xml"),
    ("forward -o folder.json", "cannot write folder.json: Is a directory"),
    ("forward -o saved.json/page.json", "cannot write saved.json/page.json"),
    # what would have no effect
    ("forward -f json -o page.md", "--format json cannot be combined with -o page.md"),
    ("forward -f json --precision 3", "--precision has no effect on .json output"),
    ("backward -o a.json --precision 3", "--precision has no effect on .json output"),
    ("masks -f json --lang zh", "--lang has no effect on .json output"),
    ("backward -o a.md --transparent", "--transparent has no effect on .md output"),
    ("forward --title x", "--title has no effect on .txt output"),
    # the derivation
    *((f"walkthrough --step={step}", f"there is no step {step!r}: give a name of --list")
      for step in ("0", "14", "6-3", "3-99", "proofs", "", "-1", "3-")),
    ("walkthrough --step w", "there is no step 'w', but worked-example and why-scale: give"),
    ("walkthrough -o a.png", "a .png shows one step: choose it with --step"),
    ("walkthrough --hide -f json", "--hide cannot be combined with JSON"),
    ("walkthrough --pause -f json", "--format cannot be combined with --pause, which presents in"),
    ("walkthrough --pause --theme dark", "--theme has no effect on .txt output"),
    ("walkthrough --list --precision 3", "--precision cannot be combined with --list"),
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
    ("plot -x 1e305,1,1,1", "too large to draw"),
    # a verdict
    ("verify --y 1,2", "y has length 2, but it must have length 4"),
    ("verify --y 1,b,3,4", "element 2 of y is 'b'"),
    ("verify -x 3,5 --y 6,0", "p is given neither in a file nor by an option"),
    ("verify -x 3,5 -p 0.5 --grad-x 2,0", "grad_y is given neither in a file"),
    ("verify -x 3,5 -p 0.5 -g 1,1 --grad-x 2,0", "neither a mask"),
    ("verify -x 3,5 -p 0.5 --y 6,0,0", "y has length 3"),
    ("verify --y 4,0,12,0 -g 1,1,1,1", "--grad-y cannot be combined with y alone"),
    ("verify --candidate right.json --loss sum", "--loss cannot be combined with y alone"),
    ("verify --y 4,0,12,0 --against torch", "--against cannot be combined with a candidate"),
    ("verify --against tensorflow", "'tensorflow' is not one of"),
    ("verify --against torch --skip 3 --rng torch-cpu", "--skip cannot be combined with --against"),
    ("verify --rtol 2", "2.0 is not in the range"),
    ("verify --rtol 0.1", "--rtol cannot be combined with a verification of the claims"),
    ("verify --candidate -", "standard input is not JSON"),
    ("verify --candidate missing.json", "cannot read missing.json"),
    ("verify --candidate broken.json", "broken.json is not JSON"),
    ("verify --candidate p.json -p 0.5", "--drop-prob cannot be combined with the candidate"),
    ("verify --candidate mask.json -s 1", "a given mask cannot be combined with a seed"),
    ("verify --candidate mine.json --y 1,2", "--y cannot be combined with --candidate"),
    ("verify --candidate right.json -q -f json", "--quiet cannot be combined with JSON"),
    *((f"verify --layer my_layers:Dropout {option}", "cannot be combined with --layer")
      for option in ("-x 1,2", "-m 10", "--eval", "-g 1,1", "--loss sum", "--y 1", "--rtol 0.1",
                     "--against torch")),
    # masks
    ("masks --find 1010 --seed 3", "--find cannot be combined"),
    ("masks --find 1020", "element 3 of mask is 2"),
    ("masks --find=", "mask is empty"),
    ("masks --find 10 -p 1", "element 1 of mask is 1, but p = 1"),
    ("masks --below 5", "--below belongs to --find"),
    ("masks -n 3 -m 10", "mask has length 2, but it must have length 3, a bit for each element"),
    ("masks -n 0", "0 is not in the range"),
    ("masks -n 10000001", "10000001 is not in the range 1<=x<=10000000"),
    ("masks -p 2", "p is 2"),
    ("masks --skip -1", "skip is -1, but it must be from 0 to 1000000000"),
    ("masks --seed=-9223372036854775809", "seed is -9223372036854775809, but numpy takes"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "folder.txt").mkdir()
    (folder / "folder.json").mkdir()
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the system's own words are those of POSIX")
@pytest.mark.parametrize(("line", "message"), REQUESTS, ids=[line for line, _ in REQUESTS])
def test_a_request_is_refused_in_one_sentence_and_nothing_changed(
    cli, monkeypatch, folder, line, message
):
    monkeypatch.chdir(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert message in cli(*line.split(" ")).error
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


SAVED = {
    "schema": "dropout-cli/trace/1", "mode": "training", "p": 0.5, "scale": 2.0, "x": [1.0, 2.0],
    "mask": [1, 0], "mask_source": {"kind": "given"}, "y": [2.0, 0.0],
}  # fmt: skip
DRAWN = {"kind": "drawn", "rng": "numpy", "seed": 0}
UPSTREAM = {
    "grad_y": [1.0, 1.0], "grad_y_source": "sum", "loss": 2.0, "local_grad": [2.0, 0.0],
    "grad_x": [2.0, 0.0],
}  # fmt: skip


def test_a_saved_pass_can_be_read(cli):
    assert cli("backward", "--from", "-", stdin=json.dumps(SAVED).encode()).code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "dropout-cli/trace/2"}, "its schema must be 'dropout-cli/trace/1'"),
        ({"gradx": 1}, "'gradx' is no key of a saved pass: did you mean 'grad_x'?"),
        ({"note": 1}, "'note' is no key of a saved pass: the keys are schema, mode"),
        ({"mode": "test"}, "mode does not follow"),
        ({"mode": "inference"}, "inference has no mask"),
        ({"p": "0.5"}, "p does not follow"),
        ({"p": 2}, "p is 2"),
        ({"x": "12"}, "x is not a list"),
        ({"x": []}, "x is empty"),
        ({"x": [1, None]}, "element 2 of x is 'None'"),
        ({"mask": [1]}, "mask has length 1"),
        ({"mask_source": {"kind": "drawn"}}, "mask_source does not follow"),
        ({"mask_source": DRAWN | {"skip": "10"}}, "does not follow"),
        ({"mask_source": DRAWN | {"rng": "dice"}}, "rng is 'dice'"),
        ({"mask_source": DRAWN, "mask": [1, 0]}, "mask does not follow from the rest of the pass"),
        ({"y": [2.0, 0.5]}, "y does not follow from the rest of the pass"),
        ({"y": None}, "y does not follow"),
        ({"scale": 3}, "scale does not follow"),
        (UPSTREAM | {"grad_y": [7, 7]}, "grad_y does not follow"),
        (UPSTREAM | {"grad_y_source": "given", "grad_y": [1]}, "grad_y has length 1"),
        (UPSTREAM | {"grad_y_source": "huber"}, "loss is 'huber'"),
        ({"grad_y": [5, 5]}, "the saved pass has no 'grad_y_source'"),
        *((UPSTREAM | {key: ...}, f"has no '{key}'") for key in UPSTREAM),
        *(({key: ...}, f"has no '{key}'") for key in SAVED if key != "schema"),
    ],
)
def test_a_saved_pass_that_contradicts_itself_is_refused(cli, change, message):
    saved = {key: value for key, value in (SAVED | change).items() if value is not ...}
    error = cli("backward", "--from", "-", stdin=json.dumps(saved).encode()).error
    assert message in error
    assert "standard input" in error


@pytest.mark.parametrize("name", ["report.xml", "report.json", "report.md"])
@pytest.mark.parametrize("args", ["--layer no_module:Nope", "--candidate missing.json", "-p 2"])
def test_no_report_of_an_earlier_run_stays(cli, tmp_path, monkeypatch, name, args):
    monkeypatch.chdir(tmp_path)
    assert cli("verify", "-o", name).code == 0
    assert Path(name).exists()
    assert cli("verify", *args.split(), "-o", name).code == 2
    assert not Path(name).exists()


@pytest.mark.parametrize("given", ["-x @./o.json", "--candidate ./o.json"])
def test_a_report_never_removes_what_is_read(cli, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "o.json"
    path.write_text('{"x": "broken"}')
    assert cli("verify", *given.split(), "-o", "o.json").code == 2
    assert path.exists()
    case = FILES["right.json"] if "candidate" in given else b"[1, 2]"
    path.write_bytes(case)
    assert cli("verify", *given.split(), "-o", "o.json").code == 0
    assert json.loads(path.read_text())["ok"] is True


def test_even_a_defect_is_one_sentence(cli, monkeypatch):
    monkeypatch.setattr("dropout_cli.views.passes.forward_page", lambda *_: 1 // 0)
    assert cli("forward") == (
        2, "", "Error: a defect of dropout-cli, ZeroDivisionError: integer division or modulo by"
        " zero\n",
    )  # fmt: skip


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


def test_a_library_that_cannot_be_loaded_is_named(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "dropout_cli.trace", None)
    assert "a library cannot be loaded: import of dropout_cli.trace" in cli("forward").error


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a\nwrote b.md", r"a\nwrote b.md"), ("\x1b[31mred.md", r"\x1b[31mred.md"),
        ("\x85.md", r"\x85.md"), ("\u2028\u202e.md", r"\u2028\u202e.md"),
    ],
)  # fmt: skip
def test_no_name_reaches_the_terminal_raw(cli, tmp_path, monkeypatch, name, written):
    monkeypatch.chdir(tmp_path)
    assert cli("forward", "-o", name).err == f"wrote {written}\n"
    assert written in cli("forward", "-x", f"@{name}x").error
    assert cli("forward", name).error


def test_a_long_word_is_shortened_in_its_middle(cli):
    error = cli("forward", "-s", "1" + "2" * 4000 + "3x").error
    assert len(error) < 400
    assert all(part in error for part in ("'12", "…", "23x'"))
