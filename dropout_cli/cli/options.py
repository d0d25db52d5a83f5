"""The options, each defined once, and what a command is given of them."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from dropout_cli.cli.output import PRINTED, Output, chosen_suffix, printing
from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS, THEME_NAMES
from dropout_cli.formats import FORMATS
from dropout_cli.losses import LOSSES
from dropout_cli.words import languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Problem


class Option(click.Option):
    """An option that stands in a group of the help."""

    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        """Take a group beside what click takes."""
        super().__init__(*args, **settings)
        self.group = group


class Strict(click.Command):
    """A command that drops no option: click would take the last of two in silence."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option given twice; suggest the option of a choice, `--theme dark`."""
        try:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            likely = _choosing(self, error.option_name) or error.possibilities
            raise click.NoSuchOption(error.option_name, possibilities=likely, ctx=ctx) from None
        for param in order:
            several = isinstance(param, click.Option) and param.multiple
            if order.count(param) > 1 and not (several or ctx.resilient_parsing):
                raise RequestError(f"{_flag(param)} is given twice, but it can be given only once")
        with printing():  # the help
            return super().parse_args(ctx, args)


def _choosing(command: click.Command, name: str) -> list[str]:
    """Find the options that have the name, without its dashes, as a choice."""
    choice = name.lstrip("-")
    return [
        f"{_flag(param)} {choice}"
        for param in command.params
        if isinstance(param.type, click.Choice) and choice in param.type.choices
    ]


def _flag(param: click.Parameter) -> str:
    return max(param.opts, key=len)


class Command(Strict):
    """A command whose help shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group, its own options first."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None:
                groups.setdefault(getattr(param, "group", "Options"), []).append(row)
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; refuse standard input for two options."""
        values = [value for name, value in ctx.params.items() if name != "title"]
        values += [each for value in values if isinstance(value, tuple) for each in value]
        if values.count("-") > 1:
            raise RequestError("'-' is given twice, but standard input can be read only once")
        return super().invoke(ctx)


class Probability(click.ParamType[float]):
    """A number, or a fraction of two whole numbers."""

    name = "probability"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; Problem checks whether it lies from 0 to 1."""
        try:
            fraction = re.fullmatch(r"(\d{1,15})/(\d{1,15})", str(value))
            return int(fraction[1]) / int(fraction[2]) if fraction else float(value)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is neither a number nor a fraction such as 1/3.", param, ctx)


PRECISION = 6  # significant digits of a page
COLOURED = (".html", ".svg")  # the formats that have a theme

problem_option = functools.partial(click.option, cls=Option, group="Problem")
figure_option = functools.partial(click.option, cls=Option, group="Figure")
output_option = functools.partial(click.option, cls=Option, group="Output")

drop_prob_option = functools.partial(
    problem_option, "-p", "--drop-prob", "p", type=Probability(), metavar="P", show_default=True
)

PROBLEM_OPTIONS = {
    "x": problem_option(
        "-x", "--input", "x", metavar="V", default="2,4,6,8", show_default=True, help="The input."
    ),
    "p": drop_prob_option(
        default=0.5, help="Probability of dropping an element, 0 to 1, or a fraction such as 1/3."
    ),
    "mask": problem_option(
        "-m", "--mask", metavar="BITS",
        help="The mask, 1,0,1,0 or 1010: 1 keeps, 0 drops."
        "  [default: 1,0,1,0 for four elements and 0 < p < 1, else drawn]",
    ),
    "seed": problem_option(
        "-s", "--seed", type=int, metavar="N",
        help="Draw the mask from this seed instead.  [default: 0 where one must be drawn]",
    ),
    "rng": problem_option(
        "--rng", metavar="NAME",
        help="Who draws it: numpy, torch-rand, torch-cpu, torch-mkl, jax."
        "  [default: numpy]",
    ),
    "inference": problem_option(
        "--eval", "inference", is_flag=True, help="Inference mode instead of training."
    ),
    "grad_y": problem_option(
        "-g", "--grad-y", metavar="V",
        help="The upstream gradient dL/dy of the backward pass."
        "  [default: 0.1,0.2,0.3,0.4 for four elements, else ones]",
    ),
    "loss": problem_option(
        "--loss", type=click.Choice(list(LOSSES)), help="Take dL/dy from this loss instead."
    ),
}  # fmt: skip
THEME_OPTION = output_option(
    "--theme", type=click.Choice(THEME_NAMES),
    help="Dark ink on a light ground, or light on dark, in pictures and HTML."
    "  [default: light; in HTML as the reader has it]",
)  # fmt: skip
SPEECH_OPTIONS = {
    "precision": output_option(
        "--precision", type=click.IntRange(1, 17), metavar="N", default=PRECISION,
        show_default=True, help="Significant digits of the numbers shown.",
    ),
    "lang": output_option(
        "--lang", type=click.Choice(languages()), default="en", show_default=True,
        envvar="DROPOUT_CLI_LANG", show_envvar=True, help="The language of the words.",
    ),
}  # fmt: skip

FIGURE_OPTIONS = {
    "layout": figure_option(
        "--layout", type=click.Choice(LAYOUTS),
        help="Four panels, or lanes through the mask and back.  [default: panels; flow for .gif]",
    ),
    "theme": THEME_OPTION,
    "transparent": figure_option("--transparent", is_flag=True, help="Leave out the ground."),
    "size": figure_option(
        "--size", metavar="SIZE", default="16x9", show_default=True,
        help="16x9, 4x3, square, or WxH: pixels, as 1920x1080, or inches, as 14x10.",
    ),
    "dpi": figure_option(
        "--dpi", type=float, metavar="N",
        help="Dots per inch.  [default: 144; 96 for .gif]",
    ),
    "title": figure_option(
        "--title", metavar="TEXT", help="Another title; an empty one for none."
    ),
    "panel": figure_option(
        "--panel", type=click.Choice(PANELS), multiple=True,
        help="Draw this panel alone, large; may be repeated.",
    ),
    "precision": output_option(
        "--precision", type=click.IntRange(1, 17), metavar="N", default=4, show_default=True,
        help="Significant digits of the values.",
    ),
    "lang": SPEECH_OPTIONS["lang"],
}  # fmt: skip


class ProblemOptions(NamedTuple):
    """The problem options as they were written.

    ps: the drop probabilities: one, but for the layers of verify.
    given: the options of the command that the command line has: how each name is written in full.
    """

    x: str
    ps: tuple[float, ...]
    mask: str | None
    seed: int | None
    rng: str | None
    inference: bool
    grad_y: str | None
    loss: str | None
    given: Mapping[str, str]

    @property
    def p(self) -> float:
        """The one drop probability. Raises RequestError where several are given."""
        if len(self.ps) > 1:
            raise RequestError("--drop-prob is given twice, but only --layer takes several")
        return self.ps[0]

    def problem(self, **known: Any) -> Problem:
        """Create the problem. known: arguments of Problem.pose that a file has already set."""
        from dropout_cli.cli.vectors import read_mask, read_vector
        from dropout_cli.problem import Problem

        options = {
            "x": None if "x" in known else read_vector(self.x, "x"),
            "p": self.p,
            "mask": None if self.mask is None else read_mask(self.mask),
            "seed": self.seed,
            "rng": self.rng,
            "grad_y": self.upstream(),
            "loss": self.loss,
            "training": not self.inference,
        }
        return Problem.pose(**options | known)

    def upstream(self) -> FloatArray | None:
        """Read the upstream gradient, if one is given."""
        from dropout_cli.cli.vectors import read_vector

        return None if self.grad_y is None else read_vector(self.grad_y, "grad_y")

    def refuse(
        self, names: Iterable[str], setter: str, because: str = "which already sets it"
    ) -> None:
        """Refuse the options of these names beside the setter, an option or what stands for one."""
        refuse_given(self.given, names, setter, because)


def refuse_given(given: Mapping[str, str], names: Iterable[str], setter: str, because: str) -> None:
    """Refuse those of the given options that have one of these names."""
    for name in names:
        if name in given:
            raise RequestError(f"{given[name]} cannot be combined with {setter}, {because}")


def _given() -> dict[str, str]:
    """Collect the options that the command line has: how each name is written in full."""
    ctx = click.get_current_context()
    return {
        param.name: _flag(param)
        for param in ctx.command.params
        if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    }


def problem_options(
    command: Callable[..., Any], *, upstream: bool = True, several_p: bool = False
) -> Callable[..., Any]:
    """Give a command the problem options, which it receives as `problem`.

    upstream: whether it takes the upstream gradient or a loss too. several_p: or several -p.
    """
    options = dict(PROBLEM_OPTIONS)
    if not upstream:
        del options["grad_y"], options["loss"]
    if several_p:
        options["p"] = drop_prob_option(
            default=[0.5], multiple=True,
            help="Probability of dropping an element, 0 to 1, or a fraction such as 1/3; with"
            " --layer it may be repeated.",
        )  # fmt: skip

    @functools.wraps(command)
    def with_problem(*, p: float | tuple[float, ...], **rest: Any) -> Any:
        written = {name: rest.pop(name, None) for name in PROBLEM_OPTIONS if name != "p"}
        ps = p if isinstance(p, tuple) else (p,)
        return command(problem=ProblemOptions(**written, ps=ps, given=_given()), **rest)

    return together(options, with_problem)


def output_options(
    command: Callable[..., Any],
    *,
    verdict: bool = False,
    json_has_words: bool = True,
    rounds: bool = True,
) -> Callable[..., Any]:
    """Give a command the output options; it receives the Output that they choose as `output`.

    verdict: whether it writes the formats of a verification too. json_has_words: whether its JSON
    has words and rounded numbers. rounds: whether its pages have rounded numbers.
    """
    kinds = ("page", "record", "verdict") if verdict else ("page", "record")
    formats = [suffix for suffix, form in FORMATS.items() if form.of in kinds]
    options = {
        "form": output_option(
            "-f", "--format", "form", type=click.Choice(list(PRINTED)),
            help="What to print.  [default: table]",
        ),
        "path": output_option(
            "-o", "--output", "path", metavar="FILE",
            help=f"Write to FILE instead: {', '.join(formats)}.",
        ),
        "theme": THEME_OPTION,
        **SPEECH_OPTIONS,
    }  # fmt: skip
    if not rounds:
        del options["precision"]

    @functools.wraps(command)
    def with_output(
        *,
        form: str | None,
        path: str | None,
        theme: str | None,
        lang: str,
        precision: int = PRECISION,
        **rest: Any,
    ) -> Any:
        suffix, given = chosen_suffix(form, path, formats), _given()
        if suffix not in COLOURED:
            because = f"which only {' and '.join(COLOURED)} files have"
            refuse_given(given, ["theme"], "output without colours to choose", because)
        if suffix == ".json" and not json_has_words:
            refuse_given(given, ["precision"], "JSON", "which holds every number in full")
            if path is None:  # else it is told in this language that the file is written
                refuse_given(given, ["lang"], "JSON", "which has no words here")
        title = click.get_current_context().command_path
        return command(output=Output(suffix, path, theme, precision, lang, title), **rest)

    return together(options, with_output)


def together(
    options: dict[str, Callable[..., Any]], command: Callable[..., Any]
) -> Callable[..., Any]:
    """Give a command these options, in their order."""
    for option in reversed(options.values()):
        command = option(command)
    return command
