"""What an implementation computed, in a file: read strictly, judged fairly."""

import json

import junitparser
import numpy as np
import pytest


def nested(value, depth):
    return [nested(value, depth - 1)] if depth else value


CASE = {"x": [2, 4, 6, 8], "p": 0.3, "mask": [1, 0, 1, 0]}
RIGHT = {**CASE, "y": [2 / 0.7, 0, 6 / 0.7, 0]}


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


@pytest.mark.parametrize(
    ("candidate", "says"),
    [
        ([], "standard input holds no candidate: the list is empty"),
        ([3], "standard input, case 1 is not a candidate"),
        ([RIGHT, {**RIGHT, "p": "a"}], "p is 'a', but it must be a number from 0 to 1, in sta"),
        ([{**RIGHT, "name": "a"}, {**RIGHT, "name": "a"}], "two candidates are called 'a'"),
        ({**CASE, "gradx": [1]}, "'gradx' is no key of a candidate: did you mean 'grad_x'?"),
        ({**RIGHT, "training": False}, "'training' is no key of a candidate: the keys are"),
        ({**RIGHT, "scale": 2}, "'scale' is no key"),
        ({**RIGHT, "schema": "x/1"}, "schema is 'x/1', but it must be one of dropout-cli/trace/1"),
        ({**RIGHT, "dtype": "float8"}, "dtype is 'float8', but it must be one of float16,"),
        ({**RIGHT, "dtype": []}, "dtype is [], but it must be one of"),
        ({**RIGHT, "mode": "test"}, "mode is 'test', but it must be one of training, inference"),
        ({**RIGHT, "grad_y_source": "sums"}, "loss is 'sums', but it must be one of sum, mean"),
        ({**RIGHT, "mask": [1, 0, 2, 0]}, "element 3 of mask is 2"),
        ({**RIGHT, "y": "4"}, "y is not a list in JSON"),
        ({**RIGHT, "y": [1, None]}, "element 2 of y is 'None'"),
        ({**RIGHT, "x": [True, 4, 6, 8]}, "element 1 of x is 'True', which is not a number"),
        ({**RIGHT, "x": [[2, 4], [6, 8]]}, "the shapes differ, but they must be one: x 2×2, mask"),
        ({**RIGHT, "x": [[2, 4], [6]]}, "x has rows of different lengths"),
        ({**RIGHT, "x": [[2, 4], 6]}, "x has rows of different lengths"),
        (CASE, "there is neither 'y' nor 'grad_x', so there is nothing to judge"),
        ({"p": 0.5, "y": [1]}, "x is given neither in a file nor by an option"),
        ({"x": [1], "y": [1]}, "p is given neither in a file nor"),
        ({**CASE, "grad_x": [1] * 4}, "grad_y is given neither in a file"),
        ({"x": [1], "p": 0.5, "grad_y": [1], "grad_x": [1]}, "there is neither a mask, given or"),
        ({**RIGHT, "grad_y_source": "sum", "grad_y": [7] * 4}, "grad_y is not the gradient of gra"),
        ({"x": [1e-9, 2e-9], "p": 0.5, "mask": [1, 0], "grad_y_source": "sum-squares",
          "grad_y": [5e-9, 0], "grad_x": [8e-9, 0]},
         "grad_y is not the gradient of grad_y_source, 'sum-squares'"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(judge, candidate, says):
    result = judge(candidate)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_p_0_divides_nothing_by_0(verdict):
    """m·x/p is infinite there, and no finite value is near to that."""
    assert verdict({"x": [1, 2], "p": 0, "y": [5, -7]}) == (False, ["unknown"])


def test_a_saved_pass_is_judged_as_it_is(cli, verdict):
    for args in ("-x 1,2,3 -p 0.1 -s 7", "--eval", "--loss mean", "-p 1"):
        saved = cli("backward", *args.split(), "-f", "json").json
        assert verdict(saved) == (True, [])
        assert cli(
            "verify", "--candidate", "-", stdin=json.dumps(saved | {"scale": 7}).encode()
        ).err


def test_the_mask_is_read_from_y_where_it_can_be_and_the_report_says_so(judge, verdict):
    candidate = {"x": [2, 4, 6], "p": 0.3, "y": [2 / 0.7, 0, 6 / 0.7]}
    assert verdict(candidate) == (True, [])
    assert "the mask, read from y: 2 of 3 kept" in judge(candidate).out
    gradient = {**candidate, "grad_y": [1, 1, 1], "grad_x": [1 / 0.7, 1 / 0.7, 0]}
    assert verdict(gradient) == (False, ["other-mask"])
    assert verdict({**candidate, "x": [2, 0, 6], "mask": [1, 1, 1]}) == (True, [])


def test_pytorchs_own_output_is_right_where_an_x_is_0(verdict):
    """y is 0 where x is, whatever the mask; the gradient shows that it was kept."""
    candidate = {
        "x": [0, 4, 6, 8], "p": 0.5, "mask": [True, False, True, True], "y": [0, 0, 12, 16],
        "grad_y": [1, 1, 1, 1], "grad_x": [2, 0, 2, 2],
    }  # fmt: skip
    assert verdict(candidate) == (True, [])


def test_several_cases_have_names_and_suites(judge, tmp_path):
    cases = [{**RIGHT, "name": "first"}, {**RIGHT, "y": [2, 0, 6, 0]}]
    result = judge(cases, "-f", "json")
    assert result.code == 1
    assert [claim["case"] for claim in result.json["claims"]] == ["first", "case 2"]
    assert [claim["ok"] for claim in result.json["claims"]] == [True, False]
    assert [(each["case"], each["id"]) for each in result.json["diagnosis"]] == [
        ("case 2", "not-scaled")
    ]
    path = tmp_path / "report.xml"
    printed = judge(cases, "-o", str(path))
    assert printed.out == judge(cases).out
    assert printed.out.endswith("\n✗ 1 of 2 checks failed. Exit code 1: something is wrong.\n")
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [
        ("first", 1, 0),
        ("case 2", 1, 1),
    ]
    (failed,) = suites[1]
    assert "not scaled by 1/(1−p)" in failed.result[0].message
    assert [line.split() for line in failed.result[0].text.splitlines()[-2:]] == [
        ["1", "2.0", str(2 / 0.7)],
        ["3", "6.0", str(6 / 0.7)],
    ]


@pytest.mark.parametrize(
    ("name", "shown"), [("a\nb", r"a\nb"), (3, "3"), ("\x1b[31m", r"\x1b[31m")]
)
def test_a_name_is_shown_legibly(judge, name, shown):
    assert f"\n{shown}\n" in judge({**RIGHT, "name": name}).out


def test_what_passes_is_left_out_where_that_is_asked(judge):
    passed = judge([RIGHT] * 500, "--quiet")
    assert passed.out == "✓ All 500 checks passed. Exit code 0: nothing is wrong.\n"
    cases = [RIGHT, {**RIGHT, "name": "bad", "y": [2, 0, 6, 0]}, {"x": [0], "p": 0.5, "y": [0]}]
    lines = [line for line in judge(cases, "-q", "-f", "markdown").out.splitlines() if line]
    assert [line[:18] for line in lines] == [
        "## bad", "> ✗ The check fail", "$y$ is wrong in 2 ", "| $i$ | Python ind",
        "| ---: | :--- | --", "| 1 | y[0] | 2 | 2", "| 3 | y[2] | 6 | 8",
        "## case 3", "> – 0 checks passe", "Not judged at p = ", "> ✗ 1 of 2 checks ",
    ]  # fmt: skip
    assert "--quiet cannot be combined with JSON" in judge(RIGHT, "-q", "-f", "json").err


def test_places_of_nested_lists(judge):
    candidate = {"x": [[1, 2], [3, 4]], "p": 0.5, "y": [[2, 0], [6, 9]]}
    result = judge(candidate, "-f", "json")
    (diagnosis,) = result.json["diagnosis"]
    assert diagnosis["elements"] == [{"i": [2, 2], "got": 9, "expected": 8}]
    out = judge(candidate).out
    assert "the input, 2 × 2, row by row" in out
    assert ["2,", "2", "y[1,", "1]", "9", "8"] in [line.split() for line in out.splitlines()]
    assert "dropout-cli verify -x=4.0 -p 0.5 -m 1 --y=9.0" in out


def with_mask(mask, p):
    """Make a candidate whose y is right for this mask."""
    mask = np.asarray(mask, dtype=int)
    y = 1.5 * mask / (1 - p)
    return {"x": np.full(mask.shape, 1.5).tolist(), "p": p, "y": y.tolist()}


RARE = np.random.default_rng(7).random(900) < 1 / 45


@pytest.mark.parametrize(
    ("mask", "p", "mistakes"),
    [
        ([0] * 40, 0.5, ["drops-everything"]),
        ([1] * 32, 0.5, ["drops-nothing"]),
        ([1] * 900, 0.3, ["drops-nothing"]),
        ([1] * 20 + [0] * 180, 0.1, ["keeps-with-p"]),
        (np.random.default_rng(0).random(5000) < 0.5, 0.3, ["unknown"]),
        ([1] * 2500 + [0] * 2500, 0.3, ["unknown"]),
        ([1] * 2500 + [0] * 2500, 0.5, ["neighbours-alike"]),
        ([1, 0] * 50, 0.5, ["neighbours-alike"]),
        ([0, 1, 1, 0] * 50, 0.5, ["mask-repeats"]),
        (np.tile(np.random.default_rng(3).random(100) < 0.5, 2), 0.5, ["mask-repeats"]),
        (np.repeat(np.random.default_rng(4).random((50, 1)) < 0.5, 8, axis=1), 0.5,
         ["one-mask-for-every-column"]),
        (np.repeat(np.random.default_rng(5).random((1, 40)) < 0.7, 20, axis=0), 0.3,
         ["one-mask-for-every-row"]),
        # and those that chance may well have drawn
        ([1] * 4, 0.5, []), ([0] * 4, 0.5, []), ([1, 0, 1, 0], 0.3, []), ([1] * 30, 0.5, []),
        (np.random.default_rng(6).random((40, 50)) < 0.7, 0.3, []),
        (RARE, 1 - 1 / 45, []), (~RARE, 1 / 45, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", [True, False])
def test_a_mask_that_is_data_or_was_read_is_tested_against_p(verdict, mask, p, mistakes, given):
    candidate = with_mask(mask, p)
    if given:
        candidate["mask"] = np.asarray(mask, dtype=int).tolist()
    assert verdict(candidate) == (not mistakes, mistakes)


def test_a_mask_that_was_drawn_here_or_is_the_examples_is_not_tested(cli):
    for args in ("--y 2.000002,0,6.000006,0 -p 1e-6", "-x 1,1 -p 1e-12 -s 3 --y 1,1"):
        claims = cli("verify", *args.split(), "-f", "json").json["claims"]
        assert [claim["id"] for claim in claims] == ["y"]


def test_the_report_says_how_the_mask_was_tested(judge):
    result = judge(with_mask([1] * 2500 + [0] * 2500, 0.5), "-f", "json")
    assert [(claim["id"], claim["ok"]) for claim in result.json["claims"]] == [
        ("y", True), ("kept-fraction", True), ("independent", False),
    ]  # fmt: skip
    for claim in result.json["claims"][1:]:
        assert "at a level of 1e-09" in claim["method"]
    (diagnosis,) = result.json["diagnosis"]
    assert (diagnosis["about"], diagnosis["claim"]) == ("mask", "independent")
    assert diagnosis["explanation"] == (
        "the elements of the mask are not independent (for a right layer the probability of this is"
        " at most 1e-300): whether an element is kept depends on whether its neighbour is."
    )
    out = judge(with_mask([1] * 2500 + [0] * 2500, 0.5), "--lang", "zh").out
    assert "元素的去留取决于相邻的元素。" in out.replace("\n", "")


def test_nan_at_p_1_is_named(judge):
    nan = float("nan")
    candidate = {"x": [2, 4], "p": 1, "y": [nan, nan], "grad_y": [1, 1], "grad_x": [nan, nan]}
    result = judge(candidate, "-f", "json")
    assert [(each["about"], each["id"]) for each in result.json["diagnosis"]] == [
        ("y", "nan-at-p-1"),
        ("grad_x", "nan-at-p-1"),
    ]
    assert result.json["diagnosis"][0]["elements"][0] == {"i": 1, "got": "nan", "expected": 0}
    assert "it is 0/0" in judge(candidate).out


@pytest.mark.parametrize(
    ("y", "mistake"),
    [([0, 4 / 0.7], "drops-in-inference"), ([1.4, 2.8], "scales-in-inference")],
)
def test_mistakes_of_inference(judge, verdict, y, mistake):
    candidate = {"mode": "inference", "x": [2, 4], "y": y}
    assert verdict(candidate, "-p", "0.3") == (False, [mistake])
    out = judge({**CASE, "y": [2, 0, 6, 0]}).out
    assert "inference" not in out


def test_what_a_float32_cannot_tell_is_excused_there_alone_and_said(judge, verdict):
    for y, right in ((2e-39, True), (0, False), (-2e-39, False)):
        candidate = {"x": [1e-39], "p": 0.5, "mask": [1], "y": [y]}
        assert verdict(candidate) == (True, [])
        assert "an absolute one of" in " ".join(judge(candidate).out.split())
        assert verdict({**candidate, "dtype": "float64"}, "--rtol", "0")[0] is right
        assert "absolute" not in judge({**candidate, "dtype": "float64"}).out


def test_a_subnormal_x_of_float16_is_rounded_before_it_is_scaled(verdict):
    candidate = {"x": [2e-6], "p": 0.9, "mask": [1], "dtype": "float16"}
    y = float(np.float16(2e-6) / np.float16(0.1))
    assert y == 2.0265579223632812e-05  # and not 2e-5
    assert verdict({**candidate, "y": [y]}) == (True, [])
    assert verdict({**candidate, "y": [2.2 * y]})[0] is False
    assert verdict({**candidate, "y": [y], "dtype": "float32"})[0] is False


def test_the_gradient_of_squares_follows_from_a_rounded_y(verdict):
    x, keep = np.array([2e-6, -0.3]), np.float16(0.1)
    grad_x = (2 * (x.astype(np.float16) / keep) / keep).astype(float)
    candidate = {"x": x.tolist(), "p": 0.9, "mask": [1, 1], "dtype": "float16"}
    candidate |= {"grad_y_source": "sum-squares"}
    assert verdict({**candidate, "grad_x": grad_x.tolist()}) == (True, [])
    assert verdict({**candidate, "grad_x": (0.98 * grad_x).tolist()})[0] is False


@pytest.mark.parametrize("tiny", [1e-39, 1e-45, 5e-324])
def test_what_is_dropped_is_exactly_0(verdict, tiny):
    candidate = {"x": [1, 2], "p": 0.5, "mask": [1, 0]}
    assert verdict({**candidate, "y": [2, -0.0]}, "--rtol", "0") == (True, [])
    for args in ((), ("--rtol", "0")):
        assert verdict({**candidate, "y": [2, tiny]}, *args)[0] is False


def test_a_loss_that_overflows_is_no_fault_of_the_candidate(cli, verdict):
    x = ",".join(["1e308"] * 5)
    saved = cli("backward", "-x", x, "-p", "0", "-f", "json").json
    assert (saved["loss"], saved["grad_y_source"]) == (None, "sum")
    assert verdict(saved) == (True, [])
    assert verdict(saved | {"grad_x": [1, 1, 2, 1, 1]})[0] is False
    again = cli("backward", "--from", "-", "-f", "json", stdin=json.dumps(saved).encode())
    assert again.json == saved


def test_on_the_command_line_only_the_worked_example_fills_in(cli):
    assert cli("verify", "--y", "4,0,12,0", "--grad-x", "0.2,0,0.6,0").code == 0
    assert cli("verify", "-x", "3,5", "-p", "0.5", "--y", "6,0").code == 0  # the mask is read
    for args, says in (
        ("-x 3,5 --y 6,0", "p is given neither"),
        ("-x 3,5 -p 0.5 --grad-x 2,0", "grad_y is given neither"),
        ("-x 3,5 -p 0.5 -g 1,1 --grad-x 2,0", "neither a mask"),
        ("-x 3,5 -p 0.5 --y 6,0,0", "y has length 3"),
    ):
        result = cli("verify", *args.split())
        assert result.code == 2
        assert says in result.err


@pytest.mark.parametrize("form", ["%.4f", "%.3e"])
def test_right_values_are_right_in_the_digits_that_were_written(cli, tmp_path, form):
    rng, cases = np.random.default_rng(0), []
    for k in range(20):
        x, grad_y, mask, p = *rng.normal(size=(2, 8)), rng.random(8) < 0.7, 0.3
        vectors = {"x": x, "y": x * mask / (1 - p), "grad_y": grad_y}
        vectors["grad_x"] = grad_y * mask / (1 - p)
        written = [f'"{key}": [{", ".join(form % v for v in vs)}]' for key, vs in vectors.items()]
        bits = f'"mask": {mask.astype(int).tolist()}'
        cases.append(f'{{"name": "{k}", "p": {p}, {bits}, {", ".join(written)}}}')
    path = tmp_path / "cases.json"
    path.write_text(f"[{', '.join(cases)}]")
    assert cli("verify", "--candidate", str(path)).code == 0
