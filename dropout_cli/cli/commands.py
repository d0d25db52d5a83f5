"""The commands: each shows its view of a trace."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import click

from dropout_cli import __version__
from dropout_cli.cli.options import (
    FIGURE_OPTIONS,
    PROBLEM_OPTIONS,
    ProblemOptions,
    complete_steps,
    output_options,
    problem_options,
    together,
)
from dropout_cli.cli.output import (
    Output,
    is_terminal,
    load_messages,
    print_text,
    say,
    suffix_of,
    write_file,
)
from dropout_cli.cli.parsing import Group, Option
from dropout_cli.cli.pictures import lanes, page_of_pass, page_of_step
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from dropout_cli.problem import Problem

FIGURES = (".png", ".svg", ".pdf", ".gif")
HAND_OUTS = (".html", ".md", ".ipynb")  # which hold a picture, or stand beside one
FIGURE = "outputs/dropout_gradient_flow.png"
MOST = 10**7  # elements of a mask


@click.group(cls=Group, invoke_without_command=True)
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def cli(context: click.Context, version: bool) -> None:
    """Show, draw and prove what nn.Dropout does, one element at a time.

    Without options every command but masks shows the worked example: x = 2,4,6,8, p = 0.5,
    mask 1,0,1,0.

    V is a vector: numbers separated by commas or spaces, also as Python, NumPy and PyTorch print
    them, @FILE (.npy, .json, else text), or - for standard input.
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
    "--step", "asked_steps", multiple=True, metavar="STEPS", shell_complete=complete_steps,
    help="Show only these steps: names or their beginnings, numbers, ranges, as 2,4-6,chain.",
)  # fmt: skip
@click.option("--pause", is_flag=True, help="Present a step at a time; ? shows the keys.")
@click.option(
    "--hide", is_flag=True,
    help="Leave the results blank: an exercise. With --pause the next key shows them.",
)  # fmt: skip
@problem_options()
@output_options(drawn=True)
def walkthrough(
    problem: ProblemOptions, output: Output, names: bool, asked_steps: tuple[str, ...], pause: bool,
    hide: bool,
) -> None:  # fmt: skip
    """Tell the whole derivation with your numbers.

    \b
    dropout-cli walkthrough
    dropout-cli walkthrough --step proof,11-12 -p 1/3
    dropout-cli walkthrough -x 1,2,3 -p 0.1 -o notes.md
    dropout-cli walkthrough --step 5 -o step.png
    """
    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import contents, contents_record, page, record

    messages = output.messages._replace(hide=hide)
    if names:
        others = ("asked_steps", "pause", "hide", "precision")
        problem.refuse([*PROBLEM_OPTIONS, *others], "--list", "which tells no step")
        output.deliver(lambda: contents(messages), lambda: contents_record(messages))
        return
    if hide and output.suffix == ".json":
        raise RequestError("--hide cannot be combined with JSON, which holds every number")
    if pause and not (output.suffix == ".txt" and output.path is None):
        problem.refuse(["form", "path"], "--pause", "which presents in a terminal")
    ids = [step["id"] for step in messages.prose["step"]]
    chosen = _steps(asked_steps, ids)
    trace = Trace(problem.problem())
    if pause and is_terminal():
        from dropout_cli.cli.present import present

        present(trace, messages, chosen)
        return
    draw = None
    if asked_steps and len(chosen) == 1:
        draw = page_of_step(ids.index(chosen[0]) + 1, len(ids))
    elif output.suffix in (".png", ".pdf"):
        raise RequestError(f"a {output.suffix} shows one step: choose it with --step")
    picture = None
    if output.path is not None and output.suffix in HAND_OUTS and not (hide or asked_steps):
        picture = lanes(trace, messages, output.lang)
    output.deliver(
        lambda: page(trace, messages, chosen, picture),
        lambda: record(trace, messages, chosen),
        draw,
        picture,
    )


def _steps(asked: tuple[str, ...], ids: list[str]) -> list[str]:
    """Return the ids of the steps asked for: names, numbers from 1, ranges; all where none is."""
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
                f"there is no step {name!r}: give a name of --list or its beginning, a number from"
                f" 1 to {len(ids)}, or a range such as 3-6"
            )
    return [id_ for id_ in ids if id_ in chosen] or ids


@cli.command()
@problem_options(upstream=False)
@output_options(json_has_words=False, drawn=True)
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
    output.deliver(
        lambda: forward_page(trace, output.messages),
        lambda: forward_record(trace),
        page_of_pass(trace, output.messages),
    )


@cli.command()
@click.option(
    "--from", "saved", metavar="FILE",
    help="Read the pass that `forward -f json` saved; - reads standard input.",
)  # fmt: skip
@problem_options()
@output_options(json_has_words=False, drawn=True)
def backward(problem: ProblemOptions, output: Output, saved: str | None) -> None:
    """Show the backward pass, one row per element.

    \b
    dropout-cli backward
    dropout-cli backward --loss sum-squares
    dropout-cli forward --seed 7 -f json | dropout-cli backward --from - -g 1,1,1,1
    """
    from dropout_cli.trace import Trace
    from dropout_cli.views.passes import backward_page, backward_record

    trace = Trace(problem.problem() if saved is None else _saved(saved, problem))
    output.deliver(
        lambda: backward_page(trace, output.messages),
        lambda: backward_record(trace),
        page_of_pass(trace, output.messages),
    )


def _saved(path: str, options: ProblemOptions) -> Problem:
    """Read a saved pass, with the upstream gradient of the options where they give one."""
    from dropout_cli.cli.input import named, parse_json, read_problem, read_text, read_vector

    others = [name for name in PROBLEM_OPTIONS if name not in ("grad_y", "loss")]
    options.refuse(others, "--from")
    saved = parse_json(read_text(path), named(path))
    grad_y = None if options.grad_y is None else read_vector(options.grad_y, "grad_y").values
    return read_problem(saved, named(path), grad_y=grad_y, loss=options.loss)


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
@together(FIGURE_OPTIONS)
@problem_options()
def plot(problem: ProblemOptions, path: str, source: str | None, **choices: Any) -> None:
    """Draw the gradient flow: four panels, lanes, or an animation.

    \b
    dropout-cli plot
    dropout-cli plot --layout flow --theme dark -o slide.svg
    dropout-cli plot --panel y --panel grad_x --size square -o both.png
    dropout-cli plot -o flow.gif
    dropout-cli plot --from slide.svg -o slide.png
    """
    from dropout_cli.cli.pictures import draw_figure, read_figure
    from dropout_cli.figure.style import ANIMATION_DPI, LEGIBLE, Style
    from dropout_cli.trace import Trace

    suffix = suffix_of(path, FIGURES)
    if source is None:
        usual: dict[str, Any] = {"layout": "flow", "dpi": ANIMATION_DPI} if suffix == ".gif" else {}
        given = {name: value for name, value in choices.items() if value is not None}
        trace, style = Trace(problem.problem()), Style(**usual | given)
    else:
        problem.refuse(PROBLEM_OPTIONS, "--from")
        trace, style = read_figure(source)
        style = style._replace(**{name: choices[name] for name in choices if name in problem.given})
    style = style.checked()
    messages = load_messages(style.lang, style.precision)
    data, smallest = draw_figure(trace, messages, style, suffix)
    write_file(path, data)
    say(messages.string("file", "wrote", path=path))
    if smallest < LEGIBLE:
        say(messages.string("figure", "small", size=f"{smallest:.1f}"))


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
@click.option(
    "--atol", type=click.FloatRange(0), metavar="A", default=0.0, cls=Option, group="Candidate",
    help="Largest absolute difference allowed besides.",
)  # fmt: skip
@click.option(
    "--decimals", type=click.IntRange(1, 17), metavar="N", cls=Option, group="Candidate",
    help="Decimals to which the values were written.  [default: as written, from 3 to 8]",
)  # fmt: skip
@click.option(
    "--dtype", type=click.Choice(["float16", "bfloat16", "float32", "float64"]), cls=Option,
    group="Candidate", help="The type that your layer is given.  [default: float32]",
)  # fmt: skip
@click.option(
    "-q", "--quiet", is_flag=True, cls=Option, group="Output",
    help="Show only what failed or could not be checked, and the verdict.",
)  # fmt: skip
@problem_options(several_p=True)
@output_options(verdict=True)
def verify(
    problem: ProblemOptions, output: Output, against: str | None, layers: tuple[str, ...],
    candidates: tuple[str, ...], y: str | None, grad_x: str | None, rtol: float | None,
    atol: float, decimals: int | None, dtype: str | None, quiet: bool,
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
    from dropout_cli.views.verification import EXIT_CODES, claims_suite, page, record, verdict

    if math.isnan(atol):
        raise RequestError("atol is nan, but it must be a number from 0")
    if rtol is not None and math.isnan(rtol):
        raise RequestError("rtol is nan, but it must be a number from 0 to 1")
    if output.suffix == ".json":
        problem.refuse(["quiet"], "JSON", "which holds every check")
    messages = output.messages
    if layers:
        suites = judge_layers(layers, dtype, problem, messages)
    elif candidates or y is not None or grad_x is not None:
        texts = {"y": y, "grad_x": grad_x}
        suites = judge_candidates(candidates, texts, decimals, rtol, atol, problem, messages)
    else:
        from dropout_cli.trace import Trace
        from dropout_cli.verify.frameworks import verify as verify_claims

        none = ("rtol", "atol", "decimals", "dtype")
        problem.refuse(none, "a verification of the claims", "which judges no candidate")
        if against is not None:
            problem.refuse(["skip"], "--against", "which draws right after the seed")
        trace = Trace(problem.problem())
        suites = [claims_suite(trace, *verify_claims(trace, against), messages)]
    output.deliver(lambda: page(suites, messages, quiet), lambda: record(suites))
    return EXIT_CODES[verdict(suites)]


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
@PROBLEM_OPTIONS["skip"]
@click.option("-m", "--mask", metavar="BITS", help="Mark the sources that draw this mask.")
@click.option(
    "--find", metavar="BITS", help="Find the smallest seed with which each source draws this mask."
)
@click.option(
    "--below", type=click.IntRange(1, 10**7), metavar="N",
    help="Try the seeds from 0 up to N-1.  [default: 10000]",
)  # fmt: skip
@output_options(json_has_words=False, rounds=False)
def masks(
    output: Output, p: float, count: int | None, seed: int | None, skip: int | None,
    mask: str | None, find: str | None, below: int | None,
) -> None:  # fmt: skip
    """Show the mask of each source, or find a mask's seed.

    \b
    dropout-cli masks --seed 42 -n 10
    dropout-cli masks --seed 123 --skip 10
    dropout-cli masks --seed 4 --mask 1,0,1,0
    dropout-cli masks --find 1,0,1,0
    """
    from dropout_cli import masks as sources
    from dropout_cli.arrays import as_mask, as_probability
    from dropout_cli.cli.input import read_vector
    from dropout_cli.views.masks import masks_page, masks_record, seeds_page, seeds_record

    p = as_probability(p)
    if find is None and below is not None:
        raise RequestError("--below belongs to --find: it bounds the seeds that are tried")
    if find is not None and not (count is None and seed is None and mask is None):
        raise RequestError(
            "--find cannot be combined with -n, --seed or --mask: it looks for its mask's seed"
        )
    written = mask if find is None else find
    given = None if written is None else read_vector(written, "mask").values
    n = count or (4 if given is None else given.size)
    like = None if given is None else as_mask(given, (n,), p)
    seed, skip, tried = 42 if seed is None else seed, skip or 0, below or 10_000
    drawn, refused = sources.draw_all(seed if find is None else 0, n, p, skip)
    if not drawn:
        raise next(iter(refused.values()))
    for rng, error in refused.items():
        say(output.messages.string("masks", "left_out", rng=rng, reason=error))
    if find is not None and like is not None:
        seeds = sources.find(like, p, tried, skip)
        output.deliver(
            lambda: seeds_page(seeds, like, skip, p, tried, output.messages, output.width),
            lambda: seeds_record(seeds, like, skip, p, tried),
        )
    else:
        output.deliver(
            lambda: masks_page(drawn, like, seed, skip, p, output.messages, output.width),
            lambda: masks_record(drawn, like, seed, skip, p),
        )
