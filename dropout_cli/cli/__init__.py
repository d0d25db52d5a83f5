"""The command line: argv in, an exit code out."""

from __future__ import annotations

import os
import sys

import click

from dropout_cli.cli.output import say
from dropout_cli.errors import RequestError


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code; what fails is told in one sentence."""
    from dropout_cli.cli.commands import cli

    complete = os.environ.get("_DROPOUT_CLI_COMPLETE")
    try:
        if sys.stdout is None:
            raise RequestError("standard output is closed, so there is nowhere to print to")
        if complete:
            from click.shell_completion import shell_complete

            return shell_complete(cli, {}, "dropout-cli", "_DROPOUT_CLI_COMPLETE", complete)
        with cli.make_context("dropout-cli", sys.argv[1:] if args is None else args) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        return _refuse(error.format_message())
    except RequestError as error:
        return _refuse(str(error), error.code)
    except OSError as error:
        return _refuse(f"the operating system refused: {error.strerror or error}")
    except ImportError as error:
        return _refuse(f"a library cannot be loaded: {error}")
    except MemoryError:
        pass  # what fills it is let go before it is told
    except Exception as error:  # no request may end in a traceback, and none should come here
        if sys.flags.dev_mode:
            raise
        return _refuse(f"a defect of dropout-cli, {type(error).__name__}: {error}")
    return _refuse("the problem is too large for this machine's memory")


def _refuse(sentence: str, code: str = "") -> int:
    say(f"Error: {sentence.removesuffix(code).rstrip()}")
    for line in code.splitlines():
        say(line)
    return 2
