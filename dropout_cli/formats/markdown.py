"""Documents as GitHub-flavoured Markdown, the formulas in LaTeX."""

import re
from collections.abc import Iterable, Iterator

from dropout_cli.formats.document import (
    SIGNS,
    Check,
    Code,
    Document,
    Facts,
    Formula,
    Heading,
    Items,
    Paragraph,
    Readable,
    Setting,
    Table,
    Text,
    to_read,
)

# Backslashes, code, emphasis, formulas, columns, tags and links; not the _ inside a name.
MARKS = re.compile(r"[\\`*$|~]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|\](?=[(\[])")


def to_markdown(document: Document, _: Setting | None = None) -> str:
    """The document as Markdown that GitHub, Jupyter and Quarto render: $…$, $$…$$ and tables."""
    return "\n\n".join("\n".join(_lines(block)) for block in to_read(document)) + "\n"


def _lines(block: Readable) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {_escaped(text)}"
        case Paragraph(text):
            yield _told(text)
        case Items(items):
            yield from (f"- {_told(item)}" for item in items)
        case Check(ok, text):
            yield f"> {SIGNS[ok]} {_told(text)}"
        case Code(code):
            yield f"```python\n{code}\n```"
        case Formula(_, latex):
            yield f"$$\n{latex}\n$$"
        case Facts(facts):
            for formula, words in facts:
                yield f"- ${formula.latex}$: {_escaped(words)}"
        case Table(columns, rows, words):
            yield _row(columns)
            yield _row([":---" if k in words else "---:" for k in range(len(columns))])
            for row in rows:
                yield _row(row)


def _row(cells: Iterable[str | Formula | Text]) -> str:
    return f"| {' | '.join(map(_told, cells))} |"


def _told(words: str | Formula | Text) -> str:
    match words:
        case Text(parts):
            some = [part for part in parts if part]
            return "".join(map(_beside, ["", *some], some))
        case Formula(_, latex):
            return f"${latex}$"
        case _:
            return _escaped(words)


def _beside(before: str | Formula, part: str | Formula) -> str:
    """The part; apart from a formula beside it where GitHub would not see the formula otherwise."""
    if isinstance(part, Formula):
        apart = isinstance(before, Formula) or before[-1:].strip(" (") != ""
    else:
        apart = isinstance(before, Formula) and part[:1].isalnum()
    return f"{' ' * apart}{_told(part)}"


def _escaped(words: str) -> str:
    """The words, in which nothing that Markdown would read as a mark is read so."""
    return MARKS.sub(r"\\\g<0>", words)
