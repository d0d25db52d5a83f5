"""The derivation on a terminal and in files: some steps, a pause, each format, either language."""

import json
import re
from html import unescape

import pytest
from rich.cells import cell_len
from steps import IDS, LANGUAGES, PROBLEMS

from dropout_cli.words import load


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


def test_the_language_comes_from_the_option_or_the_environment(cli, monkeypatch):
    chinese = cli("walkthrough", "--lang", "zh").out
    assert "链式法则" in chinese
    for command in ("forward", "backward"):
        assert "保留概率" in cli(command, "--lang", "zh").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")
    assert cli("walkthrough").out == chinese
    assert "The chain rule" in cli("walkthrough", "--lang", "en").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "fr")
    assert cli("walkthrough").code == 2


@pytest.mark.parametrize("problem", ["default", *(slow(name) for name in PROBLEMS)])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", [60, slow(80)])
def test_nothing_is_cut(cli, monkeypatch, problem, language, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli("walkthrough", "--lang", language, *PROBLEMS[problem].split()).out
    assert max(map(cell_len, out.splitlines())) <= columns
    assert not re.search(r"\S…", out)  # an ellipsis of rich's; those of mathematics stand alone
    assert not re.search(r"^[，。；：、）]", out, flags=re.MULTILINE)


def told(out):
    return [int(k) for k in re.findall(r"^(\d+)\. ", out, flags=re.MULTILINE)]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (["3"], [3]),
        (["proof"], [7]),
        (["3-6"], [3, 4, 5, 6]),
        (["12", "proof", "1-2"], [1, 2, 7, 12]),
        (["13", "13"], [13]),
    ],
)
def test_some_steps(cli, steps, wanted):
    args = [part for step in steps for part in ("--step", step)]
    assert told(cli("walkthrough", *args).out) == wanted
    ids = [step["id"] for step in cli("walkthrough", "-f", "json", *args).json["steps"]]
    assert ids == [IDS[k - 1] for k in wanted]


@pytest.mark.parametrize("step", ["0", "14", "6-3", "3-99", "proofs", "", "-1", "3-"])
def test_a_step_that_there_is_not(cli, step):
    result = cli("walkthrough", f"--step={step}")
    assert (result.code, result.out) == (2, "")
    assert f"there is no step {step!r}" in result.err


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("2,4,6", [2, 4, 6]), ("chain", [3]), ("why, 1 ,3-4", [1, 3, 4, 11]), ("w", None)],
)
def test_steps_in_a_list_and_by_their_beginning(cli, asked, wanted):
    result = cli("walkthrough", "--step", asked)
    if wanted is None:
        assert "there is no step 'w', but worked-example and why-scale: give" in result.err
    else:
        assert told(result.out) == wanted


def test_the_list_in_each_format(cli, tmp_path):
    assert [line.split()[1] for line in cli("walkthrough", "--list").out.splitlines()[5:]] == IDS
    listed = cli("walkthrough", "--list", "-f", "json").json
    assert [step["id"] for step in listed["steps"]] == IDS
    path = tmp_path / "steps.md"
    assert cli("walkthrough", "--list", "-o", str(path)).code == 0
    assert path.read_text("utf-8").count("\n|") == len(IDS) + 2


def test_a_fraction_is_shown_where_p_is(cli):
    out = cli("walkthrough", "-p", "1/3").out
    assert "P(mᵢ = 1) = 1−p ≈ 0.666667,   P(mᵢ = 0) = p = 1/3" in out
    assert "p = 1/3             probability" in out
    assert "0.333333333" not in out
    assert cli("forward", "-p", "1/3", "-f", "json").json["p"] == 1 / 3
    for p in ("0.1", "0.25", "0.123456789012345", "2/4"):
        assert "/" not in cli("forward", "-p", p).out.split("probability")[0]
    for p in ("1/0", "1/3/5", "a/3"):
        assert "is neither a number nor a fraction such as 1/3" in cli("forward", f"-p{p}").err


def test_an_exercise_hides_every_result(cli, tmp_path):
    """The sheet is the solution with blanks for the numbers that are to be computed."""
    problem = ["-x", "0.7,1.1,1.3,1.9", "-g", "2.3,2.9,3.1,3.7"]
    sheet, solution = tmp_path / "sheet.md", tmp_path / "solution.md"
    assert cli("walkthrough", "--hide", *problem, "-o", str(sheet)).code == 0
    assert cli("walkthrough", *problem, "-o", str(solution)).code == 0
    blank, full = sheet.read_text("utf-8"), solution.read_text("utf-8")
    for result in ("1.4", "2.6", "4.6", "6.2", "0.49", "1.69"):  # y, ∂L/∂x, Var[y]
        assert re.search(rf"(?<![\d.]){result}(?!\d)", full), result
        assert not re.search(rf"(?<![\d.]){result}(?!\d)", blank), result
    assert blank.startswith("# Exercise: ")
    assert (
        "\ndropout-cli walkthrough -x 0.7,1.1,1.3,1.9 -p 0.5 -m 1010 -g 2.3,2.9,3.1,3.7\n" in blank
    )
    questions = re.findall(r"^\*\*(.*)\*\*$", blank, flags=re.MULTILINE)
    assert len(questions) == len(IDS)
    assert "kept" not in " ".join(line for line in blank.splitlines() if line.startswith("|"))
    assert cli("walkthrough", "--hide", "-f", "json").code == 2


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


@pytest.mark.parametrize("language", [LANGUAGES[-1], *map(slow, LANGUAGES[:-1])])
@pytest.mark.parametrize("suffix", [".md", ".txt", ".json", slow(".html"), slow(".svg")])
def test_a_file_in_each_format_says_the_same(cli, tmp_path, suffix, language):
    path = tmp_path / f"notes{suffix}"
    assert cli("walkthrough", "--lang", language, "-o", str(path)).code == 0
    text = path.read_text("utf-8")
    if suffix == ".json":
        text = json.dumps(json.loads(text), ensure_ascii=False)
    for step in load(language)["step"]:
        assert step["title"] in text.replace("&#160;", " ")


def test_an_svg_gives_each_text_the_width_of_its_cells(cli, tmp_path):
    path = tmp_path / "page.svg"
    assert cli("walkthrough", "--lang", "zh", "-o", str(path)).code == 0
    texts = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', path.read_text("utf-8"))
    widths = {
        round(float(length) / cell_len(unescape(text)), 2) for length, text in texts if text.strip()
    }
    assert widths == {12.2}


def test_the_colour_of_a_check_ends_with_it(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = cli("walkthrough", "--step", "9-10").out
    assert re.search(r"\x1b\[[0-9;]*38[0-9;]*m✓\x1b\[0m the formula", out)  # in the colour of kept
    assert "\x1b[1m10. In PyTorch, and what one seed does\x1b[0m" in out
    assert "\nDropout written by hand, to be compared with nn.Dropout:\n" in out


def test_json_holds_the_steps_and_the_trace(cli):
    document = cli("walkthrough", "-f", "json").json
    assert document["schema"] == "dropout-cli/walkthrough/1"
    assert document["trace"] == cli("backward", "-f", "json").json
    for step in document["steps"]:
        assert step.keys() == {"id", "title", "text", "latex", "numbers"}
        assert all((step["text"], step["numbers"]))


@pytest.mark.parametrize("columns", [10, *map(slow, [1, 2, 5, 17, 20, 34, 40])])
def test_any_width_is_wide_enough(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    precise = ["--precision", "17"]
    for command in ("forward", "backward", "walkthrough", "verify", "masks"):
        for args in ([], ["--lang", "zh"]):
            result = cli(command, *args, *([] if command == "masks" else precise))
            assert (result.code, result.err) == (0, "")
            assert result.out.count("\n") > 5


def test_code_is_never_broken(cli, monkeypatch):
    wide = cli("walkthrough", "--step", "pytorch").out
    (code,) = re.findall(r"(?ms)^  class MyDropout.*?\n(?=\nThe two)", wide)
    monkeypatch.setenv("COLUMNS", "40")
    assert code in cli("walkthrough", "--step", "pytorch").out


def test_where_rows_are_stacked_the_index_stands_out(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = cli("backward", "--precision", "17").out
    for k in range(1, 5):
        assert re.search(rf"^\x1b\[1mi *\x1b\[0m +\x1b\[1m{k} *\x1b\[0m$", out, re.MULTILINE)
