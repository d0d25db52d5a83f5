"""Random command lines, and files that they read: each ends with an exit code of the README.

FUZZ_CASES=20000 pytest tests/cli/test_fuzz.py runs more of them, always the same.
"""

import json
import os
import time
import unicodedata
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import npy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropout_cli.masks import SOURCES

CASES = int(os.environ.get("FUZZ_CASES", "60"))
LONGEST = 10  # seconds
ODD = ["", "-", "@", "@missing", "@folder", "nan", "inf", "-inf", "1e400", "1e308", "-0", "1e-320",
       "9" * 500, "0x10", "1_0", "é", "\x1b[31m", "a\nb", "\u202e", "\udcff", "1,,2", "1;2", "½",
       "٣", "[1, 2]ᵀ", "[[1, 2], [3]]", "tensor([1., 2.])", "tensor(", "[", "]1[", "#", "1, ...",
       "1.0e-03 * [1 2]", "(1, [2])", "True", "1 2\n3 4", "x = [1]", "f([1.], a=f(2))"]  # fmt: skip
NUMBERS = st.sampled_from(["0", "1", "2", "-3.5", "0.1", "1e-9", "8e307", "1e-39", "-0", "4"])
odd = st.sampled_from(ODD) | st.text(max_size=8)
vector = st.lists(NUMBERS, min_size=1, max_size=6).map(",".join)
FILES = ["@v.txt", "@v.json", "@v.npy", "v.json", "saved.json", "candidate.json", "figure.svg", "-"]
files = st.sampled_from(FILES)
probability = st.sampled_from(
    ["0", "1", "0.5", "0.3", "1/3", "1e-9", "1e-308", "0.9999999999999999"]
)
bits = st.text("01", min_size=1, max_size=6) | st.lists(st.sampled_from("01")).map(",".join)
outputs = st.sampled_from(
    ["o.json", "o.md", "o.txt", "o.html", "o.svg", "o.xml", "o.ipynb", "o.png", "o", "no/way/o.md",
     "folder", "O.JSON", "o\x1b.md"]
)  # fmt: skip

PROBLEM = {
    "-x": vector | files, "-p": probability, "-m": bits | files, "-s": NUMBERS,
    "--skip": st.sampled_from(["0", "1", "1000", "-1", "9999999999"]),
    "--rng": st.sampled_from(list(SOURCES)),
    "--eval": st.none(), "-g": vector | files,
    "--loss": st.sampled_from(["sum", "mean", "sum-squares"]),
}  # fmt: skip
OUTPUT = {
    "-f": st.sampled_from(["json", "table", "markdown"]), "-o": outputs,
    "--precision": st.sampled_from(["1", "6", "17"]), "--lang": st.sampled_from(["en", "zh"]),
    "--theme": st.sampled_from(["light", "dark"]), "--help": st.none(),
}  # fmt: skip
COMMANDS = {
    "walkthrough": PROBLEM | OUTPUT | {
        "--step": st.sampled_from(["1", "2-4", "chain", "proof,13", "99", "s"]),
        "--list": st.none(), "--pause": st.none(), "--hide": st.none(),
    },
    "forward": PROBLEM | OUTPUT,
    "backward": PROBLEM | OUTPUT | {"--from": files},
    "verify": PROBLEM | OUTPUT | {
        "--candidate": files, "--y": vector | files, "--grad-x": vector | files,
        "--rtol": st.sampled_from(["0", "1e-3", "1", "2"]),
    },
    "masks": OUTPUT | {
        "-n": st.sampled_from(["1", "4", "100", "0"]), "-p": probability, "-s": NUMBERS, "-m": bits,
        "--find": st.text("01 ", min_size=1, max_size=3), "--skip": st.sampled_from(["1", "-1"]),
        "--below": st.sampled_from(["1", "50"]),
    },
}  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
KEYS = ["schema", "name", "mode", "x", "p", "mask", "mask_source", "y", "grad_y", "grad_x", "loss",
        "grad_y_source", "dtype", "scale", "local_grad", "z"]  # fmt: skip
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=8)


@st.composite
def lines(draw):
    """Draw a command line, mostly of options that it has and values that they take."""
    command = draw(st.sampled_from(list(COMMANDS)))
    options = COMMANDS[command]
    args = [command]
    for name in draw(st.lists(st.sampled_from(list(options)), max_size=5, unique=True)):
        value = draw(options[name] if draw(st.integers(0, 9)) else odd)
        args += (
            [name] if value is None else [f"{name}={value}" if name[1] == "-" else f"{name}{value}"]
        )
    if any(arg.startswith("--find") for arg in args):
        args.append("--below=50")  # a long search is no defect
    return args + ([draw(odd)] if not draw(st.integers(0, 19)) else [])


@st.composite
def contents(draw):
    """Draw the contents of the files: right, with something replaced, or anything."""
    right = {
        "schema": "dropout-cli/trace/1", "mode": "training", "p": 0.5, "scale": 2.0,
        "x": [2.0, 4.0], "mask": [1, 0], "mask_source": {"kind": "given"}, "y": [4.0, 0.0],
        "grad_y": [1.0, 2.0], "grad_y_source": "given", "loss": None, "local_grad": [2.0, 0.0],
        "grad_x": [2.0, 0.0],
    }  # fmt: skip
    kind = draw(st.integers(0, 4))
    document = right if kind == 0 else draw(objects)
    if kind == 1:
        document = right | document
    if kind == 2:
        document = [document, right]
    text = json.dumps(document)
    if kind == 3:
        text = text[: draw(st.integers(0, len(text)))]
    data = text.encode() if draw(st.integers(0, 9)) else draw(st.binary(max_size=40))
    array = bytearray(npy(np.array([1.0, 2.0])))
    if draw(st.booleans()):
        array[draw(st.integers(0, len(array) - 1))] = draw(st.integers(0, 255))
    vector_ = draw(st.lists(NUMBERS, max_size=6).map(" ".join) | st.text(max_size=10))
    return {
        "v.txt": vector_.encode("utf-8", "surrogatepass"), "v.json": data, "v.npy": bytes(array),
        "saved.json": data, "candidate.json": data, "figure.svg": data, "": data,
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "folder").mkdir()
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def strict(name):
    raise AssertionError(f"{name} is no JSON")


def no_control_characters(text):
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl") for c in text)


@settings(
    settings.get_profile("repeatable"), max_examples=CASES, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(lines(), contents())
def test_every_command_line_ends_well(cli, folder, args, files):
    for name, data in files.items():
        if name:
            (folder / name).write_bytes(data)
    known = set(folder.iterdir())
    started = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        code, out, err = cli(*args, stdin=files[""])
    assert time.perf_counter() - started < LONGEST
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    assert "a defect of" not in err
    assert no_control_characters(err)
    assert all(len(line) <= 400 for line in err.splitlines())
    if code == 2:
        assert out == ""
        assert err.startswith("Error: ")
    if {"-fjson"} & set(args) and code != 2 and not any("-o" in arg for arg in args) and "{" in out:
        json.loads(out, parse_constant=strict)
    new = set(folder.iterdir()) - known
    assert len(new) <= 1
    for path in new:
        assert code != 2
        text = path.read_text("utf-8") if path.is_file() else ""
        if path.suffix.lower() in (".svg", ".xml"):
            ElementTree.fromstring(text)
        elif path.suffix.lower() in (".json", ".ipynb"):
            json.loads(text, parse_constant=strict)
        for inner in sorted(path.rglob("*"), reverse=True):
            inner.rmdir() if inner.is_dir() else inner.unlink()
        path.rmdir() if path.is_dir() else path.unlink()
