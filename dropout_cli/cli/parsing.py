"""How a command line is parsed: no option is dropped in silence, and a mistake is named."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

import click

from dropout_cli.cli.output import printing
from dropout_cli.errors import RequestError

NUMBER = re.compile(r"[\[(]*[-+]?\.?\d.*|\[?(?:True|False)\b.*")
FLAG = re.compile(r"-[a-zA-Z]|--[a-z-]+")
GROUPS = ("Options", "Candidate", "Problem", "Figure", "Output")
SYNONYMS = {
    "--upstream": "--grad-y", "--grad-output": "--grad-y", "--dropout": "--drop-prob",
    "--probability": "--drop-prob", "--inference": "--eval",
}  # fmt: skip


class Option(click.Option):
    """An option that stands in a group of the help."""

    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        """Take a group beside what click takes."""
        super().__init__(*args, **settings)
        self.group = group


class Strict(click.Command):
    """A command that drops no option: click would take the last of two in silence."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option given twice, and say what is meant by one that there is not."""
        args = [
            re.sub("^(-[a-zA-Z])=(?=.)", r"\1", arg) for arg in args
        ]  # -x=1,2, as in --input=1,2
        try:
            _, stray, order = self.make_parser(ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            _refuse_loose_numbers(args)
            raise self._no_such_option(ctx, error) from None
        if stray and not isinstance(self, click.Group):
            _refuse_loose_numbers(args)
        for param in order:
            several = isinstance(param, click.Option) and param.multiple
            if order.count(param) > 1 and not (several or ctx.resilient_parsing):
                raise RequestError(f"{flag(param)} is given twice, but it can be given only once")
        with printing():  # the help
            return super().parse_args(ctx, args)

    def _no_such_option(self, ctx: click.Context, error: click.NoSuchOption) -> Exception:
        """Name the commands that have the option, or else what was probably meant."""
        name = error.option_name
        group = ctx.parent.command if ctx.parent else self
        others = getattr(group, "commands", {})
        owners = sorted(
            other
            for other, command in others.items()
            if any(name in param.opts for param in command.params)
        )
        if owners:
            return RequestError(f"{name} belongs to {', '.join(owners)}, not to {ctx.info_name}")
        likely = [  # `--theme dark` for --dark
            f"{flag(param)} {name.lstrip('-')}"
            for param in self.params
            if isinstance(param.type, click.Choice) and name.lstrip("-") in param.type.choices
        ]
        likely += [flag(param) for param in self.params if SYNONYMS.get(name) in param.opts]
        if likely:
            return RequestError(f"No such option '{name}'. Did you mean '{likely[0]}'?")
        return error


def _refuse_loose_numbers(args: list[str]) -> None:
    """Refuse several numbers after one option: the shell passes each as a word of its own."""
    for k, arg in enumerate(args):
        numbers = list(takewhile(NUMBER.fullmatch, args[k + 1 :]))
        if FLAG.fullmatch(arg) and len(numbers) > 1:
            raise RequestError(
                f"{arg} takes one word: write commas without spaces, or quotes around the numbers,"
                f" {arg} '{' '.join(numbers)}'"
            )


def flag(param: click.Parameter) -> str:
    """Return the option as it is written in full."""
    return max(param.opts, key=len)


class Command(Strict):
    """A command whose help shows its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group, in the order of GROUPS."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None:
                groups[getattr(param, "group", GROUPS[0])].append(row)
        for group, rows in groups.items():
            if rows:
                with formatter.section(group):
                    formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; refuse standard input for two options."""
        values = [value for name, value in ctx.params.items() if name != "title"]
        values += [each for value in values if isinstance(value, tuple) for each in value]
        if values.count("-") > 1:
            raise RequestError("'-' is given twice, but standard input can be read only once")
        return super().invoke(ctx)


class Group(Strict, click.Group):
    """The commands, in the order in which they are defined."""

    command_class = Command

    def list_commands(self, _: click.Context) -> list[str]:
        """List the names of the commands."""
        return list(self.commands)


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
