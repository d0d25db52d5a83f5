"""JSON that comes back in: a saved pass, and what an implementation computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np

from dropout_cli.cli.options import Asked, refuse_given
from dropout_cli.cli.vectors import from_json, parse_json, read_text
from dropout_cli.errors import RequestError
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn, Problem
from dropout_cli.trace import Trace
from dropout_cli.views.passes import SCHEMA, backward_record, forward_record

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray


class Candidate(TypedDict, total=False):
    """What an implementation computed, and what its file says of the problem."""

    schema: str
    mode: str
    x: FloatArray
    p: float
    mask: FloatArray | None
    y: FloatArray
    grad_y: FloatArray
    grad_y_source: str
    loss: float | None
    grad_x: FloatArray


def read_saved(path: str, asked: Asked) -> Problem:
    """The problem of a saved pass, a file or "-", with the upstream gradient asked for.

    Raises RequestError where a problem option was given that the pass already sets.
    """
    refuse_given(("x", "p", "mask", "seed", "rng", "inference"), "--from")
    return read_problem(read_text(path), _named(path), grad_y=asked.upstream(), loss=asked.loss)


def read_problem(
    text: str, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """The problem of a pass that forward_record or backward_record wrote, with the mask used there.

    source names the text in errors. grad_y and loss are as in Problem.pose; if neither is given,
    the upstream gradient that stands in the text holds, if one does.
    Raises RequestError for JSON that is broken, of another schema, or contradicts itself.
    """
    saved = parse_json(text, source)
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise RequestError(f"{source} is not a saved pass: its schema must be {SCHEMA!r}")
    try:
        return _problem(saved, grad_y, loss)
    except KeyError as error:
        raise RequestError(f"{source} has no {error}, which a saved pass must have") from None
    except RequestError as error:
        raise RequestError(f"{error}, in {source}") from None


def _problem(saved: dict[str, Any], grad_y: FloatArray | None, loss: str | None) -> Problem:
    training = saved["mode"] == "training"
    if not training and saved["mode"] != "inference":
        raise RequestError("mode must be 'training' or 'inference'")
    if type(saved["p"]) not in (int, float):
        raise RequestError("p must be a number")
    own_gradient = grad_y is None and loss is None and "grad_y_source" in saved
    if own_gradient:
        if saved["grad_y_source"] == "given":
            grad_y = from_json(saved["grad_y"], "grad_y")
        else:
            loss = str(saved["grad_y_source"])
    if not training and not (saved["mask"] is None and saved["mask_source"] is None):
        raise RequestError("mask and mask_source must be null in inference")
    problem = Problem.pose(
        from_json(saved["x"], "x"),
        saved["p"],
        from_json(saved["mask"], "mask") if training else None,
        grad_y=grad_y,
        loss=loss,
        training=training,
    )
    if training:
        problem = replace(problem, drawn=_drawn(saved["mask_source"], problem))
    trace = Trace(problem)
    follows = backward_record(trace) if own_gradient else forward_record(trace)
    for key, value in follows.items():
        if key not in saved and key in ("scale", "y"):
            raise KeyError(key)
        if key in saved and saved[key] != value:
            raise RequestError(f"{key} does not follow from x, mask and p")
    return problem


def _drawn(source: Any, problem: Problem) -> Drawn | None:
    """Who drew the problem's mask, held against a new draw."""
    match source:
        case {"kind": "given"}:
            return None
        case {"kind": "drawn", "rng": str(rng), "seed": int(seed)} if type(seed) is int:
            again = draw(rng, seed, problem.x.size, problem.p)
            if problem.mask is None or not np.array_equal(again, problem.mask):
                raise RequestError(f"mask is not the one that {rng} draws with seed {seed}")
            return Drawn(rng, seed)
    raise RequestError('mask_source must be {"kind": "given"}, or "drawn" with its rng and seed')


def read_candidate(path: str) -> Candidate:
    """What an implementation wrote into a file, or "-".

    Raises RequestError for JSON that is broken, of another schema, or without y and grad_x.
    """
    source = _named(path)
    written = parse_json(read_text(path), source)
    if not isinstance(written, dict) or written.get("schema", SCHEMA) != SCHEMA:
        raise RequestError(f"{source} is not a candidate: its schema must be {SCHEMA!r}, or none")
    if written.get("y") is None and written.get("grad_x") is None:
        raise RequestError(f"{source} has neither 'y' nor 'grad_x', and there is nothing to judge")
    if written.get("mode", "training") not in ("training", "inference"):
        raise RequestError(f"mode must be 'training' or 'inference', in {source}")
    if type(written.get("p", 0.5)) not in (int, float):
        raise RequestError(f"p must be a number, in {source}")
    try:
        for key in ("x", "mask", "grad_y", "y", "grad_x"):
            if written.get(key) is not None:
                written[key] = from_json(written[key], key)
    except RequestError as error:
        raise RequestError(f"{error}, in {source}") from None
    return cast("Candidate", written)


def pose_candidate(candidate: Candidate, asked: Asked) -> Problem:
    """The problem of a candidate: what its file says, and the options for the rest."""
    known: dict[str, Any] = {key: candidate[key] for key in ("x", "p") if key in candidate}
    taken = set(known)
    if candidate.get("mask") is not None:
        known["mask"] = candidate["mask"]
        taken |= {"mask", "seed", "rng"}
    if "mode" in candidate:
        known["training"] = candidate["mode"] == "training"
        taken.add("inference")
    if candidate.get("grad_y_source", "given") != "given":
        known["loss"] = str(candidate["grad_y_source"])
    elif candidate.get("grad_y") is not None:
        known["grad_y"] = candidate["grad_y"]
    if not known.keys().isdisjoint({"grad_y", "loss"}):
        taken |= {"grad_y", "loss"}
    refuse_given(taken, "the candidate")
    return asked.pose(**known)


def _named(path: str) -> str:
    return "standard input" if path == "-" else path
