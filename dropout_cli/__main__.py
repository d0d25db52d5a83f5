"""The entry point of `dropout-cli` and `python -m dropout_cli`."""

import gc
import signal
import sys

from dropout_cli.errors import Terminated


def main() -> int:
    """Run the command line; returns its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.disable()  # a run is short and leaves no cycles worth a collection: it starts sooner so
    try:
        from dropout_cli.cli.commands import run

        return run()
    except Terminated:
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _terminate(*_: object) -> None:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())
