"""A saved pass that comes back in."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.cli.vectors import from_json, parse_json, read_text
from dropout_cli.errors import RequestError
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn, Problem
from dropout_cli.trace import Trace
from dropout_cli.views.passes import SCHEMA, backward_record, forward_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.cli.options import ProblemOptions
KEYS = (
    "schema", "mode", "p", "scale", "x", "mask", "mask_source", "y", "grad_y", "grad_y_source",
    "loss", "local_grad", "grad_x",
)  # fmt: skip


def read_saved(path: str, options: ProblemOptions) -> Problem:
    """Read the problem of a saved pass, a file or "-", with the upstream gradient of the options.

    Raises RequestError where a problem option was given that the pass already sets.
    """
    options.refuse(("x", "p", "mask", "seed", "rng", "inference"), "--from")
    saved = parse_json(read_text(path), named(path))
    return read_problem(saved, named(path), grad_y=options.upstream(), loss=options.loss)


def read_problem(
    saved: Any, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """Return the problem of a pass that forward_record or backward_record wrote, with its mask.

    saved: the value of its JSON. source names it in errors. grad_y and loss are as in
    Problem.pose; if neither is given, the upstream gradient that was saved holds, if one was.
    Raises RequestError for JSON of another schema, with an unknown key, or that contradicts itself.
    """
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise RequestError(f"{source} is not a saved pass: its schema must be {SCHEMA!r}")
    try:
        refuse_unknown(saved, KEYS, "a saved pass")
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
    if "grad_y_source" not in saved and saved.keys() & {"grad_y", "loss", "local_grad", "grad_x"}:
        raise KeyError("grad_y_source")
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
    if own_gradient:
        problem = replace(problem, loss_asked=saved.get("loss", 0) is not None)
    if training:
        problem = replace(problem, drawn=read_mask_source(saved["mask_source"], problem))
    trace = Trace(problem)
    follows = backward_record(trace) if own_gradient else forward_record(trace)
    for key, value in follows.items():
        if key not in saved and key in ("scale", "y"):
            raise KeyError(key)
        if key in saved and not equal(saved[key], value):
            raise RequestError(f"{key} does not follow from the rest of the pass")
    return problem


def read_mask_source(source: Any, problem: Problem) -> Drawn | None:
    """Read who drew the problem's mask, and check it against a new draw."""
    match source:
        case {"kind": "given"}:
            return None
        case {"kind": "drawn", "rng": str(rng), "seed": int(seed)} if type(seed) is int:
            again = draw(rng, seed, problem.x.size, problem.p)
            if problem.mask is None or not np.array_equal(again, problem.mask):
                raise RequestError(f"mask is not the one that {rng} draws with seed {seed}")
            return Drawn(rng, seed)
    raise RequestError('mask_source must be {"kind": "given"}, or "drawn" with its rng and seed')


def refuse_unknown(saved: dict[str, Any], keys: Sequence[str], what: str) -> None:
    """Refuse a key that is none of these, with the one that was probably meant."""
    for key in saved:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1, 0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(keys)}"
            raise RequestError(f"{short(key)} is no key of {what}: {hint}")


def short(value: Any) -> str:
    """Write a value as Python does, shortened where it is long."""
    written = repr(value)
    return written if len(written) <= 40 else f"{written[:37]}…"


def equal(saved: Any, right: Any) -> bool:
    """Whether what was saved in JSON is just this, a value or an array."""
    return bool(saved == (right.tolist() if isinstance(right, np.ndarray) else right))


def named(path: str) -> str:
    """Name the file in errors."""
    return "standard input" if path == "-" else path
