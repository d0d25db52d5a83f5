"""Call a layer at one p, following the script, and record every call whole.

The questions are answered from this record alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dropout_cli.arrays import Mask
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.verify.answer import Answer, shown_mask
from dropout_cli.verify.chance import Model
from dropout_cli.verify.draws import BIG, Draws, examine, grid_step
from dropout_cli.verify.layers import (
    Adapter,
    Layer,
    NoArrayError,
    Passed,
    Values,
    generators,
    read_values,
)
from dropout_cli.verify.load import catching
from dropout_cli.verify.script import COMMON, SCALES, SITUATIONS, SMALL, TABLE, Step, script
from dropout_cli.verify.tolerance import TYPES, tolerance


@dataclass(eq=False)
class Call:
    """A call of the layer at p, and its results.

    dtype: in which the layer is given x. main: whether it is of the instance whose masks are tested
    together.
    passed: the arrays as the layer left them at the end. gradient: what backward returned.
    y, grad_x: copies of the results as they were returned; None if there are none.
    error, backward_error: what forward or backward raised; NoArrayError if it returned no array.
    """

    step: Step
    p: float
    dtype: str
    main: bool = True
    passed: Passed | None = None
    gradient: Any = None
    y: Values | None = None
    grad_x: Values | None = None
    error: BaseException | None = None
    backward_error: BaseException | None = None

    def __post_init__(self) -> None:
        """Take the mode, x and ∂L/∂y from the step."""
        self.training = self.step.training
        self.x, self.grad_y = self.step.arrays(self.dtype)

    def forward(self, adapter: Adapter, enter: bool = False) -> None:
        """Run the forward pass. enter: whether to call train() or eval() first."""
        with catching() as errors:
            if enter:
                adapter.set_training(self.training)
            self.passed = adapter.forward(self.step, self.dtype)
            self.y = read_values(self.passed.y)
        self.error = next(iter(errors), None)

    def backward(self, adapter: Adapter) -> None:
        """Run the backward pass, if y can be judged, in the situation of the step."""
        if self.passed is None or not self.has("y"):
            return
        situation = self.step.situation
        with catching() as errors:
            if situation == "switched":
                adapter.set_training(not self.training)
            if situation == "overwritten" and self.training:
                y = self.passed.y.detach() if adapter.autograd else self.passed.y
                y *= y > 0
            if situation == "again" and adapter.autograd:  # retain_graph=True
                self.passed.backward()
            self.gradient = self.passed.backward()
            self.grad_x = read_values(self.gradient)
        if situation == "switched":
            with catching():
                adapter.set_training(self.training)
        if situation not in SITUATIONS:
            self.backward_error = next(iter(errors), None)

    @property
    def refused(self) -> bool:
        """Whether forward raised."""
        return self.error is not None and not isinstance(self.error, NoArrayError)

    @property
    def usual(self) -> tuple[bool, bool]:
        """Whether situation and scale are the usual ones; whether it has many elements."""
        return not self.step.situation and self.step.x not in SCALES, self.x.size >= BIG

    @property
    def features(self) -> list[tuple[str, bool]]:
        """The features for which a layer may refuse the call, and True for each in training."""
        step = self.step
        size = "large" if np.prod(step.shape) > 65_536 else "not-large"
        mode = "training" if step.training else "inference"
        found = [f"dimensions-{len(step.shape)}", self.dtype, size, mode, *set(step.layouts)]
        return [(each, self.training) for each in found if each != "as it is"]

    def has(self, about: str) -> bool:
        """Test whether y or grad_x can be judged: it has the shape of x, and is of floats."""
        found = self.y if about == "y" else self.grad_x
        return found is not None and found.array.shape == self.x.shape and found.dtype in TYPES

    @cached_property
    def answer(self) -> Answer:
        """The answer to the problem of this call, with the mask that it shows; y must be judged."""
        assert self.y is not None
        vectors, dtypes = {"y": self.y.array.ravel()}, [self.y.dtype]
        if self.grad_x is not None and self.has("grad_x"):
            vectors["grad_x"] = self.grad_x.array.ravel()
            dtypes.append(self.grad_x.dtype)
        x, grad_y = self.x.ravel(), self.grad_y.ravel()
        if not self.training:
            mask, p = None, 0.0
        elif self.p in (0, 1):
            mask, p = np.full(x.shape, self.p == 0), self.p
        else:
            mask, p = shown_mask(x, grad_y, vectors)[0], self.p
        coarsest = min(dtypes, key=lambda name: TYPES[name].bits)
        allowed = {"y": tolerance(dtypes[0], p), "grad_x": tolerance(coarsest, p)}
        trace = Trace(Problem(x, self.p, mask, None, grad_y, None))
        return Answer(trace, self.x.shape, vectors, allowed)

    @property
    def mask(self) -> Mask:
        """The mask that the answer shows, in the shape of x."""
        mask = self.answer.trace.problem.mask
        assert mask is not None
        return mask.reshape(self.x.shape)

    @cached_property
    def factor(self) -> float | None:
        """The factor from x to y where y is not 0; 0 if y is 0 everywhere, None if it varies."""
        some = self.mask & (self.x != 0)
        y, x = self.answer.values["y"][some.ravel()], self.x[some]
        factors = y / x if some.any() else np.zeros(1)
        return float(factors[0]) if np.ptp(factors) <= 0.1 * abs(factors[0]) else None


@dataclass(eq=False)
class Record:
    """All calls at one p.

    adapter: None if the layer could not be created for this p; then the one call is refused.
    reseeded: the global generators that the layer seeds.
    """

    p: float
    layer: Layer
    adapter: Adapter | None
    calls: list[Call] = field(default_factory=list)
    reseeded: str = ""

    def answered(self, about: str, training: bool) -> list[Call]:
        """Return the calls in this mode whose y, and grad_x if `about` is that, can be judged."""
        calls = [call for call in self.calls if call.training is training and call.has("y")]
        return [call for call in calls if call.has(about)]

    @cached_property
    def sampled(self) -> list[Call]:
        """The calls whose masks are tested together: of one instance in training, read from y.

        A call that keeps all, unscaled, shows no mask, unless it is so small that chance kept all.
        """
        calls = [c for c in self.answered("y", True) if c.main and c.x.all()]
        scaled = {c: c.factor * (1 - self.p) for c in calls if c.factor is not None}
        shown = [c for c in scaled if not c.mask.all() or abs(scaled[c] - 1) < 0.05]
        return shown if any(c.x.size >= BIG and c not in shown for c in calls) else list(scaled)

    @cached_property
    def draws(self) -> Draws | None:
        """The statistics of the masks of these calls; None if there are none."""
        return self._examine(self.sampled)

    @cached_property
    def others(self) -> Draws | None:
        """The same for other instances, after which an instance with another p was made."""
        made = [call for call in self.answered("y", True) if call.step.situation == "made"]
        return self._examine([call for call in made if not call.main])

    def _examine(self, calls: Sequence[Call]) -> Draws | None:
        if not calls:
            return None
        bits = min(TYPES[call.y.dtype].bits for call in calls if call.y is not None)
        model = Model(1 - self.p, grid_step(bits))
        return examine([call.mask for call in calls], [call.x for call in calls], model)

    @cached_property
    def not_taken(self) -> dict[tuple[str, bool], BaseException]:
        """The features that only refused calls have, each with what such a call raised."""
        taken = {name for call in self.calls if not call.refused for name in call.features}
        return {
            name: call.error
            for call in self.calls if call.refused and call.error is not None
            for name in call.features if name not in taken
        }  # fmt: skip


def record(layer: Layer, p: float, dtype: str | None) -> Record:
    """Run the layer at p: the whole script, then other instances of it.

    dtype: of x; if not given, float32, or float64 where the layer refuses that or answers with it.
    """
    with catching() as errors:
        adapter = layer.at(p)
    if errors:
        return Record(p, layer, None, [Call(Step(SMALL), p, "float32", error=errors[0])])
    found = Record(p, layer, adapter)
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
            call.backward(adapter)
            if len(dtypes) > 1 and call.y is not None and call.y.dtype in TYPES:
                wider = adapter.autograd and call.y.dtype == "float64"
                dtypes = [call.dtype if wider else call.y.dtype]
    _run_others(found, adapter, dtypes[0])
    return found


def _run_others(found: Record, adapter: Adapter, dtype: str) -> None:
    """Make two more instances, each from other states of the generators, and run them.

    First two forward passes precede both backward passes, in either order; of two instances, where
    one has room for one mask alone. Then the instance is run after another was made for another p.
    """
    drawn: dict[str, list[float]] = {}
    seed = int(np.random.randint(2**30))  # noqa: NPY002
    for k, order in enumerate((1, -1)):
        for set_seed, *_ in generators().values():
            set_seed(seed + k)
        other, several = adapter, found.layer.several
        with catching():
            other = found.layer.at(found.p)
            other.set_training(True)
        beside = adapter if adapter.autograd else other
        if adapter.autograd or several:
            step = Step(TABLE, situation="pending")
            pair = [(Call(step, found.p, dtype, one is adapter), one) for one in (adapter, beside)]
            for call, one in pair:
                call.forward(one)
            for call, one in pair[::order]:
                call.backward(one)
            found.calls += [call for call, _ in pair]
        with catching():
            found.layer.at(other_p(found.p))
        for shape in COMMON:
            call = Call(Step(shape, situation="made"), found.p, dtype, main=not several)
            call.forward(other)
            call.backward(other)
            found.calls.append(call)
        for name, (*_, draw) in generators().items():
            drawn.setdefault(name, []).append(float(draw()))
    found.reseeded = ", ".join(name for name, some in drawn.items() if len({*some}) < len(some))


def other_p(p: float) -> float:
    """Return the p of the instances that are made after those that are judged."""
    return 0.25 if p == 0.5 else 0.5
