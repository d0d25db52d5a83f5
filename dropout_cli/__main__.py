"""The entry point of `dropout-cli` and `python -m dropout_cli`."""

import os
import signal
import sys

from dropout_cli.errors import SignalExit


def main() -> int:
    """Run the command line and return its exit code: after a signal, 128 + its number."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _exit)
    # A stream that was closed at the start is None.
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        from dropout_cli.cli import run

        return run()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        sys.stdout = sys.stderr  # whatever is still printed when Python exits is not output


def _exit(number: int, _: object) -> None:
    raise SignalExit(number)


if __name__ == "__main__":
    sys.exit(main())
