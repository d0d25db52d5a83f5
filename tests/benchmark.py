"""How soon the commands start, as ratios to what they stand on, measured in the same run.

python tests/benchmark.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RICH = "import click, numpy, rich.console, rich.table"
BARS = """
from matplotlib.figure import Figure
figure = Figure(figsize=(14, 10))
for axes in figure.subplots(2, 2).flat:
    axes.bar([1, 2, 3, 4], [2, 4, 6, 8])
figure.savefig("bare.png", dpi=150)
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
            print(f"{args[0]:<12} {median:.2f} × its imports   (goal {goal})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
