"""No option is dropped in silence: each takes effect, or is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from click import Choice, Option

from dropout_cli.cli.commands import cli as group

LAYERS = Path(__file__).parent.parent
RIGHT = {"x": [2, 4, 6, 8], "p": 0.5, "mask": [1, 0, 1, 0], "y": [4, 0, 12, 0]}
WRONG = RIGHT | {"y": [2, 0, 6, 0]}
SEVERAL = {("plot", "panel"), ("walkthrough", "steps")}
SEVERAL |= {("verify", "layers"), ("verify", "candidates"), ("verify", "p")}
VALUES = {
    "x": "1,2,3,4", "p": "0.3", "mask": "1010", "seed": "3", "rng": "numpy", "grad_y": "1,1,1,1",
    "steps": "1", "path": "o.svg", "size": "4x3", "dpi": "100", "title": "T", "count": "4",
    "find": "10", "below": "50", "rtol": "0.1", "y": "1,1,1,1", "grad_x": "1,1,1,1",
    "layers": "a:b", "skip": "2", "candidates": "a.json", "saved": "a.json", "source": "a.svg",
    "precision": "3", "atol": "0.1", "decimals": "4", "dtype": "float64",
}  # fmt: skip


def options():
    for name, command in [("", group), *group.commands.items()]:
        for param in command.params:
            assert isinstance(param, Option)
            yield pytest.param(name, param, id=f"{name} {param.name}")


def written(param):
    """Write the option with a value, as on a command line."""
    flag = max(param.opts, key=len)
    if param.is_flag:
        return [flag]
    choices = param.type.choices if isinstance(param.type, Choice) else ()
    return [flag, next(iter(choices), None) or VALUES[param.name]]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "param"), list(options()))
def test_the_second_of_an_option_is_refused(cli, tmp_path, name, param):
    """But where several make sense, which are then all used."""
    assert param.multiple == ((name, param.name) in SEVERAL)
    if not param.multiple:
        result = cli(*([name] if name else []), *written(param), *written(param))
        flag = max(param.opts, key=len)
        refused = f"Error: {flag} is given twice, but it can be given only once\n"
        assert result == (2, "", refused)
        assert list(tmp_path.iterdir()) == []


def test_the_short_form_and_the_long_one_are_one_option(cli):
    assert "--input is given twice" in cli("forward", "-x", "1,2", "--input", "3,4").err
    assert "--drop-prob is given twice" in cli("verify", "-p", "0.1", "-p", "0.2").err
    assert "--drop-prob is given twice" in cli("verify", "--y=4,0,12,0", "-p1/2", "-p1/2").err


def test_each_candidate_file_is_judged(cli):
    for name, case in (("good", RIGHT), ("bad", WRONG), ("list", [RIGHT, RIGHT])):
        Path(f"{name}.json").write_text(json.dumps(case))
    for names in (("bad", "good"), ("good", "bad")):
        args = [f"--candidate={name}.json" for name in names]
        result = cli("verify", *args, "-f", "json")
        assert result.code == 1
        assert {each["case"] for each in result.json["claims"]} == {"bad.json", "good.json"}
        assert {each["case"] for each in result.json["diagnosis"]} == {"bad.json"}
    result = cli("verify", "--candidate", "good.json", "--candidate", "list.json", "-f", "json")
    assert result.code == 0
    assert [each["case"] for each in result.json["claims"]] == ["good.json", "case 1", "case 2"]
    twice = cli("verify", "--candidate", "good.json", "--candidate", "good.json")
    assert (twice.code, twice.out) == (2, "")
    assert "two candidates are called 'good.json'" in twice.err
    assert "standard input is not JSON" in cli("verify", "--candidate", "-", "--candidate", "-").err


@pytest.mark.slow
def test_each_layer_is_judged_at_each_p(cli, monkeypatch):
    monkeypatch.chdir(LAYERS)
    right, wrong = "my_layers:Dropout", "my_layers:Careless"
    for first, second in ((right, wrong), (wrong, right)):
        args = ("--layer", first, "--layer", second, "-p", "0.5", "-p", "0.3", "-f", "json")
        result = cli("verify", *args)
        assert result.code == 1
        assert {(c["case"], c["p"]) for c in result.json["claims"]} == {
            (name, p) for name in (right, wrong) for p in (0.3, 0.5)
        }
        assert {c["case"] for c in result.json["claims"] if c["ok"] is False} == {wrong}
    for twice in (["-p", "0.5", "-p", "1/2"], ["--layer", right]):
        result = cli("verify", "--layer", right, *twice)
        assert (result.code, "is given twice with the same value" in result.err) == (2, True)


FORMATS = [["-f", "table"], ["-f", "json"], ["-f", "markdown"]]
FORMATS += [["-o", f"o.{suffix}"] for suffix in ("json", "md", "ipynb", "html", "svg", "txt")]
EACH = [
    pytest.param(command, form, marks=[pytest.mark.slow] if form[0] == "-o" else [])
    for command in ("forward", "backward", "walkthrough", "verify", "masks")
    for form in FORMATS
]
SPEECH = (["--precision", "2"], ["--lang", "zh"], ["--theme", "dark"])


@pytest.mark.parametrize(("command", "form"), EACH)
def test_how_it_is_said_takes_effect_or_is_refused(cli, command, form):
    """With numbers of many digits in every page; only masks has none, and no --precision."""
    problem = {"forward": ["-x", "1.23456789,2"], "masks": []}
    line = [command, *problem.get(command, ["-x", "1.23456789,2", "-g", "1.23456789,2"]), *form]

    def outcome(*args):
        result = cli(*line, *args)
        files = [Path(each).read_bytes() for each in form if Path(each).is_file()]
        return result.code, result.out, result.err, files

    usual = outcome()
    assert usual[0] == 0
    for option in SPEECH:
        given = outcome(*option)
        if command == "verify" and option[0] == "--precision" and "json" in form[1]:
            continue  # its JSON rounds what it says in words, if that takes many digits
        assert given[0] in (0, 2)
        assert given != usual, option


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("forward -f json --precision 3", "--precision has no effect on .json output"),
        ("backward -o a.json --precision 3", "--precision has no effect on .json output"),
        ("masks -f json --lang zh", "--lang has no effect on .json output"),
        (
            "masks --precision 3",
            "--precision belongs to backward, forward, plot, verify, walkthrough, not",
        ),
        ("walkthrough --pause --theme dark", "--theme has no effect on .txt output"),
        ("backward -o a.md --transparent", "--transparent has no effect on .md output"),
        ("walkthrough --list --precision 3", "--precision cannot be combined with --list"),
        ("verify --y 4,0,12,0 -g 1,1,1,1", "--grad-y cannot be combined with y alone"),
        ("verify --y 4,0,12,0 --loss sum", "--loss cannot be combined with y alone"),
        ("verify --candidate right.json -g 1,1,1,1", "--grad-y cannot be combined with y alone"),
        ("forward --presicion 3", "Did you mean '--precision'?"),
        ("masks -n 10000001", "10000001 is not in the range 1<=x<=10000000"),
    ],
)
def test_what_would_have_no_effect_is_refused(cli, line, says):
    Path("right.json").write_text(json.dumps(RIGHT))
    result = cli(*line.split())
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_a_language_of_the_environment_is_no_option(cli, monkeypatch):
    usual = cli("forward", "-f", "json").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")
    assert cli("forward", "-f", "json") == (0, usual, "")


def test_unknown_keys_of_a_saved_pass(cli):
    saved = cli("backward", "-f", "json").json
    for key, hint in (("gradx", "did you mean 'grad_x'?"), ("note", "the keys are schema, mode")):
        stdin = json.dumps(saved | {key: 1}).encode()
        result = cli("backward", "--from", "-", stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert f"'{key}' is no key of a saved pass: {hint}" in result.err


def test_minus_zero_is_zero(cli):
    assert cli("backward", "-p", "-0.0") == cli("backward", "-p", "0")


def test_too_many_elements(cli):
    np.save("x.npy", np.zeros(10**7 + 1, np.int8))
    result = cli("forward", "-x", "@x.npy")
    assert (result.code, result.out) == (2, "")
    assert result.err == "Error: x has 10,000,001 elements, but at most 10,000,000 are taken\n"


@pytest.mark.parametrize("tag", ["zh-CN", "zh_CN.UTF-8", "ZH"])
def test_the_region_of_a_language_does_not_matter(cli, tag):
    assert cli("forward", "--lang", tag).out == cli("forward", "--lang", "zh").out
