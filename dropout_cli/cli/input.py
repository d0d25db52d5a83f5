"""What a command reads: vectors, JSON and saved passes, from the command line and from files."""

from __future__ import annotations

import difflib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.cli.printed import Vector, flatten, parse
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Drawn, Problem

MOST = 10**7  # elements of a vector
BACKWARD = ("grad_y", "grad_y_source", "loss", "local_grad", "grad_x")
KEYS = ("schema", "mode", "p", "scale", "x", "mask", "mask_source", "y", *BACKWARD)


def read_vector(value: str, name: str) -> Vector:
    """Read the vector that value stands for: numbers, `@FILE` (.npy, .json, else text), or `-`.

    name says in errors what it is. Raises RequestError for what is no vector or matrix of numbers,
    for none, and for more than MOST of them.
    """
    path = value.removeprefix("@")
    kind = Path(path).suffix.lower()
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
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise RequestError(f"cannot read {named(path)}: {error.strerror}") from None


def named(path: str) -> str:
    """Name the file in errors."""
    return "standard input" if path == "-" else path


def _read_npy(path: str) -> Vector:
    data = read_bytes(path)
    try:
        array = np.load(io.BytesIO(data))
        if array.dtype.kind not in "fiub":
            raise ValueError
    except Exception:  # whatever NumPy stumbles on in a file that is something else, or cut off
        raise RequestError(f"{path} is not a .npy file of real numbers") from None
    with np.errstate(all="ignore"):  # what is beyond float64 becomes inf, which is refused
        return Vector(array.astype(np.float64).ravel(), array.shape)


def parse_json(text: str, source: str) -> Any:
    """Parse a JSON text. Raises RequestError, naming the source, where it is broken."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise RequestError(f"{source} has the key {key!r} twice in one object")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except RequestError:
        raise
    except (RecursionError, ValueError) as error:
        raise RequestError(f"{source} is not JSON: {error}") from None


def from_json(value: Any, name: str) -> Vector:
    """Return the vector in a parsed JSON value: a list of numbers, or lists of the same length.

    Those of a mask may be booleans. Raises RequestError for what is no list, or not a number.
    """
    if not isinstance(value, list):
        raise RequestError(f"{name} is not a list in JSON, but it must be a list of numbers")
    items, shape = flatten(value, name)
    types = (int, float, bool) if name == "mask" else (int, float)
    for k, item in enumerate(items, 1):
        if type(item) not in types:
            raise RequestError(
                f"element {k} of {name} is {str(item)[:40]!r}, which is not a number"
            )
    try:
        return Vector(np.array(items, dtype=np.float64), shape)
    except OverflowError:
        raise RequestError(f"{name} has a number beyond the largest float64, 1.8e308") from None


def read_problem(
    saved: Any, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """Return the problem of a pass that forward_record or backward_record wrote, with its mask.

    saved: the value of its JSON. source names it in errors. grad_y and loss are as in
    Problem.create; if neither is given, the upstream gradient that was saved holds, if one was.
    Raises RequestError for JSON of another schema, with an unknown key, or that contradicts itself.
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
    """Create the problem of a saved pass, whose record must be the saved one."""
    from dropout_cli.problem import Problem
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import backward_record, forward_record

    record = forward_record
    if grad_y is None and loss is None and saved.keys() & set(BACKWARD):
        record, loss = backward_record, str(saved["grad_y_source"])
        if loss == "given":
            grad_y, loss = from_json(saved["grad_y"], "grad_y").values, None
    training = saved["mode"] != "inference"
    mask = from_json(saved["mask"], "mask").values if training else None
    x = from_json(saved["x"], "x").values
    problem = Problem.create(x, saved["p"], mask, grad_y=grad_y, loss=loss, training=training)
    if training:
        problem = replace(problem, drawn=read_mask_source(saved["mask_source"], problem))
    if "loss" in saved:  # null where it overflows, and was not asked for
        problem = replace(problem, loss_asked=saved["loss"] is not None)
    for key, value in record(Trace(problem)).items():
        if not equal(saved[key], value):
            raise RequestError(f"{key} does not follow from the rest of the pass")
    return problem


def read_mask_source(source: Any, problem: Problem) -> Drawn | None:
    """Read who drew the problem's mask, and check it against a new draw."""
    from dropout_cli.masks import draw
    from dropout_cli.problem import Drawn

    match source:
        case {"kind": "given"}:
            return None
        case {"kind": "drawn", "rng": str(rng), "seed": int(seed)}:
            drawn = Drawn(rng, seed, source.get("skip", 0))
        case _:
            raise RequestError(
                'mask_source must be {"kind": "given"}, or "drawn" with its rng and seed'
            )
    again = draw(rng, seed, problem.x.size, problem.p, drawn.skip)
    if problem.mask is None or not np.array_equal(again, problem.mask):
        after = f" after {drawn.skip} other draws" if drawn.skip else ""
        raise RequestError(f"mask is not the one that {rng} draws with seed {seed}{after}")
    return drawn


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
    """Test whether what was saved in JSON is just this, a value or an array."""
    return bool(saved == (right.tolist() if isinstance(right, np.ndarray) else right))
