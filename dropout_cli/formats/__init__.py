"""A page or a record as text, one module per format, and the one table that says which is whose."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dropout_cli.formats.document import Document, Setting


class Format(NamedTuple):
    """How a file of some suffix is written.

    writer: module.function of this folder, (what, Setting) ↦ text, pieces of it, or bytes.
    of: what it writes: "page", "record", or the record of one kind alone, "pass" or "verdict".
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
    ".npz": Format("npz.to_npz", "pass"),
    ".xml": Format("junit.to_junit", "verdict"),
}


def render(
    suffix: str,
    page: Callable[[], Document],
    record: Callable[[], Mapping[str, Any]],
    setting: Setting,
) -> Iterable[bytes]:
    """The page or the record, whichever a file of this suffix holds, as its bytes, in pieces."""
    format_ = FORMATS[suffix]
    module, function = format_.writer.split(".")
    writer = getattr(import_module(f"dropout_cli.formats.{module}"), function)
    written = writer(page() if format_.of == "page" else record(), setting)
    pieces = [written] if isinstance(written, str | bytes) else written
    return (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
