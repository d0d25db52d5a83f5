"""Judging layers and candidates for verify, and reading candidates."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import Any

from dropout_cli.arrays import FloatArray
from dropout_cli.cli.input import (
    equal,
    from_json,
    named,
    parse_json,
    read_text,
    read_vector,
    refuse_unknown,
    short,
)
from dropout_cli.cli.options import ProblemOptions
from dropout_cli.cli.output import legible
from dropout_cli.cli.printed import Vector
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace
from dropout_cli.verify.candidate import Candidate, judge, one_shape, read_mask
from dropout_cli.verify.judge import judge_layer
from dropout_cli.verify.load import load
from dropout_cli.verify.tolerance import TYPES, half_units, rounding
from dropout_cli.views.passes import SCHEMA
from dropout_cli.views.verification import Suite, candidate_suite, layer_suite
from dropout_cli.words.messages import Messages

NOT_OF_LAYERS = (
    "x", "mask", "rng", "skip", "inference", "grad_y", "loss", "against", "candidates", "y",
    "grad_x", "rtol", "atol", "decimals",
)  # fmt: skip
VECTORS = ("x", "mask", "y", "grad_y", "grad_x")
# A test of the value of other keys, and the same in words.
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "schema": (lambda v: v == SCHEMA, f"{SCHEMA!r} or left out"),
    "name": (lambda v: isinstance(v, str) and v.isprintable(), "printable text"),
    "mode": (lambda v: v in ("training", "inference"), "'training' or 'inference'"),
    "dtype": (lambda v: str(v) in TYPES, f"one of {', '.join(TYPES)}"),
}
KEYS = (*VECTORS, *VALUES, "p", "grad_y_source", "loss", "meta")
SAVED = ("scale", "mask_source", "local_grad")  # more keys of a saved pass
OPTIONS = {  # the options that cannot be combined with a key
    "x": {"x"}, "p": {"p"}, "mask": {"mask", "seed", "rng", "skip"}, "mode": {"inference"},
    "grad_y": {"grad_y", "loss"}, "grad_y_source": {"grad_y", "loss"},
}  # fmt: skip


def judge_candidates(
    paths: Sequence[str], texts: Mapping[str, str | None], decimals: int | None,
    rtol: float | None, atol: float, options: ProblemOptions, messages: Messages,
) -> list[Suite]:  # fmt: skip
    """Judge the candidates in the files, or else the y and grad_x in texts; a suite for each."""
    options.refuse(["against"], "a candidate", "which is compared with the definition alone")
    options.refuse(["dtype"], "a candidate", "whose file says it")
    if paths:
        options.refuse(["y", "grad_x"], "--candidate", "whose file holds them")
        candidates = _read_candidates(paths, options)
    else:
        candidates = [_read_written(texts, options)]
    if decimals is not None:
        unit = 0.5 * 10.0**-decimals
        candidates = [each._replace(units=dict.fromkeys(each.units, unit)) for each in candidates]
    if not any("grad_x" in candidate.values for candidate in candidates):
        options.refuse(["grad_y", "loss"], "y alone", "which does not depend on it")
    return [candidate_suite(each, *judge(each, rtol, atol), messages) for each in candidates]


def judge_layers(
    names: Sequence[str], dtype: str | None, options: ProblemOptions, messages: Messages
) -> list[Suite]:
    """Judge layers, a suite for each; what they print goes to standard error."""
    options.refuse(NOT_OF_LAYERS, "--layer", "which has checks of its own")
    for flag, values in (("--layer", names), ("--drop-prob", options.ps)):
        if len(set(values)) < len(values):
            raise RequestError(f"{flag} is given twice with the same value")
    ps = list(options.ps) if "p" in options.given else None
    seed = 0 if options.seed is None else options.seed
    suites = []
    for name in names:
        with _redirected():
            findings = judge_layer(load(name), ps, seed, dtype)
        suites.append(layer_suite(legible(name), findings, seed, messages))
    return suites


@contextmanager
def _redirected() -> Iterator[None]:
    """Send standard output to standard error, also that of other processes, such as `make`."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()  # a layer may have written to sys.__stdout__
        os.dup2(output, 1)
        os.close(output)


def _read_candidates(paths: Sequence[str], options: ProblemOptions) -> list[Candidate]:
    """Read the candidates in JSON files or standard input, "-": an object each, or a list of them.

    options: for what a file leaves out; there are no defaults.
    Raises RequestError for broken JSON, and for a candidate that cannot be judged.
    """
    candidates: list[Candidate] = []
    for path in paths:
        source, text = named(path), read_text(path)
        parsed, texts = parse_json(text, source), json.loads(text, parse_float=str)
        several = isinstance(parsed, list)
        cases = list(zip(parsed, texts, strict=True)) if several else [(parsed, texts)]
        if not cases:
            raise RequestError(f"{source} holds no candidate: the list is empty")
        for k, (case, written) in enumerate(cases, 1):
            where = f"{source}, case {k}" if several else source
            if not isinstance(case, dict):
                raise RequestError(f"{where} is not a candidate: it must be a JSON object")
            try:
                candidate = _read(case, written, options)
            except RequestError as error:
                raise RequestError(f"{error}, in {where}") from None
            name = f"case {k}" if several else path if paths[1:] else None
            candidates.append(candidate._replace(name=case.get("name") or name))
    names = [candidate.name for candidate in candidates]
    if len({*names}) < len(names):
        raise RequestError(f"two candidates are called {max(names, key=names.count)!r}")
    return candidates


def _read_written(texts: Mapping[str, str | None], options: ProblemOptions) -> Candidate:
    """Read the candidate given as --y and --grad-x.

    Without --input it is one of the worked example; with it, there are no defaults.
    """
    vectors = {key: read_vector(text, key) for key, text in texts.items() if text is not None}
    values = {key: vector.values for key, vector in vectors.items()}
    if "x" in options.given:
        candidate = _create({}, values, options)
    else:
        candidate = Candidate(options.problem(), values, own_mask=False)
    return candidate._replace(units=_units(vectors, options))


def _read(case: dict[str, Any], written: dict[str, Any], options: ProblemOptions) -> Candidate:
    """Read one candidate of a file. written: the same, with its decimal numbers as text."""
    saved = case.get("schema") == SCHEMA
    refuse_unknown(case, KEYS + (SAVED if saved else ()), "a candidate")
    for key, (holds, expected) in VALUES.items():
        if key in case and not holds(case[key]):
            raise RequestError(f"{key} is {short(case[key])}, but it must be {expected}")
    for key, names in OPTIONS.items():
        if case.get(key) is not None:
            options.refuse(names, "the candidate")
    vectors = {key: from_json(written[key], key) for key in VECTORS if case.get(key) is not None}
    if saved:  # its numbers are exact
        vectors = {key: vector._replace(written=()) for key, vector in vectors.items()}
    known: dict[str, Any] = {key: vector.values for key, vector in vectors.items()}
    values: dict[str, FloatArray] = {k: known.pop(k) for k in ("y", "grad_x") if k in known}
    if not values:
        raise RequestError("there is neither 'y' nor 'grad_x', so there is nothing to judge")
    if "mode" in case:
        known["training"] = case["mode"] == "training"
    if "p" in case:
        known["p"] = case["p"]
    grad_y = known.get("grad_y")
    if case.get("grad_y_source", "given") != "given":
        known["grad_y"], known["loss"] = None, str(case["grad_y_source"])
    shape = one_shape({key: vector.shape for key, vector in vectors.items()})
    candidate = _create(known, values, options)
    candidate = candidate._replace(
        problem=replace(candidate.problem, shape=shape if shape[1:] else None),
        dtype=case.get("dtype", "float32"),
        units=_units(vectors, options),
    )
    trace = Trace(candidate.problem)
    if saved:
        for key, value in (("scale", trace.scale), ("local_grad", trace.local_grad)):
            if key in case and not equal(case[key], value):
                raise RequestError(f"{key} does not follow from mask and p")
    if "loss" in known and grad_y is not None:
        allowed = rounding(trace, "grad_y", candidate.dtype)
        if grad_y.shape != trace.y.shape or not allowed.near(grad_y, trace.grad_y).all():
            raise RequestError(f"grad_y is not the gradient of grad_y_source, {known['loss']!r}")
    return candidate


def _create(
    known: dict[str, Any], values: dict[str, FloatArray], options: ProblemOptions
) -> Candidate:
    """Create a candidate from the file and the options; its mask may also be read from y."""
    has = known.keys() | options.given.keys()
    missing = None
    if "x" not in has:
        missing = "'x' nor --input"
    elif known.get("training", not options.inference) and "p" not in has:
        missing = "'p' nor --drop-prob"
    elif "grad_x" in values and not has & {"grad_y", "loss"}:
        missing = "'grad_y' nor its loss as 'grad_y_source' (nor --grad-y or --loss)"
    if missing:
        raise RequestError(f"there is neither {missing}, so what is right is unknown")
    problem = options.problem(**known)
    drawn = bool(has & {"seed", "rng", "skip"})
    candidate = Candidate(problem, values, own_mask=not drawn)
    return candidate if drawn or "mask" in has else read_mask(candidate)


def _units(vectors: dict[str, Vector], options: ProblemOptions) -> dict[str, FloatArray | float]:
    """Bound the error of each vector from rounding it when it was written."""
    given = {"x": options.x, "grad_y": options.grad_y}
    read = {key: read_vector(v, key) for key, v in given.items() if v not in (None, "-")} | vectors
    return {key: half_units(vector.written) for key, vector in read.items()}
