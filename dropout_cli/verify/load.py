"""Import a user's layer by its name, and quote in one line what the user's code raises."""

import difflib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from dropout_cli.errors import RequestError, SignalExit

OUT_OF_MEMORY = re.compile("out of memory|not enough memory|allocate memory", re.IGNORECASE)
QUOTED = 200  # characters of a foreign message that are quoted
OURS = os.path.dirname(__file__)


def load_layer(name: str) -> object:
    """Return the object that MODULE:NAME names, searching the current folder first.

    Raises RequestError if the module cannot be imported or has nothing of that name.
    """
    where = (
        f"the layer is {name!r}, but it must be MODULE:NAME, as in my_layers:Dropout, and its file"
        " must be in the current folder or below it; for another folder, set PYTHONPATH to it"
    )
    module_name, colon, attribute = name.rpartition(":")
    if not (module_name and colon and attribute):
        raise RequestError(where)
    if module_name.endswith(".py"):
        path = os.path.normpath(module_name.removesuffix(".py"))
        module_name = f".{path}" if os.path.isabs(path) else path.replace(os.sep, ".")
    if module_name.startswith("."):
        raise RequestError(where)
    folder = os.getcwd()
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)  # it stays there: a layer may import when it is first called
    with catching() as errors:
        found: object = importlib.import_module(module_name)
    for error in errors:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{module_name}.".startswith(f"{missing}."):
            raise RequestError(f"{module_name} cannot be imported: {quote(error)}")
        raise RequestError(
            f"there is no module {module_name!r} in {folder} or among the installed packages; if"
            " it is in another folder, as in src/, set PYTHONPATH to that"
        )
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, [n for n in dir(found) if n[0] != "_"], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RequestError(f"{module_name} has no {attribute!r}{hint}")
        found = getattr(found, part)
    return found


@contextmanager
def catching() -> Iterator[list[BaseException]]:
    """Catch what a user's code raises, even if it exits or skips a test; collect it in the list.

    An interrupt, a signal and exhausted memory say nothing about the code, and pass through.
    """
    errors: list[BaseException] = []
    try:
        yield errors
    except (KeyboardInterrupt, MemoryError, RequestError, SignalExit):
        raise
    except BaseException as error:
        if isinstance(error, RuntimeError) and OUT_OF_MEMORY.search(str(error)):
            raise MemoryError(str(error)) from None
        errors.append(error)


def quote(error: BaseException) -> str:
    """Return an exception in one line: its type and its message."""
    name, message = one_line(type(error).__name__), one_line(str(error))
    return f"{name}: {message}" if message else name


def quote_with_place(error: BaseException) -> str:
    """Return an exception in one line, with the innermost line of the user's own code."""
    passed = traceback.extract_tb(error.__traceback__)
    frames = [each for each in passed if not each.filename.startswith((OURS, "<"))]
    own = [each for each in frames if "site-packages" not in each.filename] or frames
    if not own:
        return quote(error)
    return f"{quote(error)} ({one_line(os.path.basename(own[-1].filename))}:{own[-1].lineno})"


def one_line(text: str) -> str:
    """Return the text in one line, shortened, without control characters."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"
