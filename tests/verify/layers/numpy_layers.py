"""Layers in NumPy: right ones, and wrong ones with a mistake each."""

# ruff: noqa: NPY002 (courses draw from the global generator)

from __future__ import annotations

import random
import sys

import numpy as np


class Course:
    """As courses write it: the scaled mask is kept for backward."""

    def __init__(self, p):
        self.p = p
        self.training = True

    def forward(self, x):
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


class BoolMask(Course):
    """Multiplies by a mask of booleans, then scales; called, not forwarded."""

    def __init__(self, p):
        self.p = p
        self.mode = "train"

    def train(self):
        self.mode = "train"

    def eval(self):
        self.mode = "eval"

    def __call__(self, x):
        self.kept = self.draw(x.shape)
        return self.apply(x)

    def backward(self, grad_y):
        return self.apply(grad_y)

    def apply(self, v):
        if self.mode == "eval" or self.p == 0:
            return v
        return v * self.kept if self.p == 1 else v * self.kept / (1 - self.p)

    forward = __call__


class Called:
    """Called, not forwarded; eval() alone is no mode, training is."""

    def __init__(self, p):
        self.p = p
        self.training = True

    def eval(self):
        return self

    def __call__(self, x):
        self.factor = np.ones(x.shape)
        if self.training:
            kept = np.random.rand(*x.shape) >= self.p
            self.factor = kept / (1 - self.p) if self.p < 1 else np.zeros(x.shape)
        return x * self.factor

    def backward(self, grad_y):
        return grad_y * self.factor


class OwnGenerator(Course):
    """float32 throughout, from a generator of its own."""

    rng = np.random.default_rng(5)

    def draw(self, shape):
        return (self.rng.random(shape, dtype=np.float32) < 1 - self.p).astype(np.float32)


class PythonRandom(Course):
    """Python's own random numbers, element by element."""

    def draw(self, shape):
        flat = [random.random() >= self.p for _ in range(int(np.prod(shape)))]
        return np.reshape(flat, shape)


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
    """Works in place, and says so."""

    inplace = True

    def forward(self, x):
        x *= super().forward(np.ones_like(x))
        return x

    def backward(self, grad_y):
        grad_y *= self.scale
        return grad_y


class OnlyZero(Course):
    """Knows p = 0 alone."""

    def __init__(self, p):
        if p != 0:
            raise NotImplementedError("only p = 0 so far")
        super().__init__(p)


class OnlyBatches(Course):
    """Knows batches of rows alone."""

    def forward(self, x):
        rows, columns = x.shape
        return super().forward(x).reshape(rows, columns)


class OpenInterval(Course):
    """Takes 0 ≤ p < 1, and says so when it is called."""

    def forward(self, x):
        if self.p >= 1:
            raise ValueError("the drop probability must be below 1")
        return super().forward(x)


def numpy_run(x, grad_y, p, training):
    if not training or p == 0:
        return x, grad_y
    kept = np.random.random_sample(x.shape) >= p
    divisor = 1 - p if p < 1 else 1
    return np.where(kept, x / divisor, 0), np.where(kept, grad_y / divisor, 0)


class KeepsWithP(Course):
    def draw(self, shape):
        return np.random.rand(*shape) < self.p


class DividedByP(Course):
    """Takes p as the probability of keeping throughout."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        self.scale = (np.random.rand(*x.shape) < self.p) / self.p
        return x * self.scale


class NotScaled(Course):
    """The scaling is left to inference."""

    def forward(self, x):
        self.scale = self.draw(x.shape) if self.training else 1 - self.p
        return x * self.scale


class ScaledTwice(Course):
    def forward(self, x):
        y = super().forward(x)
        return y / (1 - self.p) if self.training and self.p < 1 else y


class MultipliedByKeep(Course):
    def forward(self, x):
        if not self.training:
            return super().forward(x)
        self.scale = self.draw(x.shape) * (1 - self.p)
        return x * self.scale


class NotApplied(Course):
    """Never in training, whatever it is told."""

    def forward(self, x):
        self.scale = np.ones_like(x)
        return x


class NewMaskInBackward(Course):
    def backward(self, grad_y):
        if not self.training or self.p == 1:
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
        return grad_y * self.saved[grad_y.shape, self.training]


class GradientNotMasked(Course):
    def backward(self, grad_y):
        return grad_y / (1 - self.p) if self.training and self.p < 1 else grad_y * self.scale


class GradientNotScaled(Course):
    def backward(self, grad_y):
        return grad_y * (self.scale != 0)


class GradientDividedByP(Course):
    def backward(self, grad_y):
        return grad_y * (self.scale != 0) / self.p if self.training else grad_y


class GradientMultipliedByP(Course):
    def backward(self, grad_y):
        return grad_y * (self.scale != 0) * self.p if self.training else grad_y


class GradientInverted(Course):
    def backward(self, grad_y):
        if not self.training or self.p in (0, 1):
            return super().backward(grad_y)
        return grad_y * (self.scale == 0) / (1 - self.p)


class GradientOfX(Course):
    """∂L/∂y_i · y_i: the output where the local gradient belongs."""

    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, grad_y):
        return grad_y * self.y


class GradientPassedOn(Course):
    def backward(self, grad_y):
        return grad_y


class NanAtOne(Course):
    def forward(self, x):
        if not self.training:
            return super().forward(x)
        self.scale = self.draw(x.shape) / np.float64(1 - self.p)
        return x * self.scale


class RaisesAtOne(Course):
    """Python's floats raise where NumPy's give nan."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        self.scale = self.draw(x.shape) * (1 / (1 - self.p))
        return x * self.scale


class FixedSeed(Course):
    def draw(self, shape):
        return np.random.default_rng(42).random(shape) >= self.p


class SeedsTheGlobal(Course):
    def draw(self, shape):
        np.random.seed(0)
        return np.random.rand(*shape) >= self.p


class OneMaskForEveryRow(Course):
    def draw(self, shape):
        return np.broadcast_to(np.random.rand(*shape[-1:]) >= self.p, shape)


class OneMaskForEveryColumn(Course):
    def draw(self, shape):
        return np.broadcast_to(np.random.rand(*shape[:-1], 1) >= self.p, shape)


class OneCoin(Course):
    def draw(self, shape):
        return np.full(shape, np.random.rand() >= self.p)


class OneMaskForEverySample(Course):
    """The first axis shares one mask in three dimensions alone."""

    def draw(self, shape):
        if len(shape) < 3:
            return super().draw(shape)
        return np.broadcast_to(np.random.rand(*shape[1:]) >= self.p, shape)


class PairsAtOnce(Course):
    """An off-by-one repeat: elements 1 and 2, 3 and 4, … share a decision."""

    def draw(self, shape):
        n = int(np.prod(shape))
        return np.repeat(np.random.rand(n // 2 + 1) >= self.p, 2)[1 : n + 1].reshape(shape)


class TiledMask(Course):
    def draw(self, shape):
        n = int(np.prod(shape))
        return np.resize(np.random.rand(n // 2) >= self.p, n).reshape(shape)


class FixedCount(Course):
    """Drops just the fraction p, by a permutation."""

    def draw(self, shape):
        n = int(np.prod(shape))
        return (np.random.permutation(n) >= round(n * self.p)).reshape(shape)


class FixedCountInRows(Course):
    def draw(self, shape):
        ranks = np.random.rand(*shape).argsort(-1)
        return ranks >= round(shape[-1] * self.p)


class WrongProbability(Course):
    """Off by two per cent."""

    def draw(self, shape):
        return np.random.rand(*shape) >= min(1, self.p + 0.02)


class ChangesX(InPlace):
    """Works in place without a word."""

    inplace = False


class DropsInInference(Course):
    """Has a training flag, and does not look at it."""

    def forward(self, x):
        training, self.training = self.training, True
        y = super().forward(x)
        self.training = training
        return y


class ScalesInInference(Course):
    def forward(self, x):
        y = super().forward(x)
        return y if self.training else y * (1 - self.p)


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


class Rounds(Course):
    def forward(self, x):
        return super().forward(x).astype(np.int64)


class Flattens(Course):
    def forward(self, x):
        return super().forward(x).ravel()


class NoGradient(Course):
    """Keeps the gradient, and forgets to return it."""

    def backward(self, grad_y):
        self.grad_x = super().backward(grad_y)


class Raises(Course):
    def backward(self, grad_y):
        return grad_y * self.mask_of_forward


class RaisesTheSecondTime(Course):
    """Frees the mask too early."""

    def forward(self, x):
        if getattr(self, "used", 0) > 5:
            raise RuntimeError("the mask\n\x1b[31mis gone")
        self.used = getattr(self, "used", 0) + 1
        return super().forward(x)


class GaussianNoise(Course):
    """Another layer altogether."""

    def draw(self, shape):
        return 1 + np.random.randn(*shape)


class Only1D(Course):
    def forward(self, x):
        (_,) = x.shape
        return super().forward(x)


class Only3D(Course):
    def forward(self, x):
        _, _, _ = x.shape
        return super().forward(x)


class CachedMask(Course):
    """Draws again only where the shape is another."""

    def draw(self, shape):
        if getattr(self, "kept", np.empty(0)).shape != shape:
            self.kept = super().draw(shape)
        return self.kept


class DrawsInTrain(Course):
    """Draws when train() is called, not when it is called itself."""

    def train(self):
        self.training, self.draws = True, {}

    def eval(self):
        self.training = False

    def draw(self, shape):
        self.draws = getattr(self, "draws", {})
        return self.draws.setdefault(shape, super().draw(shape))


class Exits(Course):
    def forward(self, _):
        sys.exit(0)


class CountsOfOne(Course):
    """Asks for a probability that there is not, between the ends."""

    def draw(self, shape):
        return np.random.binomial(1, 1 / (1 - self.p), shape)


class FailsInThreeDimensions(Course):
    def forward(self, x):
        return [x, x][x.ndim - 1] * 0 + super().forward(x)


class NothingInThreeDimensions(Course):
    def forward(self, x):
        return super().forward(x) if x.ndim < 3 else None


class AlmostZero(Course):
    """Does not quite drop."""

    def forward(self, x):
        return super().forward(x) + 1e-9 * (self.training and 0 < self.p < 1)


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
    "python random": PythonRandom,
    "float16": Half,
    "in place": InPlace,
    "only p = 0": OnlyZero,
    "only batches": OnlyBatches,
    "only vectors": Only1D,
    "only three dimensions": Only3D,
    "p < 1": OpenInterval,
    "numpy function": numpy_run,
    "numpy instance": Course(0.7),
    "fails in three dimensions": FailsInThreeDimensions,
}
KEEP = dict.fromkeys(["p-0", "p-1", "values", "same-mask", "kept-fraction"], "p-is-keep")
RAISED = dict.fromkeys(["p-0", "p-1", "same-mask"], "raised")
WRONG = {
    "cached mask": (CachedMask, {"fresh-mask": "same-mask-each-call"}),
    "draws in train()": (DrawsInTrain, {"fresh-mask": "same-mask-each-call"}),
    "nothing in three dimensions": (NothingInThreeDimensions, {"answers": "raised"}),
    "almost zero": (AlmostZero, {"values": None}),
    "keeps with p": (KeepsWithP, {"p-0": "drops-at-p-0", "kept-fraction": "keeps-with-p"}),
    "divided by p": (DividedByP, KEEP),
    "not scaled": (
        NotScaled,
        {"values": "not-scaled", "same-mask": "not-scaled", "inference": "scales-in-inference"},
    ),
    "scaled twice": (ScaledTwice, {"values": "scaled-twice"}),
    "multiplied by keep": (
        MultipliedByKeep,
        {"values": "multiplied-by-keep", "same-mask": "multiplied-by-keep"},
    ),
    "not applied": (
        NotApplied,
        {
            "values": "not-applied",
            "same-mask": "not-applied",
            "p-1": "keeps-at-p-1",
        },
    ),
    "new mask in backward": (NewMaskInBackward, {"same-mask": "other-mask"}),
    "stale mask": (StaleMask, {"same-mask": "other-mask"}),
    "gradient not masked": (GradientNotMasked, {"same-mask": "not-masked"}),
    "gradient not scaled": (GradientNotScaled, {"same-mask": "not-scaled"}),
    "gradient divided by p": (
        GradientDividedByP,
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
    "gradient passed on": (GradientPassedOn, {"same-mask": "not-applied", "p-1": "keeps-at-p-1"}),
    "nan at p = 1": (NanAtOne, {"p-1": "nan-at-p-1"}),
    "raises at p = 1": (RaisesAtOne, {"p-1": "raised"}),
    "fixed seed": (FixedSeed, {"fresh-mask": "same-mask-each-call"}),
    "seeds the global": (SeedsTheGlobal, {"fresh-mask": "same-mask-each-call"}),
    "one mask for every row": (OneMaskForEveryRow, {"independent": "one-mask-for-every-row"}),
    "one mask for columns": (OneMaskForEveryColumn, {"independent": "one-mask-for-every-column"}),
    "one coin": (OneCoin, {"independent": "one-mask-for-batch"}),
    "one mask for samples": (OneMaskForEverySample, {"independent": "one-mask-for-every-row"}),
    "pairs at once": (PairsAtOnce, {"independent": "neighbours-alike"}),
    "tiled": (TiledMask, {"independent": "mask-repeats"}),
    "fixed count": (FixedCount, {"independent": "fixed-count"}),
    "fixed count in rows": (FixedCountInRows, {"independent": "fixed-count"}),
    "wrong probability": (WrongProbability, {"p-0": "drops-at-p-0", "kept-fraction": None}),
    "changes x": (ChangesX, {"input-untouched": "changes-x"}),
    "drops in inference": (DropsInInference, {"inference": "drops-in-inference"}),
    "scales in inference": (ScalesInInference, {"inference": "scales-in-inference"}),
    "stays in inference": (
        StaysInInference,
        {
            "values": "not-applied",
            "same-mask": "not-applied",
            "p-1": "keeps-at-p-1",
        },
    ),
    "backward drops": (BackwardDropsInInference, {"inference": "drops-in-inference"}),
    "rounds": (Rounds, {"shape-and-dtype": "wrong-dtype"}),
    "flattens": (Flattens, {"shape-and-dtype": "wrong-shape"}),
    "no gradient": (NoGradient, RAISED),
    "backward raises": (Raises, RAISED),
    "raises later": (RaisesTheSecondTime, {"answers": "raised"}),
    "gaussian noise": (GaussianNoise, {"p-0": None, "values": None}),
    "function, two draws": (run_with_own_gradient, {"same-mask": "other-mask"}),
}
