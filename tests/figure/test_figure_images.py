"""Pictures, held to how they have looked. New ones, once they have been looked at:

pytest -m "" tests/figure/test_figure_images.py --mpl-generate-path=tests/figure/figures
"""

from __future__ import annotations

import numpy as np
import pytest

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.files import draw
from dropout_cli.figure.page import families
from dropout_cli.figure.style import Style
from dropout_cli.figure.tables import draw_pass, draw_step
from dropout_cli.views.passes import backward_page, forward_page
from dropout_cli.views.walkthrough import page
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

FONT = "WenQuanYi Micro Hei"
SMALL = {"dpi": 48}
compare = pytest.mark.mpl_image_compare(
    baseline_dir="figures", style="default", savefig_kwargs=SMALL, tolerance=2
)
CASES = [  # one of each kind
    {}, {"theme": "dark"}, {"layout": "flow"}, {"theme": "dark", "layout": "flow"},
    {"n": 1}, {"n": 1, "layout": "flow"}, {"n": 10}, {"n": 10, "layout": "flow"},
    {"n": 30, "theme": "dark"}, {"n": 30, "layout": "flow"}, {"n": 300},
    {"size": "4x3"}, {"size": "4x3", "layout": "flow"}, {"size": "square"},
    {"size": "square", "layout": "flow"}, {"panel": ("grad_x",)}, {"panel": ("x", "y")},
]  # fmt: skip
CHINESE = [{}, {"theme": "dark", "layout": "flow"}, {"size": "4x3"}]


def name(case):
    """The name of a case, from what is not usual in it."""
    usual = {"n": 4, "layout": "panels", "theme": "light"}
    parts = [case.get(key, value) for key, value in usual.items()]
    parts += ["-".join(value) if key == "panel" else value
              for key, value in case.items() if key not in usual]  # fmt: skip
    return "-".join(map(str, parts))


def problem(n):
    if n == 4:
        return Problem.create()
    r = np.random.default_rng(3)
    return Problem.create(
        x=np.round(r.normal(0, 3, n), 1), grad_y=np.round(r.normal(0, 1, n), 2), p=0.3, seed=1
    )


def picture(case, lang="en"):
    choices = {key: value for key, value in case.items() if key != "n"}
    style = Style(lang=lang, **choices).checked()
    return draw(Trace(problem(case.get("n", 4))), Messages(load(lang), style.precision), style)


def chinese_font():
    try:
        return families("", chinese=True)[0]
    except RequestError:
        return None


chinese = pytest.mark.skipif(
    chinese_font() != FONT, reason=f"{FONT} (fonts-wqy-microhei) is not the font that is used"
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name(case), marks=[] if k % 2 else pytest.mark.slow)
     for k, case in enumerate(CASES)],
)  # fmt: skip
@compare
def test_english(case):
    return picture(case)


@chinese
@pytest.mark.parametrize("case", CHINESE, ids=name)
@compare
def test_chinese(case):
    return picture(case, "zh")


@pytest.mark.parametrize(
    ("lang", "theme", "n"),
    [("en", "light", 4), ("en", "dark", 10), pytest.param("zh", "dark", 4, marks=chinese)],
)
@pytest.mark.parametrize("view", [forward_page, backward_page])
@compare
def test_table(view, lang, theme, n):
    trace, messages = Trace(problem(n)), Messages(load(lang), 4)
    return draw_pass(view(trace, messages), trace, messages, Style(theme=theme, lang=lang))


@pytest.mark.parametrize(
    ("number", "lang"),
    [(1, "en"), (8, "en"), (13, "en"), pytest.param(5, "zh", marks=chinese),
     pytest.param(6, "en", marks=pytest.mark.slow),
     pytest.param(10, "zh", marks=[chinese, pytest.mark.slow])],
)  # fmt: skip
@compare
def test_step(number, lang):
    messages = Messages(load(lang), 6)
    ids = [step["id"] for step in messages.prose["step"]]
    document = page(Trace(Problem.create()), messages, [ids[number - 1]])[1:]
    return draw_step(document, number, len(ids), Style(lang=lang))


@pytest.mark.mpl_image_compare(
    baseline_dir="../../outputs",
    filename="dropout_gradient_flow.png",
    style="default",
    savefig_kwargs={"dpi": 144},
    tolerance=2,
)
def test_the_figure_in_the_readme():
    return picture({})
