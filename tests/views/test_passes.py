"""The tables as people see them."""

import re

import pytest

PAGES = {
    "forward": ["forward"],
    "backward": ["backward"],
    "walkthrough": ["walkthrough"],
    "loss": ["backward", "--loss", "sum-squares", "-p", "0.3"],
    "inference": ["backward", "--eval"],
    "all dropped": ["backward", "-p", "1"],
    "none dropped": ["forward", "-p", "0"],
    "drawn and long": ["forward", "-x", " ".join(map(str, range(1, 31))), "-p", "0.1", "-s", "3"],
    "negative": ["forward", "-x", "-1.5,-0.0,1e-7,123456789"],
    "wide": ["backward", "-p", "0.123456789", "--precision", "17", "--loss", "sum-squares"],
    "markdown": ["walkthrough", "-f", "markdown"],
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_it_was(cli, snapshot, page):
    result = cli(*PAGES[page])
    assert (result.code, result.err) == (0, "")
    assert result.out == snapshot


@pytest.mark.parametrize("digits", [1, 3, 12, 17])
def test_precision_is_significant_digits(cli, digits):
    out = cli("forward", "-x", "1,1,1,1", "-p", "0.7", "-m", "1111", "--precision", str(digits)).out
    (shown,) = re.findall(r"1/\(1−p\) ≈ (\S+)", out)
    assert float(shown) == float(f"{10 / 3:.{digits}g}")
    assert len(shown.replace(".", "")) <= digits
