"""The options, each defined once, and the objects that commands receive for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import click

from dropout_cli.cli.output import PICTURES, PRECISION, PRINTED, Output, chosen_suffix
from dropout_cli.cli.parsing import Language, probability
from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS
from dropout_cli.formats import FORMATS
from dropout_cli.formats.document import COLOURS
from dropout_cli.losses import LOSSES
from dropout_cli.words import languages, load

if TYPE_CHECKING:
    from dropout_cli.problem import Problem

Decorator: TypeAlias = "Callable[[Callable[..., Any]], Callable[..., Any]]"

# The keys of masks.SOURCES, which would import NumPy here.
SOURCES = ("numpy", "torch-rand", "torch-cpu", "torch-mkl", "numpy-rand", "numpy-binomial", "jax")


def complete_steps(_ctx: click.Context, _param: click.Parameter, written: str) -> list[str]:
    """Complete the last name in a list of steps."""
    before, comma, begun = written.rpartition(",")
    ids = [step["id"] for step in load("en")["step"]]
    return [f"{before}{comma}{id_}" for id_ in ids if id_.startswith(begun)]


file_option = functools.partial(click.option, type=click.Path(readable=False), metavar="FILE")
drop_prob_option = functools.partial(
    click.option, "-p", "--drop-prob", "p", type=probability, metavar="P", show_default=True,
    help="Probability of dropping an element, 0 to 1, or a fraction such as 1/3.",
)  # fmt: skip

PROBLEM_OPTIONS = {
    "x": click.option(
        "-x", "--input", "x", metavar="V", default="2,4,6,8", show_default=True, help="The input."
    ),
    "p": drop_prob_option(default="0.5"),
    "mask": click.option(
        "-m", "--mask", metavar="BITS",
        help="The mask, 1,0,1,0 or 1010: 1 keeps, 0 drops."
        "  [default: 1,0,1,0 for four elements and 0 < p < 1, else drawn]",
    ),
    "seed": click.option(
        "-s", "--seed", type=int, metavar="N",
        help="Draw the mask from this seed instead.  [default: 0 if it must be drawn]",
    ),
    "rng": click.option(
        "--rng", type=click.Choice(SOURCES), metavar="NAME",
        help=f"Draw it with: {', '.join(SOURCES)}.  [default: numpy]",
    ),
    "skip": click.option(
        "--skip", type=int, metavar="N",
        help="Draw it after N other draws, such as 10 for torch.rand(10) before it; the README"
        " lists more. Not for numpy and jax.",
    ),
    "training": click.option(
        "--eval", "training", flag_value=False, default=True,
        help="Inference mode instead of training.",
    ),
    "grad_y": click.option(
        "-g", "--grad-y", metavar="V",
        help="The upstream gradient dL/dy of the backward pass."
        "  [default: 0.1,0.2,0.3,0.4 for four elements, else ones]",
    ),
    "loss": click.option(
        "--loss", type=click.Choice(list(LOSSES)), help="Take dL/dy from this loss instead."
    ),
}  # fmt: skip
THEME_OPTION = click.option(
    "--theme", type=click.Choice(list(COLOURS)),
    help="The colours of pictures and HTML.  [default: light; in HTML the reader's own]",
)  # fmt: skip
LANG_OPTION = click.option(
    "--lang", type=Language(languages()), default="en", show_default=True,
    envvar="DROPOUT_CLI_LANG", show_envvar=True, help="The language of the words.",
)  # fmt: skip
precision_option = functools.partial(
    click.option, "--precision", type=click.IntRange(1, 17), metavar="N", show_default=True
)

FIGURE_OPTIONS = {
    "layout": click.option(
        "--layout", type=click.Choice([*LAYOUTS, "lanes"]),
        help="Four panels, or a flow of lanes through the mask and back."
        "  [default: panels; flow for .gif]",
    ),
    "theme": THEME_OPTION,
    "transparent": click.option("--transparent", is_flag=True, help="Leave out the background."),
    "size": click.option(
        "--size", metavar="SIZE", default="16x9", show_default=True,
        help="16x9, 4x3, square, or WxH: pixels, as 1920x1080, or inches, as 14x10.",
    ),
    "dpi": click.option(
        "--dpi", type=float, metavar="N",
        help="Dots per inch.  [default: 144; 96 for .gif]",
    ),
    "title": click.option(
        "--title", metavar="TEXT", help="Another title; an empty one for none."
    ),
    "panel": click.option(
        "--panel", type=click.Choice(PANELS), multiple=True,
        help="Draw this panel alone, large; may be repeated.",
    ),
    "precision": precision_option(default=4, help="Significant digits of the values."),
    "lang": LANG_OPTION,
}  # fmt: skip


class ProblemOptions(NamedTuple):
    """The values of the problem options.

    ps: the drop probabilities; only verify takes several, for layers.
    given: the options on the command line, from the parameter's name to the option in full.
    """

    x: str
    ps: tuple[float, ...]
    mask: str | None
    seed: int | None
    rng: str | None
    skip: int | None
    training: bool
    given: Mapping[str, str]
    grad_y: str | None = None
    loss: str | None = None

    @property
    def p(self) -> float:
        """The only drop probability; RequestError if there are several."""
        if len(self.ps) > 1:
            raise RequestError("--drop-prob is given twice, but only --layer takes several")
        return self.ps[0]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of create_problem: the options, with the vectors read."""
        from dropout_cli.cli.input import read_vector

        texts = {"x": self.x, "mask": self.mask, "grad_y": self.grad_y}
        vectors = {key: read_vector(text, key) for key, text in texts.items() if text is not None}
        others = ("p", "seed", "rng", "skip", "training", "loss")
        return {name: getattr(self, name) for name in others} | vectors

    def problem(self) -> Problem:
        """Create the problem."""
        from dropout_cli.cli.input import create_problem

        return create_problem(self.arguments())

    def refuse(
        self, names: Iterable[str], setter: str, because: str = "which already sets it"
    ) -> None:
        """Raise RequestError if one of these parameters is given beside the setter."""
        for name in names:
            if name in self.given:
                raise RequestError(
                    f"{self.given[name]} cannot be combined with {setter}, {because}"
                )


def passed_as(
    name: str,
    options: Mapping[str, Decorator],
    create: Callable[..., Any] = lambda _, **values: values,
) -> Decorator:
    """Give a command these options, and pass create(context, **their values) to it by this name."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.pass_context
        def gather(ctx: click.Context, /, **values: Any) -> Any:
            values[name] = create(ctx, **{option: values.pop(option) for option in options})
            return command(**values)

        decorated: Callable[..., Any] = functools.update_wrapper(gather, command)
        for option in reversed(list(options.values())):
            decorated = option(decorated)
        return decorated

    return decorate


def problem_options(*, upstream: bool = True, several_p: bool = False) -> Decorator:
    """Give a command the problem options, which it receives as `options`.

    upstream: whether it also takes an upstream gradient or a loss. several_p: several -p.
    """
    options = dict(PROBLEM_OPTIONS)
    if not upstream:
        del options["grad_y"], options["loss"]
    if several_p:
        options["p"] = drop_prob_option(default=["0.5"], multiple=True)

    def create(ctx: click.Context, p: Any, **values: Any) -> ProblemOptions:
        return ProblemOptions(**values, ps=p if several_p else (p,), given=ctx.obj)

    return passed_as("options", options, create)


def output_options(
    *,
    verdict: bool = False,
    json_has_words: bool = True,
    rounds: bool = True,
    drawn: bool = False,
) -> Decorator:
    """Give a command the output options, which it receives as `output`.

    verdict: whether it also writes the formats of a verification.
    json_has_words: whether its JSON has words and rounded numbers.
    rounds: whether its pages have rounded numbers.
    drawn: whether it can write pictures.
    """
    formats = [suffix for suffix, form in FORMATS.items() if verdict or form.content != "verdict"]
    formats += [suffix for suffix in PICTURES if drawn and suffix not in formats]
    options = {
        "form": click.option(
            "-f", "--format", "form", type=click.Choice(list(PRINTED)),
            help="What to print.  [default: table]",
        ),
        "path": file_option(
            "-o", "--output", "path",
            help=f"Write to FILE instead: {', '.join(formats)}.",
        ),
        "theme": THEME_OPTION,
        "lang": LANG_OPTION,
    }  # fmt: skip
    if rounds:
        digits = "Significant digits of the numbers shown."
        options["precision"] = precision_option(default=PRECISION, help=digits)
    if drawn:
        options |= {name: FIGURE_OPTIONS[name] for name in ("transparent", "title")}

    pages = [suffix for suffix in formats if suffix != ".json"]
    effective = {"theme": [".html", *PICTURES], "transparent": PICTURES, "title": PICTURES}
    if not json_has_words:
        effective |= {"precision": pages, "lang": pages}

    def create(ctx: click.Context, form: str | None, path: str | None, **values: Any) -> Output:
        suffix = chosen_suffix(form, path, formats)
        for name, option in ctx.obj.items():
            if suffix not in effective.get(name, formats):
                raise RequestError(f"{option} has no effect on {suffix} output")
        return Output(suffix, ctx.command_path, path, **values)

    return passed_as("output", options, create)
