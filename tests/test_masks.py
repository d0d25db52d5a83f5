"""The masks: frozen, right at the edges, and as the frameworks themselves draw them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import RequestError, masks
from dropout_cli.masks import BLOCK, SOURCES, draw, find
from dropout_cli.verify.frameworks import intel, nn_dropout

MEASURED = (2, 13)  # the newest PyTorch whose masks were compared with the sources
PS = (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
SIZES = (1, 4, BLOCK - 1, BLOCK + 1, 1_000_003)
TORCH_SEEDS = (0, 1, 42, -1, -5, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**63, 2**64 - 1, -(2**63))
JAX_SEEDS = (0, 1, 42, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 + 7, 2**63 - 1, -(2**63))


def bits(mask):
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


@pytest.mark.parametrize(("rng", "literals"), FROZEN.items())
def test_a_seed_on_a_slide_gives_its_mask_for_good(rng, literals):
    assert (bits(draw(rng, 0, 16, 0.5)), bits(draw(rng, 42, 16, 0.3))) == literals


def test_numpys_rule_is_the_documented_one():
    words = np.random.PCG64(9).random_raw(1000) >> np.uint64(11)
    assert np.array_equal(draw("numpy", 9, 1000, 0.3), words / 2**53 < 1 - 0.3)


def threefry(key, counter):
    """Threefry-2x32 with 20 rounds as its paper writes it, in Python's integers."""
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
    low = np.array([counter[1]], dtype=np.uint32)
    assert masks._threefry(key, counter[0], low) == words[0] ^ words[1]


def test_jax_counts_the_elements_beyond_a_block():
    kept = draw("jax", 7, 2 * BLOCK + 9, 0.25)
    for i in (0, 1, BLOCK - 1, BLOCK, BLOCK + 100, 2 * BLOCK, 2 * BLOCK + 8):
        first, second = threefry((0, 7), (0, i))
        assert kept[i] == (((first ^ second) >> 9) / 2**23 < 0.75)


def test_mkls_generator_goes_on_from_block_to_block_and_never_stands_at_0(monkeypatch):
    """0 would give 0 for ever: MKL begins with 1 instead."""
    monkeypatch.setattr(masks, "_torch", lambda *_: np.array([masks.MCG31]))
    state, expected = 1, []
    for _ in range(2 * BLOCK + 9):
        expected.append(state / masks.MCG31 < 0.5)
        state = 1132489760 * state % masks.MCG31
    assert draw("torch-mkl", 0, len(expected), 0.5).tolist() == expected


def test_a_source_that_there_is_not():
    with pytest.raises(RequestError) as error:
        draw("dice", 0, 4, 0.5)
    assert str(error.value) == (f"rng is 'dice', but it must be one of {', '.join(SOURCES)}")


class MT19937:
    """The generator as Matsumoto and Nishimura wrote it in 2002, in Python's integers."""

    def __init__(self, seed):
        self.words = [seed]
        for k in range(1, 624):
            last = self.words[-1]
            self.words.append((1812433253 * (last ^ last >> 30) + k) % 2**32)
        self.place = 0

    def draw(self):
        """Twist one word, and temper it."""
        words, k = self.words, self.place
        joined = words[k] & 0x80000000 | words[(k + 1) % 624] & 0x7FFFFFFF
        words[k] = words[(k + 397) % 624] ^ joined >> 1 ^ (joined & 1) * 0x9908B0DF
        self.place = (k + 1) % 624
        d = words[k]
        d ^= d >> 11
        d ^= d << 7 & 0x9D2C5680
        d ^= d << 15 & 0xEFC60000
        return d ^ d >> 18


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1, -1, 2**63 + 9])
def test_the_stream_of_torch_is_mt19937(seed):
    stream, n = MT19937(seed % 2**32), 1500
    drawn = [stream.draw() for _ in range(2 * n)]
    rand = [d % 2**24 / 2**24 > 0.25 for d in drawn[:n]]
    assert draw("torch-rand", seed, n, 0.25).tolist() == rand
    words = [(high << 32 | low) % 2**53 for high, low in zip(drawn[::2], drawn[1::2], strict=True)]
    assert draw("torch-cpu", seed, n, 0.3).tolist() == [word / 2**53 < 1 - 0.3 for word in words]


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
@pytest.mark.parametrize("skip", [0, 1, 10, 2**20 + 3])
@pytest.mark.parametrize("rng", ["torch-rand", "torch-cpu", "torch-mkl", "numpy-rand"])
def test_a_mask_after_other_draws_is_the_rest_of_the_stream(rng, seed, skip):
    state = np.random.RandomState(seed)
    if skip:
        state.bytes(4 * skip)
    draws = np.frombuffer(state.bytes(8 * 50), dtype="<u4").astype(np.uint64)
    high, low = draws[0::2], draws[1::2]
    states = [int(draws[0]) % masks.MCG31]
    while len(states) < 50:
        states.append(1132489760 * states[-1] % masks.MCG31)
    kept = {
        "torch-rand": draws[:50] % 2**24 / 2**24 > 0.3,
        "torch-cpu": (high << np.uint64(32) | low) % 2**53 / 2**53 < 1 - 0.3,
        "torch-mkl": np.array(states) / masks.MCG31 < 1 - 0.3,
        "numpy-rand": ((high >> 5) * 2**26 + (low >> 6)) / 2**53 < 1 - 0.3,
    }
    assert np.array_equal(draw(rng, seed, 50, 0.3, skip), kept[rng])


@pytest.mark.parametrize("before", [0, 7])
@pytest.mark.parametrize("p", [*PS, 0.3, 0.7, 1e-6])
def test_against_numpy(before, p):
    """Each number that numpy.random.rand draws takes two draws of 32 bits."""
    for seed in (0, 1, 42, 2**31, 2**32 - 1):
        for n in (1, 4, 1000, BLOCK + 1):
            np.random.seed(seed)  # noqa: NPY002
            np.random.rand(before)  # noqa: NPY002
            rand = np.random.rand(n) < 1 - p  # noqa: NPY002
            assert np.array_equal(draw("numpy-rand", seed, n, p, 2 * before), rand)
            np.random.seed(seed)  # noqa: NPY002
            np.random.rand(before)  # noqa: NPY002
            binomial = np.random.binomial(1, 1 - p, n)  # noqa: NPY002
            assert np.array_equal(draw("numpy-binomial", seed, n, p, 2 * before), binomial)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_the_rule_of_numpys_binomial_is_the_documented_one(p):
    u = np.random.RandomState(3).random_sample(BLOCK)
    kept = u > p if p >= 0.5 else u <= 1 - p
    assert np.array_equal(draw("numpy-binomial", 3, BLOCK, p), kept)


def uniforms(rng, seed, n):
    """The u_i of each documented rule with the size of its last place, from numpy's generators."""
    if rng == "numpy":
        return (np.random.PCG64(seed).random_raw(n) >> np.uint64(11)) / 2**53, 2.0**-53
    if rng == "numpy-rand":
        return np.random.RandomState(seed).random_sample(n), 2.0**-53
    draws = np.frombuffer(np.random.RandomState(seed).bytes(8 * n), dtype="<u4").astype(np.uint64)
    if rng == "torch-rand":
        return (draws[:n] % 2**24) / 2**24, 2.0**-24
    words = (draws[0::2] << np.uint64(32) | draws[1::2]) % 2**53
    return words / 2**53, 2.0**-53


@pytest.mark.parametrize("rng", ["numpy", "torch-rand", "torch-cpu", "numpy-rand"])
def test_an_element_on_the_threshold_is_dropped_and_one_below_it_kept(rng):
    n = 200
    u, place = uniforms(rng, 5, n)
    for i in range(n):
        on, off = (u[i], u[i] - place) if rng == "torch-rand" else (1 - u[i], 1 - u[i] - place)
        assert not draw(rng, 5, n, on)[i]
        assert draw(rng, 5, n, off)[i]


@pytest.mark.parametrize("rng", SOURCES)
@pytest.mark.parametrize("p", PS)
def test_a_shorter_mask_is_the_start_of_a_longer_one(rng, p):
    whole = draw(rng, 3, 3 * BLOCK, p)
    for n in (1, 5, BLOCK, BLOCK + 1):
        assert np.array_equal(draw(rng, 3, n, p), whole[:n])
    assert abs(whole.mean() - (1 - p)) < 0.01


@pytest.mark.parametrize("rng", [rng for rng in SOURCES if rng != "torch-rand"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_p_0_keeps_all_and_p_1_drops_all(rng, seed):
    assert draw(rng, seed, 10**6, 0.0).all()
    assert not draw(rng, seed, 10**6, 1.0).any()


@pytest.mark.parametrize(
    ("rng", "seed"),
    [("numpy", -1), *((rng, 2**64) for rng in SOURCES if rng[:5] == "torch"), ("jax", 2**63),
     *((rng, -(2**63) - 1) for rng in SOURCES if rng != "numpy"),
     *((rng, seed) for rng in ("numpy-rand", "numpy-binomial") for seed in (-1, 2**32))],
)  # fmt: skip
@pytest.mark.parametrize("p", [0, 0.5, 1])
def test_a_seed_that_the_framework_does_not_take(rng, seed, p):
    with pytest.raises(RequestError, match=f"seed is {seed}"):
        draw(rng, seed, 4, p)


@pytest.mark.parametrize(
    ("rng", "seed", "same"),
    [("jax", 2**40 + 3, 3), ("jax", 2**63 - 1, 2**32 - 1), ("jax", -(2**63), 0),
     ("jax", -1, 2**32 - 1),
     *((rng, seed, seed % 2**32) for rng in SOURCES if rng[:5] == "torch"
       for seed in (2**64 - 1, 2**63, -(2**63), -1, 2**32 + 7))],
)  # fmt: skip
def test_a_wide_seed_is_taken_as_the_framework_takes_it(rng, seed, same):
    assert np.array_equal(draw(rng, seed, 100, 0.5), draw(rng, same, 100, 0.5))
    assert not np.array_equal(draw(rng, seed, 100, 0.5), draw(rng, same + 1, 100, 0.5))


# Printed on real machines, torch.manual_seed(123), nn.Dropout(0.5) of torch.ones(6, 6):
# https://github.com/rasbt/LLMs-from-scratch/issues/57, the book's output (a Mac with Apple's CPU)
# and the reader's (Linux), the difference that is pytorch/pytorch#121595.
PUBLISHED = {
    "torch-cpu": "110110 000101 111101 011001 010101 011110",
    "torch-mkl": "111111 010000 001010 110001 100001 010000",
}


@pytest.mark.parametrize(("rng", "printed"), PUBLISHED.items())
def test_what_readers_of_a_book_saw(rng, printed):
    assert bits(draw(rng, 123, 36, 0.5)) == printed.replace(" ", "")


# https://github.com/pytorch/pytorch/issues/84030: torch.manual_seed(123), torch.rand(10), its sum
# and that of torch.dropout(…, p=0.5), on an M1 and on an Intel Mac, PyTorch 1.12.
SUMS = {"torch-cpu": 2.4471, "torch-mkl": 1.8894}


@pytest.mark.parametrize(("rng", "printed"), SUMS.items())
def test_the_sums_of_two_macs(cli, rng, printed):
    draws = np.random.RandomState(123).randint(0, 2**32, 10, dtype=np.uint32)
    x = (draws % 2**24 / 2**24).tolist()
    assert round(sum(x), 4) == 3.8430
    args = ["-x", str(x), "--rng", rng, "--seed", "123", "--skip", "10", "-f", "json"]
    assert round(sum(cli("forward", *args).json["y"]), 4) == printed


# https://github.com/pytorch/pytorch/issues/121595: torch.manual_seed(123), torch.randn(5, 5), then
# nn.Dropout(0.5), the same on macOS and Linux.
AFTER_RANDN = """
tensor([[ 0.0000, -0.0000, -0.6071, -0.0000,  0.6972],
        [ 0.0000, -0.0000, -0.7583,  1.5342, -0.0000],
        [ 1.3914, -3.6121,  3.7919, -0.0000,  0.0000],
        [-3.2065, -0.0000, -2.8191, -0.8153,  0.0000],
        [ 1.9971,  0.0000,  3.6638, -0.6757,  1.7611]])
"""


def test_what_was_printed_after_randn(cli):
    x = cli("forward", "-x", AFTER_RANDN, "-f", "json").json["x"]
    mask = "".join(str(int(value != 0)) for value in x)
    assert bits(draw("torch-cpu", 123, 25, 0.5, 41)) == mask
    args = ["masks", "--skip", "41", "-p", "0.5", "-f", "json"]
    shown = cli(*args, "--seed", "123", "--mask", mask).json
    assert (shown["skip"], shown["equal"]["torch-cpu"]) == (41, True)
    assert list(shown["masks"]) == [rng for rng in SOURCES if rng not in ("numpy", "jax")]
    found = cli(*args, "--find", mask, "--below", "200").json
    assert (found["skip"], found["seeds"]) == (41, dict.fromkeys(shown["masks"]) | {
        "torch-cpu": 123
    })  # fmt: skip


@pytest.mark.parametrize(
    ("rng", "seed", "mask"),
    [("torch-rand", 2, [1, 0, 1, 0]), ("torch-cpu", 4, [1, 0, 1, 0]),
     ("torch-rand", 42, [1, 1, 0, 1]), ("torch-cpu", 42, [1, 1, 1, 1])],
)  # fmt: skip
def test_measured_masks(cli, rng, seed, mask):
    document = cli("forward", "--seed", str(seed), "--rng", rng, "-f", "json").json
    assert document["mask"] == mask
    assert document["mask_source"] == {"kind": "drawn", "rng": rng, "seed": seed}


# The command


def test_masks_of_one_seed(cli):
    document = cli("masks", "--seed", "4", "-m", "1010", "-f", "json").json
    assert document["masks"] == {rng: draw(rng, 4, 4, 0.5).astype(int).tolist() for rng in SOURCES}
    assert [rng for rng, equal in document["equal"].items() if equal] == ["torch-cpu"]
    table = cli("masks", "--seed", "4", "-m", "1010").out
    assert [line.split()[0] for line in table.splitlines() if "✓" in line] == ["torch-cpu"]


def test_the_smallest_seed_of_a_mask(cli):
    document = cli("masks", "--find", "1,0,1,0", "-f", "json").json
    for rng, seed in document["seeds"].items():
        wanted = [1, 0, 1, 0]
        assert draw(rng, seed, 4, 0.5).tolist() == wanted
        assert not any(draw(rng, s, 4, 0.5).tolist() == wanted for s in range(seed))
    assert (document["seeds"]["torch-rand"], document["seeds"]["torch-cpu"]) == (2, 4)


def test_a_search_says_how_far_it_looked(cli):
    assert set(find(np.ones(64, dtype=bool), 0.5, 10).values()) == {None}
    assert find(draw("jax", 9, 64, 0.5), 0.5, 10)["jax"] == 9
    out = cli("masks", "--find", "1" * 40, "--below", "20").out
    assert out.count("none below 20") == len(SOURCES)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("--find 1010 --seed 3", "--find cannot be combined"),
        ("--find 1010 -n 4", "--find cannot be combined"),
        ("--find 1020", "element 3 of mask is 2"),
        ("--find=", "mask is empty"),
        ("--mask=", "mask is empty"),
        ("--find 10 -p 1", "element 1 of mask is 1, but p = 1"),
        ("-m 1010 -n 5", "mask has length 4"),
        ("-p 2", "p is 2"),
        ("--skip -1", "skip is -1, but it must be from 0 to 1000000000"),
        ("--seed=-9223372036854775809", "seed is -9223372036854775809, but numpy takes"),
        ("-n 0", "0 is not in the range"),
    ],
)
def test_what_cannot_be_asked(cli, args, says):
    result = cli("masks", *args.split())
    assert (result.code, result.out) == (2, "")
    assert says in result.err


def test_a_source_that_does_not_take_the_seed_is_left_out(cli):
    result = cli("masks", "--seed", "-1", "-f", "json")
    assert list(result.json["masks"]) == ["torch-rand", "torch-cpu", "torch-mkl", "jax"]
    assert result.err.splitlines() == [
        "numpy is left out: seed is -1, but numpy takes integers from 0 up",
        *(
            f"{rng} is left out: seed is -1, but numpy.random.seed takes integers from 0 to 2^32-1"
            for rng in ("numpy-rand", "numpy-binomial")
        ),
    ]


def test_a_saved_pass_brings_what_was_skipped(cli):
    problem = ["-x", "1,2,3,4,5,6", "--rng", "torch-cpu", "--seed", "123", "--skip", "10"]
    saved = cli("forward", *problem, "-f", "json")
    assert saved.json["mask_source"] == {
        "kind": "drawn", "rng": "torch-cpu", "seed": 123, "skip": 10,
    }  # fmt: skip
    again = cli("backward", "--from", "-", "-f", "json", stdin=saved.out.encode())
    assert again.json == cli("backward", *problem, "-f", "json").json
    for skip in (11, True, -1, "10", 10**18):
        changed = saved.json
        changed["mask_source"]["skip"] = skip
        result = cli("backward", "--from", "-", stdin=json.dumps(changed).encode())
        assert (result.code, result.out) == (2, "")
    told = " ".join(cli("forward", *problem).out.split())
    assert "that torch-cpu draws from seed 123 after 10 other draws" in told
    told = "".join(cli("forward", *problem, "--lang", "zh").out.split())
    assert "由torch-cpu抽取的掩码（种子123，先抽取10次）" in told


@pytest.mark.parametrize(
    ("columns", "shown"), [(60, 16), (80, 16), (120, 31), (160, 71), (200, 100)]
)
def test_a_mask_is_as_long_as_the_terminal_is_wide(cli, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("masks", "-n", "100", "-m", "1" * 100, "--seed", "3").out.splitlines()
    text = "".join(lines)
    mask = bits(draw("torch-cpu", 3, 100, 0.5))
    assert (f"{mask[:shown]} …" if shown < 100 else mask) in text
    longest = max(map(len, lines))
    assert longest == columns if 80 < columns < 200 else longest <= columns


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_source_is_told_in_every_language(cli, language):
    out = cli("masks", "--lang", language).out
    for rng in SOURCES:
        assert rng in out


# The frameworks


def report(source, framework, compared, different):
    print(f"\n{source:<16} {framework:<28} {compared:>12,} elements {different:>3} differ")
    assert different == 0 < compared


def test_against_torch(capsys):
    torch = pytest.importorskip("torch")
    source = nn_dropout(torch.__version__, torch.backends.mkl.is_available() and intel())
    counts = {"torch-rand": [0, 0], source: [0, 0]}
    for seed in TORCH_SEEDS:
        for n in SIZES:
            ones = torch.ones(n)
            for p in PS:
                drawn = {}
                torch.manual_seed(seed)
                drawn["torch-rand"] = (torch.rand(n) > p).numpy()
                torch.manual_seed(seed)
                drawn[source] = (torch.nn.Dropout(p)(ones) != 0).numpy()
                for rng, mask in drawn.items():
                    counts[rng][0] += n
                    counts[rng][1] += int((mask != draw(rng, seed, n, p)).sum())
    newer = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])) > MEASURED
    if counts[source][1] and newer:
        pytest.skip(f"PyTorch {torch.__version__} draws masks of its own, not those of {source}")
    with capsys.disabled():
        for rng, (compared, different) in counts.items():
            report(rng, f"torch {torch.__version__}", compared, different)


BEFORE = {  # what it takes of the stream, as the README's table has it
    "torch.rand(10)": 10,
    "torch.rand(5, dtype=torch.float64)": 10,
    "torch.randint(10, (7,))": 7,
    "torch.randn(3)": 8,
    "torch.randn(15)": 32,
    "torch.randn(4, 8)": 32,
    "torch.randn(5, 5)": 41,
    "torch.randperm(9)": 8,
    "torch.nn.Linear(3, 3)": 12,
    "torch.nn.Linear(10, 5)": 55,
    "torch.nn.Conv2d(1, 2, 3)": 20,
    "torch.nn.Dropout(0.3)(torch.ones(6))": 12,
    "torch.nn.Dropout(0.0)(torch.ones(6))": 0,
    "torch.nn.Dropout(1.0)(torch.ones(6))": 0,
}


@pytest.mark.parametrize(("before", "skip"), BEFORE.items())
def test_what_was_drawn_before_against_torch(before, skip):
    torch = pytest.importorskip("torch")
    source = nn_dropout(torch.__version__, torch.backends.mkl.is_available() and intel())
    if "Dropout(0.3)" in before and source == "torch-mkl":
        pytest.skip("MKL's dropout takes other draws")
    for seed in (0, 1, 42, 123, 2**40):
        for p in (0.2, 0.5):
            torch.manual_seed(seed)
            eval(before)
            rand = (torch.rand(1000) > p).numpy()
            assert np.array_equal(draw("torch-rand", seed, 1000, p, skip), rand)
            torch.manual_seed(seed)
            eval(before)
            kept = (torch.nn.Dropout(p)(torch.ones(1000)) != 0).numpy()
            assert np.array_equal(draw(source, seed, 1000, p, skip), kept)


@pytest.mark.parametrize(
    ("version", "mkl", "source"),
    [  # measured on an Intel CPU with MKL: 2.6.0, 2.7.0, 2.13.0; elsewhere MKL draws nothing
        ("2.6.0+cpu", True, "torch-mkl"), ("2.6.0", False, "torch-cpu"),
        ("1.13.1", True, "torch-mkl"), ("2.7.0", True, "torch-cpu"), ("2.7.0", False, "torch-cpu"),
        ("2.13.0+cpu", True, "torch-cpu"), ("2.13.0", False, "torch-cpu"),
        ("2.10.0a0+git1", True, "torch-cpu"), ("3.0", True, "torch-cpu"),
    ],
)  # fmt: skip
def test_the_source_of_nn_dropout_follows_from_version_and_cpu(version, mkl, source):
    assert nn_dropout(version, mkl) == source


@pytest.mark.parametrize(("vendor", "found"), [("GenuineIntel", True), ("AuthenticAMD", False)])
def test_the_cpu_is_told_from_what_the_system_says(monkeypatch, vendor, found):
    monkeypatch.setattr(Path, "exists", lambda _: True)
    monkeypatch.setattr(Path, "read_text", lambda _: f"processor\t: 0\nvendor_id\t: {vendor}\n")
    assert intel() is found
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr("platform.processor", lambda: f"Family 6 Model 85, {vendor}")
    assert intel() is found


def test_against_jax(capsys):
    jax = pytest.importorskip("jax")
    compared = different = 0
    for seed in JAX_SEEDS:
        for n in SIZES:
            for p in PS:
                mask = np.asarray(jax.random.bernoulli(jax.random.key(seed), 1 - p, (n,)))
                compared += n
                different += int((mask != draw("jax", seed, n, p)).sum())
    with capsys.disabled():
        report("jax", f"jax {jax.__version__}", compared, different)


MKL = """
import ctypes, itertools, json, sys
import numpy as np
from dropout_cli.masks import draw
mkl = ctypes.CDLL(sys.argv[1])
seeds, sizes, ps = json.loads(sys.argv[2])
compared = different = 0
for seed, n, p in itertools.product(seeds, sizes, ps):
    state = np.random.RandomState(seed % 2**32)
    first = int.from_bytes(state.bytes(4), 'little')
    stream, drawn = ctypes.c_void_p(), np.empty(n, dtype=np.int32)
    assert mkl.vslNewStream(ctypes.byref(stream), 0x100000, ctypes.c_uint(first)) == 0
    into = drawn.ctypes.data_as(ctypes.c_void_p)
    assert mkl.viRngBernoulli(0, stream, n, into, ctypes.c_double(1 - p)) == 0
    mkl.vslDeleteStream(ctypes.byref(stream))
    compared += n
    different += int((drawn.astype(bool) != draw('torch-mkl', seed, n, p)).sum())
print(json.dumps([compared, different]))
"""


def test_against_mkl(capsys):
    """In a process of its own: MKL beside another framework's own copy of it is trouble."""
    libraries = sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))
    if not libraries:
        pytest.skip("mkl is not installed")
    cases = json.dumps([TORCH_SEEDS, SIZES, [p for p in (*PS, 0.3, 1e-6) if p > 0]])
    done = subprocess.run(
        [sys.executable, "-c", MKL, str(libraries[0]), cases], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        report("torch-mkl", "mkl, viRngBernoulli", *json.loads(done.stdout))
