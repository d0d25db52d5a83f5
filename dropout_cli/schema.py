"""A trace as JSON, schema dropout-cli/trace/1, and a problem read back from it.

Numbers are written so that they read back to the same float64.
"""

import json
from dataclasses import replace
from typing import Any

import numpy as np

from dropout_cli.dropout import FloatArray
from dropout_cli.errors import RequestError
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn, Problem
from dropout_cli.trace import Trace
from dropout_cli.vectors import from_json, parse_json

SCHEMA = "dropout-cli/trace/1"


def forward_json(trace: Trace) -> dict[str, Any]:
    """The forward pass: the schema's keys up to y."""
    problem = trace.problem
    source: dict[str, Any] | None = None
    if problem.training:
        source = {"kind": "given"}
        if problem.drawn is not None:
            source = {"kind": "drawn", "rng": problem.drawn.rng, "seed": problem.drawn.seed}
    return {
        "schema": SCHEMA,
        "mode": "training" if problem.training else "inference",
        "p": problem.p,
        "scale": trace.scale,
        "x": problem.x.tolist(),
        "mask": None if problem.mask is None else problem.mask.astype(int).tolist(),
        "mask_source": source,
        "y": trace.y.tolist(),
    }


def backward_json(trace: Trace) -> dict[str, Any]:
    """The forward and the backward pass: all the schema's keys."""
    return forward_json(trace) | {
        "grad_y": trace.grad_y.tolist(),
        "grad_y_source": trace.problem.loss or "given",
        "loss": trace.loss,
        "local_grad": trace.local_grad.tolist(),
        "grad_x": trace.grad_x.tolist(),
    }


def dumps(document: dict[str, Any]) -> str:
    """The document as JSON text, one key a line."""
    pairs = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(pairs) + "\n}\n"


def read_problem(
    text: str, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """The problem of a pass that forward_json or backward_json wrote, with the mask used there.

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
    follows = backward_json(trace) if own_gradient else forward_json(trace)
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


def read_candidate(text: str, source: str) -> dict[str, Any]:
    """What an implementation wrote: its y or grad_x or both, and what it says of the problem.

    Keys are those of the trace's schema; x, mask, grad_y, y and grad_x come back as arrays.
    Raises RequestError for JSON that is broken, of another schema, or without y and grad_x.
    """
    written = parse_json(text, source)
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
    return written
