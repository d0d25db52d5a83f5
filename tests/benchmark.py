"""How soon the commands start, as ratios to what they stand on, measured in the same run.

python tests/benchmark.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

RICH = "import click, numpy, rich.console, rich.table"
BARS = """
from matplotlib.figure import Figure
figure = Figure(figsize=(40 / 3, 7.5))
for axes in figure.subplots(2, 2).flat:
    axes.bar([1, 2, 3, 4], [2, 4, 6, 8])
figure.savefig("bare.png", dpi=144)
"""
PAIRS = [
    (["--help"], "import click", 1.5),
    (["forward"], RICH, 1.25),
    (["walkthrough"], RICH, 1.4),
    (["plot", "-o", "figure.png"], BARS, 1.15),
]


def seconds(command: list[str], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main(rounds: int = 15) -> None:
    program = str(Path(sys.executable).with_name("dropout-cli"))
    with tempfile.TemporaryDirectory() as folder:
        for args, baseline, goal in PAIRS:
            ratios = []
            for _ in range(rounds + 1):
                bare = seconds([sys.executable, "-c", baseline], folder)
                ratios.append(seconds([program, *args], folder) / bare)
            median = statistics.median(ratios[1:])  # the first warms the caches
            print(f"{args[0]:<16} {median:.2f} × its imports   (goal {goal})")
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed, so the masks are not timed")
    else:
        masks(torch, rounds)


def masks(torch: Any, rounds: int, n: int = 10**7) -> None:
    from dropout_cli.masks import SOURCES

    ones = torch.ones(n)
    ratios: dict[str, list[float]] = {rng: [] for rng in SOURCES}
    for _ in range(rounds + 1):
        start = time.perf_counter()
        torch.nn.functional.dropout(ones, 0.5)
        baseline = time.perf_counter() - start
        for rng, source in SOURCES.items():
            start = time.perf_counter()
            source(0, n, 0.5)
            ratios[rng].append((time.perf_counter() - start) / baseline)
    for rng, source in SOURCES.items():
        tracemalloc.start()
        source(0, n, 0.5)
        peak = tracemalloc.get_traced_memory()[1] / n
        tracemalloc.stop()
        goal = {"numpy": 0.25}.get(rng, 1) if rng != "jax" else "none"
        median = statistics.median(ratios[rng][1:])
        print(f"{rng:<16} {median:.2f} × F.dropout, {peak:.1f} bytes an element   (goal {goal})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
