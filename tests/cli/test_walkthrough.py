"""The derivation on a terminal and in files: some steps, each format, either language."""

import json
import re
from html import unescape

import pytest
from rich.cells import cell_len
from running import slow
from steps import IDS, LANGUAGES, PROBLEMS


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ("--step 3", [3]), ("--step proof", [7]), ("--step 3-6", [3, 4, 5, 6]),
        ("--step 12 --step proof --step 1-2", [1, 2, 7, 12]), ("--step 13 --step 13", [13]),
        ("--step 2,4,6", [2, 4, 6]), ("--step why,1,3-4", [1, 3, 4, 11]),
    ],
)  # fmt: skip
def test_steps_are_chosen_by_number_range_name_or_its_beginning(cli, args, wanted):
    out = cli("walkthrough", *args.split()).out
    assert [int(k) for k in re.findall(r"^(\d+)\. ", out, flags=re.MULTILINE)] == wanted
    ids = [step["id"] for step in cli("walkthrough", "-f", "json", *args.split()).json["steps"]]
    assert ids == [IDS[k - 1] for k in wanted]


def test_the_steps_are_listed_in_each_format(cli, tmp_path):
    assert [line.split()[1] for line in cli("walkthrough", "--list").out.splitlines()[5:]] == IDS
    listed = cli("walkthrough", "--list", "-f", "json").json
    assert [step["id"] for step in listed["steps"]] == IDS
    path = tmp_path / "steps.md"
    assert cli("walkthrough", "--list", "-o", str(path)).code == 0
    assert path.read_text("utf-8").count("\n|") == len(IDS) + 2


def test_a_fraction_stays_one_where_p_is_shown(cli):
    out = cli("walkthrough", "-p", "1/3").out
    assert "P(mᵢ = 1) = 1−p ≈ 0.666667,   P(mᵢ = 0) = p = 1/3" in out
    assert "p = 1/3             probability" in out
    assert "0.333333333" not in out
    for p in ("0.1", "0.25", "0.123456789012345", "2/4"):
        assert "/" not in cli("forward", "-p", p).out.split("probability")[0]


def test_an_exercise_is_the_solution_with_blanks_for_what_is_to_be_computed(cli, tmp_path):
    problem = ["-x", "0.7,1.1,1.3,1.9", "-g", "2.3,2.9,3.1,3.7"]
    sheet, solution = tmp_path / "sheet.md", tmp_path / "solution.md"
    assert cli("walkthrough", "--hide", *problem, "-o", str(sheet)).code == 0
    assert cli("walkthrough", *problem, "-o", str(solution)).code == 0
    blank, full = sheet.read_text("utf-8"), solution.read_text("utf-8")
    for result in ("1.4", "2.6", "4.6", "6.2", "0.49", "1.69"):  # y, ∂L/∂x, Var[y]
        assert re.search(rf"(?<![\d.]){result}(?!\d)", full), result
        assert not re.search(rf"(?<![\d.]){result}(?!\d)", blank), result
    assert blank.startswith("# Exercise: ")
    questions = re.findall(r"^\*\*(.*)\*\*$", blank, flags=re.MULTILINE)
    assert len(questions) == len(IDS)
    assert "kept" not in " ".join(line for line in blank.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    ("given", "solution"),
    [
        ("-x 0.7,1.1,1.3,1.9 -g 2.3,2.9,3.1,3.7",
         "-x 0.7,1.1,1.3,1.9 -p 0.5 -m 1010 -g 2.3,2.9,3.1,3.7"),
        ("-x 1,2 --rng torch-cpu --skip 10 --loss mean",
         "-x 1,2 -p 0.5 --seed 0 --rng torch-cpu --skip 10 --loss mean"),
        ("--eval -p 1/3", "-x 2,4,6,8 -p 1/3 --eval -g 0.1,0.2,0.3,0.4"),
    ],
)  # fmt: skip
def test_an_exercise_names_the_command_that_prints_its_solution(cli, given, solution):
    blank = cli("walkthrough", "--hide", *given.split(), "-f", "markdown").out
    (line,) = re.findall("^dropout-cli walkthrough (.*)$", blank, re.MULTILINE)
    assert line == solution
    right = cli("walkthrough", *given.split(), "-f", "json").out
    assert (
        cli("walkthrough", *line.split(), "-f", "json").json["steps"] == json.loads(right)["steps"]
    )


@pytest.mark.parametrize("mode", [[], ["--eval"]])
def test_an_exercise_hides_the_gradient_that_follows_from_a_loss(cli, mode):
    problem = ["-x", "0.7,1.1,1.3,1.9", "--loss", "sum-squares", *mode]
    for steps in ("inference", "worked-example"):
        full = cli("walkthrough", *problem, "--step", steps).out
        blank = cli("walkthrough", "--hide", *problem, "--step", steps).out
        for result in ("1.4", "2.2", "2.6", "3.8"):  # 2x, ∂L/∂y in inference
            shown = rf"(?<![\d.]){result}(?!\d)"
            assert re.search(shown, full) or not mode
            assert not re.search(shown, blank)


def test_json_holds_the_steps_and_the_trace(cli):
    document = cli("walkthrough", "-f", "json").json
    assert document["schema"] == "dropout-cli/walkthrough/1"
    assert document["trace"] == cli("backward", "-f", "json").json
    for step in document["steps"]:
        assert step.keys() == {"id", "title", "text", "latex", "numbers"}
        assert all((step["text"], step["numbers"]))


def test_an_svg_gives_each_text_the_width_of_its_cells(cli, tmp_path):
    path = tmp_path / "page.svg"
    assert cli("walkthrough", "--lang", "zh", "-o", str(path)).code == 0
    texts = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', path.read_text("utf-8"))
    widths = {
        round(float(length) / cell_len(unescape(text)), 2) for length, text in texts if text.strip()
    }
    assert widths == {12.2}


# How it fits a terminal

PAGES = [f"walkthrough {args}" for args in PROBLEMS.values()]
PAGES += ["forward", "forward -x -1.5,-0.0,1e-7,123456789", "backward", "backward --eval", "masks"]
PAGES += ["verify", "verify --y 2,0,6,0", "verify --y 1,2,3,4"]


@pytest.mark.parametrize(
    "page", [p if "walk" not in p or p == PAGES[0] else slow(p) for p in PAGES]
)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", [60, slow(80)])
def test_a_page_fits_its_terminal_and_nothing_is_cut(cli, monkeypatch, page, language, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli(*page.split(), "--lang", language).out
    assert max(map(cell_len, out.splitlines())) <= columns
    # Ellipses of rich follow a character; those of mathematics and of masks stand alone.
    assert not re.search(r"\S…", out)
    assert not re.search(r"^[，。；：、）]", out, flags=re.MULTILINE)


@pytest.mark.parametrize("columns", [10, *map(slow, [1, 2, 5, 17, 20, 34, 40])])
def test_any_width_is_wide_enough(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("forward", "backward", "walkthrough", "verify", "masks"):
        for args in ([], ["--lang", "zh"]):
            precise = [] if command == "masks" else ["--precision", "17"]
            result = cli(command, *args, *precise)
            assert (result.code, result.err) == (0, "")
            assert result.out.count("\n") > 5


@pytest.mark.parametrize("columns", ["0", "-5", "wide", "9" * 20, ""])
def test_a_width_that_is_none_is_not_used(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    result = cli("forward")
    assert (result.code, result.err) == (0, "")
    assert "1   2   1  1 × 2 / 0.5   4  ✓ kept" in result.out


def test_code_is_never_broken(cli, monkeypatch):
    wide = cli("walkthrough", "--step", "pytorch").out
    (code,) = re.findall(r"(?ms)^  class MyDropout.*?\n(?=\nThe two)", wide)
    monkeypatch.setenv("COLUMNS", "40")
    assert code in cli("walkthrough", "--step", "pytorch").out


@pytest.mark.usefixtures("colours")
def test_the_colour_of_a_check_ends_with_it(cli):
    out = cli("walkthrough", "--step", "9-10").out
    assert re.search(r"\x1b\[[0-9;]*38[0-9;]*m✓\x1b\[0m the formula", out)  # in the colour of kept
    assert "\x1b[1m10. In PyTorch, and what one seed does\x1b[0m" in out
    assert "\nDropout written by hand, to be compared with nn.Dropout:\n" in out


@pytest.mark.usefixtures("colours")
def test_where_rows_are_stacked_the_index_stands_out(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = cli("backward", "--precision", "17").out
    for k in range(1, 5):
        assert re.search(rf"^\x1b\[1mi *\x1b\[0m +\x1b\[1m{k} *\x1b\[0m$", out, re.MULTILINE)
