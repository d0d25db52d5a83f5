"""A layer of someone else's, found by its name and adapted to one form.

Three kinds are known:

    a torch.nn.Module       a class called with p, or an instance of one
    a class of NumPy layers called with p, or an instance of one: forward(x) or a call, and
                            backward(grad_y); train() and eval(), or an attribute training
    a function              run(x, grad_y, p, training) -> (y, grad_x)

An attribute `inplace` that is true says that the layer may change x, as it does for nn.Dropout.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError, SignalExit

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.arrays import FloatArray

    Call = Callable[[FloatArray, FloatArray, bool, str], "Answer"]

KINDS = (
    "a layer is a torch.nn.Module, a class called with p that has forward and backward,"
    " or a function run(x, grad_y, p, training)"
)
PASSES = (KeyboardInterrupt, MemoryError, SignalExit)  # what is no fault of the layer
QUOTED = 200  # characters of foreign words that are quoted
# PyTorch and JAX say so in a RuntimeError.
OUT_OF_MEMORY = re.compile("out of memory|not enough memory|allocate memory", re.IGNORECASE)


class UnknownKindError(RequestError):
    """The layer is of no known kind."""


class OutOfMemoryError(RequestError):
    """The layer, or its checks, ran out of memory, which says nothing about it."""

    def __init__(self, error: BaseException) -> None:
        """error: what was raised."""
        super().__init__(f"the layer was not checked, because memory ran out: {quote(error)}")


class NoArrayError(TypeError):
    """What was returned is no array of real numbers; the message is its type's name."""


class Values(NamedTuple):
    """An array as the layer left it: the name of its type, and its values in float64."""

    dtype: str
    array: FloatArray


class Answer(NamedTuple):
    """What a layer made of x and grad_y.

    grad_x: the gradient, or what backward raised instead.
    x: the input after both passes; None where the layer says that it works in place.
    """

    y: Values
    grad_x: Values | BaseException
    x: FloatArray | None


class Layer(NamedTuple):
    """A layer in the one form.

    at: from p, 0 ≤ p ≤ 1, to a function (x, grad_y, training, dtype) -> Answer that runs the layer
        on copies of x and grad_y of this type. Both raise whatever the layer raises; at(p) raises
        UnknownKindError where an instance turns out to have no inference.
    p: the only drop probability that can be asked for, that of an instance; None where any can.
    widest: the widest type of output that is accepted for an input of float32.
    """

    at: Callable[[float], Call]
    p: float | None
    widest: str


def load(name: str) -> object:
    """The object that MODULE:NAME names; the current folder is first on the path.

    Raises RequestError where the module cannot be imported, or has nothing of that name.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise RequestError(
            f"the layer is {name!r}, but it must be MODULE:NAME, as in my_layers:Dropout"
        )
    module_name = module_name.removeprefix(f".{os.sep}")
    if module_name.endswith(".py"):
        module_name = module_name.removesuffix(".py").replace(os.sep, ".")
    if module_name.startswith("."):
        raise RequestError(
            f"the layer is {name!r}, but its file must be in the current folder or below it"
        )
    folder = os.getcwd()  # it stays on the path: a layer may import when it is first called
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise RequestError(f"{module_name} cannot be imported: {quote(error)}") from None
        raise RequestError(
            f"there is no module {module_name!r} in {folder} or among the installed packages"
        ) from None
    except PASSES:
        raise
    except BaseException as error:  # a module may also exit, or skip its tests
        raise RequestError(f"{module_name} cannot be imported: {quote(error)}") from None
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = difflib.get_close_matches(part, [n for n in dir(found) if n[0] != "_"], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RequestError(f"{module_name} has no {attribute!r}{hint}") from None
        except PASSES:
            raise
        except BaseException as error:
            raise RequestError(f"{name} cannot be imported: {quote(error)}") from None
    return found


def adapt(layer: object) -> Layer:
    """The layer in the one form. Raises UnknownKindError for what is of no known kind."""
    try:
        return _adapted(layer)
    except (UnknownKindError, *PASSES):
        raise
    except BaseException as error:  # from an attribute that computes
        raise UnknownKindError(f"the layer cannot be looked at: {quote(error)}") from None


def _adapted(layer: object) -> Layer:
    torch = sys.modules.get("torch")
    if torch is not None and _is(layer, torch.nn.Module):
        return Layer(_made(layer, _torch_call), _own_p(layer), widest="float32")
    if hasattr(layer, "backward"):
        kind = layer if inspect.isclass(layer) else type(layer)
        if not (hasattr(layer, "forward") or any("__call__" in vars(c) for c in kind.__mro__)):
            raise UnknownKindError(f"{_named(layer)} has backward(grad_y), but no forward(x)")
        return Layer(_made(layer, _numpy_call), _own_p(layer), widest="float64")
    if inspect.isclass(layer) or not callable(layer):
        lacks = "a class without backward(grad_y)" if inspect.isclass(layer) else "no layer"
        raise UnknownKindError(f"{_named(layer)} is {lacks}, but {KINDS}")
    _must_bind(layer, "does not take four arguments", "x", "grad_y", "p", "training")
    return Layer(lambda p: _function_call(layer, p), None, widest="float64")


def quote(error: BaseException) -> str:
    """An exception in one line: its type and its message."""
    try:
        message = _line(str(error))
    except PASSES:
        raise
    except BaseException:  # a message that cannot be told
        message = ""
    name = _line(type(error).__name__)
    return f"{name}: {message}" if message else name


def refuse_out_of_memory(error: BaseException) -> None:
    """Raise OutOfMemoryError where this is why the layer raised."""
    if isinstance(error, OutOfMemoryError):
        raise error
    foreign = isinstance(error, RuntimeError) and OUT_OF_MEMORY.search(quote(error))
    if isinstance(error, MemoryError) or foreign:
        raise OutOfMemoryError(error) from None


def _line(words: str) -> str:
    """The words in one line, shortened, without control characters."""
    line = "".join(c for c in " ".join(words.split()) if c.isprintable())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def _torch_call(module: Any) -> Call:
    torch: Any = sys.modules["torch"]

    def call(x: FloatArray, grad_y: FloatArray, training: bool, dtype: str) -> Answer:
        if module.training is not training:
            module.train(training)
        leaf = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True)
        fed = leaf.clone()  # autograd lets no layer change a leaf in place
        y = module(fed)
        values = _values(y)
        upstream = torch.tensor(grad_y, dtype=y.dtype)
        grad_x = _gradient(lambda: torch.autograd.grad(y, leaf, upstream)[0])
        return Answer(values, grad_x, _after(module, fed))

    return call


def _numpy_call(layer: Any) -> Call:
    forward = layer.forward if hasattr(layer, "forward") else layer
    has_modes = hasattr(layer, "train") and hasattr(layer, "eval")
    if not has_modes and not hasattr(layer, "training"):
        raise UnknownKindError(
            f"{_named(layer)} has neither train() and eval() nor an attribute training, so it"
            " cannot be put into inference"
        )

    mode: bool | None = None

    def call(x: FloatArray, grad_y: FloatArray, training: bool, dtype: str) -> Answer:
        nonlocal mode
        if mode is not training:
            if has_modes:
                (layer.train if training else layer.eval)()
            else:
                layer.training = training
            mode = training
        fed = x.astype(dtype)
        y = _values(forward(fed))
        grad_x = _gradient(lambda: layer.backward(grad_y.astype(dtype)))
        return Answer(y, grad_x, _after(layer, fed))

    return call


def _gradient(backward: Callable[[], Any]) -> Values | BaseException:
    """The gradient that the backward pass returns, or what it raises."""
    try:
        return _values(backward())
    except PASSES:
        raise
    except BaseException as error:
        refuse_out_of_memory(error)
        return error


def _function_call(run: Any, p: float) -> Call:
    def call(x: FloatArray, grad_y: FloatArray, training: bool, dtype: str) -> Answer:
        fed = x.astype(dtype)
        answer = run(fed, grad_y.astype(dtype), p, training)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise TypeError(f"{_named(run)} must return (y, grad_x), not {type(answer).__name__}")
        y, grad_x = answer
        return Answer(_values(y), _values(grad_x), _after(run, fed))

    return call


def _must_bind(called: Any, lacks: str, *args: object) -> None:
    """Refuse what cannot be called with these arguments; lacks says so in the error."""
    try:
        inspect.signature(called).bind(*args)
    except TypeError:
        raise UnknownKindError(f"{_named(called)} {lacks}, but {KINDS}") from None
    except ValueError:  # built-in functions have no signature; the call will tell
        pass


def _made(layer: Any, call: Callable[[Any], Call]) -> Callable[[float], Call]:
    """From p to the call of an instance: the class called with p, or the instance itself."""
    is_class = inspect.isclass(layer)
    if is_class:
        _must_bind(layer, "cannot be called with p alone", 0.5)
    return lambda p: call(layer(p) if is_class else layer)


def _own_p(layer: Any) -> float | None:
    """The drop probability of an instance, its attribute p; None for a class."""
    if inspect.isclass(layer):
        return None
    try:
        return float(layer.p)
    except Exception:
        raise UnknownKindError(
            f"{_named(layer)} is an instance without an attribute p that tells its drop"
            " probability: give the class instead"
        ) from None


def _values(array: Any) -> Values:
    """A copy of what the layer returned; NoArrayError where it is no array of real numbers."""
    if hasattr(array, "detach"):  # a torch tensor
        tensor = array.detach().cpu()
        dtype = _line(str(tensor.dtype).removeprefix("torch."))
        return Values(dtype, tensor.double().numpy().copy())
    found = np.asarray(array)
    if found.dtype.kind not in "fiub" and found.dtype.name != "bfloat16":
        raise NoArrayError(_line(type(array).__name__))
    return Values(found.dtype.name, np.array(found, dtype=np.float64))


def _after(layer: object, fed: Any) -> FloatArray | None:
    return None if getattr(layer, "inplace", False) else _values(fed).array


def _is(layer: object, kind: type) -> bool:
    return isinstance(layer, kind) or (inspect.isclass(layer) and issubclass(layer, kind))


def _named(layer: Any) -> str:
    name = getattr(layer, "__name__", None)
    return name if isinstance(name, str) else f"the {type(layer).__name__}"
