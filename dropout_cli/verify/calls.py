"""The calls that are made of a layer at one p, each recorded whole.

What is asked later is a function of this record alone, and no call is left out of it. Between them
the calls have:

    values      x without zeros, so that the mask can be read from y; x as after a ReLU, half of it
                zeros, where the mask is read from ∂L/∂x; upstream gradients with zeros, and of ones
    sizes       about two million elements in 1 to 4 dimensions, of odd numbers; an axis of one;
                seven elements sixty times; transposed and strided views
    order       training, inference, training, inference twice, training; two forward passes before
                the first backward, in both orders, or where a layer keeps its state, of two
                instances of it
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.verify.draws import BIG, Draws, grid_step
from dropout_cli.verify.layers import Given, NoArrayError, UnknownKindError, Values, values
from dropout_cli.verify.load import PASSED_ON, refuse_out_of_memory
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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

    @property
    def features(self) -> list[str]:
        """What a layer may not take, and say so by an exception."""
        size = int(np.prod(self.shape))
        found = [f"dimensions-{len(self.shape)}", "large" if size > 65_536 else "not-large"]
        found += ["one"] if 1 in self.shape else []
        found += [self.layout] if self.layout != "as it is" else []
        found += ["zeros"] if self.relu else []
        return [*found, "training" if self.training else "inference"]


@dataclass(eq=False)
class Call:
    """One call: what the layer was given, in which type, and what came of it.

    x, grad_y: what was given, in float64. y, grad_x: what it answered, as it was then; None where
    there is none. passed: the same arrays as the layer left them at the end. gradient: what
    backward returned, likewise.
    error: what forward raised; NoArrayError where it returned no array. backward_error: likewise.
    main: whether it is one of the instance whose masks are tested together.
    """

    step: Step
    x: FloatArray
    grad_y: FloatArray
    dtype: str
    main: bool
    passed: Passed | None = None
    gradient: Any = None
    y: Values | None = None
    grad_x: Values | None = None
    error: BaseException | None = None
    backward_error: BaseException | None = None

    @property
    def training(self) -> bool:
        """Whether it was made in training."""
        return self.step.training

    @property
    def features(self) -> list[Feature]:
        """What a layer may not take in this mode: those of the step, and the type."""
        return [(name, self.training) for name in (*self.step.features, self.dtype)]

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
        """The features of which every call was refused, though others were taken, and the error."""
        if all(call.error is not None for call in self.calls):
            return {}
        made: Counter[Feature] = Counter()
        refused: Counter[Feature] = Counter()
        errors: dict[Feature, BaseException] = {}
        for call in self.calls:
            made.update(call.features)
            if call.error is not None and not isinstance(call.error, NoArrayError):
                refused.update(call.features)
                errors |= dict.fromkeys(call.features, call.error)
        return {name: errors[name] for name, count in refused.items() if count == made[name]}

    @cached_property
    def faults(self) -> list[Call]:
        """The calls that the layer did not answer, though it took others like them."""
        missed = [call for call in self.calls if call.error is not None]
        if len(missed) == len(self.calls):
            return []
        return [
            call for call in missed
            if isinstance(call.error, NoArrayError)
            or not self.not_taken.keys() & set(call.features)
        ]  # fmt: skip


def script(p: float) -> Iterator[list[Step]]:
    """The calls at this p, in phases; each begins with a call of train() or eval()."""
    rounds = [
        [Step(shape, relu=k == 2, upstream=("mixed", "sparse", "mixed", "ones")[k % 4])
         for shape in LARGE]
        for k in range(ROUNDS if 0 < p < 1 else 3)
    ]  # fmt: skip
    views = [Step(MEDIUM[1], "transposed"), Step(MEDIUM[1], "strided")]
    others = [Step(shape) for shape in MEDIUM] + views
    small = [Step(SMALL)] * (REPEATS if 0 < p < 1 else 5)
    quiet = [
        step._replace(training=False, relu=k == 1)
        for k, step in enumerate([*rounds[0], *others, Step(SMALL)])
    ]
    yield [*rounds[0], *others, *rounds[1]]
    yield quiet
    yield [step for some in rounds[2:4] for step in some] + others
    yield quiet[:2]
    yield quiet[1:3]
    yield [step for some in rounds[4:] for step in some] + small + rounds[0][:2]


def record(layer: Layer, p: float, data: Data, dtype: str | None) -> Record:
    """Run the layer at p: the whole script, then two forward passes before a backward.

    data: what it is given. dtype: of x; if not given, float32, or float64 where the layer refuses
    that or answers with it.
    """
    try:
        adapter = layer.at(p)
    except (UnknownKindError, *PASSED_ON):
        raise
    except BaseException as error:  # a layer may also exit, or skip its test
        refuse_out_of_memory(error)
        return Record(p, refused=error)
    found = Record(p, bool(getattr(adapter, "inplace", False)), layer.widest)
    runner = _Runner(layer, found, data, dtype)
    for phase in script(p):
        runner.run(adapter, phase)
    runner.run_together(adapter)
    return found


class Data:
    """What layers are given, drawn from a seed and kept for all p."""

    def __init__(self, seed: int) -> None:
        """seed: from 0."""
        self.seed = seed
        self.drawn: dict[object, FloatArray] = {}

    def of(self, name: str, step: Step) -> FloatArray:
        """x or grad_y: ±k/64 with 32 ≤ k < 128, exact in every type, and 0 where it is to be."""
        kind = (name, step.shape, step.relu if name == "x" else step.upstream)
        if kind not in self.drawn:
            rng = np.random.default_rng([self.seed, *step.shape, name == "x"])
            drawn = rng.integers(32, 128, step.shape) * rng.choice([-1, 1], step.shape) / 64
            if kind[2] is True:
                drawn = np.maximum(drawn, 0)
            elif kind[2] == "sparse":
                drawn *= rng.random(step.shape) < 2 / 3
            elif kind[2] == "ones":
                drawn = np.ones(step.shape)
            self.drawn[kind] = drawn
        return self.drawn[kind]


class _Runner:
    """Makes calls and records them."""

    def __init__(self, layer: Layer, found: Record, data: Data, dtype: str | None) -> None:
        self.layer, self.found, self.data = layer, found, data
        self.dtype, self.settled = dtype or "float32", dtype is not None

    def run(self, adapter: Adapter, phase: Sequence[Step]) -> None:
        """One phase, each forward followed by its backward."""
        for k, step in enumerate(phase):
            call, given = self.prepare(step)
            self.forward(adapter, call, given, mode=k == 0)
            if call.error is not None and not self.settled and self.dtype == "float32":
                self.dtype = "float64"  # it may take that
                call, given = self.prepare(step)
                self.forward(adapter, call, given)
                if call.error is not None:
                    self.dtype = "float32"
            self.backward(adapter, call)
            self.settle(call)

    def run_together(self, adapter: Adapter) -> None:
        """Two forward passes, then their backward passes, in both orders.

        A layer that keeps the state of one pass is run as two instances.
        """
        other = adapter
        if not adapter.graph:
            if not self.layer.several:
                return
            try:
                other = self.layer.at(self.found.p)
                other.mode(True)
            except PASSED_ON:
                raise
            except BaseException:  # made once, refused now: the calls after it would tell
                return
        shapes = [step.shape for step in (Step(MEDIUM[1]), Step(MEDIUM[1]))]
        for turned in (False, True):
            pairs = []
            for each, shape in zip((adapter, other), shapes, strict=True):
                call, given = self.prepare(Step(shape, upstream="mixed"))
                call.main = each is adapter and adapter.graph
                self.forward(each, call, given)
                pairs.append((each, call))
            for each, call in reversed(pairs) if turned else pairs:
                self.backward(each, call)

    def prepare(self, step: Step) -> tuple[Call, Given]:
        """A new call, and what it is given."""
        x, grad_y = self.data.of("x", step), self.data.of("grad_y", step)
        layout = LAYOUTS[step.layout]
        call = Call(step, layout(x), layout(grad_y), self.dtype, main=True)
        self.found.calls.append(call)
        return call, Given(x, grad_y, layout, self.dtype)

    def forward(self, adapter: Adapter, call: Call, given: Given, mode: bool = False) -> None:
        """Run the forward pass; what it raises is recorded."""
        try:
            if mode:
                adapter.mode(call.training)
            call.passed = adapter.forward(given)
            call.y = values(call.passed.y)
        except (UnknownKindError, *PASSED_ON):
            raise
        except BaseException as error:  # a layer may also exit, or skip its test
            refuse_out_of_memory(error)
            call.error = error

    def backward(self, adapter: Adapter, call: Call) -> None:
        """Run the backward pass; what it raises is recorded."""
        if call.error is not None or call.passed is None:
            return
        try:
            call.gradient = adapter.backward(call.passed)
            if call.gradient is not None or call.array("y") is not None:
                call.grad_x = values(call.gradient)
        except PASSED_ON:
            raise
        except BaseException as error:
            refuse_out_of_memory(error)
            call.backward_error = error

    def settle(self, call: Call) -> None:
        """Give it from now on the type that it answers with, up to its widest."""
        if self.settled or call.y is None or call.y.dtype not in TYPES:
            return
        self.settled = True
        if self.found.may_widen(call.y.dtype):
            self.dtype = call.y.dtype
