"""Markdown as GitHub, Jupyter and Quarto render it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from steps import LANGUAGES, PROBLEMS

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


def has_katex():
    node = shutil.which("node")
    return (
        node
        and not subprocess.run(
            [node, "-e", "require('katex');require('markdown-it-texmath');require('markdown-it')"],
            capture_output=True,
        ).returncode
    )


@pytest.mark.skipif(not has_katex(), reason="node with katex and markdown-it is not installed")
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_renders_with_every_formula(cli, problem, language):
    text = cli("walkthrough", "-f", "markdown", "--lang", language, *PROBLEMS[problem].split()).out
    done = subprocess.run(["node", "-e", NODE], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rendered = json.loads(done.stdout)
    outside_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    inline = len(
        re.findall(r"\$[^$]+\$", re.sub(r"\$\$.*?\$\$", "", outside_code, flags=re.DOTALL))
    )
    displayed = outside_code.count("$$") // 2
    assert rendered["formulas"] == inline + displayed > 60
    assert rendered["tables"] == 4
    assert "$" not in rendered["rest"]
    assert "\\" not in rendered["rest"]


@pytest.mark.skipif(not has_katex(), reason="node with katex and markdown-it is not installed")
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_github_sets_every_formula_with_all_its_rows(cli, tmp_path, problem, language):
    args = ["--lang", language, *PROBLEMS[problem].split()]
    text = cli("walkthrough", "-f", "markdown", *args).out
    done = subprocess.run(["node", "-e", GITHUB], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert cli("walkthrough", *args, "-o", str(tmp_path / "notes.html")).code == 0
    page = (tmp_path / "notes.html").read_text("utf-8")
    tables = re.findall("<mtable.*?</mtable>", page, flags=re.DOTALL)
    found = json.loads(done.stdout)
    assert found["rows"] == [table.count("<mtr") for table in tables]
    assert len(tables) > 3
    assert found["formulas"] == sum(map(len, formulas(text)))


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


@pytest.mark.parametrize("command", ["walkthrough", "backward", "verify", "masks"])
def test_in_markdown_no_list_runs_into_another(cli, command):
    lines = cli(command, "-f", "markdown", "--loss", "sum").out if command == "backward" else ""
    lines = lines or cli(command, "-f", "markdown").out
    assert re.search(r"^- .*\n\n- ", lines, flags=re.MULTILINE) is None


@pytest.mark.parametrize("command", ["verify", "masks"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_markdown_sentences_have_their_formulas_in_latex(cli, command, language):
    text = cli(command, "-f", "markdown", "--lang", language).out
    assert not set("∂ᵢ⊙Σ²") & set(text)


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
        done = subprocess.run(["node", "-e", NODE], input=text, capture_output=True, text=True)
        (rendered,) = re.findall("<h2>(.*)</h2>", json.loads(done.stdout)["rest"])
        assert html.unescape(rendered) == name


def test_the_lanes_stand_beside_markdown(cli, tmp_path):
    assert cli("walkthrough", "-o", str(tmp_path / "notes.md")).code == 0
    text = (tmp_path / "notes.md").read_text("utf-8")
    (name,) = re.findall(r"^!\[.*\]\((.*)\)$", text, flags=re.MULTILINE)
    assert (tmp_path / name).read_text("utf-8").count("<svg") == 1
    assert "![" not in cli("walkthrough", "-f", "markdown").out
