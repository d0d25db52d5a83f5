"""Markdown as GitHub, Jupyter and Quarto render it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from steps import LANGUAGES, PROBLEMS, SOME_PROBLEMS

NODE = """
const katex = require('katex'), markdown = require('markdown-it')();
const strict = (code) => code === 'unicodeTextInMathMode' ? 'error' : 'ignore';
const katexOptions = { throwOnError: true, strict };
const math = { engine: katex, delimiters: 'dollars', katexOptions };
markdown.use(require('markdown-it-texmath'), math);
const html = markdown.render(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify({
  formulas: (html.match(/class="katex"/g) || []).length,
  tables: (html.match(/<table>/g) || []).length,
  rest: html.replace(/<annotation[^]*?<\\/annotation>/g, '').replace(/<code[^]*?<\\/code>/g, ''),
}));
"""


# GitHub reads Markdown first, and then sets what is left between the dollars. A dollar begins a
# formula after a space, a bracket or at the beginning, and ends it where no letter follows.
GITHUB = r"""
const katex = require('katex'), markdown = require('markdown-it')('commonmark').enable('table');
const strict = (code) => code === 'unicodeTextInMathMode' ? 'error' : 'ignore';
const left = { softbreak: () => '\n', code_inline: () => '', text: (t) => t.content,
  text_special: (t) => t.content === '$' ? '' : t.content };
const formulas = [];
for (const token of markdown.parse(require('fs').readFileSync(0, 'utf8'), {})) {
  if (token.type !== 'inline') continue;
  const text = token.children.map((t) => (left[t.type] || (() => ''))(t)).join('');
  const shown = /^\$\$([^$]+)\$\$$/.exec(text);
  const inline = /(?<![^\s(])\$(?!\s)([^$]+)\$(?![\p{L}\p{N}])/gu;
  formulas.push(...(shown ? [shown[1]] : [...text.matchAll(inline)].map((found) => found[1])));
}
const rows = formulas.flatMap((latex) => {
  const set = katex.renderToString(latex, { throwOnError: true, strict, output: 'mathml' });
  return (set.match(/<mtable[^]*?<\/mtable>/g) || []).map((t) => t.match(/<mtr/g).length);
});
console.log(JSON.stringify({ formulas: formulas.length, rows }));
"""
DISPLAYED = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.DOTALL | re.MULTILINE)


def formulas(text):
    """The formulas of Markdown, those displayed and those within sentences."""
    return DISPLAYED.findall(text), re.findall(r"\$([^$]+)\$", words(text))


def words(text):
    """Markdown without its code, its displayed formulas and its escaped dollars."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`|\\\$", "", DISPLAYED.sub("", text))


def has_katex() -> bool:
    node = shutil.which("node")
    needs = "require('katex');require('markdown-it-texmath');require('markdown-it')"
    return (
        node is not None and not subprocess.run([node, "-e", needs], capture_output=True).returncode
    )


needs_katex = pytest.mark.skipif(
    not has_katex(), reason="node with katex and markdown-it is not installed"
)


def rendered(program: str, text: str) -> Any:
    done = subprocess.run(["node", "-e", program], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_katex
@pytest.mark.parametrize("problem", SOME_PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_is_set_and_by_github_with_all_its_rows(cli, tmp_path, problem, language):
    args = ["--lang", language, *PROBLEMS[problem].split()]
    text = cli("walkthrough", "-f", "markdown", *args).out
    written = sum(map(len, formulas(text)))
    found = rendered(NODE, text)
    assert (found["formulas"], found["tables"]) == (written, 4)
    assert not {"$", "\\"} & set(found["rest"])
    assert cli("walkthrough", *args, "-o", str(tmp_path / "notes.html")).code == 0
    page = (tmp_path / "notes.html").read_text("utf-8")
    tables = re.findall("<mtable.*?</mtable>", page, flags=re.DOTALL)
    found = rendered(GITHUB, text)
    assert found["rows"] == [table.count("<mtr") for table in tables]
    assert len(tables) > 3
    assert found["formulas"] == written > 60


def written(cli, command):
    if command == "README":
        return (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    done = cli(*command.split(), "-f", "markdown")
    assert done.code == 0
    return done.out


@pytest.mark.parametrize(
    "command",
    ["README", "forward", "backward --loss mean", "verify", "verify --lang zh", "masks -m 1010"]
    + [f"walkthrough --lang {name} {args}" for name in LANGUAGES for args in PROBLEMS.values()],
)
def test_markdown_takes_nothing_from_a_formula(cli, command):
    """A backslash before punctuation is an escape, and a dollar within a word is no formula's."""
    text = written(cli, command)
    displayed, inline = formulas(text)
    assert [f for f in displayed + inline if re.search(r"\\[!-/:-@\[-`{-~]", f)] == []
    apart = re.findall(r"(?<![^\s(])\$[^$\s](?:[^$]*[^$\s])?\$(?!\w)", words(text))
    assert len(apart) == len(inline)


def test_no_list_runs_into_another_and_sentences_have_their_formulas_in_latex(cli):
    for command in ("walkthrough", "backward --loss sum", "verify", "verify --lang zh", "masks"):
        text = cli(*command.split(), "-f", "markdown").out
        assert re.search(r"^- .*\n\n- ", text, flags=re.MULTILINE) is None
        assert not set("∂ᵢ⊙Σ²") & set(text) or command == "walkthrough"  # it has code


NAMES = {
    r"$\frac$ costs $5": r"\$\\frac\$ costs \$5",
    "__init__ of my_layer": r"\_\_init\_\_ of my_layer",
    "*a* | `b` ~~c~~": r"\*a\* \| \`b\` \~\~c\~\~",
    "<b>1 < 2</b>": r"\<b>1 < 2\</b>",
    "[y](x)[0]": r"[y\](x)[0]",
}


@pytest.mark.parametrize("name", NAMES)
def test_foreign_words_are_words(cli, tmp_path, name):
    """A candidate's name is no markup."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": name, "x": [1], "p": 0, "y": [1]}))
    text = cli("verify", "--candidate", str(path), "-f", "markdown").out
    (heading,) = re.findall("^## (.*)$", text, flags=re.MULTILINE)
    assert heading == NAMES[name]
    if has_katex():
        (heading,) = re.findall("<h2>(.*)</h2>", rendered(NODE, text)["rest"])
        assert html.unescape(heading) == name


def test_the_lanes_stand_beside_markdown(cli, tmp_path):
    assert cli("walkthrough", "-o", str(tmp_path / "notes.md")).code == 0
    text = (tmp_path / "notes.md").read_text("utf-8")
    (name,) = re.findall(r"^!\[.*\]\((.*)\)$", text, flags=re.MULTILINE)
    assert (tmp_path / name).read_text("utf-8").count("<svg") == 1
    assert "![" not in cli("walkthrough", "-f", "markdown").out
