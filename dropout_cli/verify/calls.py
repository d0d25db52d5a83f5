"""The calls that are made of a layer at one p, each recorded whole.

What is asked later is a function of this record alone. Between them the calls have:

    values      x without zeros, so that the mask can be read from y; x as after a ReLU, half of it
                zeros, where the mask is read from ∂L/∂x; upstream gradients with zeros, and of ones
    sizes       about two million elements in 1 to 4 dimensions, of odd numbers; an axis of one;
                seven elements sixty times; transposed and strided views
    order       training, inference, training, inference twice, training; two forward passes before
                the first backward, in both orders, or by two instances that keep their own state
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.verify.draws import BIG, Draws, grid_step
from dropout_cli.verify.layers import Given, NoArrayError, UnknownKindError, Values, values
from dropout_cli.verify.load import PASSED_ON, refuse_out_of_memory
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.verify.layers import Adapter, Layer, Passed

Feature = tuple[str, bool]  # what a layer may not take, and whether in training
NOTHING = 1e-6  # times x: what is smaller is a dropped element
LARGE = ((70_001,), (211, 331), (17, 53, 79), (3, 5, 61, 77))
MEDIUM = ((6_007,), (61, 97), (13, 1, 17), (7, 3, 1, 19))
SMALL = (7,)
ROUNDS = 8  # calls of each large shape, where chance is asked
REPEATS = 60  # calls of the small one
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda array: array,
    "transposed": lambda array: array.T,
    "strided": lambda array: array[:, ::2],
}


class Step(NamedTuple):
    """One call to make.

    shape: of x in memory. layout: a name in LAYOUTS. relu: whether half of x is 0.
    upstream: "mixed", "sparse" or "ones". training: the mode.
    """

    shape: tuple[int, ...]
    layout: str = "as it is"
    relu: bool = False
    upstream: str = "mixed"
    training: bool = True


@dataclass(eq=False)
class Call:
    """One call: what the layer was given, in which type, and what came of it.

    seed: of what it was given. main: whether it is one of the instance whose masks are tested
    together. passed: the arrays as the layer left them at the end. gradient: what backward
    returned, likewise. y, grad_x: what it answered, as it was then; None where there is none.
    error: what forward raised; NoArrayError where it returned no array. backward_error: likewise.
    """

    step: Step
    seed: int
    dtype: str
    main: bool = True
    passed: Passed | None = None
    gradient: Any = None
    y: Values | None = None
    grad_x: Values | None = None
    error: BaseException | None = None
    backward_error: BaseException | None = None

    @property
    def given(self) -> Given:
        """What the layer is given."""
        shape, layout = self.step.shape, LAYOUTS[self.step.layout]
        x = drawn(self.seed, shape, "relu" if self.step.relu else "x")
        return Given(x, drawn(self.seed, shape, self.step.upstream), layout, self.dtype)

    @cached_property
    def x(self) -> FloatArray:
        """x, in float64."""
        return np.asarray(self.given.layout(self.given.x))

    @cached_property
    def grad_y(self) -> FloatArray:
        """∂L/∂y, in float64."""
        return np.asarray(self.given.layout(self.given.grad_y))

    def forward(self, adapter: Adapter, enter: bool = False) -> None:
        """Run the forward pass; what it raises is recorded. enter: into its mode, before."""
        try:
            if enter:
                adapter.mode(self.training)
            self.passed = adapter.forward(self.given)
            self.y = values(self.passed.y)
        except (UnknownKindError, *PASSED_ON):
            raise
        except BaseException as error:  # a layer may also exit, or skip its test
            refuse_out_of_memory(error)
            self.error = error

    def backward(self, adapter: Adapter) -> None:
        """Run the backward pass; what it raises is recorded."""
        if self.error is not None or self.passed is None:
            return
        try:
            self.gradient = adapter.backward(self.passed)
            if self.gradient is not None or self.array("y") is not None:
                self.grad_x = values(self.gradient)
        except PASSED_ON:
            raise
        except BaseException as error:
            refuse_out_of_memory(error)
            self.backward_error = error

    @property
    def training(self) -> bool:
        """Whether it was made in training."""
        return self.step.training

    @property
    def refused(self) -> bool:
        """Whether forward raised."""
        return self.error is not None and not isinstance(self.error, NoArrayError)

    @property
    def features(self) -> list[Feature]:
        """What a layer may not take in this mode, and say so by an exception."""
        shape = self.step.shape
        found = [f"dimensions-{len(shape)}", self.dtype]
        found.append("large" if np.prod(shape) > 65_536 else "not-large")
        found.append("training" if self.training else "inference")
        found += ["one"] if 1 in shape else []
        found += [self.step.layout] if self.step.layout != "as it is" else []
        found += ["zeros"] if self.step.relu else []
        return [(name, self.training) for name in found]

    def array(self, about: str) -> FloatArray | None:
        """y or grad_x, where it has the shape of x and is of floats."""
        found = self.y if about == "y" else self.grad_x
        if found is None or found.array.shape != self.x.shape or found.dtype not in TYPES:
            return None
        return found.array

    @cached_property
    def mask(self) -> Mask:
        """True, kept, where y is not 0; where x is 0, where ∂L/∂x is not 0, nor ∂L/∂y.

        Nor 0 but for rounding: a factor of 10^−6 is none that a layer scales by.
        """
        y, grad_x = self.array("y"), self.array("grad_x")
        assert y is not None
        kept = ~np.asarray(np.abs(y) <= NOTHING * np.abs(self.x))
        if self.step.relu and grad_x is not None:
            zero = self.x == 0
            kept[zero] = ~(np.abs(grad_x[zero]) <= NOTHING * np.abs(self.grad_y[zero]))
        return kept

    def coarsest(self, about: str) -> str:
        """The type in which y, or what came back through it, was computed."""
        found = [self.y] if about == "y" else [self.y, self.grad_x]
        return min((v.dtype for v in found if v is not None), key=lambda name: TYPES[name].bits)

    @cached_property
    def factors(self) -> FloatArray:
        """y/x where neither is 0."""
        y = self.array("y")
        assert y is not None
        some = self.mask & (self.x != 0)
        return np.asarray(y[some] / self.x[some])

    @cached_property
    def one_factor(self) -> bool:
        """Whether what is not 0 in y is x times one factor."""
        factors = self.factors
        return not factors.size or bool(np.ptp(factors) <= 0.1 * abs(factors[0]))

    def shows_mask(self, p: float, size: int) -> bool:
        """Whether y shows a mask; this many elements, all kept, do so only if they are scaled."""
        applied = self.x.size < size or not self.mask.all()
        return self.one_factor and (applied or abs(self.factors[0] * (1 - p) - 1) < 0.05)


@dataclass(eq=False)
class Record:
    """All calls at one p.

    inplace: whether the layer says that it may change x. widest: the widest type that it may answer
    float32 with. refused: what it raised when it was made for this p.
    """

    p: float
    inplace: bool = False
    widest: str = "float32"
    calls: list[Call] = field(default_factory=list)
    refused: BaseException | None = None

    def add(self, call: Call) -> Call:
        """The call, which is recorded."""
        self.calls.append(call)
        return call

    def answered(self, about: str, training: bool) -> list[Call]:
        """The calls in this mode whose y, or grad_x, can be judged."""
        return [c for c in self.calls if c.training is training and c.array(about) is not None]

    @cached_property
    def sampled(self) -> list[Call]:
        """The calls whose masks are tested together: of one instance in training, read from y."""
        calls = [call for call in self.answered("y", True) if call.main and not call.step.relu]
        applied = all(call.shows_mask(self.p, BIG) for call in calls)
        return [call for call in calls if call.shows_mask(self.p, BIG if applied else 0)]

    @cached_property
    def draws(self) -> Draws:
        """The masks of these calls."""
        answers = {call.y.dtype for call in self.sampled if call.y is not None}
        bits = min((TYPES[dtype].bits for dtype in answers), default=53)
        masks = [(call.mask, call.x) for call in self.sampled]
        return Draws(self.p, grid_step(bits), masks)

    def may_widen(self, dtype: str) -> bool:
        """Whether the layer may answer float32 with this type."""
        return TYPES[dtype].bits <= TYPES[self.widest].bits

    @cached_property
    def not_taken(self) -> dict[Feature, BaseException]:
        """The features that no call has that was taken, and what a call with them raised."""
        taken = {name for call in self.calls if not call.refused for name in call.features}
        return {
            name: call.error
            for call in self.calls if call.refused and call.error is not None
            for name in call.features if name not in taken
        }  # fmt: skip

    @property
    def faults(self) -> list[Call]:
        """The calls that the layer did not answer, though it took others like them."""
        missed = [call for call in self.calls if call.error is not None]
        return [c for c in missed if not (c.refused and self.not_taken.keys() & set(c.features))]


def script(p: float) -> Iterator[list[Step]]:
    """The calls at this p, in phases; each begins with a call of train() or eval()."""
    between = 0 < p < 1
    rounds = [
        [Step(shape, relu=k == 2, upstream=("mixed", "sparse", "mixed", "ones")[k % 4])
         for shape in LARGE]
        for k in range(ROUNDS if between else 3)
    ]  # fmt: skip
    others = [Step(shape) for shape in MEDIUM]
    others += [Step(MEDIUM[1], layout) for layout in ("transposed", "strided")]
    quiet = [
        step._replace(training=False, relu=k == 1)
        for k, step in enumerate([*rounds[0], *others, Step(SMALL)])
    ]
    yield [*rounds[0], *others, *rounds[1]]
    yield quiet
    yield [*chain(*rounds[2:4]), *others]
    yield quiet[:2]
    yield quiet[1:3]
    small = [Step(SMALL)] * (REPEATS if between else 5)
    yield [*chain(*rounds[4:]), *small, *rounds[0][:2]]


def record(layer: Layer, p: float, seed: int, dtype: str | None) -> Record:
    """Run the layer at p: the whole script, then two forward passes before a backward.

    seed: of what it is given. dtype: of x; if not given, float32, or float64 where the layer
    refuses that or answers with it.
    """
    try:
        adapter = layer.at(p)
    except (UnknownKindError, *PASSED_ON):
        raise
    except BaseException as error:  # a layer may also exit, or skip its test
        refuse_out_of_memory(error)
        return Record(p, refused=error)
    found = Record(p, bool(adapter.inplace), layer.widest)
    asked, settled = dtype or "float32", dtype is not None
    for phase in script(p):
        for k, step in enumerate(phase):
            call = found.add(Call(step, seed, asked))
            call.forward(adapter, enter=k == 0)
            if call.error is not None and not settled:
                call = found.add(Call(step, seed, "float64"))  # it may take that
                call.forward(adapter)
            call.backward(adapter)
            if not settled and call.y is not None and call.y.dtype in TYPES:
                settled = True
                asked = call.y.dtype if found.may_widen(call.y.dtype) else call.dtype
    if adapter.graph:
        _run_together(adapter, adapter, found, seed, asked)
    elif layer.several:
        other = layer.at(p)
        other.mode(True)
        _run_together(adapter, other, found, seed, asked)
    return found


def _run_together(one: Adapter, two: Adapter, found: Record, seed: int, dtype: str) -> None:
    """Two forward passes, then their backward passes, in both orders."""
    for turned in (False, True):
        pairs = [
            (each, found.add(Call(Step(MEDIUM[1]), seed, dtype, main=one is two)))
            for each in (one, two)
        ]
        for each, call in pairs:
            call.forward(each)
        for each, call in reversed(pairs) if turned else pairs:
            call.backward(each)


@cache
def drawn(seed: int, shape: tuple[int, ...], kind: str) -> FloatArray:
    """x or ∂L/∂y: ±k/64 with 32 ≤ k < 128, exact in every type, and 0 where it is to be."""
    if kind == "ones":
        return np.ones(shape)
    rng = np.random.default_rng([seed, *shape, kind in ("x", "relu")])
    found: FloatArray = rng.integers(32, 128, shape) * rng.choice([-1, 1], shape) / 64
    if kind == "relu":
        found = np.maximum(found, 0)
    elif kind == "sparse":
        found *= rng.random(shape) < 2 / 3
    return found
