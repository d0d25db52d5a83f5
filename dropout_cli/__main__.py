"""The entry point of `dropout-cli` and `python -m dropout_cli`."""

import io
import os
import signal
import sys

from dropout_cli.errors import SignalExit


def main() -> int:
    """Run the command line and return its exit code; a signal exits with 128 + its number."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _exit)
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        # PYTHONUNBUFFERED: Python would lose what the stream does not take at once.
        sys.stdout = open(1, "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        from dropout_cli.cli import run

        return run()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        sys.stdout = sys.stderr  # what a layer prints when Python ends is no data


def _exit(number: int, _: object) -> None:
    raise SignalExit(number)


if __name__ == "__main__":
    sys.exit(main())
