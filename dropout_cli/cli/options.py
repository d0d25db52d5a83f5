"""The options, each defined once, and what a command is given of them."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import click
from click.core import ParameterSource

from dropout_cli.cli.output import PICTURES, PRINTED, Output, chosen_suffix
from dropout_cli.cli.parsing import Option, Probability, flag
from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS, THEME_NAMES
from dropout_cli.formats import FORMATS
from dropout_cli.losses import LOSSES
from dropout_cli.words import languages, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dropout_cli.cli.printed import Vector
    from dropout_cli.problem import Problem


Decorator: TypeAlias = "Callable[[Callable[..., Any]], Callable[..., Any]]"


class Language(click.Choice[str]):
    """A language, with or without a region: zh-CN and zh_CN mean zh."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the language of a tag, where there is one."""
        language = value.replace("_", "-").partition("-")[0].lower()
        return super().convert(language if language in self.choices else value, param, ctx)


def _complete_rng(_ctx: click.Context, _param: click.Parameter, written: str) -> list[str]:
    """Complete the name of a mask source."""
    from dropout_cli.masks import SOURCES

    return [name for name in SOURCES if name.startswith(written)]


def complete_steps(_ctx: click.Context, _param: click.Parameter, written: str) -> list[str]:
    """Complete the last name in a list of steps."""
    before, comma, begun = written.rpartition(",")
    ids = [step["id"] for step in load("en")["step"]]
    return [f"{before}{comma}{id_}" for id_ in ids if id_.startswith(begun)]


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
        "--rng", metavar="NAME", shell_complete=_complete_rng,
        help="Who draws it: numpy, torch-rand, torch-cpu, torch-mkl, numpy-rand, numpy-binomial,"
        " jax.  [default: numpy]",
    ),
    "skip": problem_option(
        "--skip", type=int, metavar="N",
        help="Draw it after N other draws: 10 where torch.rand(10) came first. The README says"
        " what takes how many; not for numpy and jax.",
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
        "--lang", type=Language(languages()), default="en", show_default=True,
        envvar="DROPOUT_CLI_LANG", show_envvar=True, help="The language of the words.",
    ),
}  # fmt: skip

FIGURE_OPTIONS = {
    "layout": figure_option(
        "--layout", type=click.Choice([*LAYOUTS, "lanes"]),
        help="Four panels, or a flow of lanes through the mask and back."
        "  [default: panels; flow for .gif]",
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
    skip: int | None
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
        """Create the problem. known: arguments of Problem.create that a file has already set."""
        from dropout_cli.cli.input import read_vector
        from dropout_cli.problem import Problem

        if self.grad_y is not None and self.loss is not None:
            raise RequestError("give either --grad-y or --loss, not both")
        read = {
            "x": None if "x" in known else read_vector(self.x, "x"),
            "mask": None if self.mask is None else read_vector(self.mask, "mask"),
            "grad_y": None if self.grad_y is None else read_vector(self.grad_y, "grad_y"),
        }
        options = {
            **{name: each and each.values for name, each in read.items()},
            "p": self.p,
            "seed": self.seed,
            "rng": self.rng,
            "skip": self.skip,
            "loss": self.loss,
            "training": not self.inference,
        }
        shape = _common_shape(read)
        return replace(Problem.create(**options | known), shape=shape)

    def refuse(
        self, names: Iterable[str], setter: str, because: str = "which already sets it"
    ) -> None:
        """Refuse the options of these names beside the setter, an option or what stands for one."""
        for name in names:
            if name in self.given:
                raise RequestError(
                    f"{self.given[name]} cannot be combined with {setter}, {because}"
                )


def _common_shape(vectors: Mapping[str, Vector | None]) -> tuple[int, ...] | None:
    """Return the shape of the matrices among the vectors, if any; refuse several of them."""
    shapes = {name: each.shape for name, each in vectors.items() if each and len(each.shape) > 1}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in shapes.items())
        raise RequestError(f"the shapes differ, but they must be one: {told}")
    return next(iter(shapes.values()), None)


def _given(ctx: click.Context) -> dict[str, str]:
    """Collect the options that the command line has: how each name is written in full."""
    return {
        param.name: flag(param)
        for param in ctx.command.params
        if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    }


def problem_options(*, upstream: bool = True, several_p: bool = False) -> Decorator:
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

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        @click.pass_context
        def with_problem(
            ctx: click.Context, /, *, p: float | tuple[float, ...], **rest: Any
        ) -> Any:
            written = {name: rest.pop(name, None) for name in PROBLEM_OPTIONS if name != "p"}
            ps = p if isinstance(p, tuple) else (p,)
            return command(problem=ProblemOptions(**written, ps=ps, given=_given(ctx)), **rest)

        return together(options)(with_problem)

    return decorate


def output_options(
    *,
    verdict: bool = False,
    json_has_words: bool = True,
    rounds: bool = True,
    drawn: bool = False,
) -> Decorator:
    """Give a command the output options; it receives the Output that they choose as `output`.

    verdict: whether it writes the formats of a verification too. json_has_words: whether its JSON
    has words and rounded numbers. rounds: whether its pages have rounded numbers. drawn: whether
    it can write pictures.
    """
    kinds = ("page", "record", "verdict") if verdict else ("page", "record")
    formats = [suffix for suffix, form in FORMATS.items() if form.of in kinds]
    formats += [suffix for suffix in PICTURES if suffix not in formats] if drawn else []
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
    if drawn:
        options |= {name: FIGURE_OPTIONS[name] for name in ("transparent", "title")}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        @click.pass_context
        def with_output(
            ctx: click.Context, /, *, form: str | None, path: str | None, theme: str | None,
            lang: str, precision: int = PRECISION, transparent: bool = False,
            title: str | None = None, **rest: Any,
        ) -> Any:  # fmt: skip
            suffix, given = chosen_suffix(form, path, formats), _given(ctx)
            for name, reason in _without_effect(suffix, path, json_has_words).items():
                if name in given:
                    raise RequestError(f"{given[name]} cannot be combined with {reason}")
            output = Output(
                suffix, path, theme, precision, lang, ctx.command_path, transparent, title
            )
            return command(output=output, **rest)

        return together(options)(with_output)

    return decorate


def _without_effect(suffix: str, path: str | None, json_has_words: bool) -> dict[str, str]:
    """Name the options that would change nothing in this output, and why."""
    reasons = {}
    if suffix not in PICTURES:
        reasons["transparent"] = reasons["title"] = "this output, which is no picture"
    if suffix not in (*COLOURED, *PICTURES):
        files = " and ".join(COLOURED)
        reasons["theme"] = f"output without colours to choose, which only {files} files have"
    if suffix == ".json" and not json_has_words:
        reasons["precision"] = "JSON, which holds every number in full"
        if path is None:  # else it is told in this language that the file is written
            reasons["lang"] = "JSON, which has no words here"
    return reasons


def together(options: dict[str, Callable[..., Any]]) -> Decorator:
    """Give a command these options, in their order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options.values()):
            command = option(command)
        return command

    return decorate
