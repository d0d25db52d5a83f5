"""Layers judged by running them: the right ones are never accused, each wrong one is named."""

from __future__ import annotations

import random
import sys
import types
from importlib.util import find_spec

import numpy as np
import pytest
from layers import numpy_layers, traps

from dropout_cli import check
from dropout_cli.errors import RequestError
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.judge import SWEEP, judge_layer
from dropout_cli.verify.layers import adapt
from dropout_cli.verify.load import QUOTED, load, quote
from dropout_cli.views.verification import layer_suite
from dropout_cli.words import languages
from dropout_cli.words import load as load_words
from dropout_cli.words.messages import Messages

RIGHT, WRONG = numpy_layers.RIGHT | traps.RIGHT, numpy_layers.WRONG | traps.WRONG
if find_spec("torch"):
    from layers import torch_layers

    RIGHT |= torch_layers.RIGHT
    WRONG |= torch_layers.WRONG
if find_spec("jax"):
    from layers import jax_layers

    RIGHT |= jax_layers.RIGHT
    WRONG |= jax_layers.WRONG

# One layer of each kind is judged in every run; the others repeat a kind.
QUICK = {
    "course", "numpy function", "images only", "float64 only", "p < 1 by a bare assert",
    "mask from y", "mask in a global", "wrong at first", "one mask for two calls",
    "tail of n mod 8", "squeezes", "repeats 64 later", "drops by sign", "last column kept",
    "p is keep", "changes grad_y", "overwrites y", "gradient cut", "fixed count",
    "drops in inference", "nan at p = 1",
}  # fmt: skip


def each_of(names):
    quick = [(name, (0, 0.1, 0.9, 1)) for name in names if name in QUICK]
    return quick + [pytest.param(name, None, marks=pytest.mark.slow) for name in names]


BETWEEN = {"values", "same-mask", "kept-fraction", "independent", "fresh-mask"}
ALWAYS = {"inference", "input-untouched", "shape-and-dtype", "answers"}
# The questions that cannot be asked of a right layer, at some p at least. Most layers of NumPy
# answer float32 with float64, so that the type is not judged.
OPEN = {
    "bool mask": set(),
    "own generator": set(),
    "numpy function": set(),
    "torch function": set(),
    "nn.Dropout": set(),
    "nn.Dropout instance": set(),
    "book module": set(),
    "autograd function": set(),
    "jax function": set(),
    "in place": {"input-untouched"},
    "nn.Dropout in place": {"input-untouched"},
    "float64 only": {"answers"},
    "no backward in inference": {"inference", "shape-and-dtype"},
    "only batches": {"answers", "shape-and-dtype"},
    "only vectors": {"answers", "shape-and-dtype"},
    "only three dimensions": {"answers", "shape-and-dtype"},
    "images only": {"answers", "shape-and-dtype"},
    "fails in three dimensions": {"answers", "shape-and-dtype"},
    "two dimensions only": {"answers", "shape-and-dtype"},
    "at most 65,536 elements": {"answers", "shape-and-dtype"},
    "only p = 0": BETWEEN | ALWAYS | {"p-1"},
    "p < 1": ALWAYS | {"p-1"},
    "p < 1 by a bare assert": ALWAYS | {"p-1"},
    "p < 1 in Chinese": ALWAYS | {"p-1"},
}


def named(findings):
    return {(f.id, name) for f in findings if f.ok is False for name in f.mistakes or [None]}


def one(findings, name, p):
    (finding,) = [f for f in findings if (f.id, f.p) == (name, p)]
    return finding


# The two tables


@pytest.mark.parametrize(("name", "ps"), each_of(RIGHT))
def test_a_right_layer_is_not_accused(name, ps):
    findings = judge_layer(RIGHT[name], ps)
    assert named(findings) == set()
    unasked = {f.id for f in findings if f.ok is None}
    assert unasked == OPEN.get(name, {"shape-and-dtype"})
    assert all(not f.wrong and not f.mistakes for f in findings)


@pytest.mark.parametrize(("name", "ps"), each_of(WRONG))
def test_a_wrong_layer_is_found_out_and_its_mistake_named(name, ps):
    layer, expected = WRONG[name]
    findings = judge_layer(layer, ps)
    allowed = {(key, each) for key, v in expected.items() for each in (v or "").split(" or ")}
    assert {(key, each or "") for key, each in named(findings)} <= allowed
    assert {f.id for f in findings if f.ok is False} == set(expected)
    for language in languages():
        told = layer_suite(name, findings, 0, Messages(load_words(language)))
        for f, row in zip(findings, told.rows, strict=True):
            ids = list(f.mistakes) or ["unknown"]
            assert [each for each, _ in row.explanations] == (ids if f.ok is False else [])
            assert "{" not in "".join(text.plain for _, text in row.explanations)


@pytest.mark.parametrize("name", numpy_layers.UNJUDGED)
def test_what_answers_nothing_is_not_judged(name):
    findings = judge_layer(numpy_layers.UNJUDGED[name])
    assert all(f.ok is None for f in findings if f.id == "values")
    with pytest.raises(RequestError, match=r"could not be judged: the layer raised"):
        check(numpy_layers.UNJUDGED[name], [0.3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_no_false_alarm(seed):
    names = ["course"] + (["nn.Dropout"] if "nn.Dropout" in RIGHT else [])
    for name in names:
        assert named(judge_layer(RIGHT[name], seed=seed)) == set(), name


@pytest.mark.slow
@pytest.mark.parametrize("p", [1e-300, 1e-9, 1e-5, 0.001, 0.998, 1 - 1e-5, 1 - 2**-20, 1 - 2**-53])
def test_no_p_makes_a_right_layer_wrong(p):
    slow = {"python random", "lists", "gaps"}
    for name, layer in RIGHT.items():
        if adapt(layer).p is None and name not in slow:
            assert named(judge_layer(layer, [p])) == set(), name


# What is asked


def test_every_question_is_asked_at_every_p():
    findings = judge_layer(numpy_layers.Course)
    for p in SWEEP:
        asked = {0: {"p-0"}, 1: {"p-1"}}.get(p, BETWEEN) | ALWAYS
        assert {f.id for f in findings if f.p == p} == asked
    for f in findings:
        assert f.checked >= 200_000 or f.ok is None
        assert isinstance(f.p, float)
    kept = one(findings, "kept-fraction", 0.3).reason
    assert kept.n >= 2_000_000
    assert kept.expected == pytest.approx(0.7 * kept.n)
    assert kept.chance > 1e-3
    assert LEVEL == 1e-9


def test_wrong_elements_are_given_with_what_was_expected():
    findings = judge_layer(numpy_layers.ScaledTwice, [0.5])
    values = one(findings, "values", 0.5)
    assert 1 <= len(values.wrong) <= 5
    for place, got, expected in values.wrong:
        assert got == 2 * expected != 0
        assert all(isinstance(k, int) for k in place)
    assert values.reason.counted > 2_000_000 / 2
    assert values.about == "y"
    assert one(findings, "same-mask", 0.5).ok


def test_a_name_that_fits_at_one_p_alone_is_not_given():
    """At p = 0.5, v·m·p is v·m·(1−p): which of them it is shows at another p."""
    layer = numpy_layers.GradientMultipliedByP
    both = judge_layer(layer, [0.3, 0.5])
    assert one(both, "same-mask", 0.5).mistakes == ["multiplied-by-p"]
    alone = one(judge_layer(layer, [0.5]), "same-mask", 0.5)
    assert alone.mistakes == ["not-scaled", "multiplied-by-keep", "multiplied-by-p"][1:]


def test_a_fixed_count_in_rows_alone():
    """84 of each 280, where 84.084 are expected: the number in a whole batch is not telling."""
    findings = judge_layer(numpy_layers.FixedCountInRows, [0.3003])
    assert named(findings) == {("independent", "fixed-count")}


def test_a_probability_nearer_to_1_minus_p_is_not_yet_that():
    class Off(numpy_layers.Course):
        def draw(self, shape):
            return np.random.rand(*shape) >= 0.52  # noqa: NPY002

    assert named(judge_layer(Off, [0.45])) == {("kept-fraction", None)}


def test_an_instance_is_judged_at_its_own_p():
    findings = judge_layer(numpy_layers.Course(0.7))
    assert {f.p for f in findings} == {0.7}
    with pytest.raises(RequestError, match=r"an instance with p = 0\.7"):
        judge_layer(numpy_layers.Course(0.7), [0.5])


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(p):
    with pytest.raises(RequestError, match="p is"):
        judge_layer(numpy_layers.Course, [p])


# What the layer raises


def test_what_the_layer_raises_is_quoted_in_one_line_with_its_place():
    reason = one(judge_layer(numpy_layers.RaisesTheSecondTime, [0.5]), "answers", 0.5).reason
    assert reason.error.startswith("RuntimeError: the mask [31mis gone (numpy_layers.py:")
    assert isinstance(reason.cause, RuntimeError)


def test_a_long_message_is_shortened():
    def run(x, grad_y, p, training):  # noqa: ARG001
        raise RuntimeError("long " * 100)

    quoted = judge_layer(run, [0.5])[0].reason.error
    assert "… (test_layers.py:" in quoted
    assert len(quoted) <= QUOTED + len("RuntimeError:  (test_layers.py:999)")


def test_backward_that_raises_does_not_hide_what_forward_does():
    findings = judge_layer(numpy_layers.Raises, [0.5])
    same = one(findings, "same-mask", 0.5)
    assert (same.ok, same.about) == (False, "grad_x")
    assert "mask_of_forward" in same.reason.error
    assert all(one(findings, name, 0.5).ok for name in ("values", "kept-fraction", "independent"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (np.ones(3), "ndarray instead of (y, grad_x)"),
        ((1, 2, 3), "3 results instead of (y, grad_x)"),
        ([np.ones(3)], "1 results instead of (y, grad_x)"),
        (("y", 2), "str"),
        (((1, 2), 3), "tuple of 2"),
    ],
)
def test_a_function_that_returns_something_else_is_told_how_to_be_one(answer, told):
    def run(x, grad_y, p, training):  # noqa: ARG001
        return answer

    found = one(judge_layer(run, [0.5]), "values", 0.5)
    assert (found.ok, found.reason.key, found.reason.error) == (None, "returned", told)
    assert "def run(x, grad_y, p, training):" in found.reason.code
    with pytest.raises(RequestError, match="could not be judged: the layer returned"):
        check(run, 0.5)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError(), "ValueError"),
        (ValueError("a\n  b\x1b"), "ValueError: a b"),
        (type("Red\x1bError" + "r" * QUOTED, (Exception,), {})(), "RedError" + "r" * 191 + "…"),
        (ValueError("x" * QUOTED), "ValueError: " + "x" * QUOTED),
        (ValueError("x" * (QUOTED + 1)), "ValueError: " + "x" * (QUOTED - 1) + "…"),
    ],
)
def test_an_exception_is_quoted_in_one_line(error, line):
    assert quote(error) == line


def test_a_layer_that_takes_no_p_at_all_is_not_judged():
    assert {f.ok for f in judge_layer(numpy_layers.OnlyZero, [0.3, 0.5])} == {None}


# The state of the process


def test_a_run_can_be_repeated():
    first, again, other = (
        judge_layer(numpy_layers.WrongProbability, [0.3], seed) for seed in (3, 3, 4)
    )
    assert first == again != other


def test_the_global_generators_have_their_states_back():
    def draws():
        drawn = [random.random(), np.random.rand()]  # noqa: NPY002
        return drawn + ([sys.modules["torch"].rand(1).item()] if "torch" in sys.modules else [])

    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    state = sys.modules["torch"].get_rng_state() if "torch" in sys.modules else None
    expected = draws()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    if state is not None:
        sys.modules["torch"].set_rng_state(state)
    judge_layer(numpy_layers.SeedsTheGlobal, [0.5])
    assert draws() == expected


def test_torch_is_not_imported_for_a_layer_without_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would raise
    assert named(judge_layer(numpy_layers.Course, [0.5])) == set()


# What is a layer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return tmp_path


def test_a_layer_is_found_in_the_current_folder(folder):
    (folder / "own_layers.py").write_text("class Dropout:\n    class Inner: pass\n")
    assert load("own_layers:Dropout").__name__ == "Dropout"
    assert load("own_layers.py:Dropout.Inner").__name__ == "Inner"
    (folder / "layers_of_ours").mkdir()
    (folder / "layers_of_ours" / "two.py").write_text("Dropout = 2\nDropin = _Dropouts = 3\n")
    for name in ("layers_of_ours/two.py:Dropout", "./layers_of_ours/two.py:Dropout"):
        assert load(name) == 2
    assert sys.path[0] == str(folder)
    assert sys.path.count(str(folder)) == 1
    for wrong, near in (("Dropouts", "Dropout"), ("Dropi", "Dropin")):
        with pytest.raises(RequestError, match=f"has no '{wrong}'; did you mean '{near}'.$"):
            load(f"layers_of_ours.two:{wrong}")


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("own_layers", "", "must be MODULE:NAME"),
        (":Dropout", "", "must be MODULE:NAME"),
        ("own_layers:", "", "must be MODULE:NAME"),
        ("no_layers:Dropout", "", "no module 'no_layers'"),
        ("own_layers.sub:Dropout", "", "no module 'own_layers.sub'.*, set PYTHONPATH to that$"),
        (r"C:\x\own_layers.py:Dropout", "", r"no module 'C:.*own_layers'"),
        ("own_layers:Dropuot", "class Dropout: pass", "no 'Dropuot'; did you mean 'Dropout'?"),
        ("own_layers:Other", "class Dropout: pass", "own_layers has no 'Other'$"),
        ("own_layers:Dropout:p", "class Dropout: p = 1", "no module 'own_layers:Dropout'"),
        ("own_layers:Dropout", "import no_such", "cannot be imported: ModuleNotFoundError"),
        ("own_layers:Dropout", "1/0", "cannot be imported: ZeroDivisionError: division by zero"),
        (
            "own_layers:Dropout",
            "raise GeneratorExit",
            "own_layers cannot be imported: GeneratorExit",
        ),
        ("own_layers:Dropout", "raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("own_layers:Dropout", "def f(:", "cannot be imported: SyntaxError"),
    ],
)
def test_a_layer_that_cannot_be_loaded(folder, name, source, message):
    (folder / "own_layers.py").write_text(source)
    with pytest.raises(RequestError, match=message) as error:
        load(name)
    assert "\n" not in str(error.value)


def test_a_folder_that_was_deleted(folder):
    folder.rmdir()
    with pytest.raises(RequestError, match="the current folder was deleted"):
        load("own_layers:Dropout")


class ForwardAlone:
    def __init__(self, p):
        self.p = p

    def forward(self, x):
        return x


class BackwardAlone:
    def __init__(self, p):
        self.p = p

    def backward(self, grad_y):
        return grad_y


class NoMode(ForwardAlone):
    def backward(self, grad_y):
        return grad_y


class NoP(numpy_layers.Course):
    def __init__(self):
        self.training = True


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (ForwardAlone, "^ForwardAlone is a class without backward"),
        (ForwardAlone(0.5), "^the ForwardAlone is no layer, but a layer is"),
        (
            NoMode,
            r"^the NoMode has neither train\(\) and eval\(\) nor an attribute training, so it"
            " cannot be put into inference$",
        ),
        (
            NoP(),
            "^the NoP is an instance without an attribute p that tells its drop probability: give"
            " the class instead; these lines make it one:",
        ),
        (NoP, "^NoP cannot be called with p alone, but a layer is"),
        (BackwardAlone, "^BackwardAlone has backward.grad_y., but no forward.x.$"),
        (lambda x, p: (x, p), "does not take four arguments, but a layer is"),
        (3, "^the int is no layer, but a layer is"),
        (types, "^types is no layer, but"),
    ],
)
def test_what_is_no_layer(layer, message):
    with pytest.raises(RequestError, match=message) as error:
        judge_layer(layer)
    sentence, *code = str(error.value).split("\n\n")
    assert "\n" not in sentence
    for lines in code:
        compile(lines, "wrap", "exec")


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
