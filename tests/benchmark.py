"""Print how fast the tool is, as ratios to baselines that are measured side by side.

python tests/benchmark.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli import backward, forward
from dropout_cli.masks import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RICH = "import click, numpy, rich.console, rich.table"
BARS = """
from matplotlib.figure import Figure
figure = Figure(figsize=(40 / 3, 7.5))
for axes in figure.subplots(2, 2).flat:
    axes.bar([1, 2, 3, 4], [2, 4, 6, 8])
figure.savefig("bare.png", dpi=144)
"""
STARTS = {
    "--help": "import click",
    "forward": RICH,
    "walkthrough": RICH,
    "plot -o figure.png": BARS,
}
MANY = 10**7


def main(rounds: int = 11) -> None:
    for what, measured in (*starts(rounds), *masks(rounds)):
        print(f"{measured:5.2f}  {what}", flush=True)


def starts(rounds: int) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        for command, baseline in STARTS.items():
            ours = partial(run, folder, "-m", "dropout_cli", *command.split())
            unit = "four bare bar charts" if baseline is BARS else baseline
            measured = ratio(rounds, ours, partial(run, folder, "-c", baseline))
            yield f"dropout-cli {command} / {unit}", measured


def run(folder: str, *args: str) -> None:
    subprocess.run([sys.executable, *args], cwd=folder, check=True, capture_output=True)


def masks(rounds: int) -> Iterator[tuple[str, float]]:
    try:
        import torch
    except ModuleNotFoundError:
        return
    x, ones = np.ones(MANY, np.float32), torch.ones(MANY)
    leaf, layer = torch.ones(MANY, requires_grad=True), torch.nn.Dropout(0.5)

    def both_passes() -> None:
        mask = SOURCES["numpy"](0, MANY, 0.5)
        backward(forward(x, mask, 0.5), mask, 0.5)

    for rng, source in SOURCES.items():
        measured = ratio(rounds, partial(source, 0, MANY, 0.5), partial(layer, ones))
        yield f"mask of {rng} / nn.Dropout forward, {MANY:,} elements", measured
    measured = ratio(rounds, both_passes, lambda: layer(leaf).backward(ones))
    yield f"numpy's mask and both passes / nn.Dropout's, {MANY:,} elements", measured


def ratio(rounds: int, ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """The median of ours to the baseline, after a first round that warms the caches."""
    ratios = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        baseline()
        middle = time.perf_counter()
        ours()
        ratios.append((time.perf_counter() - middle) / (middle - start))
    return statistics.median(ratios[1:])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
