"""The options, each defined once: argv in, a Problem and an Output out."""

from __future__ import annotations

import functools
from os.path import splitext
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.output import print_text, say, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropout_cli.document import Document
    from dropout_cli.problem import Problem
    from dropout_cli.prose import Voice

FORMATS = {".json": "json", ".md": "markdown", ".txt": "table", ".html": "table", ".svg": "table"}

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
        help="Who draws the mask: numpy, torch-rand, torch-cpu, torch-mkl, jax."
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


PROBLEM_NAMES = {"x": "input", "p": "drop-prob", "inference": "eval", "grad_y": "grad-y"}


def problem_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the problem options; it receives the trace of the problem that they pose."""

    @functools.wraps(command)
    def posed(**options: Any) -> Any:
        from dropout_cli.trace import Trace

        asked = {name: options.pop(name) for name in PROBLEM_OPTIONS}
        written = options.get("candidate") or {}
        problem = _pose(**asked, saved=options.pop("saved", None), written=written)
        return command(trace=Trace(problem), **options)

    return together(PROBLEM_OPTIONS, posed)


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
    written: dict[str, Any],
) -> Problem:
    """The problem that the options pose; saved is --from, written what a candidate has."""
    from dropout_cli.problem import Problem
    from dropout_cli.vectors import read_mask, read_text, read_vector

    if [x, mask, grad_y, saved].count("-") > 1:
        raise RequestError("'-' is given twice, but standard input can be read only once")
    upstream = None if grad_y is None else read_vector(grad_y, "grad_y")
    if saved is not None:
        _refuse_given(("x", "p", "mask", "seed", "rng", "inference"), "the pass of --from")
        from dropout_cli.schema import read_problem

        source = "standard input" if saved == "-" else saved
        return read_problem(read_text(saved), source, grad_y=upstream, loss=loss)
    asked = {
        "x": None if "x" in written else read_vector(x, "x"),
        "p": p,
        "mask": None if mask is None else read_mask(mask),
        "seed": seed,
        "rng": rng,
        "grad_y": upstream,
        "loss": loss,
        "training": not inference,
    }
    return Problem.pose(**asked | _written(written))


def _written(written: dict[str, Any]) -> dict[str, Any]:
    """What a candidate's file says of the problem, as Problem.pose takes it."""
    posed: dict[str, Any] = {key: written[key] for key in ("x", "p") if key in written}
    if written.get("mask") is not None:
        _refuse_given(("seed", "rng"), "the mask of the candidate")
        posed["mask"] = written["mask"]
    if "mode" in written:
        posed["training"] = written["mode"] == "training"
    if written.get("grad_y_source", "given") != "given":
        posed["loss"] = str(written["grad_y_source"])
    elif written.get("grad_y") is not None:
        posed["grad_y"] = written["grad_y"]
    names = {"training": "inference"}
    _refuse_given([names.get(key, key) for key in posed], "the candidate")
    if "loss" in posed or "grad_y" in posed:
        _refuse_given(("loss", "grad_y"), "the candidate")
    return posed


def _refuse_given(names: Iterable[str], has: str) -> None:
    """Refuse options that were given although a file already has what they say."""
    source_of = click.get_current_context().get_parameter_source
    for name in names:
        if source_of(name) is not ParameterSource.DEFAULT:
            raise RequestError(f"--{PROBLEM_NAMES.get(name, name)} contradicts {has}, which has it")


class Output(NamedTuple):
    """Where a document goes, and as what.

    form: "table", "json" or "markdown"; path: a file, or None for standard output.
    """

    form: str
    path: str | None
    precision: int
    lang: str

    @property
    def voice(self) -> Voice:
        """What says the document."""
        return load_voice(self.lang, self.precision)

    def deliver(self, page: Callable[[], Document], record: Callable[[], dict[str, Any]]) -> None:
        """Send the page, or the record where JSON is asked for."""
        if self.form == "json":
            from dropout_cli.schema import dumps

            self.send(dumps(record()))
        elif self.form == "junit":
            from dropout_cli.junit import to_junit

            self.send(to_junit(record()))
        elif self.form == "markdown":
            from dropout_cli.markdown import to_markdown

            self.send(to_markdown(page()))
        elif self.path is None:
            from dropout_cli.terminal import to_terminal

            self.send(to_terminal(page()))
        else:
            from dropout_cli.terminal import to_file

            title = click.get_current_context().command_path
            self.send(to_file(page(), known_suffix(self.path, FORMATS), title))

    def send(self, text: str) -> None:
        """Print the text, or write it to the path."""
        if self.path is None:
            print_text(text)
        else:
            write_file(self.path, text.encode())
            say(self.voice.say("file", "wrote", path=self.path))


SPEECH_OPTIONS = {
    "precision": click.option(
        "--precision", type=click.IntRange(1, 17), metavar="N", default=6, show_default=True,
        help="Significant digits of the numbers shown.",
    ),
    "lang": click.option(
        "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True,
        envvar="DROPOUT_CLI_LANG", show_envvar=True, help="English or Chinese.",
    ),
}  # fmt: skip
OUTPUT_OPTIONS = {
    "form": click.option(
        "-f", "--format", "form", type=click.Choice(["table", "json", "markdown"]),
        help="What to print.  [default: table]",
    ),
    "path": click.option(
        "-o", "--output", "path", metavar="FILE",
        help="Write to FILE instead: .json, .md, .html, .svg or .txt.",
    ),
    **SPEECH_OPTIONS,
}  # fmt: skip


def output_options(
    command: Callable[..., Any], formats: dict[str, str] = FORMATS
) -> Callable[..., Any]:
    """Give a command the output options; it receives the Output that they ask for."""

    @functools.wraps(command)
    def directed(*, form: str | None, path: str | None, **options: Any) -> Any:
        speech = {name: options.pop(name) for name in SPEECH_OPTIONS}
        if path is not None:
            written = formats[known_suffix(path, formats)]
            if form not in (None, written):
                raise RequestError(f"--format {form} contradicts the suffix of {path}")
            form = written
        return command(output=Output(form or "table", path, **speech), **options)

    return together(OUTPUT_OPTIONS, directed)


def together(
    options: dict[str, Callable[..., Any]], command: Callable[..., Any]
) -> Callable[..., Any]:
    """Give a command all these options, in their order."""
    for option in reversed(options.values()):
        command = option(command)
    return command


def load_voice(lang: str, precision: int) -> Voice:
    """What says numbers and words in this language."""
    from dropout_cli.prose import Voice, load

    return Voice(load(lang), precision)


def known_suffix(path: str, known: Iterable[str]) -> str:
    """The suffix of a path, in small letters; RequestError for one that is not known."""
    suffix = splitext(path)[1].lower()
    if suffix not in known:
        raise RequestError(f"the name {path!r} must end in one of {', '.join(known)}")
    return suffix
