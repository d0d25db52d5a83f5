"""A saved pass that comes back in."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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

VECTORS = {"x", "mask", "y", "grad_y", "local_grad", "grad_x"}  # which a .npz holds as arrays


def read_saved(path: str, asked: Asked) -> Problem:
    """The problem of a saved pass, a file or "-", with the upstream gradient asked for.

    Raises RequestError where a problem option was given that the pass already sets.
    """
    refuse_given(("x", "p", "mask", "seed", "rng", "inference"), "--from")
    npz = path.lower().endswith(".npz")
    saved = read_npz(path) if npz else parse_json(read_text(path), named(path))
    return read_problem(saved, named(path), grad_y=asked.upstream(), loss=asked.loss)


def read_npz(path: str) -> dict[str, Any]:
    """The record in a .npz file that to_npz wrote; RequestError where it is none."""
    try:
        with warnings.catch_warnings(action="ignore"), np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = arrays.pop("record").tobytes().decode()
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or 'not a .npz file'}") from None
    except MemoryError:
        raise
    except Exception:  # whatever NumPy and zipfile stumble on in a file that is something else
        raise RequestError(f"{path} is not a .npz file of a saved pass") from None
    rest = parse_json(text, path)
    vectors = all(array.ndim == 1 and array.dtype.kind in "fiub" for array in arrays.values())
    if not (isinstance(rest, dict) and arrays.keys() <= VECTORS and vectors):
        raise RequestError(f"{path} is not a .npz file of a saved pass")
    return rest | arrays


def read_problem(
    saved: Any, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """The problem of a pass that forward_record or backward_record wrote, with the mask used there.

    saved: what its JSON or .npz holds. source names it in errors. grad_y and loss are as in
    Problem.pose; if neither is given, the upstream gradient that was saved holds, if one was.
    Raises RequestError for JSON that is broken, of another schema, or contradicts itself.
    """
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


def equal(saved: Any, right: Any) -> bool:
    """Whether what was saved, in JSON or as an array, is just this."""
    if not isinstance(right, np.ndarray):
        return bool(saved == right)
    return (
        np.array_equal(saved, right) if isinstance(saved, np.ndarray) else saved == right.tolist()
    )


def named(path: str) -> str:
    """What the file of this name is called in errors."""
    return "standard input" if path == "-" else path
