"""The options, each defined once: argv in, what was asked and where it goes out."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from dropout_cli.cli.output import PRINTED, Output, chosen_suffix, print_text
from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS, THEME_NAMES
from dropout_cli.formats import FORMATS
from dropout_cli.losses import LOSSES
from dropout_cli.words import languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Problem


class Option(click.Option):
    """An option that stands in a group of the help."""

    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        """Take a group beside what click takes."""
        super().__init__(*args, **settings)
        self.group = group


class Helped(click.Command):
    """A command whose help is written as all else is."""

    def get_help_option(self, _: click.Context) -> click.Option:
        """The same `--help` as click's, without its search for a translation, which is slow."""
        return click.Option(
            ["--help"], is_flag=True, is_eager=True, expose_value=False, callback=_print_help,
            help="Show this message and exit.",
        )  # fmt: skip


def _print_help(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        print_text(ctx.get_help() + "\n")
        ctx.exit()


class Command(Helped):
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
        read = [value for name, value in ctx.params.items() if name != "title"]
        if read.count("-") > 1:
            raise RequestError("'-' is given twice, but standard input can be read only once")
        return super().invoke(ctx)


class Probability(click.ParamType[float]):
    """A number, or a fraction of two whole numbers."""

    name = "probability"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; whether it lies from 0 to 1 is the problem's to say."""
        try:
            fraction = re.fullmatch(r"(\d{1,15})/(\d{1,15})", str(value))
            return int(fraction[1]) / int(fraction[2]) if fraction else _number(str(value))
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is neither a number nor a fraction such as 1/3.", param, ctx)


def _number(text: str) -> float:
    if "_" in text:  # Python would read 0_0.5 as 0.5
        raise ValueError
    return float(text)


class Digits(click.ParamType[int]):
    """A whole number in digits alone: Python would read 1_0 as 10."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is not digits with a sign, then read it."""
        if isinstance(value, str) and not re.fullmatch(r"\s*[+-]?[0-9]{1,1000}\s*", value):
            self.fail(f"{value!r} is not a valid integer.", param, ctx)
        return super().convert(value, param, ctx)


class Whole(Digits, click.types.IntParamType):
    """Any whole number."""


class Within(Digits, click.IntRange):
    """A whole number of a range."""


problem_option = functools.partial(click.option, cls=Option, group="Problem")
figure_option = functools.partial(click.option, cls=Option, group="Figure")
output_option = functools.partial(click.option, cls=Option, group="Output")

PROBLEM_OPTIONS = {
    "x": problem_option(
        "-x", "--input", "x", metavar="V", default="2,4,6,8", show_default=True, help="The input."
    ),
    "p": problem_option(
        "-p", "--drop-prob", "p", type=Probability(), metavar="P", default=0.5, show_default=True,
        help="Probability of dropping an element, 0 to 1, or a fraction such as 1/3.",
    ),
    "mask": problem_option(
        "-m", "--mask", metavar="BITS",
        help="The mask, 1,0,1,0 or 1010: 1 keeps, 0 drops."
        "  [default: 1,0,1,0 for four elements and 0 < p < 1, else drawn]",
    ),
    "seed": problem_option(
        "-s", "--seed", type=Whole(), metavar="N",
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
        "--precision", type=Within(1, 17), metavar="N", default=6, show_default=True,
        help="Significant digits of the numbers shown.",
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
        "--precision", type=Within(1, 17), metavar="N", default=4, show_default=True,
        help="Significant digits of the values.",
    ),
    "lang": SPEECH_OPTIONS["lang"],
}  # fmt: skip


class Asked(NamedTuple):
    """The problem options as they were written."""

    x: str
    p: float
    mask: str | None
    seed: int | None
    rng: str | None
    inference: bool
    grad_y: str | None = None
    loss: str | None = None

    def pose(self, **known: Any) -> Problem:
        """The problem they pose. known: arguments of Problem.pose that a file has already set."""
        from dropout_cli.cli.vectors import read_mask, read_vector
        from dropout_cli.problem import Problem

        asked = {
            "x": None if "x" in known else read_vector(self.x, "x"),
            "p": self.p,
            "mask": None if self.mask is None else read_mask(self.mask),
            "seed": self.seed,
            "rng": self.rng,
            "grad_y": self.upstream(),
            "loss": self.loss,
            "training": not self.inference,
        }
        return Problem.pose(**asked | known)

    def upstream(self) -> FloatArray | None:
        """The upstream gradient that was written, if one was."""
        from dropout_cli.cli.vectors import read_vector

        return None if self.grad_y is None else read_vector(self.grad_y, "grad_y")


def was_given(name: str) -> bool:
    """Whether the command line has the option of this name."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def refuse_given(names: Iterable[str], setter: str, because: str = "which already sets it") -> None:
    """Refuse the options of these names where they were given although the setter is there."""
    for param in click.get_current_context().command.params:
        if param.name in names and was_given(param.name):
            option = max(param.opts, key=len)
            raise RequestError(f"{option} cannot be combined with {setter}, {because}")


def problem_options(command: Callable[..., Any], *, upstream: bool = True) -> Callable[..., Any]:
    """Give a command the problem options; it receives what they ask, as `asked`.

    upstream: whether it takes the upstream gradient or a loss too.
    """
    names = [name for name in PROBLEM_OPTIONS if upstream or name not in ("grad_y", "loss")]

    @functools.wraps(command)
    def posed(**options: Any) -> Any:
        return command(asked=Asked(**{name: options.pop(name) for name in names}), **options)

    return together({name: PROBLEM_OPTIONS[name] for name in names}, posed)


def output_options(command: Callable[..., Any], *, own: str | None = None) -> Callable[..., Any]:
    """Give a command the output options; it receives the Output that they ask for, as `output`.

    own: the kind of its record, "pass" or "verdict", which some formats take alone.
    """
    formats = [suffix for suffix, form in FORMATS.items() if form.of in ("page", "record", own)]
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

    @functools.wraps(command)
    def directed(
        *,
        form: str | None,
        path: str | None,
        theme: str | None,
        precision: int,
        lang: str,
        **rest: Any,
    ) -> Any:
        suffix = chosen_suffix(form, path, formats)
        return command(output=Output(suffix, path, theme, precision, lang), **rest)

    return together(options, directed)


def together(
    options: dict[str, Callable[..., Any]], command: Callable[..., Any]
) -> Callable[..., Any]:
    """Give a command all these options, in their order."""
    for option in reversed(options.values()):
        command = option(command)
    return command
