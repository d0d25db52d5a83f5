"""Pictures, held to how they have looked. New ones, once they have been looked at:

pytest -m "" tests/figure/test_figure_images.py --mpl-generate-path=tests/figure/figures
"""

import matplotlib
import numpy as np
import pytest

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.files import draw
from dropout_cli.figure.page import fonts
from dropout_cli.figure.style import SIZES, Style
from dropout_cli.figure.tables import draw_pass, draw_step
from dropout_cli.views.passes import backward_page, forward_page
from dropout_cli.views.walkthrough import page
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

pytestmark = pytest.mark.skipif(
    matplotlib.__version_info__ < (3, 11), reason="the pictures have the spaces of matplotlib 3.11"
)

FONT = "WenQuanYi Micro Hei"
SMALL = {"dpi": 48}
compare = pytest.mark.mpl_image_compare(
    baseline_dir="figures", style="default", savefig_kwargs=SMALL, tolerance=2
)
CASES = [  # n, layout, theme, and what is not usual; one of each kind
    "4-panels-light", "4-panels-dark", "4-flow-light", "4-flow-dark", "1-panels-light",
    "1-flow-light", "10-panels-light", "10-flow-light", "30-panels-dark", "30-flow-light",
    "300-panels-light", "4-panels-light-4x3", "4-flow-light-4x3", "4-panels-light-square",
    "4-flow-light-square", "4-panels-light-grad_x", "4-panels-light-x-y",
]  # fmt: skip
CHINESE = ["4-panels-light", "4-flow-dark", "4-panels-light-4x3"]


def problem(n):
    if n == 4:
        return Problem.create()
    r = np.random.default_rng(3)
    return Problem.create(
        x=np.round(r.normal(0, 3, n), 1), grad_y=np.round(r.normal(0, 1, n), 2), p=0.3, seed=1
    )


def picture(case, lang="en"):
    n, layout, theme, *more = case.split("-")
    choices = {"size": more[0]} if more and more[0] in SIZES else {"panel": tuple(more)}
    style = Style(layout=layout, theme=theme, lang=lang, **choices)
    messages = Messages(load(lang), style.precision)
    return draw(Trace(problem(int(n))), messages, style.checked())


def chinese_font():
    try:
        return fonts("中")[-1]
    except RequestError:
        return None


chinese = pytest.mark.skipif(
    chinese_font() != FONT, reason=f"{FONT} (fonts-wqy-microhei) is not the font that is used"
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if k % 2 else pytest.mark.slow) for k, case in enumerate(CASES)],
)  # fmt: skip
@compare
def test_english(case):
    return picture(case)


@chinese
@pytest.mark.parametrize("case", CHINESE)
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
    [(1, "en"), (8, "en"), pytest.param(5, "zh", marks=chinese),
     *(pytest.param(number, "en", marks=pytest.mark.slow) for number in (6, 13)),
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
    return picture("4-panels-light")
