"""Wrong layers whose calls or instances have masks that are alike."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np

from layers.cases import wrong
from layers.course import Course, drawing


@wrong({"fresh-mask": "same-mask-each-call"})
@drawing
def fixed_seed(p, shape):
    return np.random.default_rng(42).random(shape) >= p


@wrong({"fresh-mask": "same-mask-each-call"})
@drawing
def seeds_the_global(p, shape):
    np.random.seed(0)
    return np.random.rand(*shape) >= p


@wrong({"fresh-mask": "same-mask-each-call"})
class SeedsFromX(Course):
    def forward(self, x):
        self.seed = int(np.abs(x).sum() * 64)
        return super().forward(x)

    def draw(self, shape):
        return np.random.default_rng(self.seed).random(shape) >= self.p


@wrong({"fresh-mask": "same-mask-each-call or masks-alike"})
class CachedMask(Course):
    """Draw again only where the shape is another."""

    def draw(self, shape):
        if getattr(self, "kept", np.empty(0)).shape != shape:
            self.kept = super().draw(shape)
        return self.kept


@wrong({"fresh-mask": "same-mask-each-call or masks-alike"})
class DrawsInTrain(Course):
    """Draw when train() is called, not when called itself."""

    def __init__(self, p):
        super().__init__(p)
        self.drawn = {}

    def train(self):
        self.training, self.drawn = True, {}

    def eval(self):
        self.training = False

    def draw(self, shape):
        return self.drawn.setdefault(shape, super().draw(shape))


class Seeded(Course):
    """Draw from a generator of its own."""

    def draw(self, shape):
        return self.rng.random(shape) >= self.p


@wrong({"fresh-mask": "masks-alike"})
class SeedsInTrain(Seeded):
    def train(self):
        self.training, self.rng = True, np.random.default_rng(3)

    def eval(self):
        self.training = False


@wrong({"fresh-mask": "instances-alike"}, quick=[0.9])
class SeedsItself(Seeded):
    """Every instance begins with the same seed."""

    def __init__(self, p):
        super().__init__(p)
        self.rng = np.random.default_rng(1234)


@wrong({"fresh-mask": "reseeds"})
class SeedsTheGlobalAtFirst(Course):
    def __init__(self, p):
        super().__init__(p)
        np.random.seed(0)


@wrong({"fresh-mask": "reseeds"})
class SeedsWithACounter(Course):
    count = 0

    def draw(self, shape):
        self.count += 1
        np.random.seed(self.count)
        return super().draw(shape)


@wrong({"fresh-mask": "masks-alike"}, quick=[0.1])
class TwoCallsAMask(Course):
    """Calls 1 and 2, 3 and 4, … share random numbers."""

    count = -1

    def draw(self, shape):
        self.count += 1
        return np.random.default_rng(self.count // 2).random(shape) >= self.p


@wrong({"fresh-mask": "masks-alike"})
class Bank(Course):
    """128 masks, in turn."""

    count = 0

    def __init__(self, p):
        super().__init__(p)
        self.seeds = np.random.randint(2**30, size=128)

    def draw(self, shape):
        self.count += 1
        return np.random.default_rng(self.seeds[self.count % 128]).random(shape) >= self.p


@wrong({"fresh-mask": "masks-alike"})
class Antithetic(Course):
    """Every second call takes 1 − u."""

    def draw(self, shape):
        drawn, self.drawn = getattr(self, "drawn", None), None
        if drawn is not None and drawn.shape == shape:
            return 1 - drawn >= self.p
        self.drawn = np.random.rand(*shape)
        return self.drawn >= self.p
