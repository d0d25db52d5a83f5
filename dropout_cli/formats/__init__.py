"""Pages and records as files: one module for each format, and the table of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dropout_cli.formats.document import Document, Setting


class Format(NamedTuple):
    """How a file is written.

    writer: module.function of this folder, (what, Setting) ↦ text.
    of: what it writes: "page", "record", or "verdict", the record of a verification.
    """

    writer: str
    of: str


FORMATS = {
    ".json": Format("json.to_json", "record"),
    ".md": Format("markdown.to_markdown", "page"),
    ".ipynb": Format("notebook.to_notebook", "page"),
    ".html": Format("html.to_html", "page"),
    ".svg": Format("terminal.to_svg", "page"),
    ".txt": Format("terminal.to_text", "page"),
    ".xml": Format("junit.to_junit", "verdict"),
}


def render(
    suffix: str,
    page: Callable[[], Document],
    record: Callable[[], Mapping[str, Any]],
    setting: Setting,
) -> str:
    """Write the page or the record, whichever a file of this suffix holds."""
    writer, of = FORMATS[suffix]
    module, function = writer.split(".")
    write = getattr(import_module(f"{__name__}.{module}"), function)
    return str(write(page() if of == "page" else record(), setting))
