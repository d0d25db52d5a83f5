"""What the layout of a terminal adds to rich: Chinese, formulas, and columns that share."""

from rich.cells import cell_len

from dropout_cli.formats.document import Formula, Paragraph, Table, Text
from dropout_cli.formats.terminal import to_terminal


def test_columns_of_words_share_what_the_others_leave() -> None:
    table = Table(["n", "a", "b"], [["1", "aa " * 20, "bb " * 30]], words=(1, 2))
    lines = to_terminal([table], 41).splitlines()
    assert max(map(len, lines)) <= 41
    assert lines[2].split() == ["1", *["aa"] * 6, *["bb"] * 6]
    assert to_terminal([table._replace(words=())], 41).startswith("n   1\na   aa aa")


def test_chinese_breaks_anywhere_but_before_a_full_stop() -> None:
    lines = to_terminal([Paragraph(Text(("丢弃。" * 10,)))], 14).splitlines()
    assert "".join(lines) == "丢弃。" * 10
    assert max(map(cell_len, lines)) == 14
    assert not any(line.startswith("。") for line in lines)


def test_a_formula_breaks_before_an_equals_sign_and_after_a_comma() -> None:
    lines = to_terminal([Formula("y = [1, 2, 3] = [4, 5, 6]", "")], 20).splitlines()
    assert lines == ["  y = [1, 2, 3]", "      = [4, 5, 6]"]


def test_short_headings_stand_on_the_rule_below_long_ones() -> None:
    table = Table(["n", "two words", "a"], [["1", "2", "aa " * 20]], words=(2,))
    assert to_terminal([table], 24).splitlines()[:4] == [
        "        two", "n     words  a", "─" * 24, "1         2  aa aa aa aa",
    ]  # fmt: skip
