"""The masks: frozen, by their rules, right at the edges, and as they were printed."""

from collections.abc import Iterator
from itertools import islice, product

import numpy as np
import pytest
from conftest import Run

from dropout_cli import RequestError, masks
from dropout_cli.arrays import Mask
from dropout_cli.masks import BLOCK, SOURCES, draw

PS = (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
TORCH = [rng for rng in SOURCES if rng.startswith("torch")]
STREAMS = list(masks.draw_all(0, 1, 0.5, skip=1)[0])  # the sources with one, of MT19937


def bits(mask: Mask) -> str:
    return "".join(map(str, mask.astype(int)))


FROZEN = {
    "numpy": ("0111000000010101", "0101100011101011"),
    "torch-rand": ("0100010101000001", "1111110110111111"),
    "torch-cpu": ("0010001101111011", "1111110011110011"),
    "torch-mkl": ("1001100111100111", "0011111110100011"),
    "numpy-rand": ("0000101001000011", "1001111010100111"),
    "numpy-binomial": ("1111010110111100", "1001111010100111"),
    "jax": ("0011011001010000", "1111111010100010"),
}


@pytest.mark.parametrize("rng", SOURCES)
def test_a_seed_on_a_slide_gives_its_mask_for_good(rng: str) -> None:
    masks = bits(draw(rng, 0, 16, 0.5)), bits(draw(rng, 42, 16, 0.3))
    assert masks == FROZEN.get(rng), f"tests/test_masks.py: FROZEN[{rng!r}]"


# The rules, as the docstrings have them


def mt19937(seed: int) -> Iterator[int]:
    """Draw as Matsumoto and Nishimura wrote it in 2002, in Python's integers."""
    words = [seed]
    for k in range(1, 624):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + k) % 2**32)
    while True:
        for k in range(624):  # twist one word, and temper it
            joined = words[k] & 0x80000000 | words[(k + 1) % 624] & 0x7FFFFFFF
            words[k] = words[(k + 397) % 624] ^ joined >> 1 ^ (joined & 1) * 0x9908B0DF
            d = words[k] ^ words[k] >> 11
            d ^= d << 7 & 0x9D2C5680
            d ^= d << 15 & 0xEFC60000
            yield d ^ d >> 18


def mcg31(state: int) -> Iterator[int]:
    while True:
        yield state
        state = 1132489760 * state % (2**31 - 1)


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Encrypt by Threefry-2x32 with 20 rounds as its paper writes it, in Python's integers."""
    word = 2**32 - 1
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = (counter[0] + keys[0]) & word, (counter[1] + keys[1]) & word
    for r in range(20):
        rotation = (13, 15, 26, 6, 17, 29, 16, 24)[r % 8]
        a = (a + b) & word
        b = ((b << rotation | b >> (32 - rotation)) & word) ^ a
        if r % 4 == 3:
            s = r // 4 + 1
            a, b = (a + keys[s % 3]) & word, (b + keys[(s + 1) % 3] + s) & word
    return a, b


def uniforms(rng: str, seed: int, n: int, skip: int = 0) -> list[float]:
    """Draw the u_i of a source."""
    if rng == "numpy":
        return [word / 2**53 for word in (np.random.PCG64(seed).random_raw(n) >> 11).tolist()]
    if rng == "jax":
        words = (threefry((0, seed % 2**32), (0, i)) for i in range(n))
        return [((a ^ b) >> 9) / 2**23 for a, b in words]
    stream = islice(mt19937(seed % 2**32), skip, None)
    if rng == "torch-rand":
        return [d % 2**24 / 2**24 for d in islice(stream, n)]
    if rng == "torch-mkl":
        return [s / (2**31 - 1) for s in islice(mcg31(next(stream) % (2**31 - 1) or 1), n)]
    pairs = islice(zip(stream, stream, strict=False), n)
    if rng == "torch-cpu":
        return [(high * 2**32 + low) % 2**53 / 2**53 for high, low in pairs]
    assert rng in ("numpy-rand", "numpy-binomial"), f"tests/test_masks.py: uniforms() of {rng!r}"
    return [((a >> 5) * 2**26 + (b >> 6)) / 2**53 for a, b in pairs]


def kept(rng: str, u: float, p: float) -> bool:
    """Decide whether an element is kept."""
    match rng:
        case "torch-rand":
            return u > float(np.float32(p))
        case "torch-mkl" | "jax":
            return float(np.float32(u)) < float(np.float32(1 - p))
        case "numpy-binomial":
            return u > p if p >= 0.5 else u <= 1 - p
        case _:
            return u < 1 - p


@pytest.mark.parametrize("rng", SOURCES)
def test_a_source_draws_by_its_rule(rng: str) -> None:
    seeds = [0, 42, 2**32 - 1]
    if rng in (*TORCH, "jax"):  # which take wider ones
        seeds += [2**32 + 7, 2**63 - 1, -(2**63), -1]
    for seed, p, skip in product(seeds, (0.3, 0.5, 0.9), (0, 10) if rng in STREAMS else (0,)):
        right = [kept(rng, u, p) for u in uniforms(rng, seed, 700 // len(seeds), skip)]
        assert draw(rng, seed, len(right), p, skip).tolist() == right


def test_many_draws_are_skipped_in_pieces() -> None:
    state, skip = np.random.RandomState(3), 2**20 + 3
    state.bytes(4 * skip)
    words = np.frombuffer(state.bytes(4 * 100), dtype="<u4")
    assert draw("torch-rand", 3, 100, 0.5, skip).tolist() == (words % 2**24 > 2**23).tolist()


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [  # the known answers that come with Random123, the code of the paper
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_its_known_answers(key, counter, words):
    assert threefry(key, counter) == words


def test_blocks_are_parts_of_one_stream() -> None:
    n = 2 * BLOCK + 9
    drawn = draw("jax", 7, n, 0.25)
    for i in (0, 1, BLOCK - 1, BLOCK, BLOCK + 100, 2 * BLOCK, n - 1):
        first, second = threefry((0, 7), (0, i))
        assert drawn[i] == (((first ^ second) >> 9) / 2**23 < 0.75)
    for rng in ("numpy", "torch-mkl"):
        right = [kept(rng, u, 0.3) for u in uniforms(rng, 9, n)]
        assert draw(rng, 9, n, 0.3).tolist() == right


def test_mkls_generator_never_stands_at_0() -> None:
    """The first draw of this seed is 0 mod M, which would give 0 for ever: MKL begins with 1."""
    seed, m = 704738295, 2**31 - 1
    assert next(mt19937(seed)) % m == 0
    right = [state / m < 0.5 for state in islice(mcg31(1), 100)]
    assert draw("torch-mkl", seed, 100, 0.5).tolist() == right


@pytest.mark.parametrize("rng", ["numpy", "torch-rand", "torch-cpu", "numpy-rand"])
def test_an_element_on_the_threshold_is_dropped_and_one_below_it_kept(rng: str) -> None:
    place = 2.0**-24 if rng == "torch-rand" else 2.0**-53
    for i, u in enumerate(uniforms(rng, 5, 200)):
        on, off = (u, u - place) if rng == "torch-rand" else (1 - u, 1 - u - place)
        assert not draw(rng, 5, 200, on)[i]
        assert draw(rng, 5, 200, off)[i]


@pytest.mark.parametrize("rng", SOURCES)
@pytest.mark.parametrize("p", PS)
def test_a_shorter_mask_is_the_start_of_a_longer_one(rng: str, p: float) -> None:
    whole = draw(rng, 3, 2 * BLOCK, p)
    for n in (1, 5, BLOCK, BLOCK + 1):
        assert np.array_equal(draw(rng, 3, n, p), whole[:n])
    assert abs(whole.mean() - (1 - p)) < 0.01
    if p in (0, 1) and rng != "torch-rand":
        assert set(whole) == {p == 0}


@pytest.mark.parametrize(
    ("rng", "seed"),
    [("numpy", -1), ("jax", 2**63), ("jax", -(2**63) - 1),
     *product(TORCH, (2**64, -(2**63) - 1)),
     *product(("numpy-rand", "numpy-binomial"), (-1, 2**32))],
)  # fmt: skip
def test_a_seed_that_the_framework_does_not_take(rng: str, seed: int) -> None:
    for p in (0, 0.5, 1):
        with pytest.raises(RequestError, match=f"seed is {seed}"):
            draw(rng, seed, 4, p)


def test_an_unknown_source_is_refused_with_the_list_of_all() -> None:
    with pytest.raises(RequestError, match=f"^rng is 'dice', .* one of {', '.join(SOURCES)}$"):
        draw("dice", 0, 4, 0.5)


# What was printed on real machines

# torch.manual_seed(123), nn.Dropout(0.5) of torch.ones(6, 6):
# https://github.com/rasbt/LLMs-from-scratch/issues/57, the book's output (a Mac with Apple's CPU)
# and the reader's (Linux), the difference that is pytorch/pytorch#121595.
PUBLISHED = {
    "torch-cpu": "110110 000101 111101 011001 010101 011110",
    "torch-mkl": "111111 010000 001010 110001 100001 010000",
}
# https://github.com/pytorch/pytorch/issues/84030: torch.manual_seed(123), torch.rand(10), its sum
# and that of torch.dropout(…, p=0.5), on an M1 and on an Intel Mac, PyTorch 1.12.
SUMS = {"torch-cpu": 2.4471, "torch-mkl": 1.8894}
# https://github.com/pytorch/pytorch/issues/121595: torch.manual_seed(123), torch.randn(5, 5), then
# nn.Dropout(0.5), the same on macOS and Linux.
AFTER_RANDN = """
tensor([[ 0.0000, -0.0000, -0.6071, -0.0000,  0.6972],
        [ 0.0000, -0.0000, -0.7583,  1.5342, -0.0000],
        [ 1.3914, -3.6121,  3.7919, -0.0000,  0.0000],
        [-3.2065, -0.0000, -2.8191, -0.8153,  0.0000],
        [ 1.9971,  0.0000,  3.6638, -0.6757,  1.7611]])
"""


@pytest.mark.parametrize("rng", PUBLISHED)
def test_what_readers_of_a_book_and_two_macs_printed(cli: Run, rng: str) -> None:
    assert bits(draw(rng, 123, 36, 0.5)) == PUBLISHED[rng].replace(" ", "")
    x = uniforms("torch-rand", 123, 10)
    assert round(sum(x), 4) == 3.8430
    args = ["-x", str(x), "--rng", rng, "--seed", "123", "--skip", "10", "-f", "json"]
    assert round(sum(cli("forward", *args).json["y"]), 4) == SUMS[rng]


def test_what_was_printed_after_randn(cli: Run) -> None:
    """Whose 25 numbers take 41 draws."""
    x = cli("forward", "-x", AFTER_RANDN, "-f", "json").json["x"]
    mask = "".join(str(int(value != 0)) for value in x)
    assert bits(draw("torch-cpu", 123, 25, 0.5, 41)) == mask
    args = ["masks", "--skip", "41", "-p", "0.5", "-f", "json"]
    shown = cli(*args, "--seed", "123", "--mask", mask).json
    assert (shown["skip"], shown["equal"]["torch-cpu"]) == (41, True)
    assert list(shown["masks"]) == STREAMS
    assert {"numpy", "jax"} == {*FROZEN} - {*STREAMS}
    found = cli(*args, "--find", mask, "--below", "125").json
    assert found["skip"] == 41
    assert found["seeds"] == dict.fromkeys(STREAMS) | {"torch-cpu": 123}
