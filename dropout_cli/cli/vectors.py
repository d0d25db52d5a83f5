"""Vectors as they are written on a command line and in files."""

import os
import re
import sys
import warnings
from os.path import splitext
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dropout_cli.arrays import FloatArray
from dropout_cli.errors import RequestError

LARGEST = 2**30  # bytes that are read
MOST = 10**7  # elements of a vector


def read_vector(value: str, name: str) -> FloatArray:
    """Read the vector that value stands for: numbers, `@FILE` (.npy, .json, else text), or `-`.

    name says in errors what it is. Raises RequestError for what is not a vector of numbers, and for
    one of more than MOST.
    """
    vector = _read_vector(value, name)
    if vector.size > MOST:
        raise RequestError(f"{name} has {vector.size:,} elements, but at most {MOST:,} are taken")
    return vector


def _read_vector(value: str, name: str) -> FloatArray:
    if value == "-":
        return _from_text(read_text(value), name)
    if not value.startswith("@"):
        return _from_text(value, name)
    path = value[1:]
    match splitext(path)[1].lower():
        case ".npy":
            return _from_npy(path, name)
        case ".json":
            return from_json(parse_json(_decode(read_bytes(path), path), path), name)
        case _:
            return _from_text(_decode(read_bytes(path), path), name)


def read_mask(value: str) -> FloatArray:
    """Read the mask that value stands for: as read_vector, or as text of bits alone, `1010`."""
    mask = read_vector(value, "mask")
    if mask.size == 0:
        raise RequestError("mask is empty, but it must hold a bit for each element")
    return mask


def read_text(source: str) -> str:
    """Read the UTF-8 text of the file named source, or of standard input for "-".

    Raises RequestError where it cannot be read, or is not UTF-8.
    """
    if source == "-":
        if sys.stdin is None:
            raise RequestError("standard input is closed, so there is nothing to read")
        try:
            return _decode(_read(sys.stdin.buffer), "standard input")
        except OSError as error:
            raise RequestError(f"cannot read standard input: {error.strerror}") from None
    return _decode(read_bytes(source), source)


def read_bytes(path: str, most: int | None = None) -> bytes:
    """Read the file at path, at most this many bytes; RequestError if it cannot be read.

    Without most, a file of more than LARGEST bytes is refused.
    """
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


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{data[error.start]:02x}"
        raise RequestError(f"{name} is not UTF-8 text: {byte}") from None


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


def from_json(value: Any, name: str) -> FloatArray:
    """Return the vector in a parsed JSON value, a list of numbers; RequestError for what is not."""
    if not isinstance(value, list):
        raise RequestError(f"{name} is not a list in JSON, but it must be a list of numbers")
    if not {type(item) for item in value} <= {int, float}:
        k, item = next((k, v) for k, v in enumerate(value, 1) if type(v) not in (int, float))
        raise RequestError(f"{name}[{k}] is {str(item)[:40]!r}, but it must be a number")
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError:
        k = next(k for k, v in enumerate(value, 1) if abs(v) > sys.float_info.max)
        raise RequestError(f"{name}[{k}] is beyond the largest float64, 1.8e308") from None


def _from_text(text: str, name: str) -> FloatArray:
    """Parse numbers between commas or white space; a mask may be written without either."""
    if name == "mask" and re.fullmatch(r"\s*[0-9]{2,}\s*", text):
        text = ",".join(text.strip())
    text = text.strip()
    if "," in text and not all(map(str.strip, text.split(","))):  # a comma lacks its number
        items = re.split(r"\s*,\s*|\s+", text)
    else:
        items = text.replace(",", " ").split()
    try:
        if "_" in text:  # Python would read 1_0 as 10
            raise ValueError
        return np.array(items, dtype=np.float64)
    except ValueError:
        k, item = next((k, item) for k, item in enumerate(items, 1) if not _is_number(item))
        raise RequestError(f"{name}[{k}] is {item[:40]!r}, but it must be a number") from None


def _is_number(item: str) -> bool:
    try:
        float(item)
    except ValueError:
        return False
    return "_" not in item


def _from_npy(path: str, name: str) -> FloatArray:
    try:
        with open(path, "rb") as file:
            array = _npy_vector(file, path, name)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None
    return _as_float64(array)


def _as_float64(array: NDArray[Any]) -> FloatArray:
    """Return the numbers in float64, read-only; beyond it they become inf, and are refused so."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = array.astype(np.float64, copy=False)
    numbers.flags.writeable = False
    return numbers


def _npy_vector(file: BinaryIO, path: str, name: str) -> NDArray[Any]:
    """Read the vector in a .npy file, whose header is believed only where it fits the file."""
    try:
        with warnings.catch_warnings(action="ignore"):
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
                version, np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file)
    except Exception:  # whatever numpy's reader stumbles on in a file that is something else
        raise RequestError(f"{path} is not a .npy file of numbers") from None
    if dtype.kind not in "fiub" or dtype.shape or dtype.names:
        raise RequestError(f"{path} is not a .npy file of real numbers")
    if len(shape) != 1:
        raise RequestError(f"{name} has {len(shape)} dimensions in {path}, but it must be a vector")
    start = file.tell()
    if not 0 <= shape[0] * dtype.itemsize <= file.seek(0, os.SEEK_END) - start:
        raise RequestError(f"{path} is not a .npy file: it ends before its {shape[0]} numbers do")
    file.seek(start)
    return np.fromfile(file, dtype, shape[0])
