"""Pages of HTML, as a browser's parser sees them."""

import json
import re
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from steps import IDS, LANGUAGES, PROBLEMS, SOME_PROBLEMS

from dropout_cli.words import load

VOID = {"meta"}


class Page(HTMLParser):
    """The page as a list of elements: tag, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[list[Any]] = []
        self.elements: list[list[Any]] = []
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
@pytest.mark.parametrize("problem", SOME_PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_derivation_is_a_page_with_every_formula_typeset(page, language, problem):
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
    monkeypatch.setitem(sys.modules, "latex2mathml", None)
    html, err = page("walkthrough")
    assert html.texts("math") == []
    assert "∂L/∂xᵢ = ∂L/∂yᵢ · ∂yᵢ/∂xᵢ" in html.texts("span")
    assert "its formulas are in Unicode; with latex2mathml" in err


def test_a_page_is_light_dark_or_as_the_reader_has_it(page):
    def style(*args):
        return page("forward", *args)[0].texts("style")[0]

    assert "--ground: light-dark(#FFFFFF, #0F1419)" in style()
    for args, scheme in (("", "light dark"), ("--theme light", "light"), ("--theme dark", "dark")):
        assert style(*args.split()).strip().startswith(f":root {{ color-scheme: {scheme};")


def test_foreign_words_are_words(page, cli, tmp_path, monkeypatch):
    """Neither a candidate's name nor what a layer raises adds elements to the page."""
    monkeypatch.chdir(tmp_path)
    for name in ("<b>a & b</b>", r"costs $\frac$ and $5", "a | `b` _c_"):
        path = tmp_path / "mine.json"
        path.write_text(json.dumps({"name": name, "x": [1], "p": 0, "y": [1]}))
        html, _ = page("verify", "--candidate", str(path))
        assert html.texts("h2") == [name]
        assert html.texts("b") == []
        source = f"def foreign(x, grad_y, p, training):\n    raise TypeError({name!r})\n"
        (tmp_path / "foreign.py").write_text(source)
        sys.modules.pop("foreign", None)
        assert cli("verify", "--layer", "foreign:foreign", "-o", "page.html").code == 2
        html = Page((tmp_path / "page.html").read_text("utf-8"))
        assert any(f"TypeError: {name}" in text for text in html.texts("p"))


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
    for args in (
        "--hide",
        "--step 3",
        "--step 3 -x " + ",".join("1" * 200),
    ):  # nor where there is no room
        assert "<svg" not in str(page("walkthrough", *args.split())[0].elements)


@pytest.mark.usefixtures("without_lanes")
def test_each_step_has_a_name_to_link_to(page):
    html, _ = page("walkthrough")
    assert [attrs.get("id") for tag, attrs, _ in html.elements if tag == "h2"] == IDS
    words = " ".join(" ".join(html.texts("p")).split())
    assert "Here p=0.5, averaged over the 16 possible masks, weighted by probability:" in words
