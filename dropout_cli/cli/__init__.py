"""The command line: argv in, an exit code out."""

import errno
import os
import sys

import click

from dropout_cli.cli.output import say
from dropout_cli.errors import RequestError


def run(args: list[str] | None = None) -> int:
    """Run a command line and return its exit code; print an error as one sentence."""
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
    except Exception as error:
        closed_pipe = errno.EINVAL if sys.platform == "win32" else errno.EPIPE
        if isinstance(error, OSError) and error.errno == closed_pipe:
            return 141  # 128 + SIGPIPE, the exit code of other tools before `| head -1`
        code = error.code if isinstance(error, RequestError) else ""
        for line in (f"Error: {_sentence(error).removesuffix(code).rstrip()}", *code.splitlines()):
            say(line)
        return 2


def _sentence(error: Exception) -> str:
    """Describe the error in one sentence; in development mode, raise a defect of our own."""
    match error:
        case click.ClickException():
            return error.format_message()
        case RequestError():
            return str(error)
        case OSError():
            return f"the operating system refused: {error.strerror or error}"
        case ImportError():
            return f"a library cannot be loaded: {error}"
        case MemoryError():
            return "the problem is too large for this machine's memory"
    if sys.flags.dev_mode:
        raise error
    return f"a defect of dropout-cli, {type(error).__name__}: {error}"
