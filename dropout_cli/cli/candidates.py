"""What an implementation computed, from the command line or from JSON in a file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.cli.saved import equal, named, read_mask_source, refuse_unknown, short
from dropout_cli.cli.vectors import from_json, parse_json, read_text, read_vector
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace
from dropout_cli.verify.tolerance import TYPES, rounding
from dropout_cli.verify.verdict import Candidate
from dropout_cli.views.passes import SCHEMA, backward_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.cli.options import ProblemOptions
    from dropout_cli.problem import Problem

KEYS = (
    "schema", "name", "mode", "x", "p", "mask", "y", "grad_y", "grad_x", "grad_y_source", "loss",
    "dtype",
)  # fmt: skip
SAVED = ("scale", "mask_source", "local_grad")  # what a saved pass adds: it follows from the rest
DEEPEST = 32
NEEDED = "so what is right is unknown"
OPTIONS = {  # that a key of the file sets
    "x": {"x"}, "p": {"p"}, "mask": {"mask", "seed", "rng"}, "mode": {"inference"},
    "grad_y": {"grad_y", "loss"}, "grad_y_source": {"grad_y", "loss"},
}  # fmt: skip


def read_candidates(paths: Sequence[str], options: ProblemOptions) -> list[Candidate]:
    """Read the candidates in JSON files, or "-": each holds one object, or a list of them.

    The options give what a file leaves out; nothing else is filled in. Raises RequestError for
    JSON that is broken, and where a candidate cannot be judged: its place and what it lacks.
    """
    candidates = [
        candidate._replace(name=candidate.name or (path if len(paths) > 1 else None))
        for path in paths
        for candidate in _read_file(path, options)
    ]
    names = [candidate.name for candidate in candidates]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        files = ", ".join(dict.fromkeys(map(named, paths)))
        raise RequestError(f"two candidates are called {twice!r}, in {files}")
    _refuse_unused(options, candidates)
    return candidates


def _read_file(path: str, options: ProblemOptions) -> list[Candidate]:
    source = named(path)
    written = parse_json(read_text(path), source)
    cases = written if isinstance(written, list) else [written]
    if not cases:
        raise RequestError(f"{source} holds no candidate: the list is empty")
    candidates = []
    for k, case in enumerate(cases, 1):
        where = f"{source}, case {k}" if isinstance(written, list) else source
        if not isinstance(case, dict):
            raise RequestError(f"{where} is not a candidate: it must be a JSON object")
        try:
            candidate = _candidate(case, options)
        except RequestError as error:
            raise RequestError(f"{error}, in {where}") from None
        if candidate.name is None and isinstance(written, list):
            candidate = candidate._replace(name=f"case {k}")
        candidates.append(candidate)
    return candidates


def written_candidate(y: str | None, grad_x: str | None, options: ProblemOptions) -> Candidate:
    """Read the candidate whose --y and --grad-x stand on the command line.

    Without --input it is for the worked example; with it, what is judged must follow from what is
    given.
    """
    written = {"y": y, "grad_x": grad_x}
    values = {key: read_vector(v, key) for key, v in written.items() if v is not None}
    if "x" in options.given:
        x = read_vector(options.x, "x")
        candidate = _create({"x": x}, values, x.shape, None, "float32", options)
    else:
        problem = options.problem()
        candidate = Candidate(None, problem, problem.x.shape, "float32", values, own_mask=False)
    _refuse_unused(options, [candidate])
    return candidate


def _refuse_unused(options: ProblemOptions, candidates: Sequence[Candidate]) -> None:
    """Refuse an upstream gradient that no candidate needs."""
    if not any("grad_x" in candidate.values for candidate in candidates):
        options.refuse(["grad_y", "loss"], "y alone", "which does not depend on it")


def _candidate(case: dict[str, Any], options: ProblemOptions) -> Candidate:
    """Read one candidate of a file."""
    saved = case.get("schema") == SCHEMA
    refuse_unknown(case, KEYS + (SAVED if saved else ()), "a candidate")
    if case.get("schema", SCHEMA) != SCHEMA:
        raise RequestError(
            f"schema is {short(case['schema'])}, but it must be {SCHEMA!r} or left out"
        )
    _check(case, "name", lambda v: isinstance(v, str) and v.isprintable(), "printable text")
    _check(case, "mode", lambda v: v in ("training", "inference"), "'training' or 'inference'")
    _check(case, "p", lambda v: type(v) in (int, float), "a number")
    _check(case, "dtype", lambda v: str(v) in TYPES, f"one of {', '.join(TYPES)}")
    _check(case, "loss", lambda v: v is None or type(v) in (int, float), "a number, its value")
    _check(case, "grad_y_source", lambda v: isinstance(v, str), "'given' or the name of a loss")
    known: dict[str, Any] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for key in ("x", "mask", "grad_y", "y", "grad_x"):
        if case.get(key) is not None:
            known[key], shapes[key] = _array(case[key], key)
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{key} {_sides(shape)}" for key, shape in shapes.items())
        raise RequestError(f"the shapes differ, but they must be one: {told}")
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
    shape = next(iter(shapes.values()))
    name, dtype = case.get("name"), case.get("dtype", "float32")
    candidate = _create(known, values, shape, name, dtype, options)
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
    dtype: str,
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
    known.setdefault("x", read_vector(options.x, "x"))
    drawn = "seed" in options.given or "rng" in options.given
    sure = not training or known.get("p", options.p) in (0, 1)
    read = not (sure or drawn or "mask" in known or "mask" in options.given)
    if read:
        known["mask"] = _mask_of(values.get("y"), known["x"])
    problem = replace(options.problem(**known), loss_asked=False)  # no loss is judged
    return Candidate(
        name,
        problem,
        shape,
        dtype,
        values,
        read_mask=read,
        own_mask=not (sure or drawn),
    )


def _mask_of(y: FloatArray | None, x: FloatArray) -> FloatArray:
    """Read the mask from y: 0 where y is 0, which tells something only where x is not."""
    if y is None:
        raise RequestError("there is neither 'mask' (nor --mask or --seed) nor 'y' to read it from")
    zero = np.flatnonzero(x == 0)
    if zero.size:
        raise RequestError(
            f"there is no 'mask' (nor --mask or --seed), and x[{zero[0] + 1}] is 0, so that it"
            " cannot be read from y"
        )
    if y.size != x.size:
        raise RequestError(f"y has length {y.size}, but it must have length {x.size}, as x does")
    return np.asarray(y != 0, dtype=np.float64)


def _must_follow(case: dict[str, Any], problem: Problem) -> None:
    """Refuse a saved pass whose other keys contradict its problem."""
    if problem.mask is not None and case.get("mask_source") is not None:
        read_mask_source(case["mask_source"], problem)
    right = backward_record(Trace(problem))
    for key, value in (("scale", right["scale"]), ("local_grad", right["local_grad"])):
        if key in case and not equal(case[key], value):
            raise RequestError(f"{key} does not follow from mask and p")


def _check(case: dict[str, Any], key: str, right: Callable[[Any], bool], expected: str) -> None:
    """Refuse the key's value if it is not what is expected."""
    if key in case and not right(case[key]):
        raise RequestError(f"{key} is {short(case[key])}, but it must be {expected}")


def _array(value: Any, key: str) -> tuple[FloatArray, tuple[int, ...]]:
    """Flatten nested lists of numbers, and return their shape; those of a mask may be bools."""
    flat = value
    shape: list[int] = []
    while isinstance(flat, list) and flat and isinstance(flat[0], list):
        if len(shape) == DEEPEST:
            raise RequestError(f"{key} is nested more than {DEEPEST} lists deep")
        shape.append(len(flat))
        lengths = {len(row) if isinstance(row, list) else -1 for row in flat}
        if len(lengths) > 1:
            raise RequestError(f"{key} has rows of different lengths, but they must be one")
        flat = [item for row in flat for item in row]
    if key == "mask" and isinstance(flat, list):
        flat = [int(item) if isinstance(item, bool) else item for item in flat]
    vector = from_json(flat, key)
    shape.append(vector.size // math.prod(shape))
    return vector, tuple(shape)


def _sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
