"""Adapt every kind of layer to one interface, so that the order of the calls is the caller's.

Three kinds are known:

    a torch.nn.Module       a class called with p, or an instance of one
    a class of NumPy layers called with p, or an instance of one: forward(x) or a call, and
                            backward(grad_y); train() and eval(), or an attribute training
    a function              run(x, grad_y, p, training) -> (y, grad_x)

A layer whose attribute `inplace` is true may change x, as nn.Dropout may.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.arrays import FloatArray

    Layout = Callable[[Any], Any]  # from an array or a tensor to the view that is given to a layer

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
    "factory": """\
class Layer(torch.nn.Sequential):
    def __init__(self, p):
        super().__init__({name}(p))""",
    "instance": """\
class Layer(torch.nn.Sequential):
    def __init__(self, p):
        super().__init__(torch.nn.Dropout(p))  # what your {name} holds""",
    "cache": """\
def run(x, grad_y, p, training):
    y, cache = forward(x, p, training)
    return y, backward(grad_y, cache)""",
}


def unknown_kind(sentence: str, how: str = "", **names: str) -> RequestError:
    """Create the error for what is no layer. how, names: of the lines in WRAP that help."""
    if not how:
        return RequestError(sentence)
    code = WRAP[how].format(**names)
    error = RequestError(f"{sentence}; these lines make it one:\n\n{code}")
    error.code = code
    return error


class NoArrayError(TypeError):
    """What was returned is no array of real numbers; the message says what it is."""


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


class Layer(NamedTuple):
    """A layer that can be run.

    at: from p, 0 ≤ p ≤ 1, to an adapter; raises whatever the layer raises.
    p: the drop probability of an instance; None where any can be chosen.
    several: whether at(p) is a new instance each time.
    """

    at: Callable[[float], Adapter]
    p: float | None
    several: bool


class TorchLayer:
    """A torch.nn.Module, differentiated by autograd."""

    reusable = True  # a second forward pass may precede the first backward pass
    widest = "float32"  # the widest type that may answer float32

    def __init__(self, layer: Any) -> None:
        """Wrap a module."""
        self.layer = layer

    def set_training(self, training: bool) -> None:
        """Call train() or eval()."""
        self.layer.train(training)

    def forward(self, x: FloatArray, grad_y: FloatArray, dtype: str, layout: Layout) -> Passed:
        """Call the module on a copy of the leaf, which autograd lets no layer change in place."""
        torch: Any = sys.modules["torch"]
        leaf = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
        received = layout(leaf.clone())
        y = self.layer(received)
        upstream = layout(torch.tensor(grad_y, dtype=getattr(y, "dtype", None)))

        def backward() -> Any:
            if y.shape != received.shape:
                return None
            if y.requires_grad:
                (gradient,) = torch.autograd.grad(y, leaf, upstream, allow_unused=True)
            elif self.layer.training:
                gradient = None
            else:
                raise RuntimeError("y does not require a gradient in inference")
            return layout(torch.zeros_like(leaf) if gradient is None else gradient)

        return Passed(received, upstream, y, backward)


class ClassLayer:
    """An instance with forward(x) or a call, and backward(grad_y), which keeps its own state."""

    reusable = False
    widest = "float64"

    def __init__(self, layer: Any) -> None:
        """Wrap an instance. Raises RequestError where it has no inference."""
        self.layer = layer
        self.call = layer.forward if hasattr(layer, "forward") else layer
        self.modes = hasattr(layer, "train") and hasattr(layer, "eval")
        if not self.modes and not hasattr(layer, "training"):
            raise unknown_kind(
                f"{name_of(layer)} has neither train() and eval() nor an attribute training, so it"
                " cannot be put into inference"
            )

    def set_training(self, training: bool) -> None:
        """Call train() or eval(), or else set training."""
        if self.modes:
            (self.layer.train if training else self.layer.eval)()
        else:
            self.layer.training = training

    def forward(self, x: FloatArray, grad_y: FloatArray, dtype: str, layout: Layout) -> Passed:
        """Call forward."""
        received, upstream = _arrays(x, grad_y, dtype, layout)
        y = self.call(received)
        return Passed(received, upstream, y, lambda: self.layer.backward(upstream))


class FunctionLayer:
    """A function run(x, grad_y, p, training), which does both passes at once."""

    reusable = False
    widest = "float64"

    def __init__(self, layer: Any, p: float) -> None:
        """Wrap the function for one p."""
        self.layer, self.p, self.training = layer, p, True

    def set_training(self, training: bool) -> None:
        """Choose the argument of the next calls."""
        self.training = training

    def forward(self, x: FloatArray, grad_y: FloatArray, dtype: str, layout: Layout) -> Passed:
        """Call the function."""
        received, upstream = _arrays(x, grad_y, dtype, layout)
        answer = self.layer(received, upstream, self.p, self.training)
        if not isinstance(answer, tuple | list):
            raise NoArrayError(f"{type(answer).__name__} instead of (y, grad_x)")
        if len(answer) != 2:
            raise NoArrayError(f"{len(answer)} results instead of (y, grad_x)")
        y, grad_x = answer
        return Passed(received, upstream, y, lambda: grad_x)


Adapter = TorchLayer | ClassLayer | FunctionLayer


def _arrays(x: FloatArray, grad_y: FloatArray, dtype: Any, layout: Layout) -> tuple[Any, Any]:
    """Copy x and grad_y in this type and layout."""
    if dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    return layout(x.astype(dtype)), layout(grad_y.astype(dtype))


def adapt(layer: Any) -> Layer:
    """Recognize the kind of a layer. Raises RequestError for what is of no known kind."""
    torch = sys.modules.get("torch")
    kind = layer if inspect.isclass(layer) else type(layer)
    if torch is not None and issubclass(kind, torch.nn.Module):
        return _class_or_instance(layer, TorchLayer)
    if hasattr(layer, "backward"):
        if not (hasattr(layer, "forward") or "__call__" in dir(kind)):
            raise unknown_kind(f"{name_of(layer)} has backward(grad_y), but no forward(x)")
        return _class_or_instance(layer, ClassLayer)
    if kind is layer or not callable(layer):
        lacks = "a class without backward(grad_y)" if kind is layer else "no layer"
        raise unknown_kind(f"{name_of(layer)} is {lacks}, but {KINDS}")
    if layer.__module__ == "torch.nn.functional" or not _binds(layer, "x", "grad_y", "p", True):
        name = getattr(layer, "__name__", "")
        raise unknown_kind(
            f"{name_of(layer)} does not take four arguments, but {KINDS}",
            "factory" if len(_parameters(layer)) == 1 else "function",
            name=name if name.isidentifier() else "dropout",
        )
    return Layer(lambda p: FunctionLayer(layer, p), None, several=False)


def _class_or_instance(layer: Any, adapter: Callable[[Any], Adapter]) -> Layer:
    if not inspect.isclass(layer):
        own = getattr(layer, "p", None)
        if own is None:
            raise unknown_kind(
                f"{name_of(layer)} is an instance without an attribute p that tells its drop"
                " probability: give the class instead", "instance", name=type(layer).__name__
            )  # fmt: skip
        return Layer(lambda _: adapter(layer), float(own), several=False)
    name, make = layer.__name__, cast("Any", layer)
    keep = next((each for each in _parameters(layer) if each.startswith("keep")), None)
    if keep is not None:
        sentence = f"{name} is called with {keep}, but {KINDS}"
        raise unknown_kind(sentence, "keep", name=name, argument=keep)
    if not _binds(layer, 0.5):
        raise unknown_kind(f"{name} cannot be called with p alone, but {KINDS}")
    forward = getattr(layer, "forward", None)
    if adapter is ClassLayer and forward is not None and not _binds(forward, "self", "x"):
        raise unknown_kind(f"{name}.forward takes more than x, but {KINDS}", "modes", name=name)
    return Layer(lambda p: adapter(make(p)), None, several=True)


def values(array: Any) -> Values:
    """Copy what a layer returned. Raises NoArrayError where it is no array of real numbers."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):  # NumPy has no bfloat16
        tensor = array.detach().cpu()
        return Values(str(tensor.dtype).removeprefix("torch."), tensor.double().numpy().copy())
    if isinstance(array, tuple):
        raise NoArrayError(f"tuple of {len(array)}")
    try:
        found = np.asarray(array.detach() if hasattr(array, "detach") else array)
    except ValueError:  # rows of different lengths
        raise NoArrayError(type(array).__name__) from None
    if found.dtype.kind not in "fiub" and found.dtype.name != "bfloat16":
        raise NoArrayError(type(array).__name__)
    return Values(found.dtype.name, np.array(found, dtype=np.float64))


def name_of(layer: Any) -> str:
    """Return what to call a layer in a sentence."""
    name = getattr(layer, "__name__", None)
    return name if isinstance(name, str) else f"the {type(layer).__name__}"


def _parameters(called: Any) -> list[str]:
    try:
        return list(inspect.signature(called).parameters)
    except (TypeError, ValueError):
        return []


def _binds(called: Any, *args: object) -> bool:
    """Whether the signature allows these arguments; a built-in function may have none."""
    try:
        inspect.signature(called).bind(*args)
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)
    return True
