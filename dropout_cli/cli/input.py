"""What a command reads: vectors, JSON and saved passes, from the command line and from files."""

from __future__ import annotations

import difflib
import math
import sys
import warnings
from dataclasses import replace
from os.path import splitext
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from dropout_cli.cli.printed import DEEPEST, Vector, parse
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Drawn, Problem

LARGEST = 2**30  # bytes that are read
MOST = 10**7  # elements of a vector
KEYS = (
    "schema", "mode", "p", "scale", "x", "mask", "mask_source", "y", "grad_y", "grad_y_source",
    "loss", "local_grad", "grad_x",
)  # fmt: skip


def read_vector(value: str, name: str) -> Vector:
    """Read the vector that value stands for: numbers, `@FILE` (.npy, .json, else text), or `-`.

    name says in errors what it is. Raises RequestError for what is no vector or matrix of numbers,
    for none, and for more than MOST of them.
    """
    path = value.removeprefix("@")
    if value != "-" and path == value:
        vector = parse(value, name)
    elif splitext(path)[1].lower() == ".npy":
        vector = _read_npy(path)
    else:
        text = read_text(path)
        is_json = splitext(path)[1].lower() == ".json"
        vector = from_json(parse_json(text, path), name) if is_json else parse(text, name)
    n = vector.values.size
    if n == 0:
        raise RequestError(f"{name} is empty, but it must hold at least one number")
    if n > MOST:
        raise RequestError(f"{name} has {n:,} elements, but at most {MOST:,} are taken")
    return vector


def read_text(path: str) -> str:
    """Read UTF-8 text from a file, or from standard input for "-"."""
    name = named(path)
    try:
        if path != "-":
            data = read_bytes(path)
        elif sys.stdin is None:
            raise RequestError("standard input is closed, so there is nothing to read")
        else:
            data = _read(sys.stdin.buffer)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{data[error.start]:02x}"
        raise RequestError(f"{name} is not UTF-8 text: {byte}") from None
    except OSError as error:
        raise RequestError(f"cannot read {name}: {error.strerror}") from None


def read_bytes(path: str, most: int | None = None) -> bytes:
    """Read a file, at most this many bytes; without most, one beyond LARGEST is refused."""
    try:
        with open(path, "rb") as file:
            return _read(file) if most is None else file.read(most)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None


def _read(file: BinaryIO) -> bytes:
    """Read all that is to come, unbuffered: at a terminal one Ctrl-D then ends it."""
    raw = getattr(file, "raw", file)
    data = bytearray()
    while (part := raw.read(2**20)) != b"":
        if part is None:
            raise OSError(None, "it does not wait for more")
        data += part
        if len(data) > LARGEST:
            raise RequestError(f"there is too much to read: {LARGEST:,} bytes are the most")
    return bytes(data)


def named(path: str) -> str:
    """Name the file in errors."""
    return "standard input" if path == "-" else path


def _read_npy(path: str) -> Vector:
    """Read a .npy file of real numbers, in float64; beyond it they become inf, and are refused."""
    try:
        with open(path, "rb") as file, warnings.catch_warnings(action="ignore"):
            array = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None
    except Exception:  # whatever numpy stumbles on in a file that is something else, or cut off
        raise RequestError(f"{path} is not a .npy file of real numbers") from None
    if array.dtype.kind not in "fiub":
        raise RequestError(f"{path} is not a .npy file of real numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(np.float64, copy=False).ravel()
    values.flags.writeable = False
    return Vector(values, array.shape)


def parse_json(text: str, source: str) -> Any:
    """Parse a JSON text. Raises RequestError, naming the source, where it is broken."""
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            from collections import Counter

            ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
            raise RequestError(f"{source} has the key {twice!r} twice in one object")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except RequestError:
        raise
    except json.JSONDecodeError as error:
        raise RequestError(
            f"{source} is not JSON: {error.msg}, line {error.lineno} column {error.colno}"
        ) from None
    except (RecursionError, ValueError):
        raise RequestError(f"{source} is JSON that is too deep or too long to read") from None


def from_json(value: Any, name: str) -> Vector:
    """Return the vector in a parsed JSON value: a list of numbers, or lists of the same length.

    Those of a mask may be booleans. Raises RequestError for what is no list, or not a number.
    """
    if not isinstance(value, list):
        raise RequestError(f"{name} is not a list in JSON, but it must be a list of numbers")
    shape: list[int] = []
    while value and isinstance(value[0], list):
        if len(shape) == DEEPEST:
            raise RequestError(f"{name} is nested more than {DEEPEST} lists deep")
        shape.append(len(value))
        if len({len(row) if isinstance(row, list) else -1 for row in value}) > 1:
            raise RequestError(f"{name} has rows of different lengths, but they must be one")
        value = [item for row in value for item in row]
    shape.append(len(value) // math.prod(shape))
    types = {int, float, bool} if name == "mask" else {int, float}
    if not {type(item) for item in value} <= types:
        k, item = next((k, v) for k, v in enumerate(value, 1) if type(v) not in types)
        raise RequestError(f"element {k} of {name} is {str(item)[:40]!r}, which is not a number")
    try:
        return Vector(np.array(value, dtype=np.float64), tuple(shape))
    except OverflowError:
        k = next(k for k, v in enumerate(value, 1) if abs(v) > sys.float_info.max)
        raise RequestError(
            f"element {k} of {name} is beyond the largest float64, 1.8e308"
        ) from None


def read_problem(
    saved: Any, source: str, *, grad_y: FloatArray | None = None, loss: str | None = None
) -> Problem:
    """Return the problem of a pass that forward_record or backward_record wrote, with its mask.

    saved: the value of its JSON. source names it in errors. grad_y and loss are as in
    Problem.create; if neither is given, the upstream gradient that was saved holds, if one was.
    Raises RequestError for JSON of another schema, with an unknown key, or that contradicts itself.
    """
    from dropout_cli.views.passes import SCHEMA

    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise RequestError(f"{source} is not a saved pass: its schema must be {SCHEMA!r}")
    try:
        refuse_unknown(saved, KEYS, "a saved pass")
        return _saved_problem(saved, grad_y, loss)
    except KeyError as error:
        raise RequestError(f"{source} has no {error}, which a saved pass must have") from None
    except RequestError as error:
        raise RequestError(f"{error}, in {source}") from None


def _saved_problem(saved: dict[str, Any], grad_y: FloatArray | None, loss: str | None) -> Problem:
    from dropout_cli.problem import Problem

    training = saved["mode"] == "training"
    if not training and saved["mode"] != "inference":
        raise RequestError("mode must be 'training' or 'inference'")
    if type(saved["p"]) not in (int, float):
        raise RequestError("p must be a number")
    if "grad_y_source" not in saved and saved.keys() & {"grad_y", "loss", "local_grad", "grad_x"}:
        raise KeyError("grad_y_source")
    own_gradient = grad_y is None and loss is None and "grad_y_source" in saved
    if own_gradient and saved["grad_y_source"] == "given":
        grad_y = from_json(saved["grad_y"], "grad_y").values
    elif own_gradient:
        loss = str(saved["grad_y_source"])
    if not training and not (saved["mask"] is None and saved["mask_source"] is None):
        raise RequestError("mask and mask_source must be null in inference")
    problem = Problem.create(
        from_json(saved["x"], "x").values,
        saved["p"],
        from_json(saved["mask"], "mask").values if training else None,
        grad_y=grad_y,
        loss=loss,
        training=training,
    )
    if own_gradient:
        problem = replace(problem, loss_asked=saved.get("loss", 0) is not None)
    if training:
        problem = replace(problem, drawn=read_mask_source(saved["mask_source"], problem))
    _must_follow(saved, problem, with_gradient=own_gradient)
    return problem


def _must_follow(saved: dict[str, Any], problem: Problem, *, with_gradient: bool) -> None:
    """Refuse a saved pass whose numbers contradict its problem."""
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import backward_record, forward_record

    record = backward_record if with_gradient else forward_record
    for key, value in record(Trace(problem)).items():
        if key not in saved and key in ("scale", "y"):
            raise KeyError(key)
        if key in saved and not equal(saved[key], value):
            raise RequestError(f"{key} does not follow from the rest of the pass")


def read_mask_source(source: Any, problem: Problem) -> Drawn | None:
    """Read who drew the problem's mask, and check it against a new draw."""
    from dropout_cli.masks import draw
    from dropout_cli.problem import Drawn

    if source == {"kind": "given"}:
        return None
    drawn = dict(source) if isinstance(source, dict) else {}
    kind, rng, seed, skip = (drawn.pop(key, None) for key in ("kind", "rng", "seed", "skip"))
    skip = 0 if skip is None else skip
    if drawn or kind != "drawn" or type(rng) is not str or not type(seed) is type(skip) is int:
        raise RequestError(
            'mask_source must be {"kind": "given"}, or "drawn" with its rng, seed and perhaps skip'
        )
    again = draw(rng, seed, problem.x.size, problem.p, skip)
    if problem.mask is None or not np.array_equal(again, problem.mask):
        after = f" after {skip} other draws" if skip else ""
        raise RequestError(f"mask is not the one that {rng} draws with seed {seed}{after}")
    return Drawn(rng, seed, skip)


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
