"""The entry point of `dropout-cli` and `python -m dropout_cli`."""

import gc
import signal
import sys


def main() -> int:
    """Run the command line; returns its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # as cleanly as Ctrl-C
    gc.disable()  # a run is short and leaves no cycles worth a collection: it starts sooner so
    try:
        from dropout_cli.cli.commands import run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
