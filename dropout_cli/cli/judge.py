"""Judging layers and candidates for verify, and reading candidates."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from dropout_cli.cli.input import (
    create_problem,
    display_name,
    from_json,
    problem_arguments,
    read_json,
    read_vector,
    refuse_unknown,
    vectors_in,
)
from dropout_cli.cli.options import ProblemOptions
from dropout_cli.cli.output import legible
from dropout_cli.cli.printed import Vector, to_vector
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace
from dropout_cli.verify.candidate import Candidate, judge_candidate, one_shape, read_mask
from dropout_cli.verify.judge import judge_layer
from dropout_cli.verify.load import load_layer
from dropout_cli.verify.tolerance import TYPES, half_units, rounding
from dropout_cli.views.passes import SCHEMA
from dropout_cli.views.records import CandidateRecord
from dropout_cli.views.verification import Suite, candidate_suite, layer_suite
from dropout_cli.words.messages import Messages

NOT_OF_LAYERS = (
    "x", "mask", "rng", "skip", "training", "grad_y", "loss", "against", "candidates", "y",
    "grad_x", "rtol", "atol", "decimals",
)  # fmt: skip
KEYS = tuple(CandidateRecord.__annotations__)
ANSWERS = ("y", "grad_x")
SAVED = ("scale", "mask_source", "local_grad")  # more keys of a saved pass
CHOICES = {"schema": [SCHEMA], "mode": ["training", "inference"], "dtype": list(TYPES)}


def judge_candidates(
    paths: Sequence[str], texts: Mapping[str, str | None], decimals: int | None,
    rtol: float | None, atol: float, options: ProblemOptions, messages: Messages,
) -> list[Suite]:  # fmt: skip
    """Judge the candidates in the files, or else the y and grad_x in texts; a suite for each."""
    options.refuse(["against"], "a candidate", "which is compared with the definition alone")
    options.refuse(["dtype"], "a candidate", "whose file says it")
    if paths:
        options.refuse(["y", "grad_x"], "--candidate", "whose file holds them")
        candidates = _read_files(paths, options)
    else:
        values = {key: read_vector(text, key) for key, text in texts.items() if text is not None}
        if "x" in options.given:
            candidates = [_complete(values, {}, options)]
        else:  # of the worked example
            candidates = [_create(values, options.arguments())]
    if decimals is not None:
        units = dict.fromkeys(("x", "grad_y", *ANSWERS), 0.5 * 10.0**-decimals)
        candidates = [each._replace(units=units) for each in candidates]
    if not any("grad_x" in candidate.values for candidate in candidates):
        options.refuse(["grad_y", "loss"], "y alone", "which does not depend on it")
    return [
        candidate_suite(each, *judge_candidate(each, rtol, atol), messages) for each in candidates
    ]


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
            findings = judge_layer(load_layer(name), ps, seed, dtype)
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


def _read_files(paths: Sequence[str], options: ProblemOptions) -> list[Candidate]:
    """Read the candidates in JSON files or standard input, "-": an object each, or a list of them.

    options: for what a file leaves out; there are no defaults.
    Raises RequestError for broken JSON, and for a candidate that cannot be judged.
    """
    candidates: list[Candidate] = []
    for path in paths:
        source, parsed = display_name(path), read_json(path, str)
        several = isinstance(parsed, list)
        if parsed == []:
            raise RequestError(f"{source} holds no candidate: the list is empty")
        for k, case in enumerate(parsed if several else [parsed], 1):
            where = f"{source}, case {k}" if several else source
            if not isinstance(case, dict):
                raise RequestError(f"{where} is not a candidate: it must be a JSON object")
            try:
                candidate = _read(case, options)
            except RequestError as error:
                raise RequestError(f"{error}, in {where}") from None
            name = case.get("name") or (f"case {k}" if several else path if paths[1:] else None)
            candidates.append(candidate._replace(name=None if name is None else legible(str(name))))
    names = [candidate.name for candidate in candidates]
    if len({*names}) < len(names):
        raise RequestError(f"two candidates are called {max(names, key=names.count)!r}")
    return candidates


def _read(case: dict[str, Any], options: ProblemOptions) -> Candidate:
    """Read one candidate of a file."""
    saved = case.get("schema") == SCHEMA
    refuse_unknown(case, KEYS + (SAVED if saved else ()), "a candidate")
    for key, choices in CHOICES.items():
        if key in case and case[key] not in choices:
            one = " or ".join(choices)
            raise RequestError(f"{key} is {case[key]!r}, but it must be {one}")
    own = problem_arguments(case)
    options.refuse(own, "the candidate")
    values = {key: from_json(case[key], key) for key in ANSWERS if case.get(key) is not None}
    if not values:
        raise RequestError("there is neither 'y' nor 'grad_x', so there is nothing to judge")
    one_shape({key: vector.shape for key, vector in vectors_in(own | values).items()})
    candidate = _complete(values, own, options)._replace(dtype=case.get("dtype", "float32"))
    trace, loss = Trace(candidate.problem), candidate.problem.loss
    if saved:
        candidate = candidate._replace(units={})  # its numbers are exact
        for key, right in (("scale", [trace.scale]), ("local_grad", trace.local_grad.tolist())):
            if case.get(key) is not None and to_vector([case[key]], key).values.tolist() != right:
                raise RequestError(f"{key} does not follow from mask and p")
    if loss is not None and case.get("grad_y") is not None:
        grad_y = from_json(case["grad_y"], "grad_y").values
        allowed = rounding(trace, "grad_y", candidate.dtype)
        if grad_y.shape != trace.y.shape or not allowed.near(grad_y, trace.grad_y).all():
            raise RequestError(f"grad_y is not the gradient of grad_y_source, {loss!r}")
    return candidate


def _complete(values: dict[str, Vector], own: dict[str, Any], options: ProblemOptions) -> Candidate:
    """Create a candidate without the defaults of the worked example.

    own: the arguments of its problem in its file; the options give the rest, but for a mask that
    can be read from y.
    """
    given = own.keys() | options.given.keys()
    arguments = options.arguments() | own
    needed = {"x": True, "p": arguments["training"], "grad_y": "grad_x" in values}
    for name, is_needed in needed.items():
        if is_needed and name not in given and not (name == "grad_y" and "loss" in given):
            raise RequestError(
                f"{name} is given neither in a file nor by an option, so what is right is unknown"
            )
    candidate = _create(values, arguments)
    if given & {"seed", "rng", "skip"}:
        return candidate
    candidate = candidate._replace(own_mask=True)
    return candidate if "mask" in given else read_mask(candidate)


def _create(values: dict[str, Vector], arguments: dict[str, Any]) -> Candidate:
    """Create a candidate from its y and grad_x, and the arguments of its problem."""
    vectors = vectors_in(arguments | values)
    return Candidate(
        create_problem(arguments),
        {key: vector.values for key, vector in values.items()},
        units={key: half_units(vector.written) for key, vector in vectors.items()},
        own_mask=False,
    )
