"""What a figure's file says of itself: a record from which it can be drawn again, byte for byte.

    {"schema": "dropout-cli/figure/1", "command": "dropout-cli plot …", the look's choices,
     "trace": the trace's own JSON, or null where it has more than 1000 elements}

PNG holds it as a compressed text chunk, SVG as dc:source, PDF as Keywords.
"""

from __future__ import annotations

import shlex
import struct
import zlib
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from dropout_cli.errors import RequestError
from dropout_cli.figure.look import Look
from dropout_cli.views.passes import backward_record

if TYPE_CHECKING:
    from dropout_cli.trace import Trace

SCHEMA = "dropout-cli/figure/1"
KEYWORD = "dropout-cli"
MOST = 1000  # elements of a trace that a figure carries
LARGEST_FILE = 50_000_000  # bytes
LARGEST_RECORD = 1_000_000  # bytes; one of 1000 elements has a quarter of that
PNG = b"\x89PNG\r\n\x1a\n"


def record(trace: Trace, look: Look) -> dict[str, Any]:
    """The record of a figure."""
    small = trace.problem.x.size <= MOST
    return {
        "schema": SCHEMA,
        "command": command(trace, look),
        **look._asdict(),
        "trace": backward_record(trace) if small else None,
    }


def command(trace: Trace, look: Look) -> str:
    """The command line that draws the figure; a long vector is written as @FILE."""
    problem = trace.problem

    def vector(values: Any) -> str:
        if len(values) > MOST:
            return "@FILE"
        return ",".join(repr(value).removesuffix(".0") for value in values.tolist())

    args = ["dropout-cli", "plot", "-x", vector(problem.x), "-p", repr(problem.p)]
    if problem.drawn is not None:
        args += ["-s", str(problem.drawn.seed), "--rng", problem.drawn.rng]
        args += ["--skip", str(problem.drawn.skip)] if problem.drawn.skip else []
    elif problem.mask is not None:
        args += ["-m", vector(problem.mask.astype(int))]
    else:
        args += ["--eval"]
    if problem.loss is not None:
        args += ["--loss", problem.loss]
    else:
        args += ["-g", vector(trace.grad_y)]
    for name, value in look._asdict().items():
        if name == "panel":
            args += [word for panel in value for word in ("--panel", panel)]
        elif value is True:
            args += [f"--{name}"]
        elif value != getattr(Look(), name) or name == "lang":
            args += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(args)


def read_record(data: bytes, source: str) -> str:
    """The JSON text of the record that a PNG or SVG holds; source names the file in errors.

    Raises RequestError for a file that is neither, is broken, or holds no record, and for one that
    would take unreasonable room to read.
    """
    if len(data) > LARGEST_FILE:
        raise RequestError(f"{source} is too large to be a figure of dropout-cli")
    found = _in_png(data, source) if data.startswith(PNG) else _in_svg(data, source)
    if found is None:
        raise RequestError(f"{source} does not say how it was drawn: it is not of dropout-cli")
    if len(found) > LARGEST_RECORD:
        raise RequestError(f"{source} holds a record that is too long to be one of dropout-cli")
    return found


def _in_png(data: bytes, source: str) -> str | None:
    start = len(PNG)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        kind, end = data[start + 4 : start + 8], start + 8 + length
        if end + 4 > len(data):
            break
        body = data[start + 8 : end]
        if kind == b"iTXt" and body.startswith(KEYWORD.encode() + b"\0"):
            if zlib.crc32(data[start + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
                break
            return _text(body[len(KEYWORD) + 1 :], source)
        if kind == b"IEND":
            return None
        start = end + 4
    raise RequestError(f"{source} is a PNG that is broken")


def _text(body: bytes, source: str) -> str:
    """The text of an iTXt chunk's body after its keyword: flag, method, language, translation."""
    try:
        _, _, packed = body[2:].split(b"\0", 2)
        if body[:1] == b"\1":
            inflate = zlib.decompressobj()
            packed = inflate.decompress(packed, LARGEST_RECORD + 1)
        return packed.decode()
    except (ValueError, zlib.error):
        raise RequestError(f"{source} holds a record that is broken") from None


def _in_svg(data: bytes, source: str) -> str | None:
    """The text of the first dc:source. A document type, the home of entities, is refused."""
    found: list[str] = []
    inside = done = False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal inside
        inside = name == "dc:source" and not done

    def end(_: str) -> None:
        nonlocal inside, done
        done = done or inside
        inside = False

    def refuse(*_: object) -> None:
        raise RequestError(f"{source} has a document type, which a figure of dropout-cli has not")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: found.append(text) if inside else None
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except RequestError:
        raise
    except (expat.ExpatError, ValueError, LookupError):  # the last two from strange encodings
        raise RequestError(f"{source} is neither a PNG nor an SVG, or it is broken") from None
    return "".join(found) if done else None
