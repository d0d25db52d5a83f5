"""The command line: each command, its view of the Trace, and how a run ends."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from dropout_cli.errors import RequestError
from dropout_cli.options import (
    FORMATS,
    PROBLEM_OPTIONS,
    SPEECH_OPTIONS,
    Output,
    known_suffix,
    load_voice,
    output_options,
    problem_options,
    together,
)
from dropout_cli.output import discard, print_text, say, write_file

if TYPE_CHECKING:
    from dropout_cli.trace import Trace

PICTURES = (".png", ".svg", ".pdf")
REPORTS = FORMATS | {".xml": "junit"}
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
        discard(sys.stdout)
        return _refuse(f"cannot write to standard output: {error.strerror}")
    except MemoryError:
        return _refuse("the problem is too large for this machine's memory")
    except click.Abort:
        return 130
    except Exception as error:  # no request may end in a traceback, and none should come here
        return _refuse(f"a defect of dropout-cli, {type(error).__name__}: {error}")


def _refuse(sentence: str) -> int:
    say(f"Error: {' '.join(sentence.splitlines())}")
    return 2


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

    output.deliver(lambda: forward_page(trace, output.voice), lambda: forward_json(trace))


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

    output.deliver(lambda: backward_page(trace, output.voice), lambda: backward_json(trace))


@cli.command()
@click.option("--list", "names", is_flag=True, help="Name the steps, and end.")
@click.option(
    "--step", "asked", multiple=True, metavar="ID|N|N-N",
    help="Tell this step alone, by its name or number, or a range; may be given again.",
)  # fmt: skip
@click.option("--pause", is_flag=True, help="Wait for a key after each step; q ends.")
@output_options
@problem_options
def walkthrough(
    trace: Trace, output: Output, names: bool, asked: tuple[str, ...], pause: bool
) -> None:
    """The whole derivation, with the problem's numbers.

    \b
    dropout-cli walkthrough
    dropout-cli walkthrough --step proof --step 11-12 -p 0.1
    dropout-cli walkthrough -x 1,2,3 -p 0.1 -o notes.md
    """
    voice = output.voice
    titles = {entry["id"]: entry["title"] for entry in voice.prose["step"]}
    if names:
        width = max(map(len, titles))
        lines = (f"{k:>2}  {id_:<{width}}  {titles[id_]}\n" for k, id_ in enumerate(titles, 1))
        print_text("".join(lines))
        return
    from dropout_cli.walkthrough import page, record

    chosen = _steps(asked, list(titles))
    if pause and output.form == "table" and output.path is None and _is_terminal():
        _present(trace, output, chosen, len(titles))
    else:
        output.deliver(lambda: page(trace, voice, chosen), lambda: record(trace, voice, chosen))


def _steps(asked: tuple[str, ...], ids: list[str]) -> list[str]:
    """The ids of the steps asked for: names, numbers from 1, ranges; all where none is."""
    chosen: set[str] = set()
    for name in asked:
        ends = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", name)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        if name in ids:
            chosen.add(name)
        elif 1 <= first <= last <= len(ids):
            chosen.update(ids[first - 1 : last])
        else:
            raise RequestError(
                f"step {name!r} is none of the steps: give a name of --list, a number from 1 to"
                f" {len(ids)}, or a range such as 3-6"
            )
    return [id_ for id_ in ids if id_ in chosen] or ids


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _present(trace: Trace, output: Output, chosen: list[str], total: int) -> None:
    """Tell the steps one by one, waiting for a key after each."""
    from dropout_cli.terminal import to_terminal
    from dropout_cli.walkthrough import step_page, tell

    for step in tell(trace, output.voice, chosen):
        print_text(to_terminal(step_page(step)) + "\n")
        if step.id == chosen[-1]:
            return
        prompt = output.voice.say("pause", "prompt", number=step.number, total=total)
        click.echo(prompt, nl=False, err=True)
        key = click.getchar()
        click.echo("\r\x1b[K", nl=False, err=True)
        if key in ("q", "Q", "\x1b", "\x04"):
            return


@cli.command()
@click.option(
    "-n", "count", type=click.IntRange(1, 10**8), metavar="N", help="Elements.  [default: 4]"
)
@PROBLEM_OPTIONS["p"]
@click.option(
    "-s", "--seed", type=int, metavar="N", help="What every source draws with.  [default: 42]"
)
@click.option("-m", "--mask", metavar="BITS", help="Mark the sources that draw this mask.")
@click.option("--find", metavar="BITS", help="Seek the seed with which each draws this mask.")
@click.option(
    "--below", type=click.IntRange(1, 10**7), metavar="N", default=10_000, show_default=True,
    help="How far --find looks.",
)  # fmt: skip
@output_options
def masks(
    output: Output, p: float, count: int | None, seed: int | None, mask: str | None,
    find: str | None, below: int,
) -> None:  # fmt: skip
    """Who draws which mask with one seed, or with which seed one mask.

    \b
    dropout-cli masks --seed 42 -n 10
    dropout-cli masks --seed 4 --mask 1,0,1,0
    dropout-cli masks --find 1,0,1,0
    """
    from dropout_cli import masks as sources
    from dropout_cli.dropout import as_mask, as_probability
    from dropout_cli.tables import masks_page, seeds_page
    from dropout_cli.vectors import read_mask

    p = as_probability(p)
    if find is not None and not (count is None and seed is None and mask is None):
        raise RequestError("--find contradicts -n, --seed and --mask: it seeks a seed for its mask")
    written = mask if find is None else find
    given = None if written is None else read_mask(written)
    n = count or (4 if given is None else given.size)
    like = None if given is None else as_mask(given, (n,), p)
    record: dict[str, Any] = {"schema": "dropout-cli/masks/1", "p": p, "n": n}
    if find is not None and like is not None:
        seeds = {rng: sources.find(rng, like, p, below) for rng in sources.SOURCES}
        record |= {"find": like.astype(int).tolist(), "below": below, "seeds": seeds}
        output.deliver(lambda: seeds_page(seeds, like, p, below, output.voice), lambda: record)
        return
    seed = 42 if seed is None else seed
    drawn = {rng: sources.draw(rng, seed, n, p) for rng in sources.SOURCES}
    record |= {"seed": seed, "masks": {rng: m.astype(int).tolist() for rng, m in drawn.items()}}
    if like is not None:
        record["equal"] = {rng: bool((m == like).all()) for rng, m in drawn.items()}
    output.deliver(lambda: masks_page(drawn, like, seed, p, output.voice), lambda: record)


@cli.command()
@click.option(
    "-o", "--output", "path", metavar="FILE", default=FIGURE, show_default=True,
    help="The file to write: .png, .svg or .pdf.",
)  # fmt: skip
@click.option("--dpi", type=float, default=150, show_default=True, help="Dots per inch of a .png.")
@click.option("--size", metavar="WxH", default="14x10", show_default=True, help="Inches.")
@functools.partial(together, SPEECH_OPTIONS)
@problem_options
def plot(trace: Trace, path: str, dpi: float, size: str, precision: int, lang: str) -> None:
    """The four-panel gradient-flow figure.

    \b
    dropout-cli plot
    dropout-cli plot -x 3,-1,4,1,-5 --seed 2 --loss sum-squares -o slide.svg --size 16x9
    """
    suffix = known_suffix(path, PICTURES)
    sides = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", size)
    if not sides:
        raise RequestError(f"--size is {size!r}, but it must be inches as WxH, such as 14x10")
    import logging

    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its caches
    try:
        from dropout_cli.figure import gradient_flow, to_bytes
    except (ValueError, OSError) as error:
        raise RequestError(f"matplotlib cannot read its settings: {error}") from None
    voice = load_voice(lang, precision)
    figure = gradient_flow(trace, voice, (float(sides[1]), float(sides[2])))
    write_file(path, to_bytes(figure, suffix, dpi))
    say(voice.say("file", "wrote", path=path))


def _read_candidate(_: click.Context, __: click.Parameter, path: str | None) -> Any:
    from dropout_cli.schema import read_candidate
    from dropout_cli.vectors import read_text

    if path is None:
        return None
    return read_candidate(read_text(path), "standard input" if path == "-" else path)


@cli.command()
@click.option(
    "--against", type=click.Choice(["torch", "jax"]),
    help="Hold the numbers against this framework too, which must be installed.",
)  # fmt: skip
@click.option("--y", "y", metavar="V", help="Judge this y, which an implementation computed.")
@click.option("--grad-x", metavar="V", help="Judge this gradient dL/dx.")
@click.option(
    "--candidate", metavar="FILE", callback=_read_candidate,
    help="Judge the y and grad_x of a JSON file, which may hold the problem too.",
)  # fmt: skip
@click.option(
    "--rtol", type=click.FloatRange(0, 1), metavar="R", default=1e-5, show_default=True,
    help="The relative difference that a judged value may have.",
)  # fmt: skip
@functools.partial(output_options, formats=REPORTS)
@problem_options
def verify(
    trace: Trace, output: Output, against: str | None, y: str | None, grad_x: str | None,
    candidate: dict[str, Any] | None, rtol: float,
) -> int:  # fmt: skip
    """Is every claim true for these numbers; is your implementation right.

    Exits with 0 if all hold, with 1 if something does not. -o report.xml writes JUnit XML.

    \b
    dropout-cli verify -x 1,2,3 -p 0.1
    dropout-cli verify --against torch --seed 7
    dropout-cli verify --grad-x 0.2,0,0.6,0
    dropout-cli verify --candidate mine.json -o report.xml
    """
    from dropout_cli import verify as verdicts
    from dropout_cli.vectors import read_vector

    if math.isnan(rtol):
        raise RequestError("rtol is nan, but it must be a number from 0 to 1")
    judged: dict[str, Any] = {}
    for about, given in (("y", y), ("grad_x", grad_x)):
        written = None if candidate is None else candidate.get(about)
        if given is not None and written is not None:
            raise RequestError(f"{about} is given twice, as an option and in the candidate")
        if given is not None or written is not None:
            judged[about] = written if given is None else read_vector(given, about)
    if judged and against is not None:
        raise RequestError("--against contradicts a candidate: judge one thing at a time")
    verdict = verdicts.judge(trace, judged, rtol) if judged else verdicts.verify(trace, against)
    output.deliver(
        lambda: verdicts.page(verdict, trace, output.voice),
        lambda: verdicts.record(verdict, trace, output.voice),
    )
    return int(not verdict.ok) if verdict.missing is None else 2
