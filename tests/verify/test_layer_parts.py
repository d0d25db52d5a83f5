"""The parts of a layer's verdict, each asked by itself."""

from __future__ import annotations

import numpy as np
import pytest
from layers import numpy_layers

from dropout_cli import RequestError, check
from dropout_cli.verify import draws, naming, questions
from dropout_cli.verify.judge import judge_layer
from dropout_cli.verify.layers import Answer, Values, adapt
from dropout_cli.verify.runs import LayerFinding, Run, Runs, UnreadableError, Wrong

MANY = 10_000


def run_of(y, grad_x=None, x=None, dtype="float64"):
    y = np.array(y, dtype=float)
    x = np.ones(y.shape) if x is None else np.array(x, dtype=float)
    grad = y if grad_x is None else np.array(grad_x, dtype=float)
    return Run(x, np.ones(y.shape), dtype, Answer(Values(dtype, y), Values(dtype, grad), x))


def runs_of(p, masks, coin=()):
    runs = [run_of(mask / (1 - p)) for mask in masks]
    return Runs(p, runs, runs, runs, runs, lambda: [run_of(mask) for mask in coin])


# Names


@pytest.mark.parametrize(
    ("got", "names"),
    [
        ([3.0, 0, 0], ["keeps-at-p-1"]),
        ([np.nan, np.inf, 0], ["nan-at-p-1"]),
        ([np.inf, -np.inf, 0], ["not-masked"]),
    ],
)
def test_what_is_left_at_p_1(got, names):
    assert naming.at_p_1("y", run_of(got), 1, np.array(got)) == names


@pytest.mark.parametrize(
    ("got", "names"),
    [
        ([2.0, 0, 6], ["drops-at-p-0"]),
        ([2.0, np.inf, 6], ["not-finite-at-p-0"]),
        ([2.0, 5, 6], []),
    ],
)
def test_what_is_lost_at_p_0(got, names):
    assert naming.at_p_0("y", run_of(got, x=[2, 4, 6]), 0, np.array(got)) == names


@pytest.mark.parametrize(
    ("got", "names"),
    [
        ([0.0, 4, 6], ["drops-in-inference"]),
        ([0.0, 8, 12], ["drops-in-inference"]),
        ([0.0, 4, 0], ["drops-in-inference"]),
        ([1.0, 2, 3], ["scales-in-inference"]),
        ([0.0, 0, 0], ["drops-in-inference", "scales-in-inference"]),
        ([1.0, 2, 2], []),
        ([1e-9, 2e-9, 2e-9], []),
    ],
)
def test_what_is_done_in_inference(got, names):
    assert naming.in_inference("y", run_of(got, x=[2, 4, 6]), 0.5, np.array(got)) == names


def test_in_inference_a_factor_may_be_off_by_two_roundings():
    allowed = 12 * 2.0**-53  # six roundings of each of two quotients
    for off, names in ((0.9 * allowed, ["scales-in-inference"]), (1.2 * allowed, [])):
        got = np.array([0.5, 0.5 * (1 + off)])
        assert naming.in_inference("y", run_of(got), 0.5, got) == names


def test_a_gradient_that_is_multiplied_by_x():
    run = run_of([2, 4, 6], grad_x=[2, 4, 6], x=[2, 4, 6])
    got = np.array([2.0, 4, 6])
    assert naming.in_inference("grad_x", run, 0.5, got) == ["times-x"]
    assert naming.in_inference("y", run_of(got, x=[1, 4, 5]), 0.5, got) == []
    assert naming.at_p_0("grad_x", run, 0, got) == ["times-x"]


def test_what_no_mistake_explains_has_no_name():
    run = run_of([4, 0], x=[2, 4])
    assert naming.in_training("y", run, 0.5, np.array([2.0, 0])) == ["not-scaled"]
    assert naming.in_training("y", run, 0.5, np.array([7.0, 0])) == []


def test_a_mistake_is_named_in_the_type_of_what_was_given():
    """Off by half a step of float16: a rounding where that is its type, and not in float64."""
    off = 1 + 2.0**-11
    fine, coarse = Values("float64", np.array([4.0, 4])), Values("float16", np.array([4.0, 4]))
    for y, grad_x, about in ((coarse, fine, "y"), (fine, coarse, "grad_x")):
        run = Run(np.full(2, 2.0), np.full(2, 2.0), "float64", Answer(y, grad_x, None))
        other = {"y": "grad_x", "grad_x": "y"}[about]
        assert naming.in_training(about, run, 0.5, 2 * np.array([1, off])) == ["not-applied"]
        assert naming.in_training(other, run, 0.5, 2 * np.array([1, off])) == []
        assert naming.in_inference(about, run, 0.5, 4 * np.array([1, off])) == [
            "scales-in-inference"
        ]
        assert naming.in_inference(other, run, 0.5, 4 * np.array([1, off])) == []
        named = ["times-x"] if about == "grad_x" else []
        assert naming.at_p_0("grad_x", run, 0, 4 * np.array([1, off])) == named


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        ([[1, 1], [1, 1]], "one-mask-for-batch"),
        ([[1, 0], [1, 0]], "one-mask-for-every-row"),
        ([[1, 1], [0, 0]], "one-mask-for-every-column"),
        ([[1, 0], [0, 1]], None),
        ([1, 1, 1], None),
        ([[[1, 0], [0, 1]], [[1, 0], [0, 1]]], "one-mask-for-every-row"),
        ([[1]], "one-mask-for-batch"),
    ],
)
def test_what_shares_a_mask(mask, name):
    assert naming.shared_mask([np.array([1, 0]) > 0, np.array(mask) > 0]) == name


# Chance


def test_the_count_that_was_tested_is_told():
    rows = np.arange(MANY).reshape(-1, 10) % 10 >= 3  # three of each ten are dropped
    finding = draws.independent(runs_of(0.3, [np.random.default_rng(0).permuted(rows, axis=1)]))
    assert (finding.ok, finding.mistake) == (False, "fixed-count")
    worst = min(finding.reason["counts"], key=lambda count: count.p_value)
    assert worst[:5] == ("rows", (MANY // 10, 10), -1, MANY // 10, MANY // 10)
    assert finding == LayerFinding(
        "independent", 0.3, False, 3 * MANY, 0.0, "fixed-count", "mask", [], finding.reason
    )


@pytest.mark.parametrize(("kept", "reason"), [(True, "all-kept"), (False, "all-dropped")])
def test_where_every_call_gives_one_outcome_there_is_nothing_to_count(kept, reason):
    mask = np.full(MANY, kept)
    runs = runs_of(0.5, [mask], coin=[mask])
    with pytest.raises(UnreadableError) as error:
        draws.independent(runs)
    assert (str(error.value), error.value.reason) == (reason, {"open": reason})
    assert draws.kept_fraction(runs).mistake == ("drops-nothing" if kept else "drops-everything")


def test_a_fraction_is_told_with_its_distance_from_p():
    mask = np.random.default_rng(0).random(MANY) < 0.5
    finding = draws.kept_fraction(runs_of(0.3, [mask]))
    dropped = MANY - int(mask.sum())
    assert (finding.ok, finding.mistake, finding.fits) == (False, None, [])
    assert finding.max_error == pytest.approx(abs(dropped / MANY - 0.3))
    assert (finding.reason["kept"], finding.reason["dropped"]) == (MANY - dropped, dropped)


@pytest.mark.parametrize(
    ("dtype", "step"),
    [("float64", 2**-22), ("float32", 2**-22), ("float16", 2**-9), ("bfloat16", 2**-6)],
)
def test_the_grid_of_random_numbers(dtype, step):
    """Twice the spacing just below 1 that the type's random numbers have."""
    assert draws._step([run_of([1, 0], dtype=dtype), run_of([1, 0])]) == step


def test_two_elements_agree_as_for_p_or_for_what_was_dropped():
    mask = np.arange(100) % 5 > 0  # a fifth is dropped
    step = 2.0**-22
    low, high = draws._agreement([run_of(mask)], 0.1)
    assert low == pytest.approx(0.2**2 + 0.8**2)
    assert high == pytest.approx((0.1 - step) ** 2 + (0.9 + step) ** 2, rel=1e-12)
    low, high = draws._agreement([run_of(mask)], 0.4)
    assert low == pytest.approx((0.4 + step) ** 2 + (0.6 - step) ** 2, rel=1e-12)
    assert high == pytest.approx(0.2**2 + 0.8**2)
    assert draws._agreement([run_of(mask)], 1.0) == (0.5, 1.0)
    assert draws._agreement([run_of(np.ones(100) > 0)], 0.0)[1] == 1.0


# Values


def both_runs(ys, grads, x, dtype="float64"):
    runs = [run_of(y, grad_x=g, x=x, dtype=dtype) for y, g in zip(ys, grads, strict=True)]
    return Runs(0, runs, [], runs, [], list)


def test_a_right_answer_is_counted_and_differs_by_nothing():
    runs = both_runs([[2, 4]], [[1, 1]], x=[2, 4])
    finding = questions.p_0(runs)
    reason = {"count_wrong": 0, "of": 2}
    assert finding == LayerFinding("p-0", 0, True, 4, 0.0, None, "y", [], reason)
    assert questions.inference(runs) == finding._replace(id="inference")


def test_wrong_elements_are_counted_and_their_largest_difference_told():
    finding = questions.p_0(both_runs([[2, 4], [2.5, 1], [0, 4]], [[1, 1]] * 3, x=[2, 4]))
    wrong = [Wrong((0,), 2.5, 2.0), Wrong((1,), 1.0, 4.0), Wrong((0,), 0.0, 2.0)]
    reason = {"count_wrong": 3, "of": 6}
    assert finding == LayerFinding("p-0", 0, False, 6, 3.0, None, "y", wrong, reason, [])
    names = questions.p_0(both_runs([[0, 4], [2, 4], [2, 0]], [[1, 1]] * 3, x=[2, 4]))
    assert (names.mistake, names.fits) == ("drops-at-p-0", ["drops-at-p-0"])


def test_a_name_must_fit_every_wrong_answer():
    """The first drops and the second is not finite: no one mistake does both."""
    finding = questions.p_0(both_runs([[0, 4], [np.inf, 4]], [[1, 1]] * 2, x=[2, 4]))
    assert (finding.ok, finding.mistake, finding.fits) == (False, None, [])


def test_a_wrong_gradient_is_told_where_the_output_is_right():
    finding = questions.p_0(both_runs([[2, 4]], [[2, 4]], x=[2, 4]))
    wrong = [Wrong((0,), 2.0, 1.0), Wrong((1,), 4.0, 1.0)]
    assert (finding.about, finding.wrong, finding.checked) == ("grad_x", wrong, 4)
    assert (finding.mistake, finding.max_error) == ("times-x", 3.0)


def test_an_output_is_no_gradient_times_x():
    run = run_of([6, 8], x=[2, 4])._replace(grad_y=np.array([3.0, 2]))
    assert naming.at_p_0("y", run, 0, run.y) == []
    assert naming.at_p_0("grad_x", run, 0, run.y) == ["times-x"]


def test_each_value_is_judged_in_its_own_type():
    y, grad_x = Values("float32", np.ones(2)), Values("float16", np.full(2, 1 + 2.0**-11))
    run = Run(np.ones(2), np.ones(2), "float32", Answer(y, grad_x, None))
    assert (run.type_of("y"), run.type_of("grad_x")) == ("float32", "float16")
    assert draws._step([run]) == 2**-22  # the mask is read from y
    runs = Runs(0, [run], [], [run], [], list)
    assert questions.p_0(runs).ok
    swapped = run._replace(answer=Answer(grad_x, y, None))
    assert draws._step([swapped]) == 2**-9
    coarse = Answer(grad_x._replace(dtype="float32"), y, None)
    assert not questions.p_0(Runs(0, [run._replace(answer=coarse)], [], [], [], list)).ok


def test_what_cannot_be_read_says_why():
    right = Values("float64", np.ones(2))
    for about, place in (("y", 0), ("grad_x", 1)):
        for values, reason, got in (
            (Values("float64", np.ones(3)), "other-shape", (3,)),
            (Values("int64", np.ones(2)), "other-type", "int64"),
        ):
            pair = [right, right]
            pair[place] = values
            run = Run(np.ones(2), np.ones(2), "float64", Answer(*pair, None))
            with pytest.raises(UnreadableError) as error:
                getattr(run, about)
            assert error.value.reason == {"open": reason, "about": about, "got": got}


# Layers


def test_a_function_is_given_what_was_asked():
    given = []

    def run(x, grad_y, p, training):
        given.append((x.dtype.name, grad_y.dtype.name, p, training))
        x += 1
        return x, grad_y

    x, grad_y = np.ones(2), np.full(2, 3.0)
    answer = adapt(run).at(0.25)(x, grad_y, True, "float16")
    assert given == [("float16", "float16", 0.25, True)]
    assert (answer.y.dtype, answer.y.array.tolist()) == ("float16", [2, 2])
    assert (answer.grad_x.dtype, answer.grad_x.array.tolist()) == ("float16", [3, 3])
    assert (x.tolist(), answer.x.tolist()) == ([1, 1], [2, 2])
    run.inplace = True
    assert adapt(run).at(0.25)(x, grad_y, False, "float32").x is None
    assert given[1] == ("float32", "float32", 0.25, False)


@pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "uint8"])
def test_values_are_float64_whatever_their_type(dtype):
    def run(x, grad_y, p, training):  # noqa: ARG001
        return [1, 0], x

    answer = adapt(run).at(0.5)(np.ones(2), np.ones(2), True, dtype)
    assert (answer.grad_x.dtype, answer.grad_x.array.dtype, answer.x.dtype) == (
        dtype, np.float64, np.float64,
    )  # fmt: skip


# The judge


@pytest.mark.parametrize("seed", [-1, 2**64, True, 1.0, "1"])
def test_a_seed_is_a_whole_number_of_64_bits(seed):
    with pytest.raises(RequestError) as error:
        judge_layer(numpy_layers.Course, [0.5], seed)
    assert str(error.value) == (
        f"seed is {seed!r}, but it must be a whole number from 0 to 2^64 - 1"
    )


def test_an_instance_is_asked_at_its_own_p():
    with pytest.raises(RequestError) as error:
        judge_layer(numpy_layers.Course(0.3), [0.5])
    assert str(error.value) == (
        "the layer is an instance with p = 0.3, so it cannot be asked at p = 0.5: give the class"
        " instead"
    )


def test_the_values_that_a_layer_is_given():
    given = []

    def run(x, grad_y, p, training):  # noqa: ARG001
        given.extend((x.copy(), grad_y.copy()))
        return x, grad_y

    judge_layer(run, [0.5], 2**64 - 1)
    for values in given:
        exact, count = np.unique(values * 64, return_counts=True)
        assert exact.tolist() == [*range(-127, -31), *range(32, 128)]
        assert count.min() > values.size / 192 / 2


def test_every_call_is_made_with_the_seed():
    """At p = 1e-7 a question calls the layer again, until an element is dropped."""
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    findings = judge_layer(numpy_layers.Course, [1e-7])
    assert judge_layer(numpy_layers.Course, [1e-7]) == findings
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("question", ["independent", "fresh-mask"])
def test_where_p_tells_too_little_that_is_said(question):
    (finding,) = [f for f in judge_layer(numpy_layers.Course, [1e-7]) if f.id == question]
    assert (finding.ok, finding.reason) == (None, {"open": "p-near-its-ends"})


def test_a_layer_that_says_it_works_in_place_is_not_asked_for_its_input():
    class InPlace(numpy_layers.Course):
        inplace = True

    findings = {f.id: f for f in judge_layer(InPlace, [0.5])}
    assert findings["input-untouched"].reason == {"open": "in-place"}
    assert findings["shape-and-dtype"][2:9] == (
        True, findings["shape-and-dtype"].checked, 0.0, None, "y", [], {"dtype": "float64"},
    )  # fmt: skip


# Memory


def run_out(error):
    def run(x, grad_y, p, training):  # noqa: ARG001
        if not training:
            raise error
        return np.zeros_like(x), np.zeros_like(x)  # which is wrong, too

    return run


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes."),
    ],
)
def test_a_layer_that_runs_out_of_memory_is_neither_right_nor_wrong(error):
    with pytest.raises(RequestError, match=r"^the layer was not checked, because memory ran out: "):
        check(run_out(error))
    with pytest.raises(AssertionError):
        check(run_out(RuntimeError("no memory of the forward pass")))


def test_memory_that_pytorch_cannot_get():
    torch = pytest.importorskip("torch")

    class Hungry(torch.nn.Dropout):
        def forward(self, x):
            return super().forward(x) + torch.empty(10**15)[: x.numel()].reshape(x.shape)

    with pytest.raises(RequestError, match="memory ran out"):
        check(Hungry)
