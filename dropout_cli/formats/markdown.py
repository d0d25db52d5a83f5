"""Documents as GitHub-flavoured Markdown, the formulas in LaTeX."""

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


def to_markdown(document: Document, _: Setting | None = None) -> str:
    """The document as Markdown that GitHub, Jupyter and Quarto render: $…$, $$…$$ and tables."""
    return "\n\n".join("\n".join(_lines(block)) for block in to_read(document)) + "\n"


def _lines(block: Readable) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {text}"
        case Paragraph(text):
            yield text.markdown
        case Items(items):
            yield from (f"- {item.markdown}" for item in items)
        case Check(ok, text):
            yield f"> {SIGNS[ok]} {text.markdown}"
        case Code(code):
            yield f"```python\n{code}\n```"
        case Formula(_, latex):
            yield f"$$\n{latex}\n$$"
        case Facts(facts):
            for formula, words in facts:
                yield f"- ${formula.latex}$: {words}"
        case Table(columns, rows, words):
            yield _row([f"${c.latex}$" if isinstance(c, Formula) else c for c in columns])
            yield _row([":---" if k in words else "---:" for k in range(len(columns))])
            for row in rows:
                yield _row(row)


def _row(cells: Iterable[str | Text]) -> str:
    told = (cell.markdown if isinstance(cell, Text) else cell for cell in cells)
    return f"| {' | '.join(told)} |"
