"""Right layers in NumPy, usual and unusual ones."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import hashlib
import random
import threading

import numpy as np

from layers.cases import OTHER_TYPE, right
from layers.course import Course, drawing, passing, sending_back

NO_OTHERS = ("answers", "shape-and-dtype")  # some inputs are refused, and float64 is the answer
NOT_P_1 = ("inference", "input-untouched", "shape-and-dtype", "answers", "p-1")

right()(Course)
right("an instance")(Course(0.7))


@right(unjudged=())
class BoolMask:
    """Multiply by a mask of booleans, then scale; called, not forwarded."""

    def __init__(self, p):
        self.p = p
        self.mode = "train"

    def train(self):
        self.mode = "train"

    def eval(self):
        self.mode = "eval"

    def __call__(self, x):
        drops = self.mode == "train" and self.p > 0
        self.kept = np.random.rand(*x.shape) >= self.p if drops else None
        return self.apply(x)

    def backward(self, grad_y):
        return self.apply(grad_y)

    def apply(self, v):
        if self.kept is None:
            return v
        return v * self.kept if self.p == 1 else v * self.kept / (1 - self.p)


@right()
class Called:
    """Called, not forwarded; eval() alone is no mode, training is."""

    def __init__(self, p):
        self.layer = Course(p)
        self.training = True

    def eval(self):
        return self

    def __call__(self, x):
        self.layer.training = self.training
        return self.layer.forward(x)

    def backward(self, grad_y):
        return self.layer.backward(grad_y)


@right(unjudged=())
class OwnGenerator(Course):
    """float32 throughout, from a generator of its own."""

    rng = np.random.default_rng(5)

    def draw(self, shape):
        return (self.rng.random(shape, dtype=np.float32) < 1 - self.p).astype(np.float32)


@right(unjudged=(), quick=[0.1])
def numpy_function(x, grad_y, p, training):
    if not training or p == 0:
        return x, grad_y
    kept = np.random.random_sample(x.shape) >= p
    divisor = 1 - p if p < 1 else 1
    return np.where(kept, x / divisor, 0), np.where(kept, grad_y / divisor, 0)


@right(unjudged=["input-untouched"])
class InPlace(Course):
    """Work in place, and declare it."""

    inplace = True

    def forward(self, x):
        x *= super().forward(np.ones_like(x))
        return x

    def backward(self, grad_y):
        grad_y *= self.scale
        return grad_y


# Other ways to draw


@right()
@drawing
def python_random(p, shape):
    return np.reshape([random.random() >= p for _ in range(np.prod(shape))], shape)


@right()
@drawing
def binomial(p, shape):
    return np.random.binomial(1, 1 - p, shape)


@right()
@drawing
def choice(p, shape):
    return np.random.choice([0.0, 1.0], shape, p=[p, 1 - p])


@right()
@drawing
def gaps(p, shape):
    """Draw the gaps between dropped elements."""
    n = int(np.prod(shape))
    kept = np.ones(n)
    if p > 0:
        places = np.cumsum(np.random.geometric(p, max(20, int(2 * n * p) + 100))) - 1
        kept[places[places < n]] = 0
    return kept.reshape(shape)


@right()
class Hashing(Course):
    """Hash a counter: a generator of its own making."""

    count = 0

    def draw(self, shape):
        Hashing.count += 1
        state = np.random.PCG64(int.from_bytes(hashlib.sha256(b"%d" % Hashing.count).digest()))
        return np.random.Generator(state).random(shape) >= self.p


@right()
@drawing
def threads(p, shape):
    drawn = []
    thread = threading.Thread(target=lambda: drawn.append(np.random.rand(*shape)))
    thread.start()
    thread.join()
    return drawn[0] >= p


# Other answers


@right()
class BitPacked(Course):
    def forward(self, x):
        y = super().forward(x)
        if self.training and self.p < 1:
            self.bits, self.scale = np.packbits(self.scale > 0), None
        return y

    def backward(self, grad_y):
        if self.scale is not None:
            return super().backward(grad_y)
        kept = np.unpackbits(self.bits, count=grad_y.size).reshape(grad_y.shape)
        return grad_y * kept / (1 - self.p)


class Own(np.ndarray):
    """A subclass of NumPy's arrays."""


@right()
@passing
def numpy_subclass(self, x):
    return Course.forward(self, x).view(Own)


@right()
@passing
def lists(self, x):
    return Course.forward(self, np.asarray(x)).tolist()


@right()
@passing
def negative_zero(self, x):
    y = Course.forward(self, x)
    return np.where(y == 0, -0.0, y)


# Not every input


@right(unjudged=NO_OTHERS)
@passing
def only_vectors(self, x):
    return Course.forward(self, x) if x.ndim == 1 else [0][x.ndim]


@right(unjudged=NO_OTHERS)
@passing
def only_tables(self, x):
    """Refuse other inputs by accident."""
    x.shape[1]
    return Course.forward(self, x.reshape(x.shape[0], x.shape[1]))


@right(unjudged=NO_OTHERS, quick=[0.9])
@passing
def only_images(self, x):
    if x.ndim != 4:
        raise TypeError("expected images, NCHW")
    return Course.forward(self, x)


@right(unjudged=["answers"])
@passing
def only_float64(self, x):
    if x.dtype != np.float64:
        raise TypeError("only float64")
    return Course.forward(self, x)


@right(unjudged=NO_OTHERS)
@drawing
def only_small(p, shape):
    """Have a buffer of 65,536 random numbers."""
    n = int(np.prod(shape))
    if n > 65_536:
        raise IndexError("the buffer is too small")
    return (np.random.rand(65_536)[:n] >= p).reshape(shape)


@right(unjudged=[*NOT_P_1, "values", "same-mask", "kept-fraction", "independent", "fresh-mask"])
class OnlyZero(Course):
    def __init__(self, p):
        if p != 0:
            raise NotImplementedError("only p = 0 so far")
        super().__init__(p)


@right(unjudged=NOT_P_1)
@passing
def below_one(self, x):
    if self.p >= 1:
        raise ValueError("the drop probability must be below 1")
    return Course.forward(self, x)


@right(unjudged=NOT_P_1)
@passing
def below_one_in_chinese(self, x):
    if self.p == 1:
        raise RuntimeError("丢弃率必须小于一")
    return Course.forward(self, x)


@right(unjudged=NOT_P_1, quick=[1])
@passing
def below_one_by_assertion(self, x):
    assert self.p < 1
    return Course.forward(self, x)


@right(unjudged=["inference", *OTHER_TYPE])
@sending_back
def no_backward_in_inference(self, grad_y):
    assert self.training
    return Course.backward(self, grad_y)
