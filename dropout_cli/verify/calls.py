"""Call a layer at one p as the script says, and record every call whole.

What is asked later is a function of this record alone. Between them the calls have:

    values      x without zeros, so that the mask can be read from y; x as after a ReLU, half of it
                zeros, where the mask is read from ∂L/∂x; upstream gradients with zeros, and of ones
    sizes       about two million elements in 1 to 4 dimensions, of odd numbers; an axis of one;
                seven elements sixty times; transposed and strided views
    order       training, inference, training, inference twice, training; a shape twice in a row;
                two forward passes before the first backward, in both orders, or by two instances
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.verify.draws import BIG, Draws, grid_step
from dropout_cli.verify.layers import NoArrayError, values
from dropout_cli.verify.load import catching
from dropout_cli.verify.tolerance import TYPES, Tolerance, tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.verify.layers import Adapter, Layer, Passed, Values

NOTHING = 1e-6  # times x: what is smaller is a dropped element
LARGE = ((70_001,), (211, 331), (17, 53, 79), (3, 5, 61, 77))
MEDIUM = ((6_007,), (61, 97), (13, 1, 17), (7, 3, 1, 19))
SMALL = (7,)
X_KINDS = ("signed", "signed", "relu", "signed", "signed", "signed", "signed", "signed")
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda array: array,
    "transposed": lambda array: array.T,
    "strided": lambda array: array[:, ::2],
}


class Step(NamedTuple):
    """A call to make.

    shape: of x in memory. layout: a name in LAYOUTS. training: the mode.
    x: "signed", or "relu", half of which is 0. grad_y: "mixed", "sparse" or "ones".
    """

    shape: tuple[int, ...]
    layout: str = "as it is"
    training: bool = True
    x: str = "signed"
    grad_y: str = "mixed"


class Call:
    """A call: what the layer is given, and what it answers.

    training: the mode. layout: from an array or a tensor in memory to the view that is given.
    x, grad_y: the views, in float64.
    main: whether it is one of the instance whose masks are tested together.
    passed: the arrays as the layer left them at the end. gradient: what backward returned.
    y, grad_x: what it answered, as it was then; None where there is none.
    error, backward_error: what forward or backward raised; NoArrayError where it was no array.
    """

    def __init__(self, step: Step, p: float, dtype: str, main: bool = True) -> None:
        """Prepare the call that a step describes. dtype: in which the layer is given x."""
        self.step, self.p, self.dtype, self.main = step, p, dtype, main
        self.training, self.layout = step.training, LAYOUTS[step.layout]
        self.x_in_memory = inputs(step.shape, step.x)
        self.grad_y_in_memory = inputs(step.shape, step.grad_y)
        self.x: FloatArray = self.layout(self.x_in_memory)
        self.grad_y: FloatArray = self.layout(self.grad_y_in_memory)
        self.passed: Passed | None = None
        self.gradient: Any = None
        self.y: Values | None = None
        self.grad_x: Values | None = None
        self.error: BaseException | None = None
        self.backward_error: BaseException | None = None

    def forward(self, adapter: Adapter, enter: bool = False) -> None:
        """Run the forward pass. enter: whether to call train() or eval() first."""
        with catching() as errors:
            if enter:
                adapter.set_training(self.training)
            self.passed = adapter.forward(self)
            self.y = values(self.passed.y)
        self.error = next(iter(errors), None)

    def backward(self) -> None:
        """Run the backward pass, if y can be judged."""
        if self.passed is None or self.array("y") is None:
            return
        with catching() as errors:
            self.gradient = self.passed.backward()
            self.grad_x = values(self.gradient)
        self.backward_error = next(iter(errors), None)

    @property
    def refused(self) -> bool:
        """Whether forward raised."""
        return self.error is not None and not isinstance(self.error, NoArrayError)

    @property
    def features(self) -> list[tuple[str, bool]]:
        """What a layer may not take in this mode, and say so by an exception."""
        step = self.step
        size = "large" if np.prod(step.shape) > 65_536 else "not-large"
        mode = "training" if step.training else "inference"
        found = [f"dimensions-{len(step.shape)}", self.dtype, size, mode, step.layout]
        return [(each, self.training) for each in found if each != "as it is"]

    def array(self, about: str) -> FloatArray | None:
        """Return y or grad_x, where it has the shape of x and is of floats."""
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
        if grad_x is not None:
            zero = self.x == 0
            kept[zero] = ~(np.abs(grad_x[zero]) <= NOTHING * np.abs(self.grad_y[zero]))
        return kept

    @cached_property
    def factor(self) -> float | None:
        """What x was multiplied by where y is not 0, 0 if it always is; None if it is not one."""
        y, some = self.array("y"), self.mask & (self.x != 0)
        assert y is not None
        factors = y[some] / self.x[some] if some.any() else np.zeros(1)
        return float(factors[0]) if np.ptp(factors) <= 0.1 * abs(factors[0]) else None

    def right(self, about: str) -> FloatArray:
        """Compute what y or grad_x should be, with the mask that the call shows."""
        v = self.x if about == "y" else self.grad_y
        if not self.training or self.p == 0:
            return v
        return 0 * v if self.p == 1 else np.where(self.mask, v / (1 - self.p), 0)

    def allowed(self, about: str) -> Tolerance:
        """Return what rounding explains, in the coarsest type that y or grad_x went through."""
        answers = [self.y] if about == "y" else [self.y, self.grad_x]
        dtypes = [each.dtype for each in answers if each is not None]
        coarsest = min(dtypes, key=lambda name: TYPES[name].bits)
        return tolerance(coarsest, self.p if self.training else 0)


@dataclass(eq=False)
class Record:
    """All calls at one p.

    inplace, autograd: as in Adapter. refused: what the layer raised when it was made for this p.
    """

    p: float
    inplace: bool = False
    autograd: bool = False
    calls: list[Call] = field(default_factory=list)
    refused: BaseException | None = None

    def answered(self, about: str, training: bool) -> list[Call]:
        """Return the calls in this mode whose y, or grad_x, can be judged."""
        return [c for c in self.calls if c.training is training and c.array(about) is not None]

    @cached_property
    def sampled(self) -> list[Call]:
        """The calls whose masks are tested together: of one instance in training, read from y.

        Where all is kept and not scaled, y shows no mask, unless it is so few that chance kept it.
        """
        calls = [c for c in self.answered("y", True) if c.main and c.x.all()]
        scaled = {c: c.factor * (1 - self.p) for c in calls if c.factor is not None}
        shown = [c for c in scaled if not c.mask.all() or abs(scaled[c] - 1) < 0.05]
        return shown if any(c.x.size >= BIG and c not in shown for c in calls) else list(scaled)

    @cached_property
    def draws(self) -> Draws:
        """The masks of these calls."""
        answers = {call.y.dtype for call in self.sampled if call.y is not None}
        bits = min((TYPES[dtype].bits for dtype in answers), default=53)
        return Draws(self.p, grid_step(bits), [(call.mask, call.x) for call in self.sampled])

    def may_widen(self, dtype: str) -> bool:
        """Tell whether the layer may answer float32 with this type."""
        return TYPES[dtype].bits <= TYPES["float32" if self.autograd else "float64"].bits

    @cached_property
    def not_taken(self) -> dict[tuple[str, bool], BaseException]:
        """The features of no call that was taken, and what a call with them raised."""
        taken = {name for call in self.calls if not call.refused for name in call.features}
        return {
            name: call.error
            for call in self.calls if call.refused and call.error is not None
            for name in call.features if name not in taken
        }  # fmt: skip


def script() -> Iterator[list[Step]]:
    """Yield the calls at each p, in phases; each begins with a call of train() or eval()."""
    kinds = zip(X_KINDS, ("mixed", "sparse", "mixed", "ones") * 2, strict=True)
    rounds = [[Step(shape, x=x, grad_y=grad_y) for shape in LARGE] for x, grad_y in kinds]
    others = [Step(shape) for shape in MEDIUM]
    others += [Step(MEDIUM[1], layout) for layout in ("transposed", "strided")]
    quiet = [
        step._replace(training=False) for step in (*rounds[0], rounds[2][0], *others, Step(SMALL))
    ]
    yield [*rounds[0], *others, *rounds[1]]
    yield quiet
    yield [*chain(*rounds[2:4]), *others]
    yield quiet[:2]
    yield quiet[1:3]
    yield [*chain(*rounds[4:]), *[Step(SMALL)] * 60, *rounds[0][:1] * 2]


def record(layer: Layer, p: float, dtype: str | None) -> Record:
    """Run the layer at p: the whole script, then two forward passes before a backward.

    dtype: of x; if not given, float32, or float64 where the layer refuses that or answers with it.
    """
    with catching() as errors:
        adapter = layer.at(p)
    if errors:
        return Record(p, refused=errors[0])
    found = Record(p, adapter.inplace, adapter.autograd)
    dtypes = [dtype] if dtype else ["float32", "float64"]
    for phase in script():
        for k, step in enumerate(phase):
            for each in dtypes:
                call = Call(step, p, each)
                call.forward(adapter, enter=k == 0)
                if call.error is None or each == dtypes[0]:
                    found.calls.append(call)
                if call.error is None:
                    break
            call.backward()
            if len(dtypes) > 1 and call.y is not None and call.y.dtype in TYPES:
                dtypes = [call.y.dtype if found.may_widen(call.y.dtype) else call.dtype]
    if not (adapter.autograd or layer.several):
        return found
    other = adapter if adapter.autograd else layer.at(p)
    other.set_training(True)
    for order in (1, -1):
        pair = [Call(Step(MEDIUM[1]), p, dtypes[0], main=other is adapter) for _ in range(2)]
        pair[0].forward(adapter)
        pair[1].forward(other)
        for call in pair[::order]:
            call.backward()
        found.calls += pair
    return found


@cache
def inputs(shape: tuple[int, ...], kind: str) -> FloatArray:
    """Return x or ∂L/∂y: ±k/64 with 32 ≤ k < 128, exact in every type, and 0 where it is to be."""
    if kind == "ones":
        return np.ones(shape)
    rng = np.random.default_rng([0, *shape, kind in ("signed", "relu")])
    found: FloatArray = rng.integers(32, 128, shape) * rng.choice([-1, 1], shape) / 64
    if kind == "relu":
        found = np.maximum(found, 0)
    elif kind == "sparse":
        found *= rng.random(shape) < 2 / 3
    return found
