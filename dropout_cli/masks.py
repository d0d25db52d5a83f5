"""Who draws the mask.

A source is a function of (seed, n, p) that returns n booleans, True = kept. Each reproduces the
mask that some code draws, bit for bit and with NumPy alone; its docstring gives the rule in full.
The rules never change: a seed that is printed on a slide gives its mask for good. Each raises
RequestError for a seed that the code it reproduces does not take.
"""

import os
from bisect import bisect_left
from collections.abc import Callable
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from dropout_cli.arrays import Mask
from dropout_cli.errors import RequestError

BLOCK = 1 << 17  # elements drawn at a time: few enough to stay in a processor's cache
MCG31, MCG31_FACTOR = 2**31 - 1, 1132489760  # MKL's s_{i+1} = factor · s_i mod M


def draw_numpy(seed: int, n: int, p: float) -> Mask:
    """numpy.random.default_rng(seed).random(n) < 1−p.

    default_rng is PCG64: u_i = (its i-th 64-bit output div 2^11) · 2^−53; kept where u_i < 1−p.
    The seed is an integer ≥ 0 of any size.
    """
    if seed < 0:
        raise RequestError(f"seed is {seed}, but numpy takes integers from 0 up")

    def keep(start: int, count: int) -> Mask:
        stream = np.random.PCG64(seed).advance(start)
        return np.random.Generator(stream).random(count) < 1 - p

    return _by_blocks(n, keep)


def draw_torch_rand(seed: int, n: int, p: float) -> Mask:
    """torch.manual_seed(seed), then torch.rand(n) > p: dropout written by hand in PyTorch.

    The stream is MT19937 seeded with seed mod 2^32, one 32-bit draw d_i per element:
    u_i = (d_i mod 2^24) · 2^−24; kept where u_i > p in float32. Even at p = 0 that drops u_i = 0.
    """
    threshold = floor(float(np.float32(p)) * 2**24)
    return np.asarray((_mt19937(seed, n) & 0xFFFFFF) > threshold)


def draw_torch_cpu(seed: int, n: int, p: float) -> Mask:
    """torch.manual_seed(seed), then nn.Dropout(p): on every CPU since PyTorch 2.7.

    Before 2.7, on every CPU but Intel's with MKL (see draw_torch_mkl).

    The stream is that of draw_torch_rand, two draws per element, the high word h_i first:
    u_i = ((h_i · 2^32 + l_i) mod 2^53) · 2^−53; kept where u_i < 1−p.
    """
    high, low = divmod(ceil((1 - p) * 2**53), 2**32)
    draws = _mt19937(seed, 2 * n)
    word = draws[0::2] & 0x1FFFFF
    return np.asarray((word < high) | (word == high) & (draws[1::2] < low))


def draw_torch_mkl(seed: int, n: int, p: float) -> Mask:
    """torch.manual_seed(seed), then nn.Dropout(p): on an Intel CPU with MKL, up to PyTorch 2.6.

    MKL's generator MCG31m1, M = 2^31−1: s_0 = (first draw of the stream of draw_torch_rand) mod M,
    or 1 if that is 0; s_{i+1} = 1132489760 · s_i mod M; u_i = s_i / M; kept where u_i < 1−p in
    float32. At p = 0 PyTorch draws nothing and keeps all. PyTorch 2.7 switched MKL's generators
    off, since they repeat themselves (pytorch/pytorch#146174, #132395).
    """
    first = int(_mt19937(seed, 1)[0]) % MCG31 or 1
    if p == 0:
        return np.ones(n, dtype=np.bool_)
    threshold = bisect_left(range(MCG31), np.float32(1 - p), key=lambda s: np.float32(s / MCG31))
    powers, factor = np.ones(1, dtype=np.uint64), MCG31_FACTOR
    while powers.size < min(n, BLOCK):  # k powers times factor^k are the next k powers
        powers = np.concatenate([powers, powers * np.uint64(factor) % np.uint64(MCG31)])
        factor = factor * factor % MCG31

    def keep(start: int, count: int) -> Mask:
        state = first * pow(MCG31_FACTOR, start, MCG31) % MCG31
        return powers[:count] * np.uint64(state) % np.uint64(MCG31) < threshold

    return _by_blocks(n, keep)


def draw_jax(seed: int, n: int, p: float) -> Mask:
    """jax.random.bernoulli(jax.random.key(seed), 1−p, (n,)), as Equinox's Dropout draws.

    Threefry-2x32 with the key (0, seed mod 2^32), since without x64 JAX drops the high word, and
    the counter (i div 2^32, i mod 2^32), i from 0; b_i is the exclusive or of its two outputs,
    u_i = (b_i div 2^9) · 2^−23; kept where u_i < 1−p in float32. Partitionable layout, the default.
    """
    if not -(2**63) <= seed < 2**63:
        raise RequestError(f"seed is {seed}, but JAX takes integers from -2^63 to 2^63-1")
    threshold = ceil(float(np.float32(1 - p)) * 2**23)

    def keep(start: int, count: int) -> Mask:
        high, low = divmod(start, 2**32)
        counter = np.arange(low, low + count, dtype=np.uint32)
        return _threefry((0, seed % 2**32), high, counter) < threshold << 9

    return _by_blocks(n, keep)


SOURCES: dict[str, Callable[[int, int, float], Mask]] = {
    "numpy": draw_numpy,
    "torch-rand": draw_torch_rand,
    "torch-cpu": draw_torch_cpu,
    "torch-mkl": draw_torch_mkl,
    "jax": draw_jax,
}


def draw(rng: str, seed: int, n: int, p: float) -> Mask:
    """The mask of n ≥ 1 elements that SOURCES[rng] draws with this seed at drop probability p.

    Raises RequestError for a name that is not in SOURCES, or a seed that the source does not take.
    """
    if rng not in SOURCES:
        raise RequestError(f"rng is {rng!r}, but it must be one of {', '.join(SOURCES)}")
    return SOURCES[rng](seed, n, p)


def find(mask: Mask, p: float, below: int) -> dict[str, int | None]:
    """For each source the smallest seed from 0 that draws this mask; None where none is < below."""
    found: dict[str, int | None] = dict.fromkeys(SOURCES)
    for seed in range(below):
        for rng, source in SOURCES.items():
            if found[rng] is None and np.array_equal(source(seed, mask.size, p), mask):
                found[rng] = seed
        if None not in found.values():
            break
    return found


def _by_blocks(n: int, keep: Callable[[int, int], Mask]) -> Mask:
    """The mask of n elements of a stream that can be entered anywhere.

    keep(start, count) gives count of them from start on. The blocks of a long mask are drawn side
    by side on all processors, since NumPy computes outside Python's lock.
    """
    if n <= BLOCK:
        return keep(0, n)
    from concurrent.futures import ThreadPoolExecutor

    kept = np.empty(n, dtype=np.bool_)

    def fill(start: int) -> None:
        block = kept[start : start + BLOCK]
        block[:] = keep(start, block.size)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, n, BLOCK)))  # list raises what a block raised
    return kept


def _mt19937(seed: int, count: int) -> NDArray[np.uint32]:
    """The first 32-bit draws of MT19937 after torch.manual_seed(seed)."""
    if not -(2**63) <= seed < 2**64:  # PyTorch takes 64 bits, signed or not
        raise RequestError(f"seed is {seed}, but PyTorch takes integers from -2^63 to 2^64-1")
    return np.random.RandomState(seed % 2**32).randint(0, 2**32, count, dtype=np.uint32)


def _threefry(key: tuple[int, int], high: int, low: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Threefry-2x32 with 20 rounds (Salmon et al., SC 2011): its two output words, xored.

    The counters are high · 2^32 + low.
    """
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    x0 = np.full_like(low, (high + keys[0]) % 2**32)
    x1 = low + np.uint32(keys[1])
    left = np.empty_like(x1)
    for group in range(5):
        for rotation in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x0 += x1
            np.left_shift(x1, rotation, out=left)
            x1 >>= 32 - rotation
            x1 |= left
            x1 ^= x0
        x0 += np.uint32(keys[(group + 1) % 3])
        x1 += np.uint32((keys[(group + 2) % 3] + group + 1) % 2**32)
    return x0 ^ x1
