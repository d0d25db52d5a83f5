"""The entry point of `dropout-cli` and `python -m dropout_cli`."""

import gc
import os
import signal
import sys
from typing import Any

from dropout_cli.errors import SIGNALS, Terminated

HANDLERS = {
    "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL, "SIGINT": signal.default_int_handler,
}  # fmt: skip
received: list[int] = []  # the signals that should have ended the run


def main() -> int:
    """Run the command line; returns its exit code. A signal exits with 128 + its number."""
    for name, usual in HANDLERS.items():
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == usual:  # and is not ignored
            signal.signal(number, _end)
    sys.unraisablehook = _tell_unless_ended
    sys.excepthook = _show_unless_ended
    gc.disable()  # a run is short and leaves no cycles worth a collection: it starts sooner so
    try:
        from dropout_cli.cli.commands import run

        code = run(quiet=received)
    except SIGNALS:
        code = 0
    if received:  # all is undone; what a stream did not take would be tried again at a usual exit
        os._exit(128 + received[0])
    return code


def _end(number: int, _: object) -> None:
    """End the run, even where what is raised here is caught: the exit code remembers it."""
    received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _show_unless_ended(*error: Any) -> None:
    """Show the traceback of an error, also one that C code prints, but for those of a signal."""
    if not received:
        sys.__excepthook__(*error)


def _tell_unless_ended(unraisable: "sys.UnraisableHookArgs") -> None:
    """Tell of an error that nobody can catch, but for those of a signal."""
    if not received:
        sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    sys.exit(main())
