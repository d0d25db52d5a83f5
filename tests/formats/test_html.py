"""Pages of HTML, as a browser's parser sees them."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

import pytest
from steps import IDS, LANGUAGES, PROBLEMS

from dropout_cli.words import load

VOID = {"meta", "br", "hr", "link", "img", "input"}


class Page(HTMLParser):
    """The page as a list of elements: tag, attributes, text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def texts(self, tag):
        return [text.strip() for name, _, text in self.elements if name == tag]


@pytest.fixture
def page(cli, tmp_path):
    def write(command, *args):
        path = tmp_path / "page.html"
        result = cli(command, *args, "-o", str(path))
        assert result.code == 0, result.err
        return Page(path.read_text("utf-8")), result.err

    return write


@pytest.mark.usefixtures("without_lanes")
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_derivation_as_a_page(page, language, problem):
    html, err = page("walkthrough", "--lang", language, *PROBLEMS[problem].split())
    titles = [step["title"] for step in load(language)["step"]]
    assert html.texts("h2") == [f"{k}. {title}" for k, title in enumerate(titles, 1)]
    assert html.texts("title")[:1] == html.texts("h1") == [load(language)["title"]["walkthrough"]]
    (root,) = [attributes for tag, attributes, _ in html.elements if tag == "html"]
    assert root["lang"] == language
    assert len(html.texts("math")) > 100
    assert "latex2mathml" not in err
    everything = html.texts("body")[0]
    assert "$" not in everything
    assert not re.search(r"\\\\[a-z]", everything)  # no LaTeX is left over


def test_a_table_has_a_row_for_each_element(page):
    html, _ = page("forward", "-x", "1,2,3", "-p", "0.1", "-m", "101")
    assert len(html.texts("tr")) == 4
    assert html.texts("td")[-6:] == ["3", "3", "1", "1 × 3 / 0.9", "3.33333", "✓ kept"]
    kept = [text for _, attrs, text in html.elements if "kept" in attrs.get("class", "")]
    assert kept == ["1.11111", "✓ kept", "3.33333", "✓ kept"]


def test_without_latex2mathml_formulas_are_in_unicode_and_that_is_said(page, monkeypatch):
    for name in ("latex2mathml", "latex2mathml.converter"):
        monkeypatch.setitem(sys.modules, name, None)
    html, err = page("walkthrough")
    assert html.texts("math") == []
    assert "∂L/∂xᵢ = ∂L/∂yᵢ · ∂yᵢ/∂xᵢ" in html.texts("span")
    assert "its formulas are in Unicode; with latex2mathml" in err


def test_light_dark_or_as_the_reader_has_it(page):
    def style(*args):
        return page("forward", *args)[0].texts("style")[0]

    assert "prefers-color-scheme: dark" in style()
    for theme, ground in (("light", "#fff"), ("dark", "#0f1419")):
        chosen = style("--theme", theme)
        assert "prefers-color-scheme" not in chosen
        assert f"--ground: {ground}" in chosen


@pytest.mark.parametrize("name", ["<b>a & b</b>", r"costs $\frac$ and $5", "a | `b` _c_"])
def test_foreign_words_are_words(page, tmp_path, name):
    """A candidate's name cannot add elements or formulas to the page."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": name, "x": [1], "p": 0, "y": [1]}))
    html, _ = page("verify", "--candidate", str(path))
    assert html.texts("h2") == [name]
    assert html.texts("b") == []


def test_what_a_layer_raises_is_words(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = r"costs $\frac$ in __init__ of <b>"
    source = f"def dollar(x, grad_y, p, training):\n    raise TypeError({said!r})\n"
    (tmp_path / "dollar_layers.py").write_text(source)
    assert cli("verify", "--layer", "dollar_layers:dollar", "-o", "page.html").code == 2
    html = Page((tmp_path / "page.html").read_text("utf-8"))
    assert any(f"TypeError: {said}" in text for text in html.texts("p"))


def test_a_hand_out_holds_the_lanes_in_the_colours_of_the_page(page, tmp_path):
    html, _ = page("walkthrough")
    ((_, attributes, _),) = [each for each in html.elements if each[0] == "svg"]
    assert attributes["class"] == "lanes"
    assert "width" not in attributes
    text = (tmp_path / "page.html").read_text("utf-8")
    drawing = text[text.index("<svg") : text.index("</svg>")]
    assert "<style" not in drawing
    assert "<metadata" not in drawing
    assert set(re.findall("#[0-9a-fA-F]{6}", drawing)) <= {"#00446f", "#4a99c8"}  # of thin bars
    assert set(re.findall(r"var\((--[a-z]+)\)", drawing)) <= set(re.findall("--[a-z]+(?=:)", text))
    for args in ("--hide", "--step 3", "-x " + ",".join("1" * 200)):  # or where they do not fit
        assert "<svg" not in str(page("walkthrough", *args.split())[0].elements)


def test_steps_have_names_and_formulas_keep_their_punctuation(page, tmp_path):
    html, _ = page("walkthrough")
    assert [attrs.get("id") for tag, attrs, _ in html.elements if tag == "h2"] == IDS
    words = " ".join(" ".join(html.texts("p")).split())
    assert "Here, with p=0.5, summed exactly over the 16 possible masks:" in words
    text = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"</math></span>[.,:;]", text)
