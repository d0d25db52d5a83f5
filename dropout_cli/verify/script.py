"""The calls that are made of a layer at each p."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.verify.tolerance import TYPES

LARGE = ((70_001,), (211, 331), (17, 53, 79), (3, 5, 61, 77))
TABLE, EVEN = (61, 97), (64, 128)
MEDIUM = (
    (4_096,), TABLE, EVEN, (1_201, 3), (1, 512), (1, 1, 257), (16, 8, 4, 4), (16, 4, 1, 3, 3),
)  # fmt: skip
HUGE, SMALL = (512, 1024), (7,)
COMMON = ((4_096,), TABLE, (16, 8, 4, 4))  # as layers take them that take one kind alone
KINDS = (  # of x, and of ∂L/∂y
    ("signed", "mixed"), ("signed", "sparse"), ("relu", "mixed"), ("signed", "ones"),
    ("signed", "mixed"), ("signed", "sparse"),
)  # fmt: skip
SCALES = {"tiny": -66, "large": 10, "huge": 20}  # exponents of 2, or what the type can hold
# From an array or a tensor to the same in another order of memory.
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda array: array,
    "transposed": lambda array: array.T.reshape(-1).reshape(array.T.shape).T,
    "strided": lambda array: array[:, [k // 2 for k in range(2 * array.shape[1])]][:, ::2],
}
# What happens between forward and backward: the other mode is set; y is changed, as by a ReLU in
# place; backward is run before, where there is autograd. A layer may refuse each by an exception.
SITUATIONS = ("switched", "overwritten", "again")


class Step(NamedTuple):
    """A call to make.

    shape: of x. layouts: of x and ∂L/∂y, names in LAYOUTS. training: the mode.
    x: "signed", or "relu", half of which is 0. grad_y: "mixed", "sparse" or "ones". Or both are a
    name in SCALES. situation: one of SITUATIONS; "layouts", where they differ; "pending", where
    another forward pass comes before backward; "made", of an instance made before another one.
    """

    shape: tuple[int, ...]
    layouts: tuple[str, str] = ("as it is", "as it is")
    training: bool = True
    x: str = "signed"
    grad_y: str = "mixed"
    situation: str = ""

    def arrays(self, dtype: str) -> tuple[FloatArray, FloatArray]:
        """Return x and ∂L/∂y as float64. dtype: in which the layer is given them."""
        return (
            _array(self.shape, self.x, dtype, seed=1),
            _array(self.shape, self.grad_y, dtype, seed=0),
        )

    @property
    def orders(self) -> list[Callable[[Any], Any]]:
        """The functions that lay x and ∂L/∂y out in memory."""
        return [LAYOUTS[name] for name in self.layouts]


def script() -> Iterator[list[Step]]:
    """Yield the calls at each p, in phases; each begins with a call of train() or eval()."""
    rounds = [[Step(shape, x=x, grad_y=grad_y) for shape in LARGE] for x, grad_y in KINDS]
    others = [Step(shape) for shape in MEDIUM]
    others += [Step(TABLE, (layout, layout)) for layout in ("transposed", "strided")]
    others += [
        Step(TABLE, layouts, situation="layouts")
        for layouts in (("as it is", "transposed"), ("transposed", "as it is"))
    ]
    others += [Step(EVEN, x=scale, grad_y=scale) for scale in SCALES]
    others += [Step(shape, situation=each) for shape in COMMON for each in SITUATIONS]
    quiet = [*rounds[0], rounds[2][0], *others, Step(SMALL)]
    quiet = [step._replace(training=False) for step in quiet]
    yield [*rounds[0], *others, *rounds[1]]
    yield quiet
    yield [*chain(*rounds[2:4]), *others]
    yield quiet[:2]
    yield quiet[1:3]
    yield [*chain(*rounds[4:]), Step(HUGE), *[Step(SMALL)] * 90, *rounds[0][:1] * 2]


@cache
def _array(shape: tuple[int, ...], kind: str, dtype: str, seed: int) -> FloatArray:
    """Draw ±k/64, 32 ≤ k < 128, exact in every type, or at a scale with all digits of the type."""
    if kind == "ones":
        return np.ones(shape)
    rng, bits, scale = np.random.default_rng([0, *shape, seed]), 7, 0
    if kind in SCALES:
        bits, least, largest = TYPES[dtype]
        scale = min(max(SCALES[kind], least + bits + 1), int(np.log2(largest)) - 10)
    mantissa = rng.integers(2 ** (bits - 2), 2**bits, shape) * rng.choice([-1, 1], shape)
    found: FloatArray = mantissa * 2.0 ** (scale - bits + 1)
    if kind == "relu":
        found = np.maximum(found, 0)
    elif kind == "sparse":
        found *= rng.random(shape) < 2 / 3
    return found
