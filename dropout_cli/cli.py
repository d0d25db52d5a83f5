"""The command line: options in, a Problem and its Trace, one view of it out."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
from os.path import splitext
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.output import discard_output, print_text, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.document import Document
    from dropout_cli.problem import Problem
    from dropout_cli.prose import Voice
    from dropout_cli.trace import Trace

FORMATS = {".json": "json", ".md": "markdown", ".txt": "table", ".html": "table", ".svg": "table"}
PICTURES = (".png", ".svg", ".pdf")
FIGURE = "outputs/dropout_gradient_flow.png"


def run(args: list[str] | None = None) -> int:
    """Run one command line; returns its exit code: 0, 1 or 2, or 130 for Ctrl-C."""
    try:
        code = cli.main(args, prog_name="dropout-cli", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        return _refuse(error.format_message())
    except RequestError as error:
        return _refuse(str(error))
    except OSError as error:
        discard_output()
        return _refuse(f"cannot write to standard output: {error.strerror}")
    except MemoryError:
        return _refuse("the problem is too large for this machine's memory")
    except click.Abort:
        return 130


def _refuse(sentence: str) -> int:
    _say(f"Error: {' '.join(sentence.splitlines())}")
    return 2


def _say(words: str) -> None:
    with contextlib.suppress(OSError):  # where nobody can be told, the exit code still tells
        click.echo(words, err=True)


PROBLEM_OPTIONS = {
    "x": click.option(
        "-x", "--input", "x", metavar="V", default="2,4,6,8", show_default=True, help="The input."
    ),
    "p": click.option(
        "-p", "--drop-prob", "p", type=float, metavar="P", default=0.5, show_default=True,
        help="Probability of dropping an element, 0 to 1.",
    ),
    "mask": click.option(
        "-m", "--mask", metavar="BITS",
        help="The mask, 1,0,1,0 or 1010: 1 keeps, 0 drops."
        "  [default: 1,0,1,0 for four elements, else drawn]",
    ),
    "seed": click.option(
        "-s", "--seed", type=int, metavar="N",
        help="Draw the mask instead.  [default: 0 where one must be drawn]",
    ),
    "rng": click.option(
        "--rng", metavar="NAME",
        help="Who draws the mask: numpy, torch-rand, torch-cpu, torch-cpu-intel, jax."
        "  [default: numpy]",
    ),
    "grad_y": click.option(
        "-g", "--grad-y", metavar="V",
        help="The upstream gradient dL/dy of the backward pass."
        "  [default: 0.1,0.2,0.3,0.4 for four elements, else ones]",
    ),
    "loss": click.option(
        "--loss", type=click.Choice(list(LOSSES)), help="Take dL/dy from this loss instead."
    ),
    "inference": click.option(
        "--eval", "inference", is_flag=True, help="Inference mode instead of training."
    ),
}  # fmt: skip


def problem_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the problem options; it receives the trace of the problem that they pose."""

    @functools.wraps(command)
    def posed(**options: Any) -> None:
        from dropout_cli.trace import Trace

        asked = {name: options.pop(name) for name in PROBLEM_OPTIONS}
        command(trace=Trace(_pose(**asked, saved=options.pop("saved", None))), **options)

    for option in reversed(PROBLEM_OPTIONS.values()):
        posed = option(posed)
    return posed


def _pose(
    *,
    x: str,
    p: float,
    mask: str | None,
    seed: int | None,
    rng: str | None,
    grad_y: str | None,
    loss: str | None,
    inference: bool,
    saved: str | None,
) -> Problem:
    from dropout_cli.problem import Problem
    from dropout_cli.vectors import read_mask, read_text, read_vector

    if [x, mask, grad_y, saved].count("-") > 1:
        raise RequestError("'-' is given twice, but standard input can be read only once")
    upstream = None if grad_y is None else read_vector(grad_y, "grad_y")
    if saved is not None:
        source_of = click.get_current_context().get_parameter_source
        for name in ("x", "p", "mask", "seed", "rng", "inference"):
            if source_of(name) is not ParameterSource.DEFAULT:
                raise RequestError(f"--from contradicts {name}, which the saved pass already has")
        from dropout_cli.schema import read_problem

        source = "standard input" if saved == "-" else saved
        return read_problem(read_text(saved), source, grad_y=upstream, loss=loss)
    return Problem.pose(
        read_vector(x, "x"),
        p,
        None if mask is None else read_mask(mask),
        seed=seed,
        rng=rng,
        grad_y=upstream,
        loss=loss,
        training=not inference,
    )


class Output(NamedTuple):
    """Where a document goes, and as what.

    form: "table", "json" or "markdown"; path: a file, or None for standard output.
    """

    form: str
    path: str | None
    precision: int

    def deliver(
        self,
        trace: Trace,
        page: Callable[[Trace, Voice], Document],
        record: Callable[[Trace], dict[str, Any]],
    ) -> None:
        """Send the trace's page, or its record where JSON is asked for."""
        if self.form == "json":
            from dropout_cli.schema import dumps

            self.send(dumps(record(trace)))
            return
        from dropout_cli.prose import Voice, load

        document = page(trace, Voice(load("en"), self.precision))
        if self.form == "markdown":
            from dropout_cli.markdown import to_markdown

            self.send(to_markdown(document))
            return
        from dropout_cli.terminal import to_file, to_terminal

        if self.path is None:
            self.send(to_terminal(document))
        else:
            title = click.get_current_context().command_path
            self.send(to_file(document, _suffix(self.path, tuple(FORMATS)), title))

    def send(self, text: str) -> None:
        """Print the text, or write it to the path."""
        if self.path is None:
            print_text(text)
        else:
            write_file(self.path, text.encode())
            _say(f"wrote {self.path}")


PRECISION = click.option(
    "--precision", type=click.IntRange(1, 17), metavar="N", default=6, show_default=True,
    help="Significant digits of the numbers shown.",
)  # fmt: skip
OUTPUT_OPTIONS = [
    click.option(
        "-f", "--format", "form", type=click.Choice(["table", "json", "markdown"]),
        help="What to print.  [default: table]",
    ),
    click.option(
        "-o", "--output", "path", metavar="FILE",
        help="Write to FILE instead: .json, .md, .html, .svg or .txt.",
    ),
    PRECISION,
]  # fmt: skip


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the output options; it receives the Output that they ask for."""

    @functools.wraps(command)
    def directed(*, form: str | None, path: str | None, precision: int, **rest: Any) -> None:
        if path is not None:
            written = FORMATS[_suffix(path, tuple(FORMATS))]
            if form not in (None, written):
                raise RequestError(f"--format {form} contradicts the suffix of {path}")
            form = written
        command(output=Output(form or "table", path, precision), **rest)

    for option in reversed(OUTPUT_OPTIONS):
        directed = option(directed)
    return directed


def _suffix(path: str, known: tuple[str, ...]) -> str:
    suffix = splitext(path)[1].lower()
    if suffix not in known:
        raise RequestError(f"the name {path!r} must end in one of {', '.join(known)}")
    return suffix


@click.group(invoke_without_command=True)
@click.version_option(package_name="dropout-cli")
@click.pass_context
def cli(context: click.Context) -> None:
    """Show, draw and prove what nn.Dropout does, one element at a time.

    Without options every command does the worked example: x = 2,4,6,8, p = 0.5, mask 1,0,1,0.

    V is a vector: numbers with commas or spaces, @FILE (.npy, .json, else text), or - for standard
    input.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@output_options
@problem_options
def forward(trace: Trace, output: Output) -> None:
    """The forward pass, one row per element.

    \b
    dropout-cli forward
    dropout-cli forward -x 1,2,3 -p 0.1 --seed 7
    dropout-cli forward -x @input.npy -f json
    """
    from dropout_cli.schema import forward_json
    from dropout_cli.tables import forward_page

    output.deliver(trace, forward_page, forward_json)


@cli.command()
@click.option(
    "--from", "saved", metavar="FILE",
    help="Take the forward pass that `forward -f json` saved; - reads standard input.",
)  # fmt: skip
@output_options
@problem_options
def backward(trace: Trace, output: Output) -> None:
    """The backward pass, one row per element.

    \b
    dropout-cli backward
    dropout-cli backward --loss sum-squares
    dropout-cli forward --seed 7 -f json | dropout-cli backward --from - -g 1,1,1,1
    """
    from dropout_cli.schema import backward_json
    from dropout_cli.tables import backward_page

    output.deliver(trace, backward_page, backward_json)


@cli.command()
@output_options
@problem_options
def walkthrough(trace: Trace, output: Output) -> None:
    """The derivation, with the problem's numbers.

    \b
    dropout-cli walkthrough
    dropout-cli walkthrough -x 1,2,3 -p 0.1 -o notes.md
    """
    from dropout_cli.schema import backward_json
    from dropout_cli.walkthrough import walkthrough_page

    output.deliver(trace, walkthrough_page, backward_json)


@cli.command()
@click.option(
    "-o", "--output", "path", metavar="FILE", default=FIGURE, show_default=True,
    help="The file to write: .png, .svg or .pdf.",
)  # fmt: skip
@click.option("--dpi", type=float, default=150, show_default=True, help="Dots per inch of a .png.")
@click.option("--size", metavar="WxH", default="14x10", show_default=True, help="Inches.")
@PRECISION
@problem_options
def plot(trace: Trace, path: str, dpi: float, size: str, precision: int) -> None:
    """The four-panel gradient-flow figure.

    \b
    dropout-cli plot
    dropout-cli plot -x 3,-1,4,1,-5 --seed 2 --loss sum-squares -o slide.svg --size 16x9
    """
    suffix = _suffix(path, PICTURES)
    sides = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", size)
    if not sides:
        raise RequestError(f"--size is {size!r}, but it must be inches as WxH, such as 14x10")
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its caches
    try:
        from dropout_cli.figure import gradient_flow, to_bytes
    except (ValueError, OSError) as error:
        raise RequestError(f"matplotlib cannot read its settings: {error}") from None
    from dropout_cli.prose import Voice, load

    voice = Voice(load("en"), precision)
    figure = gradient_flow(trace, voice, (float(sides[1]), float(sides[2])))
    write_file(path, to_bytes(figure, suffix, dpi))
    _say(f"wrote {path}")
