"""Documents as Jupyter notebooks, format 4.5: Markdown cells, and code cells that run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dropout_cli.formats.document import Heading, Program
from dropout_cli.formats.markdown import to_markdown

if TYPE_CHECKING:
    from dropout_cli.formats.document import Block, Document, Setting


def to_notebook(document: Document, setting: Setting) -> str:
    """The document as a notebook: a cell for each step, and one for each program."""
    cells: list[dict[str, Any]] = []
    words: list[Block] = []

    def end_cell() -> None:
        if words:
            cells.append(_cell("markdown", to_markdown(words)))
            words.clear()

    for block in document:
        if isinstance(block, Heading | Program):
            end_cell()
        if isinstance(block, Program):
            cells.append(_cell("code", block.code) | {"execution_count": None, "outputs": []})
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


def _cell(kind: str, source: str) -> dict[str, Any]:
    lines = source.strip("\n").splitlines(keepends=True)
    return {"cell_type": kind, "metadata": {}, "source": lines}
