"""Adapt every kind of layer to one interface with separate forward and backward passes.

Three kinds are known:

    a torch.nn.Module       a class called with p, or an instance of one
    a class of NumPy layers called with p, or an instance of one: forward(x) or a call, and
                            backward(grad_y); train() and eval(), or an attribute training
    a function              run(x, grad_y, p, training) -> (y, grad_x)

A layer whose attribute `inplace` is true may change x, as nn.Dropout may.
"""

import inspect
import random
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.errors import RequestError
from dropout_cli.verify.script import Step

KINDS = (
    "a layer is a torch.nn.Module, a class called with p that has forward and backward,"
    " or a function run(x, grad_y, p, training)"
)
# Three lines to paste that make a layer of something else, by what it is.
WRAP = {
    "function": """\
class Layer(torch.nn.Module):
    def __init__(self, p): super().__init__(); self.p = p
    def forward(self, x): return {name}(x, self.p, self.training)""",
    "modes": """\
def run(x, grad_y, p, training):
    layer = {name}(p)
    return layer.forward(x, training), layer.backward(grad_y)""",
    "keep": """\
class Layer({name}):
    def __init__(self, p):
        super().__init__({argument}=1 - p)""",
    "made": """\
class Layer(torch.nn.Sequential):
    def __init__(self, p):
        super().__init__({name}(p))""",
    "cache": """\
def run(x, grad_y, p, training):
    y, cache = forward(x, p, training)
    return y, backward(grad_y, cache)""",
    "class": """\
def run(x, grad_y, p, training):
    layer = {name}(p)
    layer.training = training
    y, cache = layer.forward(x)
    return y, layer.backward(grad_y, cache)""",
}


def unknown_kind(sentence: str, how: str = "", **names: str) -> RequestError:
    """Create the error for an object that is no layer.

    how, names: a key of WRAP, whose lines make it a layer, and the names in them.
    """
    if not how:
        return RequestError(sentence)
    code = WRAP[how].format(**names)
    error = RequestError(f"{sentence}; these lines make it one:\n\n{code}")
    error.code = code
    return error


class NoArrayError(TypeError):
    """Raised for a returned value that is no array of real numbers; the message describes it."""


class Values(NamedTuple):
    """A copy of an array: the name of its type, and its values in float64."""

    dtype: str
    array: FloatArray


class Passed(NamedTuple):
    """A forward pass: x and grad_y as the layer received them, y, and how to get ∂L/∂x."""

    x: Any
    grad_y: Any
    y: Any
    backward: Callable[[], Any]


class Adapter(NamedTuple):
    """The interface to one layer at one p.

    inplace: whether the layer says that it may change x. autograd: whether it keeps no state, so
    that a second forward pass may precede the first backward pass, and must answer in x's type.
    """

    set_training: Callable[[bool], Any]
    forward: Callable[[Step, str], Passed]
    inplace: bool
    autograd: bool = False


class Layer(NamedTuple):
    """A layer that can be run.

    at: from p, 0 ≤ p ≤ 1, to an adapter; raises whatever the layer raises.
    p: the drop probability of an instance; None where any can be chosen.
    several: whether at(p) is a new instance each time.
    code: lines to paste that make a layer of one that returns more than y.
    """

    at: Callable[[float], Adapter]
    p: float | None
    several: bool
    code: str = WRAP["cache"]


def _torch_module(module: Any) -> Adapter:
    """Adapt a module. What does not depend on x has the gradient 0."""
    torch: Any = sys.modules["torch"]

    def forward(step: Step, dtype: str) -> Passed:
        (x, grad_y), (lay, lay_grad) = step.arrays(dtype), step.orders
        leaf = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
        x = lay(leaf.clone())  # autograd lets no layer change a leaf in place
        y = module(x)
        grad_y = lay_grad(torch.tensor(grad_y, dtype=getattr(y, "dtype", None)))

        def backward() -> Any:
            gradient = None
            if y.requires_grad or not step.training:  # in inference autograd may refuse
                (gradient,) = torch.autograd.grad(
                    y, leaf, grad_y, retain_graph=True, allow_unused=True
                )
            return torch.zeros_like(leaf) if gradient is None else gradient

        return Passed(x, grad_y, y, backward)

    return Adapter(module.train, forward, getattr(module, "inplace", False), autograd=True)


def _numpy_instance(layer: Any) -> Adapter:
    """Adapt an instance with forward(x) or a call, and backward(grad_y)."""
    modes = hasattr(layer, "train") and hasattr(layer, "eval")
    if not modes and not hasattr(layer, "training"):
        raise unknown_kind(
            f"the {type(layer).__name__} has neither train() and eval() nor an attribute training,"
            " so it cannot be put into inference", "modes", name=type(layer).__name__
        )  # fmt: skip

    def set_training(training: bool) -> None:
        if modes:
            (layer.train if training else layer.eval)()
        else:
            layer.training = training

    def forward(step: Step, dtype: str) -> Passed:
        x, grad_y = _arrays(step, dtype)
        y = layer.forward(x) if hasattr(layer, "forward") else layer(x)
        return Passed(x, grad_y, y, lambda: layer.backward(grad_y))

    return Adapter(set_training, forward, getattr(layer, "inplace", False))


def _function(run: Any, p: float) -> Adapter:
    """Adapt a function run(x, grad_y, p, training), which does both passes at once."""

    def forward(step: Step, dtype: str) -> Passed:
        x, grad_y = _arrays(step, dtype)
        answer = run(x, grad_y, p, step.training)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            several = isinstance(answer, tuple | list)
            what = f"{len(answer)} results" if several else type(answer).__name__
            raise NoArrayError(f"{what} instead of (y, grad_x)")
        return Passed(x, grad_y, answer[0], lambda: answer[1])

    return Adapter(lambda _: None, forward, getattr(run, "inplace", False))


def _arrays(step: Step, dtype: Any) -> tuple[Any, Any]:
    (x, grad_y), (lay, lay_grad) = step.arrays(dtype), step.orders
    if dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    return lay(x.astype(dtype)), lay_grad(grad_y.astype(dtype))


def adapt(layer: Any) -> Layer:
    """Recognize the kind of a layer; RequestError if it is none of the three."""
    torch = sys.modules.get("torch")
    kind = layer if inspect.isclass(layer) else type(layer)
    make: Any = layer
    is_module = torch is not None and issubclass(kind, torch.nn.Module)
    name = getattr(layer, "__name__", f"the {kind.__name__}")
    if is_module or hasattr(layer, "backward"):
        adapt_instance = _torch_module if is_module else _numpy_instance
        if kind is not layer:
            if getattr(layer, "p", None) is None:
                raise unknown_kind(
                    f"{name} is an instance without an attribute p that tells its drop"
                    " probability: give the class instead", "made", name=kind.__name__
                )  # fmt: skip
            return Layer(lambda _: adapt_instance(layer), float(layer.p), several=False)
        _check_constructor(layer, name)
        if not is_module and hasattr(layer, "forward") and not _binds(layer.forward, "self", "x"):
            raise unknown_kind(f"{name}.forward takes more than x, but {KINDS}", "modes", name=name)
        code = WRAP["class"].format(name=name)
        return Layer(lambda p: adapt_instance(make(p)), None, several=True, code=code)
    if kind is layer or not callable(layer):
        lacks = "a class without backward(grad_y)" if kind is layer else "no layer"
        raise unknown_kind(f"{name} is {lacks}, but {KINDS}")
    if layer.__module__ == "torch.nn.functional" or not _binds(layer, "x", "grad_y", "p", True):
        raise unknown_kind(
            f"{name} does not take four arguments, but {KINDS}",
            "made" if len(_signature(layer).parameters) == 1 else "function",
            name=name if name.isidentifier() else "dropout",
        )
    return Layer(lambda p: _function(layer, p), None, several=False)


def _check_constructor(layer: Any, name: str) -> None:
    """Raise RequestError for a class that cannot be called with p alone."""
    for each in _signature(layer).parameters:
        if each.startswith("keep"):
            sentence = f"{name} is called with {each}, but {KINDS}"
            raise unknown_kind(sentence, "keep", name=name, argument=each)
    if not _binds(layer, 0.5):
        raise unknown_kind(f"{name} cannot be called with p alone, but {KINDS}")


def _signature(called: Any) -> inspect.Signature:
    try:
        return inspect.signature(called)
    except (TypeError, ValueError):  # a built-in function may have none
        return inspect.signature(lambda *args: args)


def _binds(called: Any, *args: object) -> bool:
    try:
        _signature(called).bind(*args)
    except TypeError:
        return False
    return True


def read_values(array: Any) -> Values:
    """Copy what a layer returned; NoArrayError if it is no array of real numbers."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):  # NumPy has no bfloat16
        tensor = array.detach().cpu()
        return Values(str(tensor.dtype).removeprefix("torch."), tensor.double().numpy().copy())
    if isinstance(array, tuple):
        raise NoArrayError(f"tuple of {len(array)}")
    found = np.asarray(array.detach() if hasattr(array, "detach") else array)
    if found.dtype.kind not in "fiub" and found.dtype.name != "bfloat16":
        raise NoArrayError(type(array).__name__)
    return Values(found.dtype.name, np.array(found, dtype=np.float64))


def generators() -> dict[str, tuple[Callable[..., Any], ...]]:
    """Return how each global generator is seeded, read, restored, and drawn from."""
    legacy: Any = np.random
    found: dict[str, tuple[Callable[..., Any], ...]] = {
        "Python": (random.seed, random.getstate, random.setstate, random.random),
        "NumPy": (legacy.seed, legacy.get_state, legacy.set_state, legacy.random),
    }
    if torch := sys.modules.get("torch"):
        one = torch.default_generator
        draw = partial(torch.rand, 1, dtype=torch.float64)
        found["PyTorch"] = (one.manual_seed, one.get_state, one.set_state, draw)
    return found
