"""Documents as Jupyter notebooks, format 4.5: Markdown cells, and code cells with outputs."""

import json
from base64 import b64encode
from typing import Any

from dropout_cli.formats.document import Block, Document, Heading, Picture, Program, Setting
from dropout_cli.formats.markdown import to_markdown


def to_notebook(document: Document, setting: Setting) -> str:
    """Write a document as a notebook: a cell per heading and its blocks, and one per program."""
    cells: list[dict[str, Any]] = []
    words: list[Block] = []
    runs = 0

    def end_cell() -> None:
        if words:
            cells.append(_cell("markdown", to_markdown(words, setting).strip("\n")))
            words.clear()

    for block in document:
        if isinstance(block, Heading | Program | Picture):
            end_cell()
        if isinstance(block, Program):
            runs += 1
            cells.append(
                _cell("code", block.code, execution_count=runs, outputs=[_output(block, runs)])
            )
        elif isinstance(block, Picture):
            image = b64encode(block.svg.encode()).decode()
            cells.append(_cell("markdown", f"![{block.alt}](data:image/svg+xml;base64,{image})"))
        else:
            words.append(block)
    end_cell()
    notebook = {
        "cells": [{"id": f"cell-{k}", **cell} for k, cell in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": setting.title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **more}


def _output(program: Program, count: int) -> dict[str, Any]:
    """Return the output of a program."""
    if program.printed:
        return {"output_type": "stream", "name": "stdout", "text": program.output + "\n"}
    data = {"text/plain": program.output}
    return {
        "output_type": "execute_result", "execution_count": count, "data": data, "metadata": {},
    }  # fmt: skip
