"""The command that shows the masks of a seed, or finds the seed of a mask."""

import json

import pytest

from dropout_cli.masks import SOURCES, draw


def bits(rng, seed, n, p=0.5, skip=0):
    return "".join(map(str, draw(rng, seed, n, p, skip).astype(int)))


def test_the_masks_of_one_seed_are_shown_and_the_one_that_is_equal_is_marked(cli):
    document = cli("masks", "--seed", "4", "-m", "1010", "-f", "json").json
    assert document["masks"] == {rng: [*map(int, bits(rng, 4, 4))] for rng in SOURCES}
    assert [rng for rng, equal in document["equal"].items() if equal] == ["torch-cpu"]
    table = cli("masks", "--seed", "4", "-m", "1010").out
    assert [line.split()[0] for line in table.splitlines() if "✓" in line] == ["torch-cpu"]


def test_the_smallest_seed_of_a_mask_is_found(cli):
    seeds = cli("masks", "--find", "1,0,1,0", "-f", "json").json["seeds"]
    for rng, seed in seeds.items():
        assert [bits(rng, each, 4) for each in range(seed + 1)].index("1010") == seed
    assert (seeds["torch-rand"], seeds["torch-cpu"]) == (2, 4)
    drawn = bits("jax", 9, 64)
    found = cli("masks", "--find", drawn, "--below", "10", "-f", "json").json
    assert found["seeds"] == dict.fromkeys(SOURCES) | {"jax": 9}
    out = cli("masks", "--find", "1" * 40, "--below", "20").out
    assert out.count("none below 20") == len(SOURCES)


def test_a_source_that_does_not_take_the_seed_is_left_out_and_that_is_said(cli):
    result = cli("masks", "--seed", "-1", "-f", "json")
    taking = ["torch-rand", "torch-cpu", "torch-mkl", "jax"]
    assert [
        rng for rng in result.json["masks"] if rng in (*taking, "numpy", "numpy-rand")
    ] == taking
    why = "seed is -1, but numpy.random.seed takes integers from 0 to 2^32-1"
    assert result.err.splitlines()[:3] == [
        "numpy is left out: seed is -1, but numpy takes integers from 0 up",
        *(f"{rng} is left out: {why}" for rng in ("numpy-rand", "numpy-binomial")),
    ]


def test_a_saved_pass_brings_what_was_skipped(cli):
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
    english = cli("forward", *problem).words
    assert "that torch-cpu draws from seed 123 after 10 other draws" in english
    chinese = "".join(cli("forward", *problem, "--lang", "zh").out.split())
    assert "由torch-cpu抽取的掩码（种子123，先抽取10次）" in chinese


@pytest.mark.parametrize(
    ("columns", "shown"), [(60, 16), (80, 16), (120, 31), (160, 71), (200, 100)]
)
def test_a_mask_is_as_long_as_the_terminal_is_wide(cli, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("masks", "-n", "100", "-m", "1" * 100, "--seed", "3").out.splitlines()
    mask = bits("torch-cpu", 3, 100)
    assert (f"{mask[:shown]} …" if shown < 100 else mask) in "".join(lines)
    longest = max(map(len, lines))
    assert longest == columns if 80 < columns < 200 else longest <= columns
