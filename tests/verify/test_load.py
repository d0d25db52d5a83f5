"""Find a layer by its name, recognize its kind, and quote what it raises."""

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from layers.course import Course

from dropout_cli.errors import RequestError
from dropout_cli.verify.judge import judge_layer
from dropout_cli.verify.load import QUOTED, load_layer, quote


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return tmp_path


def test_a_layer_is_found_in_the_current_folder(folder: Path) -> None:
    (folder / "own_layers.py").write_text("class Dropout:\n    class Inner: pass\n")
    outer: Any = load_layer("own_layers:Dropout")
    inner: Any = load_layer("own_layers.py:Dropout.Inner")
    assert (outer.__name__, inner.__name__) == ("Dropout", "Inner")
    (folder / "layers_of_ours").mkdir()
    (folder / "layers_of_ours" / "two.py").write_text("Dropout = 2\nDropin = _Dropouts = 3\n")
    for name in ("layers_of_ours/two.py:Dropout", "./layers_of_ours/two.py:Dropout"):
        assert load_layer(name) == 2
    assert sys.path[0] == str(folder)
    assert sys.path.count(str(folder)) == 1
    for wrong, near in (("Dropouts", "Dropout"), ("Dropi", "Dropin")):
        with pytest.raises(RequestError, match=f"has no '{wrong}'; did you mean '{near}'.$"):
            load_layer(f"layers_of_ours.two:{wrong}")


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("own_layers", "", "must be MODULE:NAME"),
        (":Dropout", "", "must be MODULE:NAME"),
        ("own_layers:", "", "must be MODULE:NAME"),
        ("no_layers:Dropout", "", "no module 'no_layers'"),
        ("own_layers.sub:Dropout", "", "no module 'own_layers.sub'.*, set PYTHONPATH to that$"),
        (r"C:\x\own_layers.py:Dropout", "", r"no module 'C:.*own_layers'"),
        ("own_layers:Other", "class Dropout: pass", "own_layers has no 'Other'$"),
        ("own_layers:Dropout:p", "class Dropout: p = 1", "no module 'own_layers:Dropout'"),
        ("own_layers:Dropout", "import no_such", "cannot be imported: ModuleNotFoundError"),
        ("own_layers:Dropout", "1/0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("own_layers:Dropout", "raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("own_layers:Dropout", "def f(:", "cannot be imported: SyntaxError"),
    ],
)
def test_a_layer_that_cannot_be_loaded(folder: Path, name: str, source: str, message: str) -> None:
    (folder / "own_layers.py").write_text(source)
    with pytest.raises(RequestError, match=message) as error:
        load_layer(name)
    assert "\n" not in str(error.value)


class ForwardAlone:
    def __init__(self, p):
        self.p = p

    def forward(self, x):
        return x


class NoMode(ForwardAlone):
    def backward(self, grad_y):
        return grad_y


class NoP(Course):
    def __init__(self):
        self.training = True


class Keeps(Course):
    def __init__(self, keep_prob):
        super().__init__(1 - keep_prob)


class TakesMode(Course):
    def forward(self, x, training):
        self.training = training
        return super().forward(x)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (ForwardAlone, "^ForwardAlone is a class without backward"),
        (ForwardAlone(0.5), "^the ForwardAlone is no layer, but a layer is"),
        (NoMode, r"^the NoMode has neither train\(\) and eval\(\) nor an attribute training, so"),
        (NoP(), "^the NoP is an instance without an attribute p that tells its drop probability"),
        (NoP, "^NoP cannot be called with p alone, but a layer is"),
        (Keeps, "^Keeps is called with keep_prob, but a layer is"),
        (TakesMode, "^TakesMode.forward takes more than x, but a layer is"),
        (lambda x, p: (x, p), "does not take four arguments, but a layer is"),
        (3, "^the int is no layer, but a layer is"),
        (types, "^types is no layer, but"),
    ],
)
def test_what_is_no_layer(layer: object, message: str) -> None:
    with pytest.raises(RequestError, match=message) as error:
        judge_layer(layer)
    sentence, *code = str(error.value).split("\n\n")
    assert "\n" not in sentence
    for lines in code:
        compile(lines, "wrap", "exec")


@pytest.mark.parametrize("layer", [Keeps, TakesMode, lambda p: Course(p)])
def test_the_lines_to_paste_make_a_layer(layer: Callable[..., Any]) -> None:
    with pytest.raises(RequestError) as error:
        judge_layer(layer)
    names: dict[str, Any] = {layer.__name__: layer}
    if "torch" in error.value.code:
        pytest.importorskip("torch")
        return
    exec(error.value.code, names)
    made = names.get("Layer") or names["run"]
    assert all(f.ok is not False for f in judge_layer(made, [0.9]))


def test_a_class_that_returns_what_backward_needs_is_shown_how() -> None:
    class Cache(Course):
        def forward(self, x):
            return super().forward(x), self.scale

        def backward(self, grad_y, scale):
            return grad_y * scale

    (code,) = {f.reason.code for f in judge_layer(Cache, [0.9]) if f.reason}
    names: dict[str, Any] = {"Cache": Cache}
    exec(code, names)
    assert all(f.ok is not False for f in judge_layer(names["run"], [0.9]))


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
def test_a_long_or_broken_message_is_one_line(error: Exception, line: str) -> None:
    assert quote(error) == line
