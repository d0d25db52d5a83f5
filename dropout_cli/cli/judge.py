"""Judging layers and candidates for verify."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from dropout_cli.cli.output import legible
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropout_cli.cli.options import ProblemOptions
    from dropout_cli.views.verification import Suite
    from dropout_cli.words.messages import Messages

NOT_OF_LAYERS = (
    "x", "mask", "rng", "skip", "inference", "grad_y", "loss", "against", "candidates", "y",
    "grad_x", "rtol", "atol", "decimals",
)  # fmt: skip


def judge_candidates(
    paths: Sequence[str], texts: Mapping[str, str | None], decimals: int | None,
    rtol: float | None, atol: float, options: ProblemOptions, messages: Messages,
) -> list[Suite]:  # fmt: skip
    """Judge the candidates in the files, or else the y and grad_x in texts; a suite for each."""
    from dropout_cli.cli.candidates import read_candidates, read_written
    from dropout_cli.verify.candidate import judge
    from dropout_cli.views.verification import candidate_suite

    options.refuse(["against"], "a candidate", "for only one is judged at a time")
    options.refuse(["dtype"], "a candidate", "whose file says it")
    if paths:
        options.refuse(["y", "grad_x"], "--candidate", "whose file holds them")
        candidates = read_candidates(paths, options, decimals)
    else:
        candidates = [read_written(texts, options, decimals)]
    if not any("grad_x" in candidate.values for candidate in candidates):
        options.refuse(["grad_y", "loss"], "y alone", "which does not depend on it")
    return [candidate_suite(each, *judge(each, rtol, atol), messages) for each in candidates]


def judge_layers(
    names: Sequence[str], dtype: str | None, options: ProblemOptions, messages: Messages
) -> list[Suite]:
    """Judge layers, a suite for each; what they print goes to standard error."""
    from dropout_cli.verify.judge import judge_layer
    from dropout_cli.verify.load import load
    from dropout_cli.views.verification import layer_suite

    options.refuse(NOT_OF_LAYERS, "--layer", "which has checks of its own")
    for flag, values in (("--layer", names), ("--drop-prob", options.ps)):
        if len(set(values)) < len(values):
            raise RequestError(f"{flag} is given twice with the same value")
    ps = list(options.ps) if "p" in options.given else None
    seed = 0 if options.seed is None else options.seed
    suites = []
    for name in names:
        with redirect_stdout(sys.stderr):
            findings = judge_layer(load(name), ps, seed, dtype)
        suites.append(layer_suite(legible(name), findings, seed, messages))
    return suites
