"""Reading vectors, JSON and saved passes from the command line and from files."""

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dropout_cli.cli.printed import Vector, parse, to_vector
from dropout_cli.errors import RequestError
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.views.passes import SCHEMA, backward_record, forward_record
from dropout_cli.views.records import ForwardRecord, TraceRecord

MOST = 10**7  # elements of a vector
FORWARD, BACKWARD = tuple(ForwardRecord.__annotations__), tuple(TraceRecord.__annotations__)


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
        vector = from_json(read_json(path), name)
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
        raise RequestError(f"{display_name(path)} is not UTF-8 text: {byte}") from None


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input for "-"."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise RequestError(f"cannot read {display_name(path)}: {error.strerror}") from None


def display_name(path: str) -> str:
    """Return what errors call the file."""
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


def parse_json(text: str, source: str, parse_float: Callable[[str], Any] = float) -> Any:
    """Parse JSON; RequestError, naming the source, if it is broken.

    parse_float: str where it matters how decimal numbers were written.
    """
    import json

    try:
        return json.loads(text, parse_float=parse_float)
    except (RecursionError, ValueError) as error:
        raise RequestError(f"{source} is not JSON: {error}") from None


def read_json(path: str, parse_float: Callable[[str], Any] = float) -> Any:
    """Read a JSON file, or standard input for "-", as parse_json does."""
    return parse_json(read_text(path), display_name(path), parse_float)


def from_json(value: Any, name: str) -> Vector:
    """Convert a parsed JSON value to a vector; RequestError if it is not a list of numbers."""
    if not isinstance(value, list):
        raise RequestError(f"{name} is not a list in JSON, but it must be a list of numbers")
    return to_vector(value, name)


def create_problem(arguments: Mapping[str, Any]) -> Problem:
    """Create a problem with the shape of its vectors.

    arguments: of Problem.create, each vector as a Vector.
    """
    vectors = vectors_in(arguments)
    shapes = {each.shape for each in vectors.values() if len(each.shape) > 1}
    if len(shapes) > 1:
        raise RequestError("the shapes of x, mask and grad_y differ, but they must be one")
    values = {name: each.values for name, each in vectors.items()}
    problem = Problem.create(**{**arguments, **values})
    return replace(problem, shape=next(iter(shapes), None))


def vectors_in(arguments: Mapping[str, Any]) -> dict[str, Vector]:
    """Return those of the arguments that are vectors."""
    return {name: each for name, each in arguments.items() if isinstance(each, Vector)}


def problem_arguments(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of create_problem that a JSON record of a pass holds."""
    found: dict[str, Any] = {
        key: from_json(record[key], key)
        for key in ("x", "mask", "grad_y")
        if record.get(key) is not None
    }
    if "p" in record:
        found["p"] = record["p"]
    if "mode" in record:
        found["training"] = record["mode"] != "inference"
    if record.get("grad_y_source", "given") != "given":
        found |= {"grad_y": None, "loss": str(record["grad_y_source"])}
    return found


def read_problem(saved: Any, source: str, upstream: Mapping[str, Any] | None = None) -> Problem:
    """Return the problem of a pass that forward_record or backward_record wrote.

    saved: its parsed JSON. source: what errors call it. upstream: grad_y or loss of create_problem;
    without either, the saved upstream gradient, if there is one.
    Raises RequestError for another schema, an unknown or missing key, or a contradiction.
    """
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a saved pass: its schema must be {SCHEMA!r}")
    has_upstream = not upstream and saved.keys() > set(FORWARD)
    keys, record = (BACKWARD, backward_record) if has_upstream else (FORWARD, forward_record)
    try:
        refuse_unknown(saved, BACKWARD, "a saved pass")
        for key in keys:
            if key not in saved:
                raise RequestError(f"the saved pass has no {key!r}")
        arguments = problem_arguments({key: saved[key] for key in keys}) | dict(upstream or {})
        match saved["mask_source"]:
            case {"kind": "drawn", "rng": str(rng), "seed": int(seed), **more}:
                skip = more.get("skip")
                arguments |= {"mask": None, "rng": rng, "seed": seed}
                arguments["skip"] = skip if isinstance(skip, int) else None
        problem = create_problem(arguments)
        for key, value in record(Trace(problem)).items():
            if not equal(saved[key], value):
                raise RequestError(f"{key} does not follow from the rest of the pass")
    except RequestError as error:
        raise RequestError(f"{error}, in {source}") from None
    return problem


def refuse_unknown(saved: dict[str, Any], keys: Sequence[str], what: str) -> None:
    """Raise RequestError for a key that is none of these, and suggest the closest."""
    for key in saved:
        if key not in keys:
            import difflib

            near = difflib.get_close_matches(key, keys, 1, 0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(keys)}"
            raise RequestError(f"{key!r} is no key of {what}: {hint}")


def equal(saved: Any, right: Any) -> bool:
    """Test whether a JSON value equals a value or an array."""
    return bool(saved == (right.tolist() if isinstance(right, np.ndarray) else right))
