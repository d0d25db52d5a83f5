"""The masks: frozen, right at the edges, and as the frameworks themselves draw them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run

from dropout_cli import RequestError, masks
from dropout_cli.arrays import Mask
from dropout_cli.masks import BLOCK, SOURCES, draw, find
from dropout_cli.verify.frameworks import intel, nn_dropout

MEASURED = (2, 13)  # the newest PyTorch whose masks were compared with the sources
PS = (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
TORCH_SEEDS = (0, 42, -1, 2**64 - 1, 1, -5, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**63, -(2**63))
JAX_SEEDS = (0, 42, -1, 2**63 - 1, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 + 7, -(2**63))
CASES = [  # so many seeds, and these lengths
    (3, (1, 4, BLOCK + 1)),
    pytest.param(12, (1, 4, BLOCK - 1, BLOCK + 1, 1_000_003), marks=pytest.mark.slow),
]
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
    high, low = (np.array([word], dtype=np.uint32) for word in counter)
    assert [word.tolist() for word in masks._threefry(key, high, low)] == [[w] for w in words]


def test_blocks_are_parts_of_one_stream() -> None:
    n = 2 * BLOCK + 9
    drawn = draw("jax", 7, n, 0.25)
    for i in (0, 1, BLOCK - 1, BLOCK, BLOCK + 100, 2 * BLOCK, n - 1):
        first, second = threefry((0, 7), (0, i))
        assert drawn[i] == (((first ^ second) >> 9) / 2**23 < 0.75)
    for rng in ("numpy", "torch-mkl"):
        right = [kept(rng, u, 0.3) for u in uniforms(rng, 9, n)]
        assert draw(rng, 9, n, 0.3).tolist() == right


def test_mkls_generator_never_stands_at_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 would give 0 for ever: MKL begins with 1 instead."""
    monkeypatch.setattr(masks, "_torch", lambda *_: np.array([masks.MCG31]))
    right = [state / masks.MCG31 < 0.5 for state in islice(mcg31(1), 100)]
    assert draw("torch-mkl", 0, 100, 0.5).tolist() == right


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


# The command


def test_masks_of_one_seed(cli: Run) -> None:
    document = cli("masks", "--seed", "4", "-m", "1010", "-f", "json").json
    assert document["masks"] == {rng: draw(rng, 4, 4, 0.5).astype(int).tolist() for rng in SOURCES}
    assert [rng for rng, equal in document["equal"].items() if equal] == ["torch-cpu"]
    table = cli("masks", "--seed", "4", "-m", "1010").out
    assert [line.split()[0] for line in table.splitlines() if "✓" in line] == ["torch-cpu"]


def test_the_smallest_seed_of_a_mask(cli: Run) -> None:
    seeds = cli("masks", "--find", "1,0,1,0", "-f", "json").json["seeds"]
    for rng, seed in seeds.items():
        drawn = [bits(draw(rng, each, 4, 0.5)) for each in range(seed + 1)]
        assert drawn.index("1010") == seed
    assert (seeds["torch-rand"], seeds["torch-cpu"]) == (2, 4)
    assert find(draw("jax", 9, 64, 0.5), 0.5, 10)["jax"] == 9
    out = cli("masks", "--find", "1" * 40, "--below", "20").out
    assert out.count("none below 20") == len(SOURCES)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("--find 1010 --seed 3", "--find cannot be combined"),
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
def test_what_cannot_be_asked(cli: Run, args: str, says: str) -> None:
    result = cli("masks", *args.split())
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    with pytest.raises(RequestError, match=f"^rng is 'dice', .* one of {', '.join(SOURCES)}$"):
        draw("dice", 0, 4, 0.5)


def test_a_source_that_does_not_take_the_seed_is_left_out(cli: Run) -> None:
    result = cli("masks", "--seed", "-1", "-f", "json")
    assert [rng for rng in result.json["masks"] if rng in FROZEN] == [*TORCH, "jax"]
    numpys = "seed is -1, but numpy.random.seed takes integers from 0 to 2^32-1"
    assert result.err.splitlines()[:3] == [
        "numpy is left out: seed is -1, but numpy takes integers from 0 up",
        *(f"{rng} is left out: {numpys}" for rng in ("numpy-rand", "numpy-binomial")),
    ]


def test_a_saved_pass_brings_what_was_skipped(cli: Run) -> None:
    source = {"rng": "torch-cpu", "seed": 123, "skip": 10}
    problem = ["-x", "1,2,3,4,5,6", "--rng", "torch-cpu", "--seed", "123", "--skip", "10"]
    saved = cli("forward", *problem, "-f", "json")
    assert saved.json["mask_source"] == {"kind": "drawn", **source}
    again = cli("backward", "--from", "-", "-f", "json", stdin=saved.out.encode())
    assert again.json == cli("backward", *problem, "-f", "json").json
    for skip in (11, True, -1, "10", 10**18):
        changed = saved.json
        changed["mask_source"]["skip"] = skip
        result = cli("backward", "--from", "-", stdin=json.dumps(changed).encode())
        assert (result.code, result.out) == (2, "")
    words = " ".join(cli("forward", *problem).out.split())
    assert "that torch-cpu draws from seed 123 after 10 other draws" in words
    words = "".join(cli("forward", *problem, "--lang", "zh").out.split())
    assert "由torch-cpu抽取的掩码（种子123，先抽取10次）" in words


@pytest.mark.parametrize(
    ("columns", "shown"), [(60, 16), (80, 16), (120, 31), (160, 71), (200, 100)]
)
def test_a_mask_is_as_long_as_the_terminal_is_wide(cli, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("masks", "-n", "100", "-m", "1" * 100, "--seed", "3").out.splitlines()
    mask = bits(draw("torch-cpu", 3, 100, 0.5))
    assert (f"{mask[:shown]} …" if shown < 100 else mask) in "".join(lines)
    longest = max(map(len, lines))
    assert longest == columns if 80 < columns < 200 else longest <= columns


# The frameworks


def report(source: str, framework: str, compared: int, different: int) -> None:
    print(f"\n{source:<16} {framework:<28} {compared:>12,} elements {different:>3} differ")
    assert different == 0 < compared


@pytest.mark.parametrize("before", [0, 7])
@pytest.mark.parametrize("p", [*PS, 0.3, 0.7, 1e-6])
def test_against_numpy(before: int, p: float) -> None:
    """Each number that numpy.random.rand draws takes two draws of 32 bits."""
    sources: dict[str, Callable[[int], Any]] = {
        "numpy-rand": lambda n: np.random.rand(n) < 1 - p,  # noqa: NPY002
        "numpy-binomial": lambda n: np.random.binomial(1, 1 - p, n),  # noqa: NPY002
    }
    for seed, n, rng in product((0, 1, 42, 2**31, 2**32 - 1), (1, 4, 1000), sources):
        np.random.seed(seed)  # noqa: NPY002
        np.random.rand(before)  # noqa: NPY002
        assert np.array_equal(draw(rng, seed, n, p, 2 * before), sources[rng](n))


def dropout_of(torch) -> str:
    """Name the source that this PyTorch's nn.Dropout is."""
    return nn_dropout(torch.__version__, torch.backends.mkl.is_available() and intel())


@pytest.mark.parametrize(("seeds", "sizes"), CASES)
def test_against_torch(capsys, seeds, sizes):
    torch = pytest.importorskip("torch")
    source = dropout_of(torch)
    counts = {"torch-rand": [0, 0], source: [0, 0]}
    for seed, n, p in product(TORCH_SEEDS[:seeds], sizes, PS):
        torch.manual_seed(seed)
        drawn = {"torch-rand": (torch.rand(n) > p).numpy()}
        torch.manual_seed(seed)
        drawn[source] = (torch.nn.Dropout(p)(torch.ones(n)) != 0).numpy()
        for rng, mask in drawn.items():
            counts[rng][0] += n
            counts[rng][1] += int((mask != draw(rng, seed, n, p)).sum())
    newer = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])) > MEASURED
    if counts[source][1] and newer:
        pytest.skip(f"PyTorch {torch.__version__} draws masks of its own, not those of {source}")
    with capsys.disabled():
        for rng, (compared, different) in counts.items():
            report(rng, f"torch {torch.__version__}", compared, different)


BEFORE = {  # how many draws it takes of the stream, as the README says
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
def test_what_was_drawn_before_against_torch(before: str, skip: int) -> None:
    torch = pytest.importorskip("torch")
    source = dropout_of(torch)
    if "Dropout(0.3)" in before and source == "torch-mkl":
        pytest.skip("MKL's dropout takes other draws")
    for seed, p in product((0, 42, 2**40), (0.2, 0.5)):
        torch.manual_seed(seed)
        eval(before)
        rand = (torch.rand(1000) > p).numpy()
        assert np.array_equal(draw("torch-rand", seed, 1000, p, skip), rand)
        torch.manual_seed(seed)
        eval(before)
        dropout = (torch.nn.Dropout(p)(torch.ones(1000)) != 0).numpy()
        assert np.array_equal(draw(source, seed, 1000, p, skip), dropout)


@pytest.mark.parametrize(
    ("version", "mkl", "source"),
    [  # measured on an Intel CPU with MKL: 2.6.0, 2.7.0, 2.13.0; elsewhere MKL draws nothing
        ("2.6.0+cpu", True, "torch-mkl"), ("2.6.0", False, "torch-cpu"),
        ("1.13.1", True, "torch-mkl"), ("2.7.0", True, "torch-cpu"),
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


@pytest.mark.parametrize(("seeds", "sizes"), CASES)
def test_against_jax(capsys, seeds, sizes):
    jax = pytest.importorskip("jax")
    compared = different = 0
    for seed, n, p in product(JAX_SEEDS[:seeds], sizes, PS):
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


@pytest.mark.parametrize(("seeds", "sizes"), CASES)
def test_against_mkl(capsys, seeds, sizes):
    """In a process of its own: MKL beside another framework's own copy of it is trouble."""
    libraries = sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))
    if not libraries:
        pytest.skip("mkl is not installed")
    cases = json.dumps([TORCH_SEEDS[:seeds], sizes, [p for p in (*PS, 0.3, 1e-6) if p > 0]])
    command = [sys.executable, "-c", MKL, str(libraries[0]), cases]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        report("torch-mkl", "mkl, viRngBernoulli", *json.loads(done.stdout))
