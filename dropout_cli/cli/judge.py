"""What verify is given to judge: a layer, or what an implementation computed."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, redirect_stdout
from io import FileIO, TextIOWrapper
from typing import TYPE_CHECKING

from dropout_cli.cli.options import Asked, refuse_given, was_given
from dropout_cli.cli.output import legible
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropout_cli.views.report import Report, Suite
    from dropout_cli.words.messages import Voice


def judge_candidates(
    candidate: str | None, y: str | None, grad_x: str | None, rtol: float | None, asked: Asked,
    voice: Voice,
) -> list[Suite]:  # fmt: skip
    """A suite for each candidate of the file, or for the one on the command line."""
    from dropout_cli.cli.candidates import read_candidates, written_candidate
    from dropout_cli.verify.verdict import judge
    from dropout_cli.views.verdict import suite

    refuse_given(["against"], "a candidate", "for only one is judged at a time")
    if candidate is None:
        candidates = [written_candidate(y, grad_x, asked)]
    else:
        refuse_given(["y", "grad_x"], "--candidate", "whose file holds them")
        candidates = read_candidates(candidate, asked)
    return [suite(judge(each, rtol), voice) for each in candidates]


def judge_layer(name: str, asked: Asked, voice: Voice) -> Report:
    """The report on a layer; what it prints goes to standard error."""
    from dropout_cli.verify.judge import judge_layer as run_layer
    from dropout_cli.verify.layers import load
    from dropout_cli.views.layer import report

    others = ("x", "mask", "rng", "inference", "grad_y", "loss", "against", "candidate", "y")
    refuse_given([*others, "grad_x", "rtol"], "--layer", "which is asked every question itself")
    ps = [asked.p] if was_given("p") else None
    seed = 0 if asked.seed is None else asked.seed
    with _guest():
        findings = run_layer(load(name), ps, seed)
    return report(legible(name), findings, seed, voice)


@contextmanager
def _guest() -> Iterator[None]:
    """While a layer runs, what it prints goes to standard error; its paths are left behind."""
    path, folder = list(sys.path), os.getcwd()
    if sys.stdout is None or sys.stderr is None:
        raise RequestError("a layer may print, so standard output and standard error must be open")
    sys.stdout.flush()
    output, errors = os.dup(1), os.dup(2)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for name, ours, number in (("stdout", output, 1), ("stderr", errors, 2)):
            try:
                getattr(sys, name).flush()  # what was written to it in another way
                usable = True
            except ValueError:  # the layer closed it, or took its buffer
                usable = False
            os.dup2(ours, number)
            os.close(ours)
            if not usable:
                raw = FileIO(number, "w", closefd=False)
                setattr(sys, name, TextIOWrapper(raw, "utf-8", line_buffering=True))
        os.chdir(folder)
        sys.path[:] = path
