"""How a command line is parsed: no option is dropped in silence, and a mistake is named."""

from __future__ import annotations

import re
from itertools import takewhile

import click

from dropout_cli.errors import RequestError

NUMBER = re.compile(r"[\[(]*[-+]?\.?\d.*")
FLAG = re.compile(r"-[a-zA-Z]|--[a-z-]+")
GROUPS = {  # of the help, and the parameters in each; all others stand before them
    "Candidate": ("layers", "candidates", "y", "grad_x", "rtol", "atol", "decimals", "dtype"),
    "Problem": ("x", "p", "mask", "seed", "rng", "skip", "inference", "grad_y", "loss"),
    "Figure": ("layout", "transparent", "size", "dpi", "title", "panel"),
    "Output": ("quiet", "form", "path", "theme", "precision", "lang"),
}


class Strict(click.Command):
    """A command that drops no option: click would take the last of two in silence."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option given twice, and say what is meant by one that there is not."""
        args = [re.sub("^(-[a-zA-Z])=", r"\1", arg) for arg in args]  # -x=1,2, as in --input=1,2
        try:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            once = [each for each in order if not getattr(each, "multiple", False)]
            twice = next((each for each in once if once.count(each) > 1), None)
            if twice is not None and not ctx.resilient_parsing:
                raise RequestError(f"{flag(twice)} is given twice, but it can be given only once")
            return super().parse_args(ctx, list(args))
        except click.UsageError as error:
            _refuse_loose_numbers(args)
            if isinstance(error, click.NoSuchOption):
                _refuse_option_of_others(ctx, error.option_name)
            raise


def _refuse_loose_numbers(args: list[str]) -> None:
    """Refuse several numbers after one option: the shell passes each as a word of its own."""
    for k, arg in enumerate(args):
        numbers = list(takewhile(NUMBER.fullmatch, args[k + 1 :]))
        if FLAG.fullmatch(arg) and len(numbers) > 1:
            raise RequestError(
                f"{arg} takes one word: write commas without spaces, or quotes around the numbers,"
                f" {arg} '{' '.join(numbers)}'"
            )


def _refuse_option_of_others(ctx: click.Context, name: str) -> None:
    """Name the commands that have the option, if any."""
    commands = getattr((ctx.parent or ctx).command, "commands", {}).values()
    owners = [each.name for each in commands if any(name in param.opts for param in each.params)]
    if owners:
        raise RequestError(f"{name} belongs to {', '.join(sorted(owners))}, not to {ctx.info_name}")


def flag(param: click.Parameter) -> str:
    """Return the option as it is written in full."""
    return max(param.opts, key=len)


class Command(Strict):
    """A command whose help shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each of GROUPS, after one for what is in none of them."""
        rows = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        grouped = {name for names in GROUPS.values() for name in names}
        for title, names in {
            "Options": [name for name in rows if name not in grouped],
            **GROUPS,
        }.items():
            if shown := [row for name in names if (row := rows.get(name)) is not None]:
                with formatter.section(title):
                    formatter.write_dl(shown)


class Group(Strict, click.Group):
    """The commands, in the order in which they are defined."""

    command_class = Command

    def list_commands(self, _: click.Context) -> list[str]:
        """List the names of the commands."""
        return list(self.commands)


def probability(text: str) -> float:
    """Read a number, or a fraction such as 1/3; Problem checks whether it lies from 0 to 1."""
    numerator, _, denominator = text.partition("/")
    try:
        return float(numerator) / float(denominator or 1)
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(
            f"{text!r} is neither a number nor a fraction such as 1/3."
        ) from None
