"""A command made of verbs that are imported on use, so that help and completion are quick.

A verb's line of help is stored beside its name, so listing the verbs imports none of them.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gateparity.conformance.reports.console import print_error
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typer import TyperException


@dataclasses.dataclass(frozen=True)
class Verb:
    """A verb of the command; `target` is `module:function`, or `module:app` for a group of verbs.

    The module is one of `gateparity.conformance.commands`, and its `EXAMPLES` end the verb's help.
    """

    name: str
    target: str
    help: str

    def load(self) -> Any:
        """Import the verb's module and return the command that typer makes of it."""
        module_name, _, attribute = self.target.partition(":")
        module = importlib.import_module(f"gateparity.conformance.commands.{module_name}")
        found = getattr(module, attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
        alone.command(self.name, epilog=module.EXAMPLES)(found)
        return typer.main.get_command(alone)


class Group(TyperGroup):
    """Verbs by name; one that isn't there is refused with the nearest that is.

    A verb that was removed is refused, and the message names its replacement.
    """

    retired: Mapping[str, str] = {}

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; Ctrl-C is one line and exit code 130, unless the verb has its own line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("stopped by Ctrl-C")
            raise typer.Exit(130) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the verb that the first argument names. Raise `InputError` if unknown."""
        name = args[0]
        if name in self.retired:
            raise InputError(f"`{ctx.command_path} {name}` is gone: {self.retired[name]}")
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            known = ", ".join(self.commands)
            hint = suggest(name, self.commands)
            raise InputError(
                f"unknown command {name!r}{hint}: expected one of {known}; "
                f"see `{ctx.command_path} --help`"
            )
        found, command, rest = super().resolve_command(ctx, args)
        return found, command.load() if isinstance(command, _Unloaded) else command, rest


class _Unloaded(TyperCommand):
    """A placeholder for a verb in lists, with its help and without its module."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.name, help=verb.help)
        self.load = verb.load


def group_of(verbs: Iterable[Verb], gone: Mapping[str, str] | None = None) -> type[Group]:
    """Return the class of a command with those verbs, in their order.

    `gone` maps a verb of an earlier version to its replacement.
    """

    class Verbs(Group):
        retired = gone or {}

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            for verb in verbs:
                self.add_command(_Unloaded(verb))

    return Verbs


def usage_line(error: TyperException) -> str:
    """Return what is wrong with the command line, and what to type; empty after help."""
    words = error.format_message().strip().rstrip(".")
    if not words:
        return ""
    if hasattr(error, "possibilities"):
        near = f" (did you mean {error.possibilities[0]}?)" if error.possibilities else ""
        words = f"no such option {getattr(error, 'option_name', '')}{near}"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else " ".join(["gateparity", *sys.argv[1:2]])
    return f"{words[0].lower()}{words[1:]}: see `{path} --help`"
