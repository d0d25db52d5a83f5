"""The commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from dropout_cli import __version__
from dropout_cli.cli.options import (
    FIGURE_OPTIONS,
    PROBLEM_OPTIONS,
    ProblemOptions,
    complete_steps,
    file_option,
    output_options,
    passed_as,
    problem_options,
)
from dropout_cli.cli.output import (
    PICTURES,
    Output,
    load_messages,
    print_page,
    save_file,
    say,
    suffix_of,
)
from dropout_cli.cli.parsing import Group, choose_steps
from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from dropout_cli.problem import Problem

FIGURES = (".png", ".svg", ".pdf", ".gif")
HAND_OUTS = (".html", ".md", ".ipynb")  # pages with a picture, in the file or beside it
FIGURE = "outputs/dropout_gradient_flow.png"


@click.group(cls=Group, invoke_without_command=True)
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context) -> None:
    """Show, draw and prove what nn.Dropout does, one element at a time.

    Without options every command but masks shows the worked example: x = 2,4,6,8, p = 0.5,
    mask 1,0,1,0.

    V is a vector: numbers separated by commas or spaces, also as Python, NumPy and PyTorch print
    them, @FILE (.npy, .json, else text), or - for standard input.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.option("--list", "list_only", is_flag=True, help="List the steps and exit.")
@click.option(
    "--step", "steps", multiple=True, metavar="STEPS", shell_complete=complete_steps,
    help="Show only these steps: names or their beginnings, numbers, ranges, like 2,4-6,chain.",
)  # fmt: skip
@click.option("--pause", is_flag=True, help="Present one step at a time; ? shows the keys.")
@click.option(
    "--hide", is_flag=True,
    help="Leave the results blank, as an exercise. With --pause the next key shows them.",
)  # fmt: skip
@problem_options()
@output_options(drawn=True)
def walkthrough(
    options: ProblemOptions, output: Output, list_only: bool, steps: tuple[str, ...], pause: bool,
    hide: bool,
) -> None:  # fmt: skip
    """Show the whole derivation with your numbers.

    \b
    dropout-cli walkthrough
    dropout-cli walkthrough --step proof,11-12 -p 1/3
    dropout-cli walkthrough -x 1,2,3 -p 0.1 -o notes.md
    dropout-cli walkthrough --step 5 -o step.png
    """
    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import contents, contents_record, page, record

    messages = output.messages._replace(hide=hide)
    if list_only:
        others = ("steps", "pause", "hide", "precision")
        options.refuse([*PROBLEM_OPTIONS, *others], "--list", "which only lists the steps")
        output.write(contents_record(messages) if output.is_data else contents(messages))
        return
    if hide and output.is_data:
        raise RequestError("--hide cannot be combined with JSON, which holds every number")
    if pause:
        options.refuse(["form", "path"], "--pause", "which presents in a terminal")
    ids = [step["id"] for step in messages.prose["step"]]
    chosen = choose_steps(steps, ids)
    trace = Trace(options.problem())
    if pause and sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from dropout_cli.cli.present import present

        present(trace, messages, chosen)
    elif output.is_data:
        output.write(record(trace, messages, chosen))
    elif steps and len(chosen) == 1 and output.suffix in PICTURES:
        from dropout_cli.cli.pictures import save_page
        from dropout_cli.figure.tables import draw_step

        number = ids.index(chosen[0]) + 1
        document = page(trace, messages, chosen)
        save_page(draw_step(document, number, len(ids), output.style), document, output)
    elif output.suffix in (".png", ".pdf"):
        raise RequestError(f"a {output.suffix} shows one step: choose it with --step")
    else:
        picture = None
        if output.path is not None and output.suffix in HAND_OUTS and not (hide or steps):
            from dropout_cli.cli.pictures import lanes

            picture = lanes(trace, messages, output.lang)
        output.write(page(trace, messages, chosen, picture), picture)


@cli.command()
@problem_options(upstream=False)
@output_options(json_has_words=False, drawn=True)
def forward(options: ProblemOptions, output: Output) -> None:
    """Show the forward pass, one row per element.

    \b
    dropout-cli forward
    dropout-cli forward -x 1,2,3 -p 0.1 --seed 7
    dropout-cli forward -x @input.npy -f json
    """
    from dropout_cli.views.passes import forward_page, forward_record

    _show_pass(options.problem(), output, forward_page, forward_record)


def _show_pass(
    problem: Problem, output: Output, page: Callable[..., Any], record: Callable[..., Any]
) -> None:
    """Write the record of a pass, or its page as text or as a picture."""
    from dropout_cli.trace import Trace

    trace = Trace(problem)
    if output.is_data:
        output.write(record(trace))
        return
    document = page(trace, output.messages)
    if output.suffix in PICTURES:
        from dropout_cli.cli.pictures import save_page
        from dropout_cli.figure.tables import draw_pass

        save_page(draw_pass(document, trace, output.messages, output.style), document, output)
    else:
        output.write(document)


@cli.command()
@file_option(
    "--from", "saved",
    help="Read the pass that `forward -f json` saved; - reads standard input.",
)  # fmt: skip
@problem_options()
@output_options(json_has_words=False, drawn=True)
def backward(options: ProblemOptions, output: Output, saved: str | None) -> None:
    """Show the backward pass, one row per element.

    \b
    dropout-cli backward
    dropout-cli backward --loss sum-squares
    dropout-cli forward --seed 7 -f json | dropout-cli backward --from - -g 1,1,1,1
    """
    from dropout_cli.views.passes import backward_page, backward_record

    if saved is None:
        problem = options.problem()
    else:  # --grad-y and --loss replace its upstream gradient
        from dropout_cli.cli.input import display_name, read_json, read_problem

        upstream = ("grad_y", "loss")
        options.refuse([name for name in PROBLEM_OPTIONS if name not in upstream], "--from")
        record, given = read_json(saved), options.arguments()
        replaced = {name: given[name] for name in upstream if given.get(name) is not None}
        problem = read_problem(record, display_name(saved), replaced)
    _show_pass(problem, output, backward_page, backward_record)


@cli.command()
@file_option(
    "-o", "--output", "path", default=FIGURE, show_default=True,
    help="The file to write: .png, .svg or .pdf; .gif for an animation of the lanes. Missing"
    " folders are created.",
)  # fmt: skip
@file_option(
    "--from", "source",
    help="Draw the figure in this .png or .svg of plot again, in the style of other options.",
)  # fmt: skip
@passed_as("choices", FIGURE_OPTIONS)
@problem_options()
def plot(options: ProblemOptions, path: str, source: str | None, choices: dict[str, Any]) -> None:
    """Draw the gradient flow: four panels, lanes, or an animation.

    \b
    dropout-cli plot
    dropout-cli plot --layout flow --theme dark -o slide.svg
    dropout-cli plot --panel y --panel grad_x --size square -o both.png
    dropout-cli plot -o flow.gif
    dropout-cli plot --from slide.svg -o slide.png
    """
    from dropout_cli.cli.pictures import read_figure
    from dropout_cli.figure.style import ANIMATION_DPI, LEGIBLE, Style
    from dropout_cli.trace import Trace

    suffix = suffix_of(path, FIGURES)
    if source is None:
        trace, style = Trace(options.problem()), Style(lang=choices["lang"])
        if suffix == ".gif":
            style = style._replace(layout="flow", dpi=ANIMATION_DPI)
    else:
        options.refuse(PROBLEM_OPTIONS, "--from")
        trace, style = read_figure(source)
    style = style._replace(**{name: choices[name] for name in choices if name in options.given})
    style = style.checked()
    messages = load_messages(style.lang, style.precision)
    if suffix == ".gif":
        from dropout_cli.figure.animation import animate

        data, smallest = animate(trace, messages, style)
    else:
        from dropout_cli.figure.files import picture

        data, smallest = picture(trace, messages, style, suffix)
    save_file(path, data, messages)
    if smallest < LEGIBLE:
        say(messages.string("figure", "small", size=f"{smallest:.1f}"))


@cli.command()
@click.option(
    "--against", type=click.Choice(["torch", "jax"]),
    help="Also compare with this framework, which must be installed.",
)  # fmt: skip
@click.option(
    "--layer", "layers", metavar="MODULE:NAME", multiple=True,
    help="Run your layer, and check what it computes and how it samples its mask, for many p or"
    " for each -p; may be repeated.",
)  # fmt: skip
@file_option(
    "--candidate", "candidates", multiple=True,
    help="Check the y and grad_x in a JSON file, which also holds the problem; may be repeated.",
)  # fmt: skip
@click.option("--y", metavar="V", help="Check this y, computed by your implementation.")
@click.option("--grad-x", metavar="V", help="Check this gradient dL/dx.")
@click.option(
    "--rtol", type=click.FloatRange(0, 1), metavar="R",
    help="Largest relative difference allowed."
    "  [default: 1e-5, or what the candidate's dtype rounds away]",
)  # fmt: skip
@click.option(
    "--atol", type=click.FloatRange(0), metavar="A", default=0.0,
    help="Largest absolute difference allowed besides.",
)  # fmt: skip
@click.option(
    "--decimals", type=click.IntRange(1, 17), metavar="N",
    help="Decimals to which the values were written.  [default: as written, from 3 to 8]",
)  # fmt: skip
@click.option(
    "--dtype", type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
    help="The type of your layer's input.  [default: float32]",
)  # fmt: skip
@click.option(
    "-q", "--quiet", is_flag=True,
    help="Show only what failed or could not be checked, and the verdict.",
)  # fmt: skip
@problem_options(several_p=True)
@output_options(verdict=True)
def verify(
    options: ProblemOptions, output: Output, against: str | None, layers: tuple[str, ...],
    candidates: tuple[str, ...], y: str | None, grad_x: str | None, rtol: float | None,
    atol: float, decimals: int | None, dtype: str | None, quiet: bool,
) -> int:  # fmt: skip
    """Check every claim, or your own implementation.

    Exit codes: 0 if nothing is wrong, 1 if something is, and 2 if something cannot be checked.
    -o report.xml writes JUnit XML. With exit code 2 there is no report, not even an earlier one.

    \b
    dropout-cli verify -x 1,2,3 -p 0.1
    dropout-cli verify --against torch --seed 7
    dropout-cli verify --layer my_layers:Dropout -o report.xml
    dropout-cli verify --candidate mine.json
    dropout-cli verify --grad-x 0.2,0,0.6,0
    """
    from dropout_cli.cli.judge import judge_candidates, judge_layers
    from dropout_cli.views.verification import EXIT_CODES, claims_suite, page, record, verdict

    vectors = (options.x, options.mask, options.grad_y, y, grad_x)
    inputs = {*candidates, *(text.removeprefix("@") for text in vectors if text)}
    if output.path and os.path.realpath(output.path) not in map(os.path.realpath, inputs):
        with suppress(FileNotFoundError):
            os.remove(output.path)
    if output.suffix == ".json":
        options.refuse(["quiet"], "JSON", "which holds every check")
    messages = output.messages
    if layers:
        suites = judge_layers(layers, dtype, options, messages)
    elif candidates or y is not None or grad_x is not None:
        texts = {"y": y, "grad_x": grad_x}
        suites = judge_candidates(candidates, texts, decimals, rtol, atol, options, messages)
    else:
        from dropout_cli.trace import Trace
        from dropout_cli.verify.frameworks import check_claims

        of_candidates = ("rtol", "atol", "decimals", "dtype")
        options.refuse(of_candidates, "a verification of the claims", "which judges no candidate")
        if against is not None:
            options.refuse(["skip"], "--against", "which draws right after the seed")
        trace = Trace(options.problem())
        suites = [claims_suite(trace, *check_claims(trace, against), messages)]
    output.write(record(suites) if output.is_data else page(suites, messages, quiet))
    if output.suffix == ".xml":  # CI systems keep the file, people read the page
        print_page(page(suites, messages, quiet))
    return EXIT_CODES[verdict(suites)]


@cli.command()
@click.option(
    "-n", "count", type=click.IntRange(1, 10**7), metavar="N",
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

    if find is None and below is not None:
        raise RequestError("--below belongs to --find: it bounds the seeds that are tried")
    if find is not None and not (count is None and seed is None and mask is None):
        raise RequestError("--find cannot be combined with -n, --seed or --mask: it looks for them")
    written = mask if find is None else find
    given = None if written is None else read_vector(written, "mask").values
    n, p, skip = count or (4 if given is None else given.size), as_probability(p), skip or 0
    like = None if given is None else as_mask(given, (n,), p)
    seed = 0 if find is not None else 42 if seed is None else seed
    drawn, refused = sources.draw_all(seed, n, p, skip)
    if not drawn:
        raise next(iter(refused.values()))
    messages = output.messages
    for rng, error in refused.items():
        say(messages.string("masks", "left_out", rng=rng, reason=error))
    if find is not None and like is not None:
        below = below or 10_000
        record = seeds_record(sources.find(like, p, below, skip), like, skip, p, below)
        page = seeds_page(record, messages, output.width)
    else:
        record = masks_record(drawn, like, seed, skip, p)
        page = masks_page(record, like, messages, output.width)
    output.write(record if output.is_data else page)
