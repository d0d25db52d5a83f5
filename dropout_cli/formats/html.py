"""Documents as self-contained HTML pages, with formulas in MathML."""

import pkgutil
import re
from collections.abc import Sequence
from html import escape
from importlib.util import find_spec

from dropout_cli.formats import document as doc

LIGHT = doc.COLOURS["light"] | {"line": "#D0D7DE"}
DARK = doc.COLOURS["dark"] | {"line": "#3A444F"}


def to_html(document: doc.Document, setting: doc.Setting) -> str:
    """Write the document as an HTML page."""
    title = next(
        (block.text for block in document if isinstance(block, doc.Heading)), setting.title
    )
    css = (pkgutil.get_data(__package__, "page.css") or b"").decode()
    blocks = "\n".join(filter(None, map(_block, document)))
    return f"""<!DOCTYPE html>
<html lang="{setting.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{_colours(setting.theme)}
{css}</style>
</head>
<body>
<main>
{blocks}
</main>
</body>
</html>
"""


def typesets() -> bool:
    """Test whether formulas can be typeset: whether latex2mathml is installed."""
    return find_spec("latex2mathml") is not None


def _colours(theme: str | None) -> str:
    """Define the colours of both themes as CSS variables; on paper they are light."""
    variables = "; ".join(f"--{name}: light-dark({LIGHT[name]}, {DARK[name]})" for name in LIGHT)
    scheme = f":root {{ color-scheme: {theme or 'light dark'}; {variables} }}"
    return f"{scheme}\n@media print {{ :root {{ color-scheme: light }} }}"


def _block(block: doc.Block) -> str:
    match block:
        case doc.Heading(text, level, name):
            anchor = f' id="{name}"' if name else ""
            return f"<h{level}{anchor}>{escape(text)}</h{level}>"
        case doc.Paragraph(text):
            return f"<p>{_words(text)}</p>"
        case doc.Items(items):
            return f"<ul>{''.join(f'<li>{_words(item)}</li>' for item in items)}</ul>"
        case doc.Check(ok, text):
            sign = doc.SIGNS[ok]
            mark = f'<span class="{doc.STATUS.get(sign, "none")}">{sign}</span>'
            return f'<p class="check">{mark} {_words(text)}</p>'
        case doc.Code(code):
            return f"<pre><code>{escape(code)}</code></pre>"
        case doc.Formula():
            return f'<div class="formula">{_formula(block, "block")}</div>'
        case doc.Facts(facts):
            pairs = (f"<dt>{_formula(f)}</dt><dd>{escape(words)}</dd>" for f, words in facts)
            return f"<dl>{''.join(pairs)}</dl>"
        case doc.Question(text):
            room = '<div class="room"></div>' * doc.ANSWER_LINES
            return f'<div><p class="question">{_words(text)}</p>{room}</div>'
        case doc.Picture(svg):
            return f"<figure>{_inline(svg)}</figure>"
        case doc.Table():
            return f'<div class="table">{_table(block)}</div>'
        case doc.Program():
            return ""


def _words(words: doc.Inline | doc.Text) -> str:
    match words:
        case doc.Text(parts):
            return "".join(map(_words, parts))
        case doc.Formula():
            return _formula(words)
        case doc.Verbatim(code):
            return f"<code>{escape(code)}</code>"
        case _:
            return escape(words)


def _formula(formula: doc.Formula, display: str = "inline") -> str:
    r"""Write a formula in MathML, the parts between \qquad apart, or else in Unicode."""
    if not typesets():
        return f'<span class="unicode">{escape(formula.unicode)}</span>'
    from latex2mathml.converter import convert

    parts = formula.latex.split(r"\qquad")
    mathml = "".join(convert(part.strip(), display=display) for part in parts)
    # TeX leaves no room around ∂ and /, MathML does.
    mathml = re.sub("<mo>(&#x02202;|&#x0002F;)", r'<mo lspace="0" rspace="0">\1', mathml)
    blank = r'<mrow class="blank">\1</mrow>'
    return re.sub("<munder>(<mrow><mspace[^>]*></mrow>)<mo.*?</munder>", blank, mathml)


def _inline(svg: str) -> str:
    """Prepare a light SVG for a page: remove its size and style, and use the CSS variables."""
    svg = re.sub(r"<metadata.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    opening, rest = svg[svg.index("<svg") :].split(">", 1)
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    for name, colour in LIGHT.items():
        rest = re.sub(colour, f"var(--{name})", rest, flags=re.IGNORECASE)
    return f'{opening} class="lanes">{rest}'


def _table(table: doc.Table) -> str:
    headings = "".join(
        f'<th scope="col"{_classes(table, k)}>{_words(column)}</th>'
        for k, column in enumerate(table.columns)
    )
    rows = "".join(f"<tr>{_row(row, table)}</tr>" for row in table.rows)
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"


def _row(row: Sequence[str | doc.Text], table: doc.Table) -> str:
    """Write the cells of a row; the words of a status are marked, for narrow pages hide them."""
    cells = []
    for k, (cell, style) in enumerate(zip(row, table.styles(row), strict=True)):
        content = _words(cell.strip() if isinstance(cell, str) else cell)
        if table.result is not None and k == table.result + 1:
            content = re.sub("( .*)", r'<span class="status">\1</span>', content)
        cells.append(f"<td{_classes(table, k, style)}>{content}</td>")
    return "".join(cells)


def _classes(table: doc.Table, k: int, style: str = "") -> str:
    """Write the CSS classes of a cell: those of its column and of its style."""
    of_column = ["words"] * (k in table.words) + ["spare"] * (k == table.spare)
    classes = " ".join(of_column + style.split("."))
    return f' class="{classes.strip()}"' if classes else ""
