"""What an implementation computed, in a file: read strictly, judged fairly."""

import json

import junitparser
import numpy as np
import pytest

CASE = {"x": [2, 4, 6, 8], "p": 0.3, "mask": [1, 0, 1, 0]}
RIGHT = {**CASE, "y": [2 / 0.7, 0, 6 / 0.7, 0]}
GRADIENT = {"x": [1], "p": 0.5, "grad_y": [1], "grad_x": [1]}


@pytest.fixture
def judge(cli):
    """Judge a candidate, or several, given on standard input."""

    def call(candidate, *args):
        stdin = json.dumps(candidate).encode()
        return cli("verify", "--candidate", "-", *args, stdin=stdin)

    return call


@pytest.fixture
def verdict(judge):
    """Return the verdict on it: whether it is right, and the names of its mistakes."""

    def call(candidate, *args):
        result = judge(candidate, *args, "-f", "json")
        assert result.code == (0 if result.json["ok"] else 1), result.err
        return result.json["ok"], [each["id"] for each in result.json["diagnosis"]]

    return call


# How it is read


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ([], "standard input holds no candidate: the list is empty"),
        ([3], "standard input, case 1 is not a candidate"),
        ([RIGHT, {**RIGHT, "p": "a"}], "p is 'a', but it must be a number from 0 to 1, in sta"),
        ([{**RIGHT, "name": "a"}, {**RIGHT, "name": "a"}], "two candidates are called 'a'"),
        ({**CASE, "gradx": [1]}, "'gradx' is no key of a candidate: did you mean 'grad_x'?"),
        ({**RIGHT, "scale": 2}, "'scale' is no key of a candidate: the keys are"),
        ({**RIGHT, "schema": "x/1"}, "schema is 'x/1', but it must be dropout-cli/trace/1"),
        ({**RIGHT, "dtype": "float8"}, "dtype is 'float8', but it must be float16 or"),
        ({**RIGHT, "mode": "test"}, "mode is 'test', but it must be training or inference"),
        ({**RIGHT, "grad_y_source": "sums"}, "loss is 'sums', but it must be one of sum, mean"),
        ({**RIGHT, "mask": [1, 0, 2, 0]}, "element 3 of mask is 2"),
        ({**RIGHT, "y": "4"}, "y is not a list in JSON"),
        ({**RIGHT, "x": [True, 4, 6, 8]}, "element 1 of x is 'True', which is not a number"),
        ({**RIGHT, "x": [[2, 4], [6, 8]]}, "the shapes differ, but they must be one: x 2×2, mask"),
        ({**RIGHT, "x": [[2, 4], [6]]}, "x has rows of different lengths"),
        (CASE, "there is neither 'y' nor 'grad_x', so there is nothing to judge"),
        ({"p": 0.5, "y": [1]}, "x is given neither in a file nor by an option"),
        ({"x": [1], "y": [1]}, "p is given neither in a file nor"),
        ({**CASE, "grad_x": [1] * 4}, "grad_y is given neither in a file"),
        (GRADIENT, "there is neither a mask, given or"),
        ({**RIGHT, "grad_y_source": "sum", "grad_y": [7] * 4}, "grad_y is not the gradient of gra"),
        ({"x": [1e-9, 2e-9], "p": 0.5, "mask": [1, 0], "grad_y_source": "sum-squares",
          "grad_y": [5e-9, 0], "grad_x": [8e-9, 0]},
         "grad_y is not the gradient of grad_y_source, 'sum-squares'"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(judge, candidate, message):
    assert message in judge(candidate).error


def test_what_a_file_leaves_out_comes_from_the_options(judge):
    assert judge({"x": [1, 2], "y": [1.25, 0]}, "-p", "0.2", "-m", "10").code == 0
    candidate = {"mode": "inference", "x": [3, 4], "grad_x": [0.1, 0.2]}
    assert judge(candidate, "-g", "0.1,0.2").code == 0
    candidate = {"mode": "inference", "grad_y": [1, 1], "grad_x": [1, 1]}
    assert judge(candidate, "-x", "3,4").code == 0


def test_on_the_command_line_the_worked_example_fills_in(cli):
    assert cli("verify", "--y", "4,0,12,0", "--grad-x", "0.2,0,0.6,0").code == 0
    assert cli("verify", "-x", "3,5", "-p", "0.5", "--y", "6,0").code == 0  # the mask is read


def test_a_key_for_notes_is_free(verdict):
    assert verdict({**RIGHT, "meta": {"commit": "4f2a", "built": [1, None]}}) == (True, [])


@pytest.mark.parametrize("args", ["-x 1,2,3 -p 0.1 -s 7", "--eval", "--loss mean", "-p 1"])
def test_a_saved_pass_is_judged_as_it_is(cli, judge, verdict, args):
    saved = cli("backward", *args.split(), "-f", "json").json
    assert verdict(saved) == (True, [])
    assert "scale does not follow" in judge(saved | {"scale": 7}).error


def test_the_mask_is_read_from_y_where_it_can_be_and_the_report_says_so(judge, verdict):
    candidate = {"x": [2, 4, 6], "p": 0.3, "y": [2 / 0.7, 0, 6 / 0.7]}
    assert verdict(candidate) == (True, [])
    assert "the mask, read from y: 2 of 3 kept" in judge(candidate).out
    gradient = {**candidate, "grad_y": [1, 1, 1], "grad_x": [1 / 0.7, 1 / 0.7, 0]}
    assert verdict(gradient) == (False, ["other-mask"])
    assert verdict({**candidate, "x": [2, 0, 6], "mask": [1, 1, 1]}) == (True, [])


def test_where_an_x_is_0_the_gradient_shows_whether_it_was_kept(verdict):
    candidate = {
        "x": [0, 4, 6, 8], "p": 0.5, "y": [0, 0, 12, 16], "grad_y": [1, 1, 1, 1],
        "grad_x": [2, 0, 2, 2],
    }  # fmt: skip
    assert verdict(candidate) == (True, [])
    assert verdict({**candidate, "mask": [True, False, True, True]}) == (True, [])
    assert verdict({**candidate, "grad_x": [1, 0, 2, 2]})[0] is False


# How it is reported


def test_each_case_of_a_list_is_judged_and_named(judge, tmp_path):
    cases = [{**RIGHT, "name": "first"}, {**RIGHT, "y": [2, 0, 6, 0]}]
    result = judge(cases, "-f", "json")
    assert result.code == 1
    assert [(claim["case"], claim["ok"]) for claim in result.json["claims"]] == [
        ("first", True), ("case 2", False),
    ]  # fmt: skip
    (diagnosis,) = result.json["diagnosis"]
    assert (diagnosis["case"], diagnosis["id"]) == ("case 2", "not-scaled")
    path = tmp_path / "report.xml"
    printed = judge(cases, "-o", str(path))
    assert printed.out == judge(cases).out
    assert printed.out.endswith("\n✗ 1 of 2 checks failed. Exit code 1: something is wrong.\n")
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [
        ("first", 1, 0), ("case 2", 1, 1),
    ]  # fmt: skip
    (failed,) = suites[1]
    assert "not scaled by 1/(1−p)" in failed.result[0].message
    assert [line.split() for line in failed.result[0].text.splitlines()[-2:]] == [
        ["1", "2.0", str(2 / 0.7)], ["3", "6.0", str(6 / 0.7)],
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "shown"), [("a\nb", r"a\nb"), (3, "3")])
def test_a_name_is_shown_legibly(judge, name, shown):
    assert f"\n{shown}\n" in judge({**RIGHT, "name": name}).out


def test_a_quiet_report_leaves_out_what_passed(judge):
    passed = judge([RIGHT] * 500, "--quiet")
    assert passed.out == "✓ All 500 checks passed. Exit code 0: nothing is wrong.\n"
    cases = [RIGHT, {**RIGHT, "name": "bad", "y": [2, 0, 6, 0]}, {"x": [0], "p": 0.5, "y": [0]}]
    lines = [line for line in judge(cases, "-q", "-f", "markdown").out.splitlines() if line]
    assert [line[:18] for line in lines] == [
        "## bad", "> ✗ The check fail", "$y$ is wrong in 2 ", "| $i$ | Python ind",
        "| ---: | :--- | --", "| 1 | y[0] | 2 | 2", "| 3 | y[2] | 6 | 8",
        "## case 3", "> – 0 checks passe", "Not judged at p = ", "> ✗ 1 of 2 checks ",
    ]  # fmt: skip


def test_an_element_of_a_matrix_is_named_by_row_and_column(judge):
    candidate = {"x": [[1, 2], [3, 4]], "p": 0.5, "y": [[2, 0], [6, 9]]}
    (diagnosis,) = judge(candidate, "-f", "json").json["diagnosis"]
    assert diagnosis["elements"] == [{"i": [2, 2], "got": 9, "expected": 8}]
    out = judge(candidate).out
    assert "the input, 2 × 2, row by row" in out
    assert ["2,", "2", "y[1,", "1]", "9", "8"] in [line.split() for line in out.splitlines()]
    assert "dropout-cli verify -x=4.0 -p 0.5 -m 1 --y=9.0" in out


@pytest.mark.parametrize(
    ("y", "mistake"),
    [([0, 4 / 0.7], "drops-in-inference"), ([1.4, 2.8], "scales-in-inference")],
)
def test_mistakes_of_inference_are_named_there_alone(judge, verdict, y, mistake):
    assert verdict({"mode": "inference", "x": [2, 4], "y": y}, "-p", "0.3") == (False, [mistake])
    assert "inference" not in judge({**CASE, "y": [2, 0, 6, 0]}).out


def test_nan_at_p_1_is_named(judge):
    nan = float("nan")
    candidate = {"x": [2, 4], "p": 1, "y": [nan, nan], "grad_y": [1, 1], "grad_x": [nan, nan]}
    diagnosis = judge(candidate, "-f", "json").json["diagnosis"]
    assert [(each["about"], each["id"]) for each in diagnosis] == [
        ("y", "nan-at-p-1"), ("grad_x", "nan-at-p-1"),
    ]  # fmt: skip
    assert diagnosis[0]["elements"][0] == {"i": 1, "got": "nan", "expected": 0}
    assert "it is 0/0" in judge(candidate).out


def test_p_0_divides_nothing_by_0(verdict):
    """m·x/p is infinite there, and no finite value is near to that."""
    assert verdict({"x": [1, 2], "p": 0, "y": [5, -7]}) == (False, ["unknown"])


# How its mask is tested


def with_mask(mask, p):
    """Make a candidate whose y is right for this mask."""
    mask = np.asarray(mask, dtype=int)
    y = 1.5 * mask / (1 - p)
    return {"x": np.full(mask.shape, 1.5).tolist(), "p": p, "y": y.tolist()}


def drawn(seed, shape, q):
    return np.random.default_rng(seed).random(shape) < q


@pytest.mark.parametrize(
    ("mask", "p", "mistakes"),
    [
        ([0] * 40, 0.5, ["drops-everything"]),
        ([1] * 32, 0.5, ["drops-nothing"]),
        ([1] * 20 + [0] * 180, 0.1, ["keeps-with-p"]),
        (drawn(0, 5000, 0.5), 0.3, ["unknown"]),
        ([1] * 2500 + [0] * 2500, 0.5, ["neighbours-alike"]),
        (np.tile(drawn(3, 100, 0.5), 2), 0.5, ["mask-repeats"]),
        (np.repeat(drawn(4, (50, 1), 0.5), 8, axis=1), 0.5, ["one-mask-for-every-column"]),
        (np.repeat(drawn(5, (1, 40), 0.7), 20, axis=0), 0.3, ["one-mask-for-every-row"]),
        # and those that chance may well have drawn
        ([1] * 4, 0.5, []), ([0] * 4, 0.5, []), ([1, 0, 1, 0], 0.3, []), ([1] * 30, 0.5, []),
        (drawn(6, (40, 50), 0.7), 0.3, []), (drawn(7, 900, 1 / 45), 1 - 1 / 45, []),
        (~drawn(7, 900, 1 / 45), 1 / 45, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [True, False])
def test_a_mask_that_is_data_or_was_read_is_tested_against_p(verdict, mask, p, mistakes, given):
    candidate = with_mask(mask, p)
    if given:
        candidate["mask"] = np.asarray(mask, dtype=int).tolist()
    assert verdict(candidate) == (not mistakes, mistakes)


@pytest.mark.parametrize(
    "args", ["--y 2.000002,0,6.000006,0 -p 1e-6", "-x 1,1 -p 1e-12 -s 3 --y 1,1"]
)
def test_a_mask_that_was_drawn_here_or_is_the_examples_is_not_tested(cli, args):
    claims = cli("verify", *args.split(), "-f", "json").json["claims"]
    assert [claim["id"] for claim in claims] == ["y"]


def test_the_report_says_how_the_mask_was_tested(judge):
    candidate = with_mask([1] * 2500 + [0] * 2500, 0.5)
    result = judge(candidate, "-f", "json")
    assert [(claim["id"], claim["ok"]) for claim in result.json["claims"]] == [
        ("y", True), ("kept-fraction", True), ("independent", False),
    ]  # fmt: skip
    assert all("at a level of 1e-09" in claim["method"] for claim in result.json["claims"][1:])
    (diagnosis,) = result.json["diagnosis"]
    assert (diagnosis["about"], diagnosis["claim"]) == ("mask", "independent")
    assert diagnosis["explanation"] == (
        "the elements of the mask are not independent (for a right layer the probability of this is"
        " at most 1e-300): whether an element is kept depends on whether its neighbour is."
    )
    chinese = judge(candidate, "--lang", "zh").out.replace("\n", "")
    assert "元素的去留取决于相邻的元素。" in chinese


# What rounding excuses


@pytest.mark.parametrize(("y", "right"), [(2e-39, True), (0, False), (-2e-39, False)])
def test_what_a_float32_cannot_tell_is_excused_there_alone_and_said(judge, verdict, y, right):
    candidate = {"x": [1e-39], "p": 0.5, "mask": [1], "y": [y]}
    assert verdict(candidate) == (True, [])
    assert "an absolute one of" in judge(candidate).words
    assert verdict({**candidate, "dtype": "float64"}, "--rtol", "0")[0] is right
    assert "absolute" not in judge({**candidate, "dtype": "float64"}).out


@pytest.mark.parametrize("tiny", [1e-39, 1e-45, 5e-324])
def test_what_is_dropped_is_exactly_0(verdict, tiny):
    candidate = {"x": [1, 2], "p": 0.5, "mask": [1, 0]}
    assert verdict({**candidate, "y": [2, -0.0]}, "--rtol", "0") == (True, [])
    for args in ((), ("--rtol", "0")):
        assert verdict({**candidate, "y": [2, tiny]}, *args)[0] is False


def test_a_loss_that_overflows_is_no_fault_of_the_candidate(cli, verdict):
    saved = cli("backward", "-x", ",".join(["1e308"] * 5), "-p", "0", "-f", "json").json
    assert (saved["loss"], saved["grad_y_source"]) == (None, "sum")
    assert verdict(saved) == (True, [])
    assert verdict(saved | {"grad_x": [1, 1, 2, 1, 1]})[0] is False
    again = cli("backward", "--from", "-", "-f", "json", stdin=json.dumps(saved).encode())
    assert again.json == saved


@pytest.mark.parametrize("form", ["%.4f", "%.3e"])
def test_right_values_are_right_in_the_digits_that_were_written(cli, form):
    rng, cases = np.random.default_rng(0), []
    for k in range(20):
        x, grad_y, mask, p = *rng.normal(size=(2, 8)), rng.random(8) < 0.7, 0.3
        vectors = {"x": x, "y": x * mask / (1 - p), "grad_y": grad_y}
        vectors["grad_x"] = grad_y * mask / (1 - p)
        written = [f'"{key}": [{", ".join(form % v for v in vs)}]' for key, vs in vectors.items()]
        bits = f'"mask": {mask.astype(int).tolist()}'
        cases.append(f'{{"name": "{k}", "p": {p}, {bits}, {", ".join(written)}}}')
    assert cli("verify", "--candidate", "-", stdin=f"[{', '.join(cases)}]".encode()).code == 0
