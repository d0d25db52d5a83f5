"""Layers in NumPy: right ones, and wrong ones with a mistake each."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np


class Course:
    """As courses write it: the scaled mask is kept for backward."""

    def __init__(self, p):
        self.p = p
        self.training = True

    def forward(self, x):
        self.trained = self.training  # which may change before backward
        if not self.training:
            self.scale = np.ones_like(x)
        elif self.p == 1:
            self.scale = np.zeros_like(x)
        else:
            self.scale = self.draw(x.shape) / (1 - self.p)
        return x * self.scale

    def draw(self, shape):
        return np.random.rand(*shape) >= self.p

    def backward(self, grad_y):
        return grad_y * self.scale


def drawing(draw: Callable[[float, tuple[int, ...]], Any]) -> type[Course]:
    """Make a layer whose mask is draw(p, shape)."""
    return type("Drawing", (Course,), {"draw": lambda self, shape: draw(self.p, shape)})


def sending_back(backward: Callable[[Any, Any], Any]) -> type[Course]:
    """Make a layer with this backward(self, grad_y)."""
    return type("SendingBack", (Course,), {"backward": backward})


def passing(forward: Callable[[Any, Any], Any]) -> type[Course]:
    """Make a layer with this forward(self, x)."""
    return type("Passing", (Course,), {"forward": forward})


def scaling(scale: Callable[[Any, float], Any]) -> type[Course]:
    """Make a layer that in training multiplies by scale(mask, p), in both passes."""

    def forward(self, x):
        if not self.training:
            return Course.forward(self, x)
        self.scale = scale(self.draw(x.shape), self.p)
        return x * self.scale

    return passing(forward)


class BoolMask(Course):
    """Multiply by a mask of booleans, then scale; called, not forwarded."""

    def __init__(self, p):
        self.p = p
        self.mode = "train"

    def train(self):
        self.mode = "train"

    def eval(self):
        self.mode = "eval"

    def __call__(self, x):
        self.kept = self.draw(x.shape) if self.mode == "train" and self.p > 0 else None
        return self.apply(x)

    def backward(self, grad_y):
        return self.apply(grad_y)

    def apply(self, v):
        if self.kept is None:
            return v
        return v * self.kept if self.p == 1 else v * self.kept / (1 - self.p)

    forward = __call__


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


class OwnGenerator(Course):
    """float32 throughout, from a generator of its own."""

    rng = np.random.default_rng(5)

    def draw(self, shape):
        return (self.rng.random(shape, dtype=np.float32) < 1 - self.p).astype(np.float32)


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


class InPlace(Course):
    """Work in place, and say so."""

    inplace = True

    def forward(self, x):
        x *= super().forward(np.ones_like(x))
        return x

    def backward(self, grad_y):
        grad_y *= self.scale
        return grad_y


class OnlyZero(Course):
    def __init__(self, p):
        if p != 0:
            raise NotImplementedError("only p = 0 so far")
        super().__init__(p)


class OpenInterval(Course):
    """Take 0 ≤ p < 1, and say so when called."""

    def forward(self, x):
        if self.p >= 1:
            raise ValueError("the drop probability must be below 1")
        return super().forward(x)


def in_dimensions(n: int) -> type[Course]:
    """Make a layer that fails in other than n dimensions."""

    def forward(self, x):
        if x.ndim != n:
            return [0][x.ndim]
        return Course.forward(self, x)

    return passing(forward)


def numpy_run(x, grad_y, p, training):
    if not training or p == 0:
        return x, grad_y
    kept = np.random.random_sample(x.shape) >= p
    divisor = 1 - p if p < 1 else 1
    return np.where(kept, x / divisor, 0), np.where(kept, grad_y / divisor, 0)


class NotScaled(Course):
    """The scaling is left to inference."""

    def forward(self, x):
        self.scale = self.draw(x.shape) if self.training else 1 - self.p
        return x * self.scale


class ScaledTwice(Course):
    def forward(self, x):
        y = super().forward(x)
        return y / (1 - self.p) if self.training and self.p < 1 else y


class NotApplied(Course):
    """Never in training, whatever the mode."""

    def forward(self, x):
        self.scale = np.ones_like(x)
        return x


class NewMaskInBackward(Course):
    def backward(self, grad_y):
        if not self.trained or self.p == 1:
            return super().backward(grad_y)
        return grad_y * self.draw(grad_y.shape) / (1 - self.p)


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


class GradientMultipliedByP(Course):
    def backward(self, grad_y):
        return grad_y * (self.scale != 0) * self.p if self.trained else grad_y


class GradientInverted(Course):
    def backward(self, grad_y):
        if not self.trained or self.p in (0, 1):
            return super().backward(grad_y)
        return grad_y * (self.scale == 0) / (1 - self.p)


class GradientOfX(Course):
    """∂L/∂y_i · y_i: the output where the local gradient belongs."""

    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, grad_y):
        return grad_y * self.y


class SeedsTheGlobal(Course):
    def draw(self, shape):
        np.random.seed(0)
        return super().draw(shape)


def pairs_at_once(p, shape):
    """An off-by-one repeat: elements 1 and 2, 3 and 4, … share a decision."""
    n = int(np.prod(shape))
    return np.repeat(np.random.rand(n // 2 + 1) >= p, 2)[1 : n + 1].reshape(shape)


def same_for_samples(p, shape):
    """The first axis shares one mask in three dimensions alone."""
    one = np.random.rand(*(shape[1:] if len(shape) > 2 else shape)) >= p
    return np.broadcast_to(one, shape)


class FixedCountInRows(Course):
    def draw(self, shape):
        if shape[-1] < 7:  # where the number may be 0
            return super().draw(shape)
        ranks = np.random.rand(*shape).argsort(-1)
        return ranks >= round(shape[-1] * self.p)


class WrongProbability(Course):
    """Off by two per cent."""

    def draw(self, shape):
        return np.random.rand(*shape) >= min(1, self.p + 0.02)


class ChangesX(InPlace):
    """Work in place without a word."""

    inplace = False


class DropsInInference(Course):
    """Have a training flag, and do not look at it."""

    def forward(self, x):
        training, self.training = self.training, True
        y = super().forward(x)
        self.training = training
        return y


class StaysInInference(Course):
    """eval() has no way back."""

    def train(self):
        pass

    def eval(self):
        self.training = False


class BackwardDropsInInference(Course):
    def forward(self, x):
        if not self.training:
            return x
        return super().forward(x)

    def backward(self, grad_y):
        scale = self.scale
        if scale.shape != grad_y.shape:
            scale = np.random.permutation(np.resize(scale, grad_y.shape))
        return grad_y * scale


class NoGradient(Course):
    """Keep the gradient, and forget to return it."""

    def backward(self, grad_y):
        self.grad_x = super().backward(grad_y)


class Raises(Course):
    def backward(self, grad_y):
        return grad_y * self.mask_of_forward


class RaisesTheSecondTime(Course):
    """Free the mask too early."""

    def forward(self, x):
        self.used = getattr(self, "used", 0) + 1
        if self.used > 6:
            raise RuntimeError("the mask\n\x1b[31mis gone")
        return super().forward(x)


class CachedMask(Course):
    """Draw again only where the shape is another."""

    def draw(self, shape):
        if getattr(self, "kept", np.empty(0)).shape != shape:
            self.kept = super().draw(shape)
        return self.kept


class DrawsInTrain(Course):
    """Draw when train() is called, not when called itself."""

    def train(self):
        self.training, self.drawn = True, {}

    def eval(self):
        self.training = False

    def draw(self, shape):
        self.drawn = getattr(self, "drawn", {})
        return self.drawn.setdefault(shape, super().draw(shape))


class Exits(Course):
    def forward(self, _):
        sys.exit(0)


class CountsOfOne(Course):
    """Ask for a probability that there is not, between the ends."""

    def draw(self, shape):
        return np.random.binomial(1, 1 / (1 - self.p), shape)


def run_with_own_gradient(x, grad_y, p, training):
    """Return the gradient of another mask."""
    if not training or p in (0, 1):
        return x * (p != 1 or not training), grad_y * (p != 1 or not training)
    one, two = np.random.rand(2, *x.shape) >= p
    return x * one / (1 - p), grad_y * two / (1 - p)


RIGHT = {
    "course": Course,
    "bool mask": BoolMask,
    "called": Called,
    "own generator": OwnGenerator,
    "python random": drawing(
        lambda p, shape: np.reshape([random.random() >= p for _ in range(np.prod(shape))], shape)
    ),
    "in place": InPlace,
    "only p = 0": OnlyZero,
    "only vectors": in_dimensions(1),
    "only batches": in_dimensions(2),
    "p < 1": OpenInterval,
    "numpy function": numpy_run,
    "numpy instance": Course(0.7),
}
RAISED = dict.fromkeys(["p-0", "p-1", "same-mask"], "raised")
NOT_APPLIED = {"values": "not-applied", "same-mask": "not-applied", "p-1": "keeps-at-p-1"}
WRONG = {
    "float16": (Half, {"shape-and-dtype": "wrong-dtype"}),
    "cached mask": (CachedMask, {"fresh-mask": "same-mask-each-call or masks-alike"}),
    "draws in train()": (DrawsInTrain, {"fresh-mask": "same-mask-each-call or masks-alike"}),
    "nothing in three dimensions": (
        passing(lambda self, x: Course.forward(self, x) if x.ndim < 3 else None),
        {"answers": "raised"},
    ),
    "almost zero": (
        passing(
            lambda self, x: Course.forward(self, x) + 1e-9 * (self.training and 0 < self.p < 1)
        ),
        {"values": None},
    ),
    "keeps with p": (
        drawing(lambda p, shape: np.random.rand(*shape) < p),
        {"p-0": "drops-at-p-0", "kept-fraction": "keeps-with-p"},
    ),
    "not scaled": (
        NotScaled,
        {"values": "not-scaled", "same-mask": "not-scaled", "inference": "scales-in-inference"},
    ),
    "scaled twice": (ScaledTwice, {"values": "scaled-twice"}),
    "multiplied by keep": (
        scaling(lambda mask, p: mask * (1 - p)),
        {"values": "multiplied-by-keep", "same-mask": "multiplied-by-keep"},
    ),
    "not applied": (NotApplied, NOT_APPLIED),
    "new mask in backward": (NewMaskInBackward, {"same-mask": "other-mask"}),
    "stale mask": (StaleMask, {"same-mask": "other-mask"}),
    "gradient not masked": (
        sending_back(
            lambda self, grad_y: (
                grad_y / (1 - self.p) if self.trained and self.p < 1 else grad_y * self.scale
            )
        ),
        {"same-mask": "not-masked"},
    ),
    "gradient not scaled": (
        sending_back(lambda self, grad_y: grad_y * (self.scale != 0)),
        {"same-mask": "not-scaled"},
    ),
    "gradient divided by p": (
        sending_back(
            lambda self, grad_y: grad_y * (self.scale != 0) / self.p if self.trained else grad_y
        ),
        {"p-0": "not-finite-at-p-0", "same-mask": "divided-by-p"},
    ),
    "gradient times p": (
        GradientMultipliedByP,
        {"p-0": "drops-at-p-0", "same-mask": "multiplied-by-p"},
    ),
    "gradient inverted": (GradientInverted, {"same-mask": "inverted"}),
    "gradient times x": (
        GradientOfX,
        {"p-0": "times-x", "inference": "times-x", "same-mask": "times-x"},
    ),
    "gradient passed on": (
        sending_back(lambda _, grad_y: grad_y),
        {"same-mask": "not-applied", "p-1": "keeps-at-p-1"},
    ),
    "nan at p = 1": (
        scaling(lambda mask, p: mask / np.float64(1 - p)),
        {"p-1": "nan-at-p-1"},
    ),
    "raises at p = 1": (scaling(lambda mask, p: mask * (1 / (1 - p))), {"p-1": "raised"}),
    "fixed seed": (
        drawing(lambda p, shape: np.random.default_rng(42).random(shape) >= p),
        {"fresh-mask": "same-mask-each-call"},
    ),
    "seeds the global": (SeedsTheGlobal, {"fresh-mask": "same-mask-each-call"}),
    "one mask for every row": (
        drawing(lambda p, shape: np.broadcast_to(np.random.rand(*shape[-1:]) >= p, shape)),
        {"independent": "one-mask-for-every-row"},
    ),
    "one mask for columns": (
        drawing(lambda p, shape: np.broadcast_to(np.random.rand(*shape[:-1], 1) >= p, shape)),
        {"independent": "one-mask-for-every-column"},
    ),
    "one coin": (
        drawing(lambda p, shape: np.full(shape, np.random.rand() >= p)),
        {"independent": "one-mask-for-batch"},
    ),
    "one mask for samples": (drawing(same_for_samples), {"independent": "one-mask-for-every-row"}),
    "pairs at once": (drawing(pairs_at_once), {"independent": "neighbours-alike"}),
    "tiled": (
        drawing(lambda p, shape: np.resize(np.random.rand(np.prod(shape) // 2) >= p, shape)),
        {"independent": "mask-repeats"},
    ),
    "fixed count": (
        drawing(
            lambda p, shape: (
                np.random.permutation(n := np.prod(shape)).reshape(shape) >= round(n * p)
            )
        ),
        {"independent": "fixed-count"},
    ),
    "fixed count in rows": (FixedCountInRows, {"independent": "fixed-count"}),
    "wrong probability": (WrongProbability, {"p-0": "drops-at-p-0", "kept-fraction": None}),
    "changes x": (ChangesX, {"input-untouched": "changes-x"}),
    "drops in inference": (DropsInInference, {"inference": "drops-in-inference"}),
    "scales in inference": (
        passing(lambda self, x: Course.forward(self, x) * (1 if self.training else 1 - self.p)),
        {"inference": "scales-in-inference"},
    ),
    "stays in inference": (StaysInInference, NOT_APPLIED),
    "backward drops": (BackwardDropsInInference, {"inference": "drops-in-inference"}),
    "rounds": (
        passing(lambda self, x: Course.forward(self, x).astype(np.int64)),
        {"shape-and-dtype": "wrong-dtype"},
    ),
    "flattens": (
        passing(lambda self, x: Course.forward(self, x).ravel()),
        {"shape-and-dtype": "wrong-shape"},
    ),
    "no gradient": (NoGradient, RAISED),
    "backward raises": (Raises, RAISED),
    "raises later": (RaisesTheSecondTime, {"answers": "raised"}),
    "gaussian noise": (
        drawing(lambda _, shape: 1 + np.random.randn(*shape)),
        {"p-0": None, "values": None},
    ),
    "function, two draws": (run_with_own_gradient, {"same-mask": "other-mask"}),
}
