"""Markdown as GitHub, Jupyter and Quarto render it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

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
    assert rendered["tables"] == 6
    assert "$" not in rendered["rest"]
    assert "\\" not in rendered["rest"]


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
