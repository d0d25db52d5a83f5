"""Bars in a terminal's tables, as they were drawn by hand."""

import re

import pytest

from dropout_cli.formats.ascii import to_ascii

FORWARD = """
i  xᵢ  mᵢ  mᵢ·xᵢ/(1−p)  yᵢ             xᵢ → yᵢ
───────────────────────────────────────────────────────────────
1   2   1  1 × 2 / 0.5   4  ✓ kept     ████▒▒▒▒
2   4   0  0 × 4 / 0.5   0  ✗ dropped  ╌╌╌╌╌╌╌╌
3   6   1  1 × 6 / 0.5  12  ✓ kept     ████████████▒▒▒▒▒▒▒▒▒▒▒▒
4   8   0  0 × 8 / 0.5   0  ✗ dropped  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌

██ what arrived   ▒▒ what 1/(1−p) adds   ╌╌ what was lost
"""
BACKWARD_72 = """
i  ∂L/∂yᵢ  mᵢ  mᵢ/(1−p)  ∂L/∂yᵢ·mᵢ/(1−p)  ∂L/∂xᵢ
───────────────────────────────────────────────────────────────────
1     0.1   1         2    0.1 × 1 / 0.5     0.2  ✓ kept     █▒
2     0.2   0         0    0.2 × 0 / 0.5       0  ✗ dropped  ╌╌
3     0.3   1         2    0.3 × 1 / 0.5     0.6  ✓ kept     ███▒▒▒
4     0.4   0         0    0.4 × 0 / 0.5       0  ✗ dropped  ╌╌╌╌
"""
BACKWARD_80 = """
i  ∂L/∂yᵢ  mᵢ  mᵢ/(1−p)  ∂L/∂yᵢ·mᵢ/(1−p)  ∂L/∂xᵢ             ∂L/∂yᵢ → ∂L/∂xᵢ
────────────────────────────────────────────────────────────────────────────
1     0.1   1         2    0.1 × 1 / 0.5     0.2  ✓ kept     ██▒▒
2     0.2   0         0    0.2 × 0 / 0.5       0  ✗ dropped  ╌╌╌╌
3     0.3   1         2    0.3 × 1 / 0.5     0.6  ✓ kept     ██████▒▒▒▒▒▒
4     0.4   0         0    0.4 × 0 / 0.5       0  ✗ dropped  ╌╌╌╌╌╌╌╌
"""
NEGATIVE = """
1  -1.5   1  1 × (-1.5) / 0.5    -3  ✓ kept     ▒▒▒███│
2     2   0       0 × 2 / 0.5     0  ✗ dropped        │╌╌╌╌
3  -0.3   1  1 × (-0.3) / 0.5  -0.6  ✓ kept          █│
4     4   0       0 × 4 / 0.5     0  ✗ dropped        │╌╌╌╌╌╌╌╌
"""


@pytest.mark.parametrize(
    ("args", "columns", "drawn"),
    [
        ("forward", 80, FORWARD),
        ("forward", 120, FORWARD),
        ("backward", 72, BACKWARD_72),
        ("backward", 80, BACKWARD_80),
        ("forward -x -1.5,2,-0.3,4", 80, NEGATIVE),
    ],
)
def test_bars_are_as_they_were_drawn_by_hand(cli, monkeypatch, args, columns, drawn):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert drawn.strip("\n") in cli(*args.split()).out


@pytest.mark.parametrize(
    ("args", "bars"),
    [
        ("-x 100,1,1,0 -m 1101", ["█" * 10 + "▒" * 10, "▏", "╌", ""]),  # too small for a cell
        ("-x 3,6 -p 0", ["█" * 12, "█" * 24]),  # a cell is 0.25, and nothing is added
        ("-x 0,0 -m 10", ["", ""]),
    ],
)
def test_a_bar_too_small_for_a_cell_is_a_thin_sign_and_zero_has_none(cli, args, bars):
    rows = re.findall(r"^\d .*?(?:kept|dropped) *(\S*)$", cli("forward", *args.split()).out, re.M)
    assert rows == bars


def test_where_there_are_no_bars(cli, monkeypatch):
    for args in ("backward --eval", "walkthrough --step 8", "forward -f markdown"):
        assert not set("█▒╌▏") & set(cli(*args.split()).out)
    monkeypatch.setenv("COLUMNS", "60")
    assert "█" in cli("forward").out
    assert "█" not in cli("backward").out
    monkeypatch.delenv("COLUMNS")
    assert "█" not in cli("forward").out


def test_the_result_stands_out(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = cli("forward").out
    assert re.search(r"\x1b\[1;38;5;32m4\x1b\[0m", out)  # bold, in the colour of kept
    assert re.search(r"\x1b\[1;38;5;166m0\x1b\[0m", out)
    assert "\x1b[2mkeep probability" in out
    assert re.search(r"^p = 0.5", out, re.MULTILINE)


def test_tables_and_bars_in_ascii() -> None:
    """Each sign of a table is one of ASCII, so that columns stay in line."""
    drawn = FORWARD + NEGATIVE
    assert list(map(len, to_ascii(drawn).split("\n"))) == list(map(len, drawn.split("\n")))
    assert to_ascii("████▒▒▒▒ ╌╌╌╌ │ ▏") == "####++++ .... | '"
