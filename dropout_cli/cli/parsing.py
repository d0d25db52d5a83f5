"""Parsing a command line strictly: no option is silently ignored, and mistakes are explained."""

import re
from itertools import takewhile

import click

from dropout_cli.errors import RequestError

NUMBER = re.compile(r"[\[(]*[-+]?\.?\d.*")
FLAG = re.compile(r"-[a-zA-Z]|--[a-z-]+")
GROUPS = {  # the sections of the help after "Options", and the parameters in each
    "Candidate": ("layers", "candidates", "y", "grad_x", "rtol", "atol", "decimals", "dtype"),
    "Problem": ("x", "p", "mask", "seed", "rng", "skip", "training", "grad_y", "loss"),
    "Figure": ("layout", "transparent", "size", "dpi", "title", "panel"),
    "Output": ("quiet", "form", "path", "theme", "precision", "lang"),
}


class Command(click.Command):
    """A command that refuses an option given twice, of which click would take the last.

    ctx.obj: the options on the command line, from the parameter's name to the option in full.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option given twice, and explain one that does not exist."""
        args = [re.sub("^(-[a-zA-Z])=", r"\1", arg) for arg in args]  # -x=1,2 like --input=1,2
        try:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
            ctx.obj = {param.name: max(param.opts, key=len) for param in given}
            for param in given:
                if given.count(param) > 1 and not (param.multiple or ctx.resilient_parsing):
                    name = ctx.obj[param.name]
                    raise RequestError(f"{name} is given twice, but it can be given only once")
            return super().parse_args(ctx, list(args))
        except click.UsageError as error:
            _refuse_loose_numbers(args)
            if isinstance(error, click.NoSuchOption):
                _refuse_option_of_others(ctx, error.option_name)
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for the options in none of GROUPS, then one for each group."""
        rows = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        grouped = {
            title: [row for name in names if (row := rows.pop(name, None)) is not None]
            for title, names in GROUPS.items()
        }
        for title, section in {"Options": list(filter(None, rows.values())), **grouped}.items():
            if section:
                with formatter.section(title):
                    formatter.write_dl(section)


class Group(click.Group, Command):
    """A group of such commands, whose help lists them in the order of their definition."""

    command_class = Command

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


def _refuse_loose_numbers(args: list[str]) -> None:
    """Refuse several numbers after one option, which the shell passes as separate words."""
    for k, arg in enumerate(args):
        numbers = list(takewhile(NUMBER.fullmatch, args[k + 1 :]))
        if FLAG.fullmatch(arg) and len(numbers) > 1:
            raise RequestError(
                f"{arg} takes one word: write commas without spaces, or quotes around the numbers,"
                f" {arg} '{' '.join(numbers)}'"
            )


def _refuse_option_of_others(ctx: click.Context, name: str) -> None:
    """Refuse an option of other commands, and name those commands."""
    commands = getattr((ctx.parent or ctx).command, "commands", {}).values()
    owners = [each.name for each in commands if any(name in param.opts for param in each.params)]
    if owners:
        raise RequestError(f"{name} belongs to {', '.join(sorted(owners))}, not to {ctx.info_name}")


class Language(click.Choice[str]):
    """A language, with or without a region: zh-CN and zh_CN mean zh."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the language of a tag."""
        language = re.split("[-_]", value)[0].lower()
        return super().convert(language if language in self.choices else value, param, ctx)


def probability(text: str) -> float:
    """Read a number or a fraction such as 1/3; Problem checks that it lies from 0 to 1."""
    numerator, _, denominator = text.partition("/")
    try:
        return float(numerator) / float(denominator or 1)
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(
            f"{text!r} is neither a number nor a fraction such as 1/3."
        ) from None


def choose_steps(steps: tuple[str, ...], ids: list[str]) -> list[str]:
    """Return the ids that --step asks for by names, numbers or ranges; all if it asks for none."""
    chosen: set[str] = set()
    for name in [name.strip() for each in steps for name in each.split(",")]:
        ends = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", name)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        begun = [id_ for id_ in ids if id_ == name or (name and id_.startswith(name))]
        if not (1 <= first <= last <= len(ids) or len(begun) == 1):
            several = f", but {' and '.join(begun)}" if begun else ""
            raise RequestError(
                f"there is no step {name!r}{several}: give a name of --list or its beginning, a"
                f" number from 1 to {len(ids)}, or a range such as 3-6"
            )
        chosen.update(begun or ids[first - 1 : last])
    return [id_ for id_ in ids if id_ in chosen] or ids
