"""The commands: each its view of a trace, and how a run ends."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from dropout_cli import __version__
from dropout_cli.cli.options import (
    FIGURE_OPTIONS,
    PROBLEM_OPTIONS,
    Command,
    Option,
    ProblemOptions,
    Strict,
    output_options,
    problem_options,
    together,
)
from dropout_cli.cli.output import (
    Output,
    load_voice,
    print_text,
    say,
    suffix_of,
    write_file,
)
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dropout_cli.figure.look import Look
    from dropout_cli.trace import Trace

PICTURES = (".png", ".svg", ".pdf", ".gif")
FIGURE = "outputs/dropout_gradient_flow.png"
MOST = 10**7  # elements of a mask


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code; what fails is told in one sentence."""
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
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"the operating system refused: {error.strerror or error}")
    except ImportError as error:
        return _refuse(f"a library cannot be loaded: {error}")
    except MemoryError:
        pass  # what fills it is let go before it is told
    except Exception as error:  # no request may end in a traceback, and none should come here
        if sys.flags.dev_mode:
            raise
        if complete:
            return _refuse(
                "_DROPOUT_CLI_COMPLETE is set, but not COMP_WORDS and COMP_CWORD as shells set them"
            )
        return _refuse(f"a defect of dropout-cli, {type(error).__name__}: {error}")
    return _refuse("the problem is too large for this machine's memory")


def _refuse(sentence: str) -> int:
    say(f"Error: {sentence}")
    return 2


class Group(Strict, click.Group):
    """The commands, in the order in which they are defined."""

    command_class = Command

    def list_commands(self, _: click.Context) -> list[str]:
        """List the names of the commands."""
        return list(self.commands)


@click.group(cls=Group, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def cli(context: click.Context, version: bool) -> None:
    """Show, draw and prove what nn.Dropout does, one element at a time.

    Without options every command but masks shows the worked example: x = 2,4,6,8, p = 0.5,
    mask 1,0,1,0.

    V is a vector: numbers separated by commas or spaces, @FILE (.npy, .json, else text), or - for
    standard input.
    """
    if version and context.invoked_subcommand is not None:
        raise RequestError("--version cannot be combined with a command")
    if version:
        print_text(f"dropout-cli, version {__version__}\n")
    elif context.invoked_subcommand is None:
        print_text(context.get_help() + "\n")


@cli.command()
@click.option("--list", "names", is_flag=True, help="List the steps and exit.")
@click.option(
    "--step", "asked_steps", multiple=True, metavar="STEPS",
    help="Show only these steps: names or their beginnings, numbers, ranges, as 2,4-6,chain.",
)  # fmt: skip
@click.option("--pause", is_flag=True, help="Present a step at a time; ? shows the keys.")
@click.option(
    "--hide", is_flag=True,
    help="Leave the results blank: an exercise. With --pause the next key shows them.",
)  # fmt: skip
@problem_options
@output_options
def walkthrough(
    problem: ProblemOptions, output: Output, names: bool, asked_steps: tuple[str, ...], pause: bool,
    hide: bool,
) -> None:  # fmt: skip
    """Tell the whole derivation with your numbers.

    \b
    dropout-cli walkthrough
    dropout-cli walkthrough --step proof,11-12 -p 1/3
    dropout-cli walkthrough -x 1,2,3 -p 0.1 -o notes.md
    """
    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import contents, contents_record, page, record

    voice = output.voice._replace(hide=hide)
    if names:
        others = ("asked_steps", "pause", "hide", "precision")
        problem.refuse([*PROBLEM_OPTIONS, *others], "--list", "which tells no step")
        output.deliver(lambda: contents(voice), lambda: contents_record(voice))
        return
    if hide and output.suffix == ".json":
        raise RequestError("--hide cannot be combined with JSON, which holds every number")
    if pause and not (output.suffix == ".txt" and output.path is None):
        problem.refuse(["form", "path"], "--pause", "which presents in a terminal")
    chosen = _steps(asked_steps, [step["id"] for step in voice.prose["step"]])
    trace = Trace(problem.problem())
    if pause and _is_terminal():
        from dropout_cli.cli.present import present

        present(trace, voice, chosen)
    else:
        output.deliver(lambda: page(trace, voice, chosen), lambda: record(trace, voice, chosen))


def _steps(asked: tuple[str, ...], ids: list[str]) -> list[str]:
    """The ids of the steps asked for: names, numbers from 1, ranges; all where none is."""
    chosen: set[str] = set()
    for name in [name.strip() for each in asked for name in each.split(",")]:
        ends = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", name)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        begun = [id_ for id_ in ids if name and id_.startswith(name)]
        if name in ids:
            chosen.add(name)
        elif 1 <= first <= last <= len(ids):
            chosen.update(ids[first - 1 : last])
        elif len(begun) == 1:
            chosen.add(begun[0])
        elif begun:
            raise RequestError(f"step {name!r} is the beginning of several: {', '.join(begun)}")
        else:
            raise RequestError(
                f"step {name!r} is none of the steps: give a name of --list or its beginning, a"
                f" number from 1 to {len(ids)}, or a range such as 3-6"
            )
    return [id_ for id_ in ids if id_ in chosen] or ids


def _is_terminal() -> bool:
    streams = (sys.stdin, sys.stdout)
    dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown") and os.name == "posix"
    return not dumb and all(stream is not None and stream.isatty() for stream in streams)


@cli.command()
@functools.partial(problem_options, upstream=False)
@functools.partial(output_options, json_has_words=False)
def forward(problem: ProblemOptions, output: Output) -> None:
    """Show the forward pass, one row per element.

    \b
    dropout-cli forward
    dropout-cli forward -x 1,2,3 -p 0.1 --seed 7
    dropout-cli forward -x @input.npy -f json
    """
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import forward_page, forward_record

    trace = Trace(problem.problem())
    output.deliver(lambda: forward_page(trace, output.voice), lambda: forward_record(trace))


@cli.command()
@click.option(
    "--from", "saved", metavar="FILE",
    help="Read the pass that `forward -f json` saved; - reads standard input.",
)  # fmt: skip
@problem_options
@functools.partial(output_options, json_has_words=False)
def backward(problem: ProblemOptions, output: Output, saved: str | None) -> None:
    """Show the backward pass, one row per element.

    \b
    dropout-cli backward
    dropout-cli backward --loss sum-squares
    dropout-cli forward --seed 7 -f json | dropout-cli backward --from - -g 1,1,1,1
    """
    from dropout_cli.cli.saved import read_saved
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import backward_page, backward_record

    trace = Trace(problem.problem() if saved is None else read_saved(saved, problem))
    output.deliver(lambda: backward_page(trace, output.voice), lambda: backward_record(trace))


@cli.command()
@click.option(
    "-o", "--output", "path", metavar="FILE", default=FIGURE, show_default=True,
    help="The file to write: .png, .svg or .pdf; .gif for an animation of the lanes. Folders on its"
    " way are made.",
    cls=Option, group="Output",
)  # fmt: skip
@click.option(
    "--from", "source", metavar="FILE",
    help="Draw again what this .png or .svg of plot shows; options given change how it looks.",
)  # fmt: skip
@functools.partial(together, FIGURE_OPTIONS)
@problem_options
def plot(problem: ProblemOptions, path: str, source: str | None, **choices: Any) -> None:
    """Draw the gradient flow: four panels, lanes, or a film.

    \b
    dropout-cli plot
    dropout-cli plot --layout flow --theme dark -o slide.svg
    dropout-cli plot --panel y --panel grad_x --size square -o both.png
    dropout-cli plot -o flow.gif
    dropout-cli plot --from slide.svg -o slide.png
    """
    from dropout_cli.figure.look import FILM_DPI, Look
    from dropout_cli.trace import Trace

    suffix = suffix_of(path, PICTURES)
    if source is None:
        usual: dict[str, Any] = {"layout": "flow", "dpi": FILM_DPI} if suffix == ".gif" else {}
        given = {name: value for name, value in choices.items() if value is not None}
        trace, look = Trace(problem.problem()), Look(**usual | given)
    else:
        problem.refuse(PROBLEM_OPTIONS, "--from")
        trace, look = _read_figure(source)
        look = look._replace(**{name: choices[name] for name in choices if name in problem.given})
    look = look.checked()
    write_file(path, _draw(trace, look, suffix))
    say(load_voice(look.lang, look.precision).say("file", "wrote", path=path))


def _read_figure(source: str) -> tuple[Trace, Look]:
    """The trace and the look of a figure that plot has drawn."""
    from dropout_cli.cli.saved import read_problem
    from dropout_cli.cli.vectors import parse_json, read_bytes
    from dropout_cli.figure.look import read_look
    from dropout_cli.figure.record import LARGEST_FILE, MOST, SCHEMA, read_record
    from dropout_cli.trace import Trace

    saved = parse_json(read_record(read_bytes(source, LARGEST_FILE + 1), source), source)
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise RequestError(f"{source} is not a figure of plot: its schema must be {SCHEMA!r}")
    look = read_look(saved, source)
    if saved.get("trace") is None:
        raise RequestError(
            f"{source} holds no numbers, since it has more than {MOST} elements: draw it again"
            " from its input"
        )
    return Trace(read_problem(saved["trace"], source)), look


def _draw(trace: Trace, look: Look, suffix: str) -> bytes:
    """The figure's file, or the film's, with matplotlib kept quiet."""
    import logging

    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports its caches
    _import_matplotlib()
    voice = load_voice(look.lang, look.precision)
    if suffix == ".gif":
        from dropout_cli.figure.film import film

        return film(trace, voice, look, _watch)
    from dropout_cli.figure.files import picture

    return picture(trace, voice, look, suffix)


def _import_matplotlib() -> None:
    """Import it where its settings file is the empty one of the figures, so that no other is read.

    It looks for one in the current folder first.
    """
    from dropout_cli import figure

    folder = os.getcwd()
    os.chdir(os.path.dirname(figure.__file__))
    try:
        import matplotlib  # noqa: F401
    finally:
        os.chdir(folder)


def _watch(frames: list[Any]) -> Iterable[Any]:
    """The frames one by one, with a progress bar where a terminal shows it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return frames
    from rich.console import Console
    from rich.progress import track

    return track(frames, description="", console=Console(stderr=True), transient=True)


@cli.command()
@click.option(
    "--against", type=click.Choice(["torch", "jax"]),
    help="Also compare with this framework, which must be installed.",
)  # fmt: skip
@click.option(
    "--layer", "layers", metavar="MODULE:NAME", multiple=True, cls=Option, group="Candidate",
    help="Run your layer, and check what it computes and how it draws, for many p or for -p; may be"
    " repeated.",
)  # fmt: skip
@click.option(
    "--candidate", "candidates", metavar="FILE", multiple=True, cls=Option, group="Candidate",
    help="Check the y and grad_x in a JSON file, which also holds the problem; may be repeated.",
)  # fmt: skip
@click.option(
    "--y", "y", metavar="V", cls=Option, group="Candidate",
    help="Check this y, computed by your implementation.",
)  # fmt: skip
@click.option(
    "--grad-x", metavar="V", cls=Option, group="Candidate", help="Check this gradient dL/dx."
)
@click.option(
    "--rtol", type=click.FloatRange(0, 1), metavar="R", cls=Option, group="Candidate",
    help="Largest relative difference allowed."
    "  [default: 1e-5, or what the candidate's dtype rounds away]",
)  # fmt: skip
@functools.partial(problem_options, several_p=True)
@functools.partial(output_options, verdict=True)
def verify(
    problem: ProblemOptions, output: Output, against: str | None, layers: tuple[str, ...],
    candidates: tuple[str, ...], y: str | None, grad_x: str | None, rtol: float | None,
) -> int:  # fmt: skip
    """Check every claim, or your own implementation.

    Exits with 0 if all hold and with 1 if something does not. -o report.xml writes JUnit XML.

    \b
    dropout-cli verify -x 1,2,3 -p 0.1
    dropout-cli verify --against torch --seed 7
    dropout-cli verify --layer my_layers:Dropout -o report.xml
    dropout-cli verify --candidate mine.json
    dropout-cli verify --grad-x 0.2,0,0.6,0
    """
    from dropout_cli.cli.judge import judge_candidates, judge_layers
    from dropout_cli.views.report import Report, page, record

    if rtol is not None and math.isnan(rtol):
        raise RequestError("rtol is nan, but it must be a number from 0 to 1")
    voice = output.voice
    if layers:
        report = judge_layers(layers, problem, voice)
    elif candidates or y is not None or grad_x is not None:
        report = Report(judge_candidates(candidates, y, grad_x, rtol, problem, voice))
    else:
        from dropout_cli.trace import Trace
        from dropout_cli.verify.verdict import verify as verify_claims
        from dropout_cli.views.verdict import suite

        problem.refuse(["rtol"], "a verification of the claims", "which judges no candidate")
        verdict = verify_claims(Trace(problem.problem()), against)
        report = Report([suite(verdict, voice)], verdict.missing)
    output.deliver(lambda: page(report, voice), lambda: record(report))
    return {True: 0, False: 1, None: 2}[report.ok]


@cli.command()
@click.option(
    "-n", "count", type=click.IntRange(1, MOST), metavar="N",
    help="Number of elements.  [default: 4]",
)  # fmt: skip
@PROBLEM_OPTIONS["p"]
@click.option(
    "-s", "--seed", type=int, metavar="N",
    help="The seed that every source draws from.  [default: 42]",
)  # fmt: skip
@click.option("-m", "--mask", metavar="BITS", help="Mark the sources that draw this mask.")
@click.option(
    "--find", metavar="BITS", help="Find the smallest seed with which each source draws this mask."
)
@click.option(
    "--below", type=click.IntRange(1, 10**7), metavar="N",
    help="Try the seeds from 0 up to N-1.  [default: 10000]",
)  # fmt: skip
@functools.partial(output_options, json_has_words=False, rounds=False)
def masks(
    output: Output, p: float, count: int | None, seed: int | None, mask: str | None,
    find: str | None, below: int | None,
) -> None:  # fmt: skip
    """Show the mask of each source, or find a mask's seed.

    \b
    dropout-cli masks --seed 42 -n 10
    dropout-cli masks --seed 4 --mask 1,0,1,0
    dropout-cli masks --find 1,0,1,0
    """
    from dropout_cli import masks as sources
    from dropout_cli.arrays import as_mask, as_probability
    from dropout_cli.cli.vectors import read_mask
    from dropout_cli.views.masks import masks_page, masks_record, seeds_page, seeds_record

    p = as_probability(p)
    if find is None and below is not None:
        raise RequestError("--below belongs to --find: it bounds the seeds that are tried")
    if find is not None and not (count is None and seed is None and mask is None):
        raise RequestError(
            "--find cannot be combined with -n, --seed or --mask: it looks for its mask's seed"
        )
    written = mask if find is None else find
    given = None if written is None else read_mask(written)
    n = count or (4 if given is None else given.size)
    like = None if given is None else as_mask(given, (n,), p)
    if find is not None and like is not None:
        tried = below or 10_000
        seeds = sources.find(like, p, tried)
        output.deliver(
            lambda: seeds_page(seeds, like, p, tried, output.voice),
            lambda: seeds_record(seeds, like, p, tried),
        )
        return
    seed = 42 if seed is None else seed
    drawn = {rng: sources.draw(rng, seed, n, p) for rng in sources.SOURCES}
    output.deliver(
        lambda: masks_page(drawn, like, seed, p, output.voice),
        lambda: masks_record(drawn, like, seed, p),
    )
