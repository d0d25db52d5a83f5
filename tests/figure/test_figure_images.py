"""The figure, held to pictures of how it has looked. New ones, once they have been looked at:

pytest tests/figure/test_figure_images.py --mpl-generate-path=tests/figure/figures
"""

from __future__ import annotations

import numpy as np
import pytest

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.draw import draw
from dropout_cli.figure.fonts import families
from dropout_cli.figure.look import Look
from dropout_cli.words import load
from dropout_cli.words.messages import Voice

FONT = "WenQuanYi Micro Hei"
SMALL = {"dpi": 48}


def problem(n):
    if n == 4:
        return Problem.pose()
    r = np.random.default_rng(3)
    return Problem.pose(
        x=np.round(r.normal(0, 3, n), 1), grad_y=np.round(r.normal(0, 1, n), 2), p=0.3, seed=1
    )


def picture(look, n=4):
    return draw(Trace(problem(n)), Voice(load(look.lang), look.precision), look.checked())


def chinese_font():
    try:
        return families("", chinese=True)[0]
    except RequestError:
        return None


@pytest.mark.parametrize("n", [4, 10, 100])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("layout", ["panels", "flow"])
@pytest.mark.mpl_image_compare(
    baseline_dir="figures", style="default", savefig_kwargs=SMALL, tolerance=2
)
def test_english(layout, theme, n):
    return picture(Look(layout=layout, theme=theme), n)


@pytest.mark.skipif(
    chinese_font() != FONT, reason=f"{FONT} (fonts-wqy-microhei) is not the font that is used"
)
@pytest.mark.parametrize("n", [4, 10, 100])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("layout", ["panels", "flow"])
@pytest.mark.mpl_image_compare(
    baseline_dir="figures", style="default", savefig_kwargs=SMALL, tolerance=2
)
def test_chinese(layout, theme, n):
    return picture(Look(layout=layout, theme=theme, lang="zh"), n)


@pytest.mark.mpl_image_compare(
    baseline_dir="../../outputs",
    filename="dropout_gradient_flow.png",
    style="default",
    savefig_kwargs={"dpi": 144},
    tolerance=2,
)
def test_the_figure_in_the_readme():
    return picture(Look())
