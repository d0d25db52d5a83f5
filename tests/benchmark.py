"""How fast it is: ratios to baselines measured in the same run, as the table of the README.

python tests/benchmark.py [ROUNDS]
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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
PAIRS = [
    (["--help"], "import click", 1.25),
    (["forward"], RICH, 1.2),
    (["walkthrough"], RICH, 1.35),
    (["plot", "-o", "figure.png"], BARS, 1.15),
]
MASKS = {"numpy": 0.25, "torch-rand": 0.35, "torch-cpu": 0.5, "torch-mkl": 0.3, "jax": 0.7}
MANY = 10**7

Row = tuple[str, str, str, str]


def main(rounds: int = 11) -> None:
    print("| what | measured | in units of | goal |")
    print("|---|---:|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for row in (*starts(rounds, folder), *mathematics(rounds), *masks(rounds), *files(folder)):
            print(f"| {' | '.join(row)} |", flush=True)
    processor = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(": ")[1] if names else processor
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "click", "rich"))
    print(f"\n{processor}; {platform.system()}, Python {platform.python_version()}, {packages}.")


def starts(rounds: int, folder: str) -> Iterator[Row]:
    """From the command line to its end, against the imports that it cannot do without."""
    program = str(Path(sys.executable).with_name("dropout-cli"))
    for args, baseline, goal in PAIRS:
        ratios = []
        for _ in range(rounds + 1):
            bare = seconds([sys.executable, "-c", baseline], folder)
            ratios.append(seconds([program, *args], folder) / bare)
        median = statistics.median(ratios[1:])  # the first warms the caches
        unit = "four bare bar charts" if baseline is BARS else f"`{baseline}`"
        yield f"`{args[0]}`", f"{median:.2f}", unit, f"{goal}"


def seconds(command: list[str], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def peak(command: list[str], folder: str) -> int:
    """The most memory that the command holds at a time, in bytes."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_maxrss * 1024


def ratio(rounds: int, ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """The median of ours to the baseline, each pair timed side by side."""
    ratios = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        baseline()
        middle = time.perf_counter()
        ours()
        ratios.append((time.perf_counter() - middle) / (middle - start))
    return statistics.median(ratios[1:])


def mathematics(rounds: int) -> Iterator[Row]:
    from dropout_cli import backward, forward

    mask = np.random.default_rng(0).random(MANY) < 0.5
    for dtype in ("float32", "float64"):
        x = np.ones(MANY, dtype)
        for function in (forward, backward):
            measured = ratio(rounds, lambda f=function, x=x: f(x, mask, 0.5), x.copy)
            yield f"{function.__name__}, {dtype}", f"{measured:.2f}", "`x.copy()`", "2.5"


def masks(rounds: int) -> Iterator[Row]:
    try:
        import torch
    except ImportError:
        return
    from dropout_cli import backward, forward
    from dropout_cli.masks import SOURCES

    ones = torch.ones(MANY)
    for rng, source in SOURCES.items():
        measured = ratio(
            rounds, lambda s=source: s(0, MANY, 0.5), lambda: torch.nn.functional.dropout(ones, 0.5)
        )
        tracemalloc.start()
        source(0, MANY, 0.5)
        peak = tracemalloc.get_traced_memory()[1] / MANY
        tracemalloc.stop()
        unit = f"`F.dropout`; peak {peak:.1f} bytes an element"
        yield f"mask of {rng}", f"{measured:.2f}", unit, f"{MASKS[rng]}"
    x, layer = np.ones(MANY, np.float32), torch.nn.Dropout(0.5)
    leaf = torch.ones(MANY, requires_grad=True)

    def both_passes(rng: str) -> None:
        mask = SOURCES[rng](0, MANY, 0.5)
        backward(forward(x, mask, 0.5), mask, 0.5)

    for rng in ("numpy", "torch-cpu"):
        measured = 1 / ratio(
            rounds, lambda r=rng: both_passes(r), lambda: layer(leaf).backward(ones)
        )
        yield "nn.Dropout, both passes", f"{measured:.2f}", f"{rng}'s mask and both passes", "4"


def files(folder: str) -> Iterator[Row]:
    from dropout_cli.cli.vectors import read_vector

    numbers = np.random.default_rng(0).random(10**6)
    path = Path(folder, "x.txt")
    path.write_text("\n".join(map(repr, numbers.tolist())))
    measured = ratio(
        3, lambda: read_vector(f"@{path}", "x"), lambda: np.array(path.read_text().split(), float)
    )
    yield "reading 10⁶ numbers as text", f"{measured:.2f}", "`np.array(text.split(), float)`", "1"
    np.save(Path(folder, "x.npy"), np.random.default_rng(0).random(MANY))
    program = str(Path(sys.executable).with_name("dropout-cli"))
    problem = ["-x", "@x.npy", "-s", "1"]
    for name in ("verify", "walkthrough"):
        command = [program, name, *problem]
        measured = statistics.median(
            seconds(command, folder) / seconds([program, "backward", *problem], folder)
            for _ in range(3)
        )
        unit = f"`backward` of them; peak {peak(command, folder) / MANY:.0f} bytes an element"
        yield f"`{name}` of 10⁷", f"{measured:.2f}", unit, "5, 60 bytes"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
