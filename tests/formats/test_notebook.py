"""Notebooks: valid, and their cells run."""

import ast
import io
import re
import textwrap
from base64 import b64decode
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

import nbformat
import numpy as np
import pytest
from steps import LANGUAGES, PROBLEMS, SOME_PROBLEMS

import dropout_cli
from dropout_cli.words import load


@pytest.fixture
def notebook(cli, tmp_path):
    def write(*args):
        path = tmp_path / "notes.ipynb"
        assert cli(*args, "-o", str(path)).code == 0
        found = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(found)
        assert (found.nbformat, found.nbformat_minor) == (4, 5)
        return found

    return write


@pytest.mark.usefixtures("without_lanes")
@pytest.mark.parametrize("problem", SOME_PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cell_for_each_step_and_programs_that_run(cli, notebook, language, problem):
    args = ("walkthrough", "--lang", language, *PROBLEMS[problem].split())
    cells = notebook(*args).cells
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    headings = [source.splitlines()[0] for source in words if source.startswith("## ")]
    titles = [step["title"] for step in load(language)["step"]]
    assert headings == [f"## {k}. {title}" for k, title in enumerate(titles, 1)]
    in_numpy, *in_torch = [cell for cell in cells if cell.cell_type == "code"]
    given = PROBLEMS[problem].replace("--precision 12", "").split()
    right = cli("backward", *given, "-f", "json").json
    names: dict[str, Any] = {}
    assert evaluated(in_numpy, names) == in_numpy.outputs[0].data["text/plain"]
    np.testing.assert_allclose(names["y"], right["y"], rtol=1e-15)
    np.testing.assert_allclose(names["grad_x"], right["grad_x"], rtol=1e-15)
    counts = [cell.execution_count for cell in (in_numpy, *in_torch)]
    assert counts == [1, 2, 3][: 1 + len(in_torch)]
    if problem != "large":  # which float32 cannot hold
        assert len(in_torch) == 2
    if in_torch and find_spec("torch"):
        compare, check = in_torch
        with redirect_stdout(io.StringIO()) as printed:
            exec(compare.source, names)
        assert printed.getvalue() == compare.outputs[0].text
        assert evaluated(check, names) == check.outputs[0].data["text/plain"] == "True"


def evaluated(cell, names):
    """What Jupyter shows of a cell: its last line, evaluated."""
    *body, last = ast.parse(cell.source).body
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return repr(eval(compile(ast.Expression(last.value), "cell", "eval"), names))


def test_the_module_that_is_printed_passes_our_own_judge(cli, monkeypatch, notebook):
    """As students paste it, from a terminal of any width, from Markdown and from a notebook."""
    torch = pytest.importorskip("torch")
    printed = []
    for language in LANGUAGES:
        args = ("walkthrough", "--step", "pytorch", "--lang", language)
        code = notebook(*args).cells
        program = next(cell.source for cell in code if cell.cell_type == "code")
        printed.append(program.split("\n\n\n")[1])
        printed += re.findall("```python\n(class.*?)```", cli(*args, "-f", "markdown").out, re.S)
        for columns in ("40", "80"):
            monkeypatch.setenv("COLUMNS", columns)
            module = r"^  class .*?return x \* mask / keep$"
            (indented,) = re.findall(module, cli(*args).out, re.S | re.M)
            printed.append(textwrap.dedent(indented))
    assert len({module.strip() for module in printed}) == 1
    names = {"torch": torch}
    exec(printed[0], names)
    dropout_cli.check(names["MyDropout"], p=0.3)
    exec(printed[0].replace("if self.p < 1 else 1", ""), names)
    with pytest.raises(AssertionError, match="0/0"):
        dropout_cli.check(names["MyDropout"], p=1)


def test_a_table_is_one_cell_and_a_sheet_has_no_programs(notebook):
    (cell,) = notebook("forward").cells
    assert "| $i$ | $x_i$ |" in cell.source
    cells = notebook("walkthrough", "--hide").cells  # a sheet, which gives no results away
    assert {cell.cell_type for cell in cells} == {"markdown"}


def test_the_lanes_stand_in_a_cell(notebook):
    title, picture, first = notebook("walkthrough").cells[:3]
    assert title.source.startswith("# ")
    start = "](data:image/svg+xml;base64,"
    alt, _, data = picture.source.partition(start)
    assert "∂L/∂x = 0.2, 0, 0.6, 0" in alt
    assert b64decode(data.removesuffix(")")).startswith(b"<?xml")
    assert first.source.startswith("## 1. ")
