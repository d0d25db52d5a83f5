"""Documents as Jupyter notebooks, format 4.5: Markdown cells, and code cells with outputs."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from dropout_cli.formats.document import Block, Document, Heading, Picture, Program, Setting
from dropout_cli.formats.markdown import to_markdown


def to_notebook(document: Document, setting: Setting) -> str:
    """Write a document as a notebook: a cell per heading and its blocks, and one per program."""
    cells: list[list[Block]] = [[]]
    for block in document:
        begins = isinstance(block, Heading | Program | Picture)
        if cells[-1] and (begins or isinstance(cells[-1][0], Program | Picture)):
            cells.append([])
        cells[-1].append(block)
    runs = count(1)
    notebook = {
        "cells": [
            {"id": f"cell-{k}", **_cell(blocks, setting, runs)} for k, blocks in enumerate(cells, 1)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": setting.title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(blocks: Sequence[Block], setting: Setting, runs: Iterator[int]) -> dict[str, Any]:
    match blocks[0]:
        case Program(code) as program:
            run = next(runs)
            lines = code.splitlines(keepends=True)
            ran = {"execution_count": run, "outputs": [_output(program, run)]}
            return {"cell_type": "code", "metadata": {}, "source": lines, **ran}
        case Picture(svg):
            data = b64encode(svg.encode()).decode()
            setting = setting._replace(picture=f"data:image/svg+xml;base64,{data}")
    lines = to_markdown(blocks, setting).strip("\n").splitlines(keepends=True)
    return {"cell_type": "markdown", "metadata": {}, "source": lines}


def _output(program: Program, run: int) -> dict[str, Any]:
    """Return the output of a program."""
    if program.printed:
        return {"output_type": "stream", "name": "stdout", "text": program.output + "\n"}
    data = {"text/plain": program.output}
    return {"output_type": "execute_result", "execution_count": run, "data": data, "metadata": {}}
