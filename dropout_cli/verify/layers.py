"""Every kind of layer in one form: forward(x) gives y and a context, backward takes the context.

Three kinds are known:

    a torch.nn.Module       a class called with p, or an instance of one
    a class of NumPy layers called with p, or an instance of one: forward(x) or a call, and
                            backward(grad_y); train() and eval(), or an attribute training
    a function              run(x, grad_y, p, training) -> (y, grad_x)

An attribute `inplace` that is true says that the layer may change x, as it does for nn.Dropout.
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

KINDS = (
    "a layer is a torch.nn.Module, a class called with p that has forward and backward,"
    " or a function run(x, grad_y, p, training)"
)
# How to make a layer of something else, by what it is: three lines to paste.
WRAP = {
    "function": (
        "class Layer(torch.nn.Module):\n"
        "    def __init__(self, p): super().__init__(); self.p = p\n"
        "    def forward(self, x): return {name}(x, self.p, self.training)"
    ),
    "modes": (
        "def run(x, grad_y, p, training):\n"
        "    layer = {name}(p)\n"
        "    return layer.forward(x, training), layer.backward(grad_y)"
    ),
    "keep": (
        "class Layer({name}):\n"
        "    def __init__(self, p):\n"
        "        super().__init__({argument}=1 - p)"
    ),
    "factory": (
        "class Layer(torch.nn.Sequential):\n"
        "    def __init__(self, p):\n"
        "        super().__init__({name}(p))"
    ),
    "instance": (
        "class Layer(torch.nn.Sequential):\n"
        "    def __init__(self, p):\n"
        "        super().__init__(torch.nn.Dropout(p))  # what your {name} holds"
    ),
    "cache": (
        "def run(x, grad_y, p, training):\n"
        "    y, cache = forward(x, p, training)\n"
        "    return y, backward(grad_y, cache)"
    ),
}


class UnknownKindError(RequestError):
    """The layer is of no known kind; code makes one of it."""

    def __init__(self, sentence: str, how: str = "", name: str = "", argument: str = "") -> None:
        """Take the sentence, the key in WRAP of the lines that make it a layer, and its names."""
        self.code = ""
        if how:
            name = name if name.isidentifier() else "dropout"
            self.code = WRAP[how].format(name=name, argument=argument)
            sentence += f"; these lines make it one:\n\n{self.code}"
        super().__init__(sentence)


class NoArrayError(TypeError):
    """What was returned is no array of real numbers; the message is what it is."""


class Values(NamedTuple):
    """An array as the layer left it: the name of its type, and its values in float64."""

    dtype: str
    array: FloatArray


class Given(NamedTuple):
    """What a layer is given: x and grad_y as they lie in memory, and how they are looked at.

    layout: from an array or a tensor to the view of it that is given.
    """

    x: FloatArray
    grad_y: FloatArray
    layout: Callable[[Any], Any]
    dtype: str


class Passed(NamedTuple):
    """What came of a forward pass: x and grad_y as they were fed, y, and what backward needs."""

    x: Any
    grad_y: Any
    y: Any
    context: Any


class Layer(NamedTuple):
    """A layer that can be run.

    at: from p, 0 ≤ p ≤ 1, to an adapter. It raises whatever the layer raises.
    p: the only drop probability that can be asked for, that of an instance; None where any can.
    several: whether there can be several at once. widest: the widest type that is accepted for an
    output where the input is float32.
    """

    at: Callable[[float], Adapter]
    p: float | None
    several: bool
    widest: str


def adapt(layer: Any) -> Layer:
    """The layer in the one form. Raises UnknownKindError for what is of no known kind."""
    torch = sys.modules.get("torch")
    kind = layer if inspect.isclass(layer) else type(layer)
    if torch is not None and issubclass(kind, torch.nn.Module):
        return _made(layer, TorchLayer, "float32")
    if hasattr(layer, "backward"):
        if not (hasattr(layer, "forward") or "__call__" in dir(kind)):
            raise UnknownKindError(f"{named(layer)} has backward(grad_y), but no forward(x)")
        return _made(layer, ClassLayer, "float64")
    if kind is layer or not callable(layer):
        lacks = "a class without backward(grad_y)" if kind is layer else "no layer"
        raise UnknownKindError(f"{named(layer)} is {lacks}, but {KINDS}")
    name = getattr(layer, "__name__", "")
    if layer.__module__ == "torch.nn.functional" or not _binds(layer, "x", "grad_y", "p", True):
        how = "factory" if len(_parameters(layer)) == 1 else "function"
        told = f"{named(layer)} does not take four arguments, but {KINDS}"
        raise UnknownKindError(told, how, name)
    return Layer(lambda p: FunctionLayer(layer, p), None, False, "float64")


def _made(layer: Any, adapter: Callable[[Any], Adapter], widest: str) -> Layer:
    """A layer of a class that is called with p, or of an instance that has its own."""
    if not inspect.isclass(layer):
        own = getattr(layer, "p", None)
        if own is None:
            raise UnknownKindError(
                f"{named(layer)} is an instance without an attribute p that tells its drop"
                " probability: give the class instead", "instance", type(layer).__name__
            )  # fmt: skip
        return Layer(lambda _: adapter(layer), float(own), False, widest)
    name, make = layer.__name__, cast("Any", layer)
    keep = next((each for each in _parameters(layer) if each.startswith("keep")), None)
    if keep is not None:
        told = f"{name} is called with {keep}, but {KINDS}"
        raise UnknownKindError(told, "keep", name, keep)
    if not _binds(layer, 0.5):
        raise UnknownKindError(f"{name} cannot be called with p alone, but {KINDS}")
    forward = getattr(layer, "forward", None)
    if adapter is ClassLayer and forward is not None and not _binds(forward, "self", "x"):
        raise UnknownKindError(f"{name}.forward takes more than x, but {KINDS}", "modes", name)
    return Layer(lambda p: adapter(make(p)), None, True, widest)


class TorchLayer:
    """A torch.nn.Module, differentiated by autograd."""

    graph = True

    def __init__(self, module: Any) -> None:
        """Take the module."""
        self.module, self.torch = module, sys.modules["torch"]
        self.inplace = getattr(module, "inplace", False)

    def mode(self, training: bool) -> None:
        """Call train() or eval()."""
        self.module.train(training)

    def forward(self, given: Given) -> Passed:
        """Call the module on a copy of the leaf: autograd lets no layer change a leaf in place."""
        torch: Any = self.torch
        leaf = torch.tensor(given.x, dtype=getattr(torch, given.dtype), requires_grad=True)
        fed = given.layout(leaf.clone())
        y = self.module(fed)
        grad_y = torch.tensor(given.grad_y, dtype=getattr(y, "dtype", None))
        return Passed(fed, given.layout(grad_y), y, (leaf, given.layout))

    def backward(self, passed: Passed) -> Any:
        """Ask autograd. What does not depend on x has the gradient 0."""
        y, (leaf, layout) = passed.y, passed.context
        if y.shape != passed.x.shape:
            return None
        if not y.requires_grad:
            if not self.module.training:
                raise RuntimeError("y does not require a gradient in inference")
            return self.torch.zeros_like(passed.x)
        (gradient,) = self.torch.autograd.grad(y, leaf, passed.grad_y, allow_unused=True)
        return layout(self.torch.zeros_like(leaf) if gradient is None else gradient)


class ClassLayer:
    """An instance with forward(x) or a call, and backward(grad_y), which keeps its state."""

    graph = False

    def __init__(self, layer: Any) -> None:
        """Take the instance. Raises UnknownKindError where it has no inference."""
        self.layer = layer
        self.inplace = getattr(layer, "inplace", False)
        self.call = layer.forward if hasattr(layer, "forward") else layer
        self.modes = hasattr(layer, "train") and hasattr(layer, "eval")
        if not self.modes and not hasattr(layer, "training"):
            raise UnknownKindError(
                f"{named(layer)} has neither train() and eval() nor an attribute training, so it"
                " cannot be put into inference"
            )

    def mode(self, training: bool) -> None:
        """Call train() or eval(), or else set training."""
        if self.modes:
            (self.layer.train if training else self.layer.eval)()
        else:
            self.layer.training = training

    def forward(self, given: Given) -> Passed:
        """Call forward."""
        x, grad_y = fed(given)
        return Passed(x, grad_y, self.call(x), None)

    def backward(self, passed: Passed) -> Any:
        """Call backward."""
        return self.layer.backward(passed.grad_y)


class FunctionLayer:
    """A function that does both passes at once."""

    graph = False

    def __init__(self, run: Any, p: float) -> None:
        """Take run(x, grad_y, p, training), and p."""
        self.run, self.p, self.training = run, p, True
        self.inplace = getattr(run, "inplace", False)

    def mode(self, training: bool) -> None:
        """Keep it for the next call."""
        self.training = training

    def forward(self, given: Given) -> Passed:
        """Call it; the gradient is the context."""
        x, grad_y = fed(given)
        answer = self.run(x, grad_y, self.p, self.training)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            several = isinstance(answer, tuple | list)
            told = f"{len(answer)} results" if several else type(answer).__name__
            raise NoArrayError(f"{told} instead of (y, grad_x)")
        return Passed(x, grad_y, *answer)

    def backward(self, passed: Passed) -> Any:
        """Return what it returned."""
        return passed.context


Adapter = TorchLayer | ClassLayer | FunctionLayer


def fed(given: Given) -> tuple[Any, Any]:
    """Copies of x and grad_y in the type and the layout that are asked for."""
    dtype: Any = given.dtype
    if dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    return given.layout(given.x.astype(dtype)), given.layout(given.grad_y.astype(dtype))


def values(array: Any) -> Values:
    """A copy of what the layer returned; NoArrayError where it is no array of real numbers."""
    if type(array).__module__.partition(".")[0] == "torch" and hasattr(array, "detach"):
        tensor = array.detach().cpu()
        dtype = str(tensor.dtype).removeprefix("torch.")
        return Values(dtype, tensor.double().numpy().copy())
    if isinstance(array, tuple | dict) or array is None:
        size = f" of {len(array)}" if isinstance(array, tuple) else ""
        raise NoArrayError(type(array).__name__ + size)
    try:
        found = np.asarray(array.detach() if hasattr(array, "detach") else array)
    except ValueError:  # rows of different lengths
        raise NoArrayError(type(array).__name__) from None
    if found.dtype.kind not in "fiub" and found.dtype.name != "bfloat16":
        raise NoArrayError(type(array).__name__)
    return Values(found.dtype.name, np.array(found, dtype=np.float64))


def named(layer: Any) -> str:
    """What to call a layer in a sentence."""
    name = getattr(layer, "__name__", None)
    return name if isinstance(name, str) else f"the {type(layer).__name__}"


def _parameters(called: Any) -> list[str]:
    try:
        return list(inspect.signature(called).parameters)
    except (TypeError, ValueError):
        return []


def _binds(called: Any, *args: object) -> bool:
    """Whether it can be called with these arguments; the call tells where there is no signature."""
    try:
        inspect.signature(called).bind(*args)
    except TypeError:
        return False
    except ValueError:  # built-in functions have none
        return True
    return True
