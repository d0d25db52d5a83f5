"""No option is dropped in silence: each takes effect, or is refused."""

import json
from pathlib import Path

import pytest
from click import Choice, Option
from running import slow

from dropout_cli.cli.commands import cli as group

TESTS = Path(__file__).parent.parent
RIGHT = {"x": [2, 4, 6, 8], "p": 0.5, "mask": [1, 0, 1, 0], "y": [4, 0, 12, 0]}
WRONG = RIGHT | {"y": [2, 0, 6, 0]}
SEVERAL = {("plot", "panel"), ("walkthrough", "steps"), ("verify", "layers")}
SEVERAL |= {("verify", "candidates"), ("verify", "p")}
VALUES = {
    "find": "10",
    "mask": "1010",
    "size": "4x3",
    "steps": "1",
    "path": "o.svg",
    "layers": "a:b",
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        pytest.param(name, option, id=f"{name} {option.name}")
        for name, command in [("", group), *group.commands.items()]
        for option in command.params
    ],
)
def test_the_second_of_an_option_is_refused_or_used_too(cli, tmp_path, name, option):
    assert isinstance(option, Option)
    assert option.multiple == ((name, option.name) in SEVERAL)
    if option.multiple:
        return
    flag = max(option.opts, key=len)
    choices = option.type.choices if isinstance(option.type, Choice) else ()
    value = next(iter(choices), None) or VALUES.get(option.name, "1")
    once = [flag] if option.is_flag else [flag, value]
    error = cli(*filter(None, [name]), *once, *once).error
    assert error == f"Error: {flag} is given twice, but it can be given only once\n"
    assert list(tmp_path.iterdir()) == []


def test_the_short_form_and_the_long_one_are_one_option(cli):
    assert "--input is given twice" in cli("forward", "-x", "1,2", "--input", "3,4").error
    assert "--drop-prob is given twice" in cli("verify", "-p", "0.1", "-p", "0.2").error
    long = cli("forward", "--input=-2,3", "--drop-prob=1/4", "--seed=7")
    assert cli("forward", "-x=-2,3", "-p=1/4", "-s=7") == long


def test_each_candidate_file_is_judged(cli):
    for name, case in (("good", RIGHT), ("bad", WRONG), ("list", [RIGHT, RIGHT])):
        Path(f"{name}.json").write_text(json.dumps(case))

    def judge(*names):
        return cli("verify", *(f"--candidate={name}" for name in names), "-f", "json")

    for names in (("bad.json", "good.json"), ("good.json", "bad.json")):
        result = judge(*names)
        assert result.code == 1
        assert [each["case"] for each in result.json["claims"]] == [*names]
        assert {each["case"] for each in result.json["diagnosis"]} == {"bad.json"}
    cases = [each["case"] for each in judge("good.json", "list.json").json["claims"]]
    assert cases == ["good.json", "case 1", "case 2"]
    assert "two candidates are called 'good.json'" in judge("good.json", "good.json").error
    assert "standard input is not JSON" in judge("-", "-").error


@pytest.mark.slow
def test_each_layer_is_judged_at_each_p(cli, monkeypatch):
    monkeypatch.chdir(TESTS)
    right, wrong = "my_layers:Dropout", "my_layers:Careless"
    for names in ((right, wrong), (wrong, right)):
        layers = [arg for name in names for arg in ("--layer", name)]
        result = cli("verify", *layers, "-p", "0.5", "-p", "0.3", "-f", "json")
        assert result.code == 1
        judged = {(claim["case"], claim["p"]) for claim in result.json["claims"]}
        assert judged == {(name, p) for name in (right, wrong) for p in (0.3, 0.5)}
        assert {c["case"] for c in result.json["claims"] if c["ok"] is False} == {wrong}
    for twice in (["-p", "0.5", "-p", "1/2"], ["--layer", right]):
        error = cli("verify", "--layer", right, *twice).error
        assert "is given twice with the same value" in error


FORMATS = [["-f", form] for form in ("table", "json", "markdown")]
FORMATS += [["-o", f"o.{suffix}"] for suffix in ("json", "md", "ipynb", "html", "svg", "txt")]


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (slow if form[0] == "-o" else pytest.param)(command, form)
        for command in ("forward", "backward", "walkthrough", "verify", "masks")
        for form in FORMATS
    ],
)
def test_precision_language_and_theme_take_effect_or_are_refused(cli, command, form):
    """With numbers of many digits in every page; only masks has none, and no --precision."""
    problem = {"forward": ["-x", "1.23456789,2"], "masks": []}
    line = [command, *problem.get(command, ["-x", "1.23456789,2", "-g", "1.23456789,2"]), *form]

    def outcome(*args):
        result = cli(*line, *args)
        files = [Path(each).read_bytes() for each in form if Path(each).is_file()]
        return result.code, result.out, result.err, files

    usual = outcome()
    assert usual[0] == 0
    for option in (["--precision", "2"], ["--lang", "zh"], ["--theme", "dark"]):
        if command == "verify" and option[0] == "--precision" and "json" in form[1]:
            continue  # its JSON rounds what it says in words, if that takes many digits
        given = outcome(*option)
        assert given[0] in (0, 2)
        assert given != usual, option


def test_a_language_comes_from_the_option_or_else_from_the_environment(cli, monkeypatch):
    english, chinese, data = (
        cli("forward", *args).out for args in ((), ("--lang", "zh"), ("-f", "json"))
    )
    assert "保留概率" in chinese
    for tag in ("zh-CN", "zh_CN.UTF-8", "ZH"):  # the region does not matter
        assert cli("forward", "--lang", tag).out == chinese
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")
    assert cli("forward").out == chinese
    assert cli("forward", "--lang", "en").out == english
    assert cli("forward", "-f", "json") == (0, data, "")  # which has no words
    monkeypatch.setenv("DROPOUT_CLI_LANG", "fr")
    assert cli("forward").code == 2
