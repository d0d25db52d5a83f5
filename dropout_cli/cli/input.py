"""Reading vectors, JSON and saved passes from the command line and from files."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.cli.printed import Vector, parse, to_vector
from dropout_cli.errors import RequestError
from dropout_cli.problem import Problem

MOST = 10**7  # elements of a vector
BACKWARD = ("grad_y", "grad_y_source", "loss", "local_grad", "grad_x")
KEYS = ("schema", "mode", "p", "scale", "x", "mask", "mask_source", "y", *BACKWARD)


def read_vector(value: str, name: str) -> Vector:
    """Read a vector from numbers as text, from `@FILE` (.npy, .json, else text) or from `-`.

    name: what errors call it. Raises RequestError for anything but a vector or matrix of numbers,
    for an empty one, and for one of more than MOST elements.
    """
    path = value.removeprefix("@")
    kind = os.path.splitext(path)[1].lower()
    if path == value != "-":
        vector = parse(value, name)
    elif kind == ".npy":
        vector = _read_npy(path)
    elif kind == ".json":
        vector = from_json(parse_json(read_text(path), path), name)
    else:
        vector = parse(read_text(path), name)
    n = vector.values.size
    if n == 0:
        raise RequestError(f"{name} is empty, but it must hold at least one number")
    if n > MOST:
        raise RequestError(f"{name} has {n:,} elements, but at most {MOST:,} are taken")
    return vector


def read_text(path: str) -> str:
    """Read UTF-8 text from a file, or from standard input for "-"."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{data[error.start]:02x}"
        raise RequestError(f"{named(path)} is not UTF-8 text: {byte}") from None


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input for "-"."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise RequestError(f"cannot read {named(path)}: {error.strerror}") from None


def named(path: str) -> str:
    """Return the name that errors give the file."""
    return "standard input" if path == "-" else path


def _read_npy(path: str) -> Vector:
    data = read_bytes(path)
    try:
        array = np.load(io.BytesIO(data))
        if array.dtype.kind not in "fiub":
            raise ValueError
    except Exception:  # np.load raises many kinds for other or broken files
        raise RequestError(f"{path} is not a .npy file of real numbers") from None
    with np.errstate(all="ignore"):  # too large for float64 becomes inf, which is refused later
        return Vector(array.astype(np.float64).ravel(), array.shape)


def parse_json(text: str, source: str) -> Any:
    """Parse JSON; RequestError, naming the source, if it is broken."""
    import json

    try:
        return json.loads(text)
    except (RecursionError, ValueError) as error:
        raise RequestError(f"{source} is not JSON: {error}") from None


def from_json(value: Any, name: str) -> Vector:
    """Convert a parsed JSON value to a vector; RequestError if it is not a list of numbers."""
    if not isinstance(value, list):
        raise RequestError(f"{name} is not a list in JSON, but it must be a list of numbers")
    return to_vector(value, name)


def read_problem(
    saved: Any, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """Return the problem of a pass that forward_record or backward_record wrote.

    saved: its parsed JSON. source: what errors call it. grad_y, loss: as in Problem.create; without
    either, the saved upstream gradient, if there is one.
    Raises RequestError for another schema, an unknown or missing key, or a contradiction.
    """
    from dropout_cli.views.passes import SCHEMA

    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a saved pass: its schema must be {SCHEMA!r}")
    try:
        refuse_unknown(saved, KEYS, "a saved pass")
        return _saved_problem(saved, grad_y, loss)
    except KeyError as error:
        raise RequestError(f"{source} has no {error}, which a saved pass must have") from None
    except RequestError as error:
        raise RequestError(f"{error}, in {source}") from None


def _saved_problem(saved: dict[str, Any], grad_y: FloatArray | None, loss: str | None) -> Problem:
    """Create the problem of a saved pass, and check that its record is the saved one."""
    from dropout_cli.problem import Problem
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import backward_record, forward_record

    record = forward_record
    if grad_y is None and loss is None and saved.keys() & set(BACKWARD):
        record, loss = backward_record, str(saved["grad_y_source"])
        if loss == "given":
            grad_y, loss = from_json(saved["grad_y"], "grad_y").values, None
    mask: dict[str, Any] = {}
    match saved["mode"], saved["mask"], saved["mask_source"]:
        case "inference", _, _:
            mask["training"] = False
        case _, values, {"kind": "given"}:
            mask["mask"] = from_json(values, "mask").values
        case _, _, {"kind": "drawn", "rng": str(rng), "seed": int(seed), **more}:
            mask |= {"rng": rng, "seed": seed, "skip": more.get("skip")}
        case _:
            raise RequestError(
                'mask_source must be {"kind": "given"}, or "drawn" with its rng and seed'
            )
    x = from_json(saved["x"], "x").values
    problem = Problem.create(x, saved["p"], grad_y=grad_y, loss=loss, **mask)
    for key, value in record(Trace(problem)).items():
        if not equal(saved[key], value):
            raise RequestError(f"{key} does not follow from the rest of the pass")
    return problem


def refuse_unknown(saved: dict[str, Any], keys: Sequence[str], what: str) -> None:
    """Raise RequestError for a key that is none of these, and suggest the closest."""
    for key in saved:
        if key not in keys:
            import difflib

            near = difflib.get_close_matches(key, keys, 1, 0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(keys)}"
            raise RequestError(f"{short(key)} is no key of {what}: {hint}")


def short(value: Any) -> str:
    """Write a value as Python does, in at most 40 characters."""
    written = repr(value)
    return written if len(written) <= 40 else f"{written[:37]}…"


def equal(saved: Any, right: Any) -> bool:
    """Test whether a JSON value equals a value or an array."""
    return bool(saved == (right.tolist() if isinstance(right, np.ndarray) else right))
