"""The mask sources.

A source is a function of (seed, n, p, skip) that returns n booleans, True = kept. It reproduces the
mask that some code draws, bit for bit, with NumPy alone; its docstring states the rule in full. The
rules never change: a seed on a slide gives its mask for good. A source raises RequestError for a
seed that the code does not accept.

skip: the number of 32-bit draws before the mask, from the stream of MT19937 that torch.manual_seed
and numpy.random.seed start. The sources with other streams refuse it.
"""

from __future__ import annotations  # numpy.random, which is slow to import, is named below

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dropout_cli.arrays import Mask
from dropout_cli.errors import RequestError

MOST_SKIPPED = 10**9  # draws
BLOCK = 1 << 17  # elements drawn at a time: they fit in a processor's cache
MCG31, MCG31_FACTOR = 2**31 - 1, 1132489760  # M and the factor of MKL's MCG31m1


def draw_numpy(seed: int, n: int, p: float, skip: int) -> Mask:
    """numpy.random.default_rng(seed).random(n) < 1−p.

    default_rng is PCG64: u_i = (its i-th 64-bit output div 2^11) · 2^−53; kept where u_i < 1−p.
    The seed is an integer ≥ 0 of any size.
    """
    if seed < 0:
        raise RequestError(f"seed is {seed}, but numpy takes integers from 0 up")
    if skip:
        raise RequestError("skip counts draws of MT19937, but default_rng draws with PCG64")
    return np.asarray(np.random.default_rng(seed).random(n) < 1 - p)


def draw_torch_rand(seed: int, n: int, p: float, skip: int) -> Mask:
    """torch.manual_seed(seed), then torch.rand(n) > p: dropout written by hand in PyTorch.

    The stream is MT19937 seeded with seed mod 2^32, one 32-bit draw d_i per element:
    u_i = (d_i mod 2^24) · 2^−24; kept where u_i > p in float32. Even at p = 0 that drops u_i = 0.
    """
    return np.asarray(_torch(seed, n, skip) % 2**24 / 2**24 > np.float32(p))


def draw_torch_cpu(seed: int, n: int, p: float, skip: int) -> Mask:
    """torch.manual_seed(seed), then nn.Dropout(p): on every CPU since PyTorch 2.7.

    Before 2.7, on every CPU but Intel's with MKL (see draw_torch_mkl).

    The stream is that of draw_torch_rand, two draws per element, the high word h_i first:
    u_i = ((h_i · 2^32 + l_i) mod 2^53) · 2^−53; kept where u_i < 1−p.
    """
    draws = _torch(seed, 2 * n, skip)
    return np.asarray(draws[0::2] % 2**21 / 2**21 + draws[1::2] / 2**53 < 1 - p)


def draw_torch_mkl(seed: int, n: int, p: float, skip: int) -> Mask:
    """torch.manual_seed(seed), then nn.Dropout(p): on an Intel CPU with MKL, up to PyTorch 2.6.

    MKL's generator MCG31m1, M = 2^31−1: s_0 = (first draw of the stream of draw_torch_rand) mod M,
    or 1 if that is 0; s_{i+1} = 1132489760 · s_i mod M; u_i = s_i / M; kept where u_i < 1−p in
    float32. At p = 0 PyTorch draws nothing and keeps all. PyTorch 2.7 switched MKL's generators
    off, since they repeat themselves (pytorch/pytorch#146174, #132395).
    """
    first = int(_torch(seed, 1, skip)[0]) % MCG31 or 1
    if p == 0:
        return np.ones(n, dtype=np.bool_)
    states = np.array([first], dtype=np.uint64)
    while (k := states.size) < n:  # s_{i+k} = factor^k · s_i: each round doubles them
        more = states[: n - k] * pow(MCG31_FACTOR, k, MCG31) % MCG31
        states = np.concatenate([states, more])
    return np.asarray((states / MCG31).astype(np.float32) < np.float32(1 - p))


def draw_numpy_rand(seed: int, n: int, p: float, skip: int) -> Mask:
    """numpy.random.seed(seed), then numpy.random.rand(n) < 1−p: dropout as courses write it.

    The stream is MT19937 seeded with seed, from 0 to 2^32−1, two draws per element, a_i first:
    u_i = ((a_i div 2^5) · 2^26 + b_i div 2^6) · 2^−53; kept where u_i < 1−p.
    """
    return np.asarray(_numpy(seed, skip).random_sample(n) < 1 - p)


def draw_numpy_binomial(seed: int, n: int, p: float, skip: int) -> Mask:
    """numpy.random.seed(seed), then numpy.random.binomial(1, 1−p, n).

    The u_i are those of draw_numpy_rand, and one trial has the less probable outcome where u_i is
    greater than the probability of the other, which NumPy takes from exp(ln(·)): for p ≥ 1/2 kept
    where u_i > p, else where u_i ≤ 1−p.
    """
    state = _numpy(seed, skip)
    return _by_blocks(n, lambda _, count: state.binomial(1, 1 - p, count).astype(np.bool_))


def draw_jax(seed: int, n: int, p: float, skip: int) -> Mask:
    """jax.random.bernoulli(jax.random.key(seed), 1−p, (n,)), as Equinox's Dropout draws.

    Threefry-2x32 with the key (0, seed mod 2^32), since without x64 JAX drops the high word, and
    the counter (i div 2^32, i mod 2^32), i from 0; b_i is the exclusive or of its two outputs,
    u_i = (b_i div 2^9) · 2^−23; kept where u_i < 1−p in float32. Partitionable layout, the default.
    """
    if not -(2**63) <= seed < 2**63:
        raise RequestError(f"seed is {seed}, but JAX takes integers from -2^63 to 2^63-1")
    if skip:
        raise RequestError("skip counts draws that come before, but in JAX the key alone decides")

    def keep(start: int, count: int) -> Mask:
        low = np.arange(start, start + count, dtype=np.uint32)
        first, second = _threefry((0, seed % 2**32), np.zeros_like(low), low)
        return np.asarray(((first ^ second) >> 9) / 2**23 < np.float32(1 - p))

    return _by_blocks(n, keep)


SOURCES: dict[str, Callable[[int, int, float, int], Mask]] = {
    "numpy": draw_numpy,
    "torch-rand": draw_torch_rand,
    "torch-cpu": draw_torch_cpu,
    "torch-mkl": draw_torch_mkl,
    "numpy-rand": draw_numpy_rand,
    "numpy-binomial": draw_numpy_binomial,
    "jax": draw_jax,
}


def draw(rng: str, seed: int, n: int, p: float, skip: int = 0) -> Mask:
    """Draw n ≥ 1 elements as SOURCES[rng] does with this seed, after skip draws.

    Raises RequestError for a name not in SOURCES, and for a seed or skip that the source refuses.
    """
    if rng not in SOURCES:
        raise RequestError(f"rng is {rng!r}, but it must be one of {', '.join(SOURCES)}")
    if not 0 <= skip <= MOST_SKIPPED:
        raise RequestError(f"skip is {skip}, but it must be from 0 to {MOST_SKIPPED}")
    return SOURCES[rng](seed, n, p, skip)


def draw_all(
    seed: int, n: int, p: float, skip: int = 0
) -> tuple[dict[str, Mask], dict[str, RequestError]]:
    """Draw with every source; return the masks, and the errors of sources that refuse."""
    masks: dict[str, Mask] = {}
    refused: dict[str, RequestError] = {}
    for rng in SOURCES:
        try:
            masks[rng] = draw(rng, seed, n, p, skip)
        except RequestError as error:
            refused[rng] = error
    return masks, refused


def find(mask: Mask, p: float, below: int, skip: int = 0) -> dict[str, int | None]:
    """Find the smallest seed from 0 with which each source draws this mask; None if none < below.

    A source that refuses skip is left out.
    """
    found = {}
    for rng in draw_all(0, 1, p, skip)[0]:
        drawn = (draw(rng, seed, mask.size, p, skip) for seed in range(below))
        found[rng] = next((k for k, each in enumerate(drawn) if np.array_equal(each, mask)), None)
    return found


def _by_blocks(n: int, keep: Callable[[int, int], Mask]) -> Mask:
    """Draw n elements a block at a time. keep(start, count): draw the next from `start` on."""
    starts = range(0, n, BLOCK)
    return np.concatenate([keep(start, min(BLOCK, n - start)) for start in starts])


def _torch(seed: int, count: int, skip: int) -> NDArray[np.uint32]:
    """Draw 32 bits count times, as PyTorch does after torch.manual_seed(seed) and skip draws."""
    if not -(2**63) <= seed < 2**64:  # PyTorch takes 64 bits, signed or not
        raise RequestError(f"seed is {seed}, but PyTorch takes integers from -2^63 to 2^64-1")
    return _mt19937(seed % 2**32, skip).randint(0, 2**32, count, dtype=np.uint32)


def _numpy(seed: int, skip: int) -> np.random.RandomState:
    """Return the generator of numpy.random after numpy.random.seed(seed) and skip draws."""
    if not 0 <= seed < 2**32:
        raise RequestError(f"seed is {seed}, but numpy.random.seed takes integers from 0 to 2^32-1")
    return _mt19937(seed, skip)


def _mt19937(seed: int, skip: int) -> np.random.RandomState:
    """Return an MT19937 generator after skip draws of 32 bits."""
    state = np.random.RandomState(seed)
    for start in range(0, skip, 2**20):
        state.randint(0, 2**32, min(2**20, skip - start), dtype=np.uint32)
    return state


def _threefry(
    key: tuple[int, int], x0: NDArray[np.uint32], x1: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Encrypt counters with Threefry-2x32, 20 rounds (Salmon et al., SC 2011).

    x0, x1: the high and low words of the counters. Returns those of the outputs.
    """
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    x0, x1 = x0 + np.uint32(keys[0]), x1 + np.uint32(keys[1])
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
    return x0, x1
