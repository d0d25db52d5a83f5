"""Print how fast the tool is, as ratios to baselines that are measured side by side.

python tests/benchmark.py [ROUNDS]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from dropout_cli import backward, forward
from dropout_cli.masks import SOURCES

RICH = "import click, numpy, rich.console, rich.table"
BARS = """
from matplotlib.figure import Figure
figure = Figure(figsize=(40 / 3, 7.5))
for axes in figure.subplots(2, 2).flat:
    axes.bar([1, 2, 3, 4], [2, 4, 6, 8])
figure.savefig("bare.png", dpi=144)
"""
STARTS = {"--help": "import click", "forward": RICH, "walkthrough": RICH, "plot -o x.png": BARS}
MANY = 10**7


def main(rounds: int = 11) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        python = partial(subprocess.run, cwd=folder, env=compiled, check=True, capture_output=True)
        for command, baseline in STARTS.items():
            ours = [sys.executable, "-m", "dropout_cli", *command.split()]
            bare = [sys.executable, "-c", baseline]
            unit = "four bare bar charts" if baseline is BARS else baseline
            report(rounds, f"{command} / {unit}", partial(python, ours), partial(python, bare))
    try:
        import torch
    except ModuleNotFoundError:
        return
    x, ones = np.ones(MANY, np.float32), torch.ones(MANY)
    leaf, layer = torch.ones(MANY, requires_grad=True), torch.nn.Dropout(0.5)
    for rng, source in SOURCES.items():
        mask = partial(source, 0, MANY, 0.5, 0)
        report(rounds, f"mask of {rng} / nn.Dropout forward", mask, partial(layer, ones))

    def both_passes() -> None:
        mask = SOURCES["numpy"](0, MANY, 0.5, 0)
        backward(forward(x, mask, 0.5), mask, 0.5)

    what = "numpy's mask and both passes / nn.Dropout's"
    report(rounds, what, both_passes, lambda: layer(leaf).backward(ones))


def report(
    rounds: int, what: str, ours: Callable[[], object], baseline: Callable[[], object]
) -> None:
    """Print the median of ours to the baseline, after a first round that warms the caches."""
    ratios = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        baseline()
        middle = time.perf_counter()
        ours()
        ratios.append((time.perf_counter() - middle) / (middle - start))
    print(f"{statistics.median(ratios[1:]):5.2f}  {what}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
