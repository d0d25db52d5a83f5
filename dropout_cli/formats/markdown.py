"""Documents as GitHub-flavoured Markdown, with formulas in LaTeX."""

import re
from collections.abc import Iterable, Iterator

from dropout_cli.formats import document as doc

# Backslashes, code, emphasis, formulas, columns, tags and links, but not the _ in a name.
MARKS = re.compile(r"[\\`*$|~]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|\](?=[(\[])")


def to_markdown(document: doc.Document, setting: doc.Setting) -> str:
    """Write a document as Markdown for GitHub, Jupyter and Quarto: $…$, $$…$$ and tables."""
    blocks = ["\n".join(_lines(block, setting.picture)) for block in document]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _lines(block: doc.Block, picture: str | None) -> Iterator[str]:
    match block:
        case doc.Heading(text, level, _):
            yield f"{'#' * level} {_escaped(text)}"
        case doc.Paragraph(text):
            yield _written(text)
        case doc.Items(items):
            yield from (f"- {_written(item)}" for item in items)
        case doc.Check(ok, text):
            yield f"> {doc.SIGNS[ok]} {_written(text)}"
        case doc.Code(code):
            yield f"```python\n{code}\n```"
        case doc.Formula(_, latex):
            yield f"$$\n{latex}\n$$"
        case doc.Facts(facts):
            for formula, words in facts:
                yield f"- ${formula.latex}$: {_escaped(words)}"
        case doc.Question(text):
            yield f"**{_written(text)}**"
            yield from ["", "&nbsp;"] * doc.ANSWER_LINES
        case doc.Picture(_, alt):
            if picture is not None:
                yield f"![{_escaped(alt)}]({picture})"
        case doc.Table(columns, rows, words):
            yield _row(columns)
            yield _row([":---" if k in words else "---:" for k in range(len(columns))])
            for row in rows:
                yield _row(row)


def _row(cells: Iterable[str | doc.Formula | doc.Text]) -> str:
    return f"| {' | '.join(map(_written, cells))} |"


def _written(words: doc.Inline | doc.Text) -> str:
    match words:
        case doc.Text(parts):
            some = [part for part in parts if part]
            return "".join(map(_beside, ["", *some], some))
        case doc.Formula(_, latex):
            return f"${latex}$"
        case doc.Verbatim(code):
            return f"`{code}`"
        case _:
            return _escaped(words)


def _beside(before: doc.Inline, part: doc.Inline) -> str:
    """Write a part, after a space if GitHub would not see a formula otherwise."""
    if isinstance(part, doc.Formula):
        apart = not isinstance(before, str) or before[-1:].strip(" (") != ""
    else:
        apart = isinstance(before, doc.Formula) and (
            isinstance(part, doc.Verbatim) or part[:1].isalnum()
        )
    return f"{' ' * apart}{_written(part)}"


def _escaped(words: str) -> str:
    """Escape the characters that Markdown would interpret."""
    return MARKS.sub(r"\\\g<0>", words)
