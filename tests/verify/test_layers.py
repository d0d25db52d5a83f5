"""Judge layers by running them: right ones are never accused, wrong ones are found and named."""

import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from layers import RIGHT, WRONG, Case, calls, dependence, freshness, passes, shares
from layers.course import Course

from dropout_cli import check
from dropout_cli.errors import RequestError
from dropout_cli.proof.finding import Finding
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.judge import SWEEP, judge_layer
from dropout_cli.views.verification import layer_suite
from dropout_cli.words import languages, load
from dropout_cli.words.messages import Messages

BETWEEN = {"values", "same-mask", "kept-fraction", "independent", "fresh-mask"}
ALWAYS = {"inference", "input-untouched", "shape-and-dtype", "answers"}


def cases_of(table: Mapping[str, Case]) -> list[Any]:
    """Judge one layer of each kind in every run, at few p; the others repeat a kind."""
    quick = [pytest.param(case, case.quick, id=name) for name, case in table.items() if case.quick]
    return quick + [
        pytest.param(case, None, id=f"{name}-everywhere", marks=pytest.mark.slow)
        for name, case in table.items()
    ]


def failing(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    """Return each question that failed, with each name of the mistake, "" if there is none."""
    return {(f.id, name) for f in findings if f.ok is False for name in f.mistakes or [""]}


def one(findings: Sequence[Finding], name: str, p: float) -> Finding:
    (finding,) = [f for f in findings if (f.id, f.p) == (name, p)]
    return finding


# The two tables


@pytest.mark.parametrize(("case", "ps"), cases_of(RIGHT))
def test_a_right_layer_is_not_accused(case: Case, ps: Sequence[float] | None) -> None:
    findings = judge_layer(case.layer, ps)
    assert failing(findings) == set()
    assert {f.id for f in findings if f.ok is None} == set(case.unjudged)
    assert all(not f.wrong and not f.mistakes for f in findings)


@pytest.mark.parametrize(("case", "ps"), cases_of(WRONG))
def test_a_wrong_layer_is_found_and_its_mistake_named(
    case: Case, ps: Sequence[float] | None
) -> None:
    findings = judge_layer(case.layer, ps)
    allowed = {(key, each) for key, v in case.fails.items() for each in (v or "").split(" or ")}
    assert failing(findings) <= allowed
    asked = {f.id for f in findings}
    assert {f.id for f in findings if f.ok is False} == set(case.fails) & asked != set()
    for language in languages():
        suite = layer_suite("layer", findings, 0, Messages(load(language)))
        for f, row in zip(findings, suite.rows, strict=True):
            names = list(f.mistakes) or ["unknown"]
            assert [each for each, _ in row.explanations] == (names if f.ok is False else [])
            assert "{" not in "".join(text.plain for _, text in row.explanations)


@pytest.mark.parametrize("layer", [calls.Exits, calls.CountsOfOne])
def test_a_layer_that_answers_no_call_is_not_judged(layer: Any) -> None:
    assert one(judge_layer(layer, [0.3]), "values", 0.3).ok is None
    with pytest.raises(RequestError, match=r"could not be judged: the layer raised"):
        check(layer, [0.3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_false_alarm(seed: int) -> None:
    for name in {"Course", "nn.Dropout"} & set(RIGHT):
        assert failing(judge_layer(RIGHT[name].layer, seed=seed)) == set(), name


@pytest.mark.slow
@pytest.mark.parametrize("p", [1e-300, 1e-9, 1e-5, 0.001, 0.998, 1 - 1e-5, 1 - 2**-20, 1 - 2**-53])
def test_no_p_makes_a_right_layer_wrong(p: float) -> None:
    for name in {"Course", "OwnGenerator", "nn.Dropout", "jax_function"} & set(RIGHT):
        assert failing(judge_layer(RIGHT[name].layer, [p])) == set(), name


# The questions


def test_every_question_is_asked_at_every_p() -> None:
    assert {0, 0.25, 1} < set(SWEEP)
    findings = judge_layer(Course, [0, 0.3, 1])
    for p in (0, 0.3, 1):
        between = {0: {"p-0"}, 1: {"p-1"}}.get(p, BETWEEN)
        assert {f.id for f in findings if f.p == p} == between | ALWAYS
    assert all(f.checked >= 200_000 or f.ok is None for f in findings)
    kept = one(findings, "kept-fraction", 0.3).reason
    assert kept is not None
    assert kept.n >= 2_000_000
    assert kept.expected == pytest.approx(0.7 * kept.n)
    assert kept.chance > 1e-3
    assert LEVEL == 1e-9


def test_wrong_elements_are_given_with_what_is_right() -> None:
    findings = judge_layer(passes.scaled_twice, [0.5])
    values = one(findings, "values", 0.5)
    assert 1 <= len(values.wrong) <= 5
    assert all(got == 2 * expected != 0 for _, got, expected, *_ in values.wrong)
    assert values.reason is not None
    assert values.reason.counted > 2_000_000 / 2
    assert values.about == "y"
    assert one(findings, "same-mask", 0.5).ok


def test_a_name_that_fits_at_one_p_alone_is_not_given() -> None:
    """At p = 0.5, v·m·p is v·m·(1−p): which of them it is shows at another p."""
    layer = passes.gradient_multiplied_by_p
    both = judge_layer(layer, [0.9, 0.5])
    assert one(both, "same-mask", 0.5).mistakes == ["multiplied-by-p"]
    alone = one(judge_layer(layer, [0.5]), "same-mask", 0.5)
    assert alone.mistakes == ["multiplied-by-keep", "multiplied-by-p"]


def test_a_fixed_count_in_rows_alone() -> None:
    """84 of each 280, where 84.084 are expected: in a whole batch that number is usual."""
    findings = judge_layer(dependence.fixed_count_in_rows, [0.3003])
    assert failing(findings) == {("independent", "fixed-count")}


def test_a_share_that_is_near_1_minus_p_is_not_named_so() -> None:
    class Off(Course):
        def draw(self, shape):
            return np.random.rand(*shape) >= 0.52  # noqa: NPY002

    assert failing(judge_layer(Off, [0.45])) == {("kept-fraction", "")}


def test_an_instance_is_judged_at_its_own_p() -> None:
    assert {f.p for f in judge_layer(Course(0.7))} == {0.7}
    with pytest.raises(RequestError, match=r"an instance with p = 0\.7"):
        judge_layer(Course(0.7), [0.5])


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(p: float) -> None:
    with pytest.raises(RequestError, match="p is"):
        judge_layer(Course, [p])


# What a layer raises


def test_an_exception_is_quoted_in_one_line_with_its_place() -> None:
    reason = one(judge_layer(calls.RaisesLater, [0.9]), "answers", 0.9).reason
    assert reason is not None
    assert reason.error.startswith("RuntimeError: the mask [31mis gone (calls.py:")
    assert isinstance(reason.cause, RuntimeError)


def test_backward_that_raises_does_not_hide_what_forward_does() -> None:
    findings = judge_layer(calls.backward_raises, [0.9])
    same = one(findings, "same-mask", 0.9)
    assert (same.ok, same.about) == (False, "grad_x")
    assert same.reason is not None
    assert "mask_of_forward" in same.reason.error
    assert all(one(findings, name, 0.9).ok for name in ("values", "kept-fraction", "independent"))


def test_a_division_by_0_at_p_1_is_a_fault_wherever_it_is() -> None:
    class Divides(Course):
        def __init__(self, p):
            super().__init__(p)
            self.factor = 1 / (1 - p)

    assert failing(judge_layer(Divides, [1])) == {("p-1", "raised")}


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (np.ones(3), "ndarray instead of (y, grad_x)"),
        ((1, 2, 3), "3 results instead of (y, grad_x)"),
        ([np.ones(3)], "1 results instead of (y, grad_x)"),
        (("y", 2), "str"),
        (((1, 2), 3), "tuple of 2"),
    ],
)
def test_a_function_that_returns_something_else_is_shown_how(answer: Any, what: str) -> None:
    def run(x, grad_y, p, training):  # noqa: ARG001
        return answer

    finding = one(judge_layer(run, [0.5]), "values", 0.5)
    assert finding.reason is not None
    assert (finding.ok, finding.reason.key, finding.reason.error) == (None, "returned", what)
    assert "def run(x, grad_y, p, training):" in finding.reason.code
    with pytest.raises(RequestError, match="could not be judged: the layer returned"):
        check(run, 0.5)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes."),
    ],
)
def test_a_layer_that_runs_out_of_memory_is_neither_right_nor_wrong(error: Exception) -> None:
    def run(x, grad_y, p, training):  # noqa: ARG001
        raise error

    with pytest.raises(RequestError, match=r"^the layer was not checked, because memory ran out: "):
        check(run, 0.5)


def test_another_word_of_memory_is_an_exception_like_any() -> None:
    def run(x, grad_y, p, training):  # noqa: ARG001
        if not training:
            raise RuntimeError("no memory of the forward pass")
        return 0 * x, 0 * x

    with pytest.raises(AssertionError):
        check(run, 0)


def test_memory_that_pytorch_cannot_get() -> None:
    torch = pytest.importorskip("torch")
    dropout: Any = torch.nn.Dropout

    class Hungry(dropout):
        def forward(self, x):
            return super().forward(x) + torch.empty(10**15)[: x.numel()].reshape(x.shape)

    with pytest.raises(RequestError, match="memory ran out"):
        check(Hungry, 0.5)


# The state of the process


def test_a_run_can_be_repeated() -> None:
    first, again, other = (
        judge_layer(shares.off_by_two_per_cent, [0.9], seed) for seed in (3, 3, 4)
    )
    assert first == again != other


def test_the_global_generators_get_their_states_back() -> None:
    torch = sys.modules.get("torch")

    def samples() -> list[float]:
        found = [random.random(), np.random.rand()]  # noqa: NPY002
        return found + ([torch.rand(1).item()] if torch else [])

    states = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()  # noqa: NPY002
    expected = samples()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    if torch:
        torch.set_rng_state(states[2])
    judge_layer(freshness.seeds_the_global, [0.9])
    assert samples() == expected


def test_torch_is_not_imported_for_a_layer_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would raise
    assert failing(judge_layer(Course, [0.9])) == set()
