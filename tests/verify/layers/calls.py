"""Wrong layers that mix up calls, change what is not theirs, or answer in another way."""

import sys
from typing import Any

import numpy as np

from layers.cases import wrong
from layers.course import Course, passing, sending_back

RAISED = dict.fromkeys(["p-0", "p-1", "same-mask"], "raised")

# One forward, then its backward


@wrong({"same-mask": "other-mask"})
class MaskOnTheClass(Course):
    def forward(self, x):
        y = super().forward(x)
        MaskOnTheClass.last = self.scale
        return y

    def backward(self, grad_y):
        return grad_y * MaskOnTheClass.last


LAST: dict[str, Any] = {}


@wrong({"same-mask": "other-mask"})
class MaskInAGlobal(Course):
    def forward(self, x):
        y = super().forward(x)
        LAST["scale"] = self.scale
        return y

    def backward(self, grad_y):
        return grad_y * LAST["scale"]


@wrong({"same-mask": "other-mask"})
class StaleMask(Course):
    """Backward has the mask of the first call that had this shape."""

    def __init__(self, p):
        super().__init__(p)
        self.saved = {}

    def forward(self, x):
        y = super().forward(x)
        self.saved.setdefault((x.shape, self.training), self.scale)
        return y

    def backward(self, grad_y):
        return grad_y * self.saved[grad_y.shape, self.trained]


@wrong({"same-mask": "not-applied", "p-1": "keeps-at-p-1"}, quick=[1])
@sending_back
def mode_of_backward(self, grad_y):
    return grad_y * self.scale if self.training else grad_y


@wrong({"same-mask": "other-mask", "p-0": "drops-at-p-0"}, quick=[0])
class SignOfY(Course):
    """Backward reads the sign of zero in what was returned."""

    def forward(self, x):
        self.y = super().forward(x)
        self.factor = self.scale.max(initial=0)
        self.y[self.scale == 0] = -0.0
        self.y[(self.scale != 0) & (x == 0)] = 0.0
        return self.y

    def backward(self, grad_y):
        dropped = (self.y == 0) & np.signbit(self.y)
        return np.where(dropped, 0, grad_y * self.factor)


# Order in memory


@wrong(dict.fromkeys(["p-0", "p-1", "same-mask", "inference"], "raised"))
@sending_back
def raises_for_views(self, grad_y):
    assert grad_y.flags.c_contiguous
    return grad_y * self.scale


@wrong({"same-mask": "other-mask"})
class MaskInMemoryOrder(Course):
    """Backward has the mask in the order of memory."""

    def forward(self, x):
        y = super().forward(x)
        order = "K" if x.flags.c_contiguous else "F"
        self.flat = np.broadcast_to(self.scale, x.shape).ravel(order=order)
        return y

    def backward(self, grad_y):
        return grad_y * self.flat.reshape(grad_y.shape)


@wrong(dict.fromkeys(["p-0", "same-mask", "inference"]))
@sending_back
def grad_y_as_it_lies(self, grad_y):
    """Read grad_y as it lies in memory."""
    scale = np.broadcast_to(self.scale, grad_y.shape)
    return (grad_y.ravel("K") * scale.ravel("K")).reshape(grad_y.shape)


# What else is touched


@wrong({"input-untouched": "changes-x"})
class ChangesX(Course):
    def forward(self, x):
        x *= super().forward(np.ones_like(x))
        return x


@wrong({"input-untouched": "changes-grad-y"}, quick=[1])
@sending_back
def changes_grad_y(self, grad_y):
    grad_y *= self.scale
    return grad_y


def in_a_buffer(layer, array):
    """Write what a layer returns into one buffer for every array of a shape."""
    layer.buffers = getattr(layer, "buffers", {})
    buffer = layer.buffers.setdefault(array.shape, np.empty(array.shape))
    buffer[:] = array
    return buffer


@wrong({"input-untouched": "overwrites-y"}, quick=[0])
@passing
def overwrites_y(self, x):
    return in_a_buffer(self, Course.forward(self, x))


@wrong({"input-untouched": "overwrites-y"})
@sending_back
def overwrites_grad_x(self, grad_y):
    return in_a_buffer(self, grad_y * self.scale)


# Shapes and types


@wrong({"shape-and-dtype": "wrong-shape"})
@passing
def flattens(self, x):
    return Course.forward(self, x).ravel()


@wrong({"shape-and-dtype": "wrong-shape"}, quick=[0])
@passing
def squeezes(self, x):
    return Course.forward(self, x).squeeze()


@wrong({"shape-and-dtype": "wrong-dtype"})
@passing
def rounds(self, x):
    return Course.forward(self, x).astype(np.int64)


@wrong({"shape-and-dtype": "wrong-dtype"}, quick=[0])
@sending_back
def narrow_gradient(self, grad_y):
    return (grad_y * self.scale).astype(np.float16)


@wrong({"shape-and-dtype": "wrong-dtype"})
class Half(Course):
    """Everything in float16, p and 1−p too; a p that is 1 in float16 is taken as 1."""

    def __init__(self, p):
        super().__init__(np.float16(p))

    def forward(self, x):
        return super().forward(x.astype(np.float16))

    def draw(self, shape):
        return super().draw(shape).astype(np.float16)

    def backward(self, grad_y):
        return super().backward(grad_y.astype(np.float16))


# No answer


@wrong({"answers": "raised"})
@passing
def nothing_in_three_dimensions(self, x):
    return Course.forward(self, x) if x.ndim < 3 else None


@wrong({"answers": "raised"})
class RaisesLater(Course):
    """Free the mask too early."""

    used = 0

    def forward(self, x):
        self.used += 1
        if self.used > 6:
            raise RuntimeError("the mask\n\x1b[31mis gone")
        return super().forward(x)


@wrong(RAISED)
@sending_back
def backward_raises(self, grad_y):
    return grad_y * self.mask_of_forward


@wrong(RAISED)
@sending_back
def no_gradient(self, grad_y):
    """Keep the gradient, and forget to return it."""
    self.grad_x = grad_y * self.scale


class Exits(Course):
    """Answers no call."""

    def forward(self, _):
        sys.exit(0)


class CountsOfOne(Course):
    """Draw with 1/(1−p), which is no probability for 0 < p < 1."""

    def draw(self, shape):
        return np.random.binomial(1, 1 / (1 - self.p), shape)  # noqa: NPY002
