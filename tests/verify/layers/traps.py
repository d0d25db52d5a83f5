"""Layers that are easily misjudged: right ones of unusual kinds, wrong ones that hide it."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import hashlib
import threading

import numpy as np

from layers.numpy_layers import Course, drawing, passing, scaling, sending_back

# Right, in unusual ways


class Images(Course):
    """Takes images alone."""

    def forward(self, x):
        if x.ndim != 4:
            raise TypeError("expected images, NCHW")
        return super().forward(x)


class Tables(Course):
    """Takes two dimensions alone, and says so by accident."""

    def forward(self, x):
        x.shape[1]
        return super().forward(x.reshape(x.shape[0], x.shape[1]))


class Doubles(Course):
    def forward(self, x):
        if x.dtype != np.float64:
            raise TypeError("only float64")
        return super().forward(x)


class Small(Course):
    """Has a buffer of 65,536 random numbers."""

    def draw(self, shape):
        n = int(np.prod(shape))
        if n > 65_536:
            raise IndexError("the buffer is too small")
        return (np.random.rand(65_536)[:n] >= self.p).reshape(shape)


class BareAssert(Course):
    def forward(self, x):
        assert self.p < 1
        return super().forward(x)


class InChinese(Course):
    def forward(self, x):
        if self.p == 1:
            raise RuntimeError("丢弃率必须小于一")
        return super().forward(x)


class NoBackwardInInference(Course):
    def backward(self, grad_y):
        assert self.training
        return super().backward(grad_y)


class Gaps(Course):
    """Draws the gaps between dropped elements."""

    def draw(self, shape):
        n = int(np.prod(shape))
        kept = np.ones(n)
        if self.p > 0:
            gaps = np.random.geometric(self.p, max(20, int(2 * n * self.p) + 100))
            places = np.cumsum(gaps) - 1
            kept[places[places < n]] = 0
        return kept.reshape(shape)


class Hashing(Course):
    """Hashes a counter: a generator of its own making."""

    count = 0

    def draw(self, shape):
        n = int(np.prod(shape))
        Hashing.count += 1
        state = np.random.PCG64(int.from_bytes(hashlib.sha256(b"%d" % Hashing.count).digest()))
        return (np.random.Generator(state).random(n) >= self.p).reshape(shape)


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


class Threads(Course):
    def draw(self, shape):
        drawn = []
        thread = threading.Thread(target=lambda: drawn.append(np.random.rand(*shape)))
        thread.start()
        thread.join()
        return drawn[0] >= self.p


class Own(np.ndarray):
    """A subclass of NumPy's arrays."""


# Where x is 0


class MaskFromY(Course):
    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, grad_y):
        if not self.trained:
            return grad_y
        return grad_y * (self.y != 0) / (1 - self.p if self.p < 1 else 1)


class QuotientOfY(Course):
    def forward(self, x):
        self.x, self.y = x, super().forward(x)
        return self.y

    def backward(self, grad_y):
        return grad_y * self.y / self.x


class NeverDropsZeros(Course):
    def forward(self, x):
        y = super().forward(x)
        self.scale = np.where(
            (x == 0) & self.training & (self.p < 1), 1 / max(0.01, 1 - self.p), self.scale
        )
        return y


# One forward, then its backward


class MaskOnTheClass(Course):
    def forward(self, x):
        y = super().forward(x)
        MaskOnTheClass.last = self.scale
        return y

    def backward(self, grad_y):
        return grad_y * MaskOnTheClass.last


LAST = {}


class MaskInAGlobal(Course):
    def forward(self, x):
        y = super().forward(x)
        LAST["scale"] = self.scale
        return y

    def backward(self, grad_y):
        return grad_y * LAST["scale"]


# Calls that nobody looks at


class Warming(Course):
    """Wrong in the first three calls."""

    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        y = super().forward(x)
        return 7 * x if self.calls <= 3 and self.training else y


class TwoCallsAMask(Course):
    """Calls 1 and 2, 3 and 4, … share random numbers."""

    def draw(self, shape):
        self.calls = getattr(self, "calls", -1) + 1
        return np.random.default_rng(self.calls // 2).random(shape) >= self.p


class SeedsInTrain(Course):
    def train(self):
        self.training, self.rng = True, np.random.default_rng(3)

    def eval(self):
        self.training = False

    def draw(self, shape):
        return self.rng.random(shape) >= self.p


class SeedsFromX(Course):
    def forward(self, x):
        self.seed = int(np.abs(x).sum() * 64)
        return super().forward(x)

    def draw(self, shape):
        return np.random.default_rng(self.seed).random(shape) >= self.p


# Layout and size


class RaisesForViews(Course):
    def backward(self, grad_y):
        assert grad_y.flags.c_contiguous
        return super().backward(grad_y)


class MemoryOrder(Course):
    """Backward has the mask in the order of memory."""

    def forward(self, x):
        y = super().forward(x)
        self.flat = np.broadcast_to(self.scale, x.shape).ravel(
            order="K" if x.flags.c_contiguous else "F"
        )
        return y

    def backward(self, grad_y):
        return grad_y * self.flat.reshape(grad_y.shape)


class TailOfEight(Course):
    """The last n mod 8 are never dropped."""

    def draw(self, shape):
        n = int(np.prod(shape))
        kept = np.ones(n)
        kept[: n // 8 * 8] = np.random.rand(n // 8 * 8) >= self.p
        return kept.reshape(shape)


class FastForEven(Course):
    """One number decides for four elements where n is a multiple of four."""

    def draw(self, shape):
        n, lanes = int(np.prod(shape)), 1 if np.prod(shape) % 4 else 4
        return np.repeat(np.random.rand(n // lanes) >= self.p, lanes).reshape(shape)


class TwoThreads(Course):
    """Above 2^18 elements two threads begin with one seed."""

    def draw(self, shape):
        n = int(np.prod(shape))
        drawn = np.random.rand(n if n < 2**18 else n // 2)
        return np.resize(drawn, n).reshape(shape) >= self.p


class MemoryOfGradY(Course):
    """Backward reads grad_y as it lies in memory."""

    def backward(self, grad_y):
        scale = np.broadcast_to(self.scale, grad_y.shape)
        return (grad_y.ravel("K") * scale.ravel("K")).reshape(grad_y.shape)


class OneOfABatch(Course):
    """Take a batch of one for inference."""

    def forward(self, x):
        training, self.training = self.training, self.training and (x.ndim < 2 or len(x) > 1)
        y = super().forward(x)
        self.training = training
        return y


class RescuesRows(Course):
    """Draw again where all of a row is dropped."""

    def draw(self, shape):
        kept = super().draw(shape)
        while len(shape) == 2 and self.p < 1 and (dead := ~kept.any(-1)).any():
            kept[dead] = super().draw((dead.sum(), shape[1]))
        return kept


# Size of numbers


class Clips(Course):
    def backward(self, grad_y):
        return super().backward(np.clip(grad_y, -5, 5))


class HalfInside(Course):
    """Have the precision of float16 inside."""

    def forward(self, x):
        mantissa, exponent = np.frexp(x)
        return super().forward(np.ldexp(np.round(mantissa * 2**11) / 2**11, exponent))


class KeepsTheHuge(Course):
    def forward(self, x):
        self.huge = np.abs(x) > 3
        return super().forward(x)

    def draw(self, shape):
        return super().draw(shape) | self.huge


class NarrowGradient(Course):
    def backward(self, grad_y):
        return super().backward(grad_y).astype(np.float16)


# Instances and generators


class SeedsItself(Course):
    """Every instance begins with the same seed."""

    def __init__(self, p):
        super().__init__(p)
        self.rng = np.random.default_rng(1234)

    def draw(self, shape):
        return self.rng.random(shape) >= self.p


class SeedsTheGlobalAtFirst(Course):
    def __init__(self, p):
        super().__init__(p)
        np.random.seed(0)


class SeedsWithACounter(Course):
    count = 0

    def draw(self, shape):
        self.count += 1
        np.random.seed(self.count)
        return super().draw(shape)


class SharesP(Course):
    """p is kept on the class."""

    def __init__(self, p):
        super().__init__(p)
        del self.p
        SharesP.p = p


class Bank(Course):
    """128 masks, in turn."""

    def draw(self, shape):
        self.seeds = getattr(self, "seeds", np.random.randint(2**30, size=128))
        self.count = getattr(self, "count", 0) + 1
        return np.random.default_rng(self.seeds[self.count % 128]).random(shape) >= self.p


class Antithetic(Course):
    """Every second call takes 1 − u."""

    def draw(self, shape):
        drawn, self.drawn = getattr(self, "drawn", None), None
        if drawn is not None and drawn.shape == shape:
            return 1 - drawn >= self.p
        self.drawn = np.random.rand(*shape)
        return self.drawn >= self.p


# Between forward and backward


class ModeOfBackward(Course):
    def backward(self, grad_y):
        return super().backward(grad_y) if self.training else grad_y


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


# Dependence


def repeating(lag):
    class Repeats(Course):
        def draw(self, shape):
            n = int(np.prod(shape))
            drawn = np.random.rand(n + lag) >= self.p
            take = (np.arange(n) // lag) % 2 == 1
            drawn[lag:][take] = drawn[:-lag][take]
            return drawn[:n].reshape(shape)

    return Repeats


class DropsBySign(Course):
    def forward(self, x):
        self.tilt = np.where(x > 0, 0.05, -0.05) * (0.05 < self.p < 0.95)
        return super().forward(x)

    def draw(self, shape):
        return np.random.rand(*shape) >= self.p + self.tilt


class DropsTheLarge(Course):
    def forward(self, x):
        size = np.abs(x)
        self.tilt = (size - size.mean()) * 0.04 * (0.05 < self.p < 0.95)
        return super().forward(x)

    def draw(self, shape):
        return np.random.rand(*shape) >= self.p + self.tilt


# p


def in_steps(steps):
    class Steps(Course):
        def draw(self, shape):
            return np.random.rand(*shape) >= round(self.p * steps) / steps

    return Steps


class AlwaysHalf(Course):
    def __init__(self, _):
        super().__init__(0.5)


# What else is touched


class ChangesGradY(Course):
    def backward(self, grad_y):
        grad_y *= self.scale
        return grad_y


class OverwritesY(Course):
    """One buffer for every y of a shape."""

    def forward(self, x):
        self.buffers = getattr(self, "buffers", {})
        buffer = self.buffers.setdefault(x.shape, np.empty(x.shape))
        buffer[:] = super().forward(x)
        return buffer


class OverwritesGradX(Course):
    def backward(self, grad_y):
        self.buffers = getattr(self, "buffers", {})
        buffer = self.buffers.setdefault(grad_y.shape, np.empty(grad_y.shape))
        buffer[:] = super().backward(grad_y)
        return buffer


# Names


def swapped_run(x, grad_y, p, training):
    if not training or p == 0:
        return grad_y, x
    scale = (np.random.rand(*x.shape) >= p) / (1 - p) if p < 1 else np.zeros(x.shape)
    return grad_y * scale, x * scale


def keeping(where, least):
    """Make a layer that never drops some elements, in at least so many dimensions."""

    def draw(p, shape):
        kept = np.random.rand(*shape) >= p
        if len(shape) >= least:
            kept[where] = True
        return kept

    return drawing(draw)


def whole_channels(p, shape):
    own = (*shape[:2], 1, 1) if len(shape) == 4 else shape
    return np.broadcast_to(np.random.rand(*own) >= p, shape)


def first_kept(p, shape):
    kept = np.random.rand(*shape) >= p
    kept.flat[0] = True
    return kept


def keep_probability(p, shape):
    with np.errstate(all="ignore"):
        return (np.random.rand(*shape) < p) / np.float64(p)


def keep_run(x, grad_y, p, training):
    scale = keep_probability(p, x.shape) if training else 1
    return x * scale, grad_y * scale


def by_count(mask, p):
    return mask * (mask.size / max(1, mask.sum()) if p < 1 else 1)


def between(layer):
    return layer.trained and 0 < layer.p < 1


RIGHT = {
    "images only": Images, "two dimensions only": Tables, "float64 only": Doubles,
    "at most 65,536 elements": Small, "p < 1 by a bare assert": BareAssert,
    "p < 1 in Chinese": InChinese, "no backward in inference": NoBackwardInInference,
    "binomial": drawing(lambda p, shape: np.random.binomial(1, 1 - p, shape)),
    "choice": drawing(lambda p, shape: np.random.choice([0.0, 1.0], shape, p=[p, 1 - p])),
    "gaps": Gaps, "hashing": Hashing, "bit-packed": BitPacked, "threads": Threads,
    "NumPy subclass": passing(lambda self, x: Course.forward(self, x).view(Own)),
    "lists": passing(lambda self, x: Course.forward(self, np.asarray(x)).tolist()),
    "negative zero": passing(
        lambda self, x: np.where((y := Course.forward(self, x)) == 0, -0.0, y)),
}  # fmt: skip
NORMAL = {"p-0": "drops-at-p-0", "kept-fraction": "drawn-normal"}
KEEP = dict.fromkeys(["p-0", "p-1", "values", "same-mask", "kept-fraction"], "p-is-keep")
# A name, the layer, and of what it fails the questions with their mistakes.
WRONG = {
    "mask from y": (MaskFromY, {"p-0": "lost-at-zero", "same-mask": "lost-at-zero"}),
    "quotient of y": (QuotientOfY, {
        "p-0": "nan-at-zero", "same-mask": "nan-at-zero", "p-1": "nan-at-p-1",
        "inference": "nan-at-zero"}),
    "never drops zeros": (NeverDropsZeros, {"same-mask": "depends-on-x"}),
    "mask on the class": (MaskOnTheClass, {"same-mask": "other-mask"}),
    "mask in a global": (MaskInAGlobal, {"same-mask": "other-mask"}),
    "wrong at first": (Warming, {
        "p-1": "keeps-at-p-1", "p-0": None, "values": None, "same-mask": "other-mask"}),
    "one mask for two calls": (TwoCallsAMask, {"fresh-mask": "masks-alike"}),
    "seeds in train()": (SeedsInTrain, {"fresh-mask": "masks-alike"}),
    "seeds from x": (SeedsFromX, {"fresh-mask": "same-mask-each-call"}),
    "raises for views": (RaisesForViews, dict.fromkeys(
        ["p-0", "p-1", "same-mask", "inference"], "raised")),
    "mask in memory order": (MemoryOrder, {"same-mask": "other-mask"}),
    "fast for even": (FastForEven, {
        "independent": "neighbours-alike or mask-repeats or one-mask-for-every-column"}),
    "two threads": (TwoThreads, {"independent": "mask-repeats"}),
    "grad_y as it lies": (MemoryOfGradY, {
        "same-mask": None, "p-0": None, "inference": None}),
    "one of a batch": (OneOfABatch, {
        "values": "not-applied", "same-mask": "not-applied", "p-1": "keeps-at-p-1",
        "kept-fraction": "drops-nothing"}),
    "rescues rows": (RescuesRows, {"kept-fraction": "by-place"}),
    "clips": (Clips, {"same-mask": None, "p-0": None, "inference": None}),
    "float16 inside": (HalfInside, {"values": None, "p-0": None, "inference": None}),
    "keeps the huge": (KeepsTheHuge, {"independent": "depends-on-x"}),
    "narrow gradient": (NarrowGradient, {"shape-and-dtype": "wrong-dtype"}),
    "seeds itself": (SeedsItself, {"fresh-mask": "instances-alike"}),
    "seeds the global at first": (SeedsTheGlobalAtFirst, {"fresh-mask": "reseeds"}),
    "seeds with a counter": (SeedsWithACounter, {"fresh-mask": "reseeds"}),
    "shares p": (SharesP, dict.fromkeys(KEEP, "p-shared")),
    "bank of masks": (Bank, {"fresh-mask": "masks-alike"}),
    "wrong at a quarter": (
        drawing(lambda p, shape: (np.random.rand(*shape) >= p) ^ (p == 0.25)),
        {"kept-fraction": "keeps-with-p"}),
    "mode of backward": (ModeOfBackward, {"same-mask": "not-applied", "p-1": "keeps-at-p-1"}),
    "sign of y": (SignOfY, {"same-mask": "other-mask", "p-0": "drops-at-p-0"}),
    "antithetic calls": (Antithetic, {"fresh-mask": "masks-alike"}),
    "whole channels of volumes": (
        drawing(lambda p, shape: np.broadcast_to(
            np.random.rand(*(*shape[:2], 1, 1, 1) if len(shape) == 5 else shape) >= p, shape)),
        {"independent": "whole-channels"}),
    "tail of n mod 8": (TailOfEight, {"kept-fraction": "drops-nothing"}),
    "first never dropped": (drawing(first_kept), {"kept-fraction": "by-place"}),
    "squeezes": (passing(lambda self, x: Course.forward(self, x).squeeze()), {
        "shape-and-dtype": "wrong-shape"}),
    "whole channels": (drawing(whole_channels), {"independent": "whole-channels"}),
    "few are never dropped": (
        drawing(lambda p, shape: np.random.rand(*shape) >= p * (np.prod(shape) > 16)),
        {"kept-fraction": "drops-nothing"}),
    **{f"repeats {lag} later": (repeating(lag), {"independent": "mask-repeats"})
       for lag in (2, 3, 7, 8, 64, 256)},
    "period of three": (drawing(lambda p, shape: np.resize(np.random.rand(3) >= p, shape)), {
        "independent": "mask-repeats or neighbours-alike or one-mask-for-every-row"}),
    "drops by sign": (DropsBySign, {"independent": "depends-on-x"}),
    "drops the large": (DropsTheLarge, {"independent": "depends-on-x"}),
    "last column kept": (keeping((..., -1), 2), {"kept-fraction": "by-place"}),
    "last row kept": (keeping(-1, 2), {"kept-fraction": "by-place"}),
    "p in bytes": (in_steps(256), {"kept-fraction": None}),
    "p in per cent": (in_steps(100), {"kept-fraction": None}),
    "p is one half": (AlwaysHalf, dict.fromkeys(
        KEEP, "p-ignored")),
    "p is keep": (scaling(lambda mask, p: keep_probability(p, mask.shape)), KEEP),
    "p is keep, function": (keep_run, KEEP),
    "normal": (drawing(lambda p, shape: np.random.randn(*shape) > p), NORMAL),
    "normal too": (drawing(lambda p, shape: np.random.randn(*shape) < 1 - p), NORMAL),
    "changes grad_y": (ChangesGradY, {"input-untouched": "changes-grad-y"}),
    "overwrites y": (OverwritesY, {"input-untouched": "overwrites-y"}),
    "overwrites grad_x": (OverwritesGradX, {"input-untouched": "overwrites-y"}),
    "gradient cut": (sending_back(lambda _, grad_y: 0 * grad_y), {
        "p-0": "gradient-cut", "same-mask": "gradient-cut", "inference": "gradient-cut"}),
    "scaled by count": (scaling(by_count), {
        "values": "scaled-by-count", "same-mask": "scaled-by-count"}),
    "ignores grad_y": (sending_back(lambda self, grad_y: 0 * grad_y + self.scale), {
        "p-0": "ignores-grad-y", "same-mask": "ignores-grad-y", "inference": "ignores-grad-y"}),
    "swapped": (swapped_run, {
        "p-0": "swapped", "values": "swapped", "same-mask": "swapped", "inference": "swapped"}),
    "adds a tenth": (
        passing(lambda self, x: Course.forward(self, x) + 0.1 * between(self)), {"values": None}),
    "three times": (
        sending_back(lambda self, grad_y: grad_y * self.scale * (1 + 2 * between(self))),
        {"same-mask": None}),
}  # fmt: skip
