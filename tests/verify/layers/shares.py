"""Wrong layers that keep too many or too few, everywhere or in some places."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np

from layers.cases import wrong
from layers.course import Course, drawing

NORMAL = {"p-0": "drops-at-p-0", "kept-fraction": "drawn-normal"}
EVERY = dict.fromkeys(["p-0", "p-1", "values", "same-mask", "kept-fraction"], "p-is-keep")


# The share


@wrong({"p-0": "drops-at-p-0", "kept-fraction": "keeps-with-p"})
@drawing
def keeps_with_p(p, shape):
    return np.random.rand(*shape) < p


@wrong({"kept-fraction": "keeps-with-p"})
@drawing
def keeps_with_p_at_a_quarter(p, shape):
    return (np.random.rand(*shape) >= p) ^ (p == 0.25)


@wrong({"p-0": "drops-at-p-0", "kept-fraction": None})
@drawing
def off_by_two_per_cent(p, shape):
    return np.random.rand(*shape) >= min(1, p + 0.02)


@wrong({"kept-fraction": None})
@drawing
def p_in_bytes(p, shape):
    return np.random.rand(*shape) >= round(p * 256) / 256


@wrong({"kept-fraction": None})
@drawing
def p_in_per_cent(p, shape):
    return np.random.rand(*shape) >= round(p * 100) / 100


@wrong(NORMAL)
@drawing
def normal(p, shape):
    return np.random.randn(*shape) > p


@wrong(NORMAL)
@drawing
def normal_below(p, shape):
    return np.random.randn(*shape) < 1 - p


@wrong(dict.fromkeys(EVERY, "p-ignored"))
class AlwaysHalf(Course):
    def __init__(self, _):
        super().__init__(0.5)


@wrong(EVERY, quick=[0.1])
def p_is_keep(x, grad_y, p, training):
    if not training:
        return x, grad_y
    with np.errstate(all="ignore"):
        scale = (np.random.rand(*x.shape) < p) / np.float64(p)
    return x * scale, grad_y * scale


@wrong(dict.fromkeys(EVERY, "p-shared"))
class SharesP(Course):
    """p is kept on the class."""

    def __init__(self, p):
        super().__init__(p)
        del self.p
        SharesP.p = p


# The share by place or size


@wrong({"kept-fraction": "drops-nothing"}, quick=[0.9])
@drawing
def tail_of_eight(p, shape):
    """The last n mod 8 are never dropped."""
    n = int(np.prod(shape))
    kept = np.ones(n)
    kept[: n // 8 * 8] = np.random.rand(n // 8 * 8) >= p
    return kept.reshape(shape)


@wrong({"kept-fraction": "drops-nothing"})
@drawing
def few_are_never_dropped(p, shape):
    return np.random.rand(*shape) >= p * (np.prod(shape) > 16)


@wrong({"kept-fraction": "by-place"})
@drawing
def first_never_dropped(p, shape):
    kept = np.random.rand(*shape) >= p
    kept.flat[0] = True
    return kept


@wrong({"kept-fraction": "by-place"})
@drawing
def last_row_kept(p, shape):
    kept = np.random.rand(*shape) >= p
    kept[-1] = True
    return kept


@wrong({"kept-fraction": "by-place"})
@drawing
def last_column_kept(p, shape):
    kept = np.random.rand(*shape) >= p
    if len(shape) > 1:
        kept[..., -1] = True
    return kept


@wrong({"kept-fraction": "by-place"})
@drawing
def rescues_rows(p, shape):
    """Draw again where all of a row is dropped."""
    kept = np.random.rand(*shape) >= p
    while len(shape) == 2 and p < 1 and (dead := ~kept.any(-1)).any():
        kept[dead] = np.random.rand(dead.sum(), shape[1]) >= p
    return kept
