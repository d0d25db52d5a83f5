"""Documents as GitHub-flavoured Markdown, the formulas in LaTeX."""

from collections.abc import Iterable, Iterator

from dropout_cli.document import Block, Document, Facts, Formula, Heading, Paragraph, Table


def to_markdown(document: Document) -> str:
    """The document as Markdown that GitHub, Jupyter and Quarto render: $…$, $$…$$ and tables."""
    return "\n\n".join("\n".join(_lines(block)) for block in document) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {text}"
        case Paragraph(text):
            yield text
        case Formula(_, latex):
            yield f"$$\n{latex}\n$$"
        case Facts(facts):
            for formula, words in facts:
                yield f"- ${formula.latex}$: {words}"
        case Table(columns, rows):
            yield _row([f"${column.latex}$" if column.latex else "" for column in columns])
            yield _row(["---:" if column.latex else ":---" for column in columns])
            for row in rows:
                yield _row(row.cells)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
