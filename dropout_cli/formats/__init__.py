"""Pages and records as files: a module for each format, and the table of them."""

from importlib import import_module
from typing import Any, NamedTuple

from dropout_cli.formats.document import Setting


class Format(NamedTuple):
    """A file format.

    writer: "module.function" in this folder, from (content, Setting) to text.
    content: "page", "record", or "verdict", the record of a verification.
    """

    writer: str
    content: str


FORMATS = {
    ".json": Format("json.to_json", "record"),
    ".md": Format("markdown.to_markdown", "page"),
    ".ipynb": Format("notebook.to_notebook", "page"),
    ".html": Format("html.to_html", "page"),
    ".svg": Format("terminal.to_svg", "page"),
    ".txt": Format("terminal.to_text", "page"),
    ".xml": Format("junit.to_junit", "verdict"),
}


def render(suffix: str, content: Any, setting: Setting) -> str:
    """Write a page or a record, as the suffix has it, as text."""
    module, function = FORMATS[suffix].writer.split(".")
    write = getattr(import_module(f"{__name__}.{module}"), function)
    return str(write(content, setting))
