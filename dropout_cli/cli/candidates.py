"""What an implementation computed, from the command line or from JSON in a file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.cli.input import (
    equal,
    from_json,
    named,
    parse_json,
    read_mask_source,
    read_text,
    read_vector,
    refuse_unknown,
    short,
)
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace
from dropout_cli.verify.candidate import Candidate
from dropout_cli.verify.decimals import half_units
from dropout_cli.verify.tolerance import TYPES, rounding
from dropout_cli.views.passes import SCHEMA, backward_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.cli.options import ProblemOptions
    from dropout_cli.cli.printed import Vector
    from dropout_cli.problem import Problem

KEYS = (
    "schema", "name", "mode", "x", "p", "mask", "y", "grad_y", "grad_x", "grad_y_source", "loss",
    "dtype", "meta",
)  # fmt: skip
SAVED = ("scale", "mask_source", "local_grad")  # what a saved pass adds: it follows from the rest
NEEDED = "so what is right is unknown"
OPTIONS = {  # that a key of the file sets
    "x": {"x"}, "p": {"p"}, "mask": {"mask", "seed", "rng", "skip"}, "mode": {"inference"},
    "grad_y": {"grad_y", "loss"}, "grad_y_source": {"grad_y", "loss"},
}  # fmt: skip


class Written(NamedTuple):
    """What the command line says of a candidate; decimals: to which all values were rounded."""

    y: str | None
    grad_x: str | None
    decimals: int | None


def read_candidates(
    paths: Sequence[str], options: ProblemOptions, decimals: int | None
) -> list[Candidate]:
    """Read the candidates in JSON files, or "-": each holds one object, or a list of them.

    The options give what a file leaves out; nothing else is filled in. Raises RequestError for
    JSON that is broken, and where a candidate cannot be judged: its place and what it lacks.
    """
    candidates: list[Candidate] = []
    for path in paths:
        source = named(path)
        text = read_text(path)
        written = parse_json(text, source)
        cases = written if isinstance(written, list) else [written]
        texts = json.loads(text, parse_float=str, parse_int=str)
        texts = texts if isinstance(written, list) else [texts]
        if not cases:
            raise RequestError(f"{source} holds no candidate: the list is empty")
        for k, case in enumerate(cases, 1):
            where = f"{source}, case {k}" if isinstance(written, list) else source
            if not isinstance(case, dict):
                raise RequestError(f"{where} is not a candidate: it must be a JSON object")
            try:
                candidate = _candidate(case, texts[k - 1], options, decimals)
            except RequestError as error:
                raise RequestError(f"{error}, in {where}") from None
            default = f"case {k}" if isinstance(written, list) else path if paths[1:] else None
            candidates.append(candidate._replace(name=candidate.name or default))
    names = [candidate.name for candidate in candidates]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        files = ", ".join(dict.fromkeys(map(named, paths)))
        raise RequestError(f"two candidates are called {twice!r}, in {files}")
    _refuse_unused(options, candidates)
    return candidates


def _units(
    vectors: dict[str, Vector], options: ProblemOptions, decimals: int | None
) -> dict[str, FloatArray | float]:
    """How far each vector may be off because it was rounded when it was written."""
    given = {"x": options.x, "grad_y": options.grad_y}
    read = {key: read_vector(v, key) for key, v in given.items() if v not in (None, "-")} | vectors
    if decimals is not None:
        return dict.fromkeys(read, 0.5 * 10.0**-decimals)
    return {key: half_units(vector.written) for key, vector in read.items()}


def written_candidate(written: Written, options: ProblemOptions) -> Candidate:
    """Read the candidate whose --y and --grad-x stand on the command line.

    Without --input it is for the worked example; with it, what is judged must follow from what is
    given.
    """
    given = {"y": written.y, "grad_x": written.grad_x}
    read = {key: read_vector(v, key) for key, v in given.items() if v is not None}
    values = {key: vector.values for key, vector in read.items()}
    if "x" in options.given:
        x = read_vector(options.x, "x")
        candidate = _create({"x": x.values}, values, x.shape, None, None, options)
    else:
        problem = options.problem()
        candidate = Candidate(
            None, problem, problem.x.shape, "float32", values, own_mask=False, said_dtype=False
        )
    _refuse_unused(options, [candidate])
    return candidate._replace(units=_units(read, options, written.decimals))


def _refuse_unused(options: ProblemOptions, candidates: Sequence[Candidate]) -> None:
    """Refuse an upstream gradient that no candidate needs."""
    if not any("grad_x" in candidate.values for candidate in candidates):
        options.refuse(["grad_y", "loss"], "y alone", "which does not depend on it")


def _candidate(
    case: dict[str, Any], texts: dict[str, Any], options: ProblemOptions, decimals: int | None
) -> Candidate:
    """Read one candidate of a file. texts: the same with its numbers as they are written."""
    saved = case.get("schema") == SCHEMA
    refuse_unknown(case, KEYS + (SAVED if saved else ()), "a candidate")
    if case.get("schema", SCHEMA) != SCHEMA:
        raise RequestError(
            f"schema is {short(case['schema'])}, but it must be {SCHEMA!r} or left out"
        )
    _check(case, "name", lambda v: isinstance(v, str) and v.isprintable(), "printable text")
    _check(case, "mode", lambda v: v in ("training", "inference"), "'training' or 'inference'")
    if "p" in case and type(case["p"]) not in (int, float):
        raise RequestError(f"p is {short(case['p'])}, which is not a number")
    _check(case, "dtype", lambda v: str(v) in TYPES, f"one of {', '.join(TYPES)}")
    _check(case, "loss", lambda v: v is None or type(v) in (int, float), "a number, its value")
    _check(case, "grad_y_source", lambda v: isinstance(v, str), "'given' or the name of a loss")
    read = {
        key: from_json(case[key], key)
        for key in ("x", "mask", "grad_y", "y", "grad_x") if case.get(key) is not None
    }  # fmt: skip
    if len({vector.shape for vector in read.values()}) > 1:
        told = ", ".join(f"{key} {'×'.join(map(str, v.shape))}" for key, v in read.items())
        raise RequestError(f"the shapes differ, but they must be one: {told}")
    known: dict[str, Any] = {key: vector.values for key, vector in read.items()}
    values: dict[str, FloatArray] = {key: known.pop(key) for key in ("y", "grad_x") if key in known}
    if not values:
        raise RequestError("there is neither 'y' nor 'grad_x', so there is nothing to judge")
    if "mode" in case:
        known["training"] = case["mode"] == "training"
    if "p" in case:
        known["p"] = case["p"]
    written_gradient = known.get("grad_y")
    if case.get("grad_y_source", "given") != "given":
        known.pop("grad_y", None)
        known["loss"] = case["grad_y_source"]
    for key, setters in OPTIONS.items():
        if case.get(key) is not None:
            options.refuse(setters, "the candidate")
    shape = next(iter(read.values())).shape
    candidate = _create(known, values, shape, case.get("name"), case.get("dtype"), options)
    if decimals is not None or not saved:  # a saved pass has all its digits
        written = {
            key: vector._replace(written=tuple(_flat(texts[key])))
            for key, vector in read.items() if key != "mask"
        }  # fmt: skip
        candidate = candidate._replace(units=_units(written, options, decimals))
    if saved:
        _must_follow(case, candidate.problem)
    if "loss" in known and written_gradient is not None:
        trace = Trace(candidate.problem)
        right, allowed = trace.grad_y, rounding(trace, "grad_y", candidate.dtype)
        if written_gradient.shape != right.shape or not allowed.near(written_gradient, right).all():
            raise RequestError(f"grad_y is not the gradient of grad_y_source, {known['loss']!r}")
    return candidate


def _create(
    known: dict[str, Any],
    values: dict[str, FloatArray],
    shape: tuple[int, ...],
    name: str | None,
    dtype: str | None,
    options: ProblemOptions,
) -> Candidate:
    """Create the candidate, if its problem is known: from the file, the options, or y."""
    training = known.get("training", not options.inference)
    if "x" not in known and "x" not in options.given:
        raise RequestError(f"there is neither 'x' nor --input, {NEEDED}")
    if training and "p" not in known and "p" not in options.given:
        raise RequestError(f"there is neither 'p' nor --drop-prob, {NEEDED}")
    upstream = {"grad_y", "loss"} & (known.keys() | options.given.keys())
    if "grad_x" in values and not upstream:
        raise RequestError(
            "there is 'grad_x', but neither 'grad_y' nor the loss as 'grad_y_source' (nor --grad-y"
            f" or --loss), {NEEDED}"
        )
    known.setdefault("x", read_vector(options.x, "x").values)
    drawn = bool({"seed", "rng", "skip"} & options.given.keys())
    sure = not training or known.get("p", options.p) in (0, 1)
    read = not (sure or drawn or "mask" in known or "mask" in options.given)
    unknown = None
    if read:
        known["mask"], unknown = _read_mask(values, known, options)
    problem = replace(options.problem(**known), loss_asked=False)  # no loss is judged
    return Candidate(
        name,
        problem,
        shape,
        dtype or "float32",
        values,
        read_mask=read,
        own_mask=not (sure or drawn),
        unknown=unknown,
        said_dtype=dtype is not None,
    )


def _read_mask(
    values: dict[str, FloatArray], known: dict[str, Any], options: ProblemOptions
) -> tuple[FloatArray, Mask]:
    """Read the mask, and say where it cannot be read.

    What is not 0 in y was kept. What is 0 was dropped where x is not 0; where it is, ∂L/∂x tells,
    if ∂L/∂y is not 0.
    """
    x, y, grad_x = known["x"], values.get("y"), values.get("grad_x")
    if y is None:
        raise RequestError("there is neither 'mask' (nor --mask or --seed) nor 'y' to read it from")
    for key, vector in values.items():
        if vector.size != x.size:
            raise RequestError(
                f"{key} has length {vector.size}, but it must have length {x.size}, as x does"
            )
    mask, unknown = y != 0, (y == 0) & (x == 0)
    if grad_x is not None and unknown.any():
        upstream = known.get("grad_y")
        if upstream is None and options.grad_y is not None:
            upstream = read_vector(options.grad_y, "grad_y").values
        if upstream is None:  # that of a loss: 2y, which is 0 there, or the same everywhere
            squares = (known.get("loss") or options.loss) == "sum-squares"
            upstream = np.zeros_like(x) if squares else np.ones_like(x)
        tells = unknown & (upstream != 0) if upstream.shape == x.shape else unknown
        mask, unknown = mask | (tells & (grad_x != 0)), unknown & ~tells
    return np.asarray(mask, dtype=np.float64), unknown


def _must_follow(case: dict[str, Any], problem: Problem) -> None:
    """Refuse a saved pass whose other keys contradict its problem."""
    if problem.mask is not None and case.get("mask_source") is not None:
        read_mask_source(case["mask_source"], problem)
    right = backward_record(Trace(problem))
    for key, value in (("scale", right["scale"]), ("local_grad", right["local_grad"])):
        if key in case and not equal(case[key], value):
            raise RequestError(f"{key} does not follow from mask and p")


def _flat(texts: Any) -> list[str]:
    """The numbers of nested lists, as they are written."""
    if not isinstance(texts, list):
        return [str(texts)]
    return [text for each in texts for text in _flat(each)]


def _check(case: dict[str, Any], key: str, right: Callable[[Any], bool], expected: str) -> None:
    """Refuse the key's value if it is not what is expected."""
    if key in case and not right(case[key]):
        raise RequestError(f"{key} is {short(case[key])}, but it must be {expected}")
