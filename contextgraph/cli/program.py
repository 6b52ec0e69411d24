"""The program: every group of commands under one name."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import click
import typer

from contextgraph.cli.common import Color, Directory, Json, Pager, Quiet, Verbose

QUESTIONS = ("why", "search", "log")


def build(words: Sequence[str] = ()) -> typer.Typer:
    """The program for a command line of these words. Questions are answered without building all the other commands,
    which costs as much as the answer (benchmarks/startup.py); any other command, help and completion get them all."""
    app = typer.Typer(
        name="cg",
        help="Keeps the reasons behind commits inside Git, and brings them back when the next decision is made.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Begin with `cg init` in a repository. `cg COMMAND -h` tells more about each; `git cg` is the same program.",
    )
    for group in _groups(_command(words)):
        group.register(app)
    app.callback(invoke_without_command=True)(_cg)
    return app


def _command(words: Sequence[str]) -> str:
    """The command among the words of a command line: the first that is neither an option nor an option's value."""
    left = iter(words)
    for word in left:
        if word in ("-C", "--color"):
            next(left, None)
        elif not word.startswith("-"):
            return word
    return ""


def _groups(first: str) -> tuple[ModuleType, ...]:
    """The modules with the commands that can be meant, in the order of the help."""
    from contextgraph.cli import ask

    if first in QUESTIONS:
        return (ask,)

    from contextgraph.cli import check, demo, doctor, follow, lifecycle, settings, setup, share, state, write

    return setup, write, ask, state, follow, check, share, lifecycle, settings, doctor, demo


def _cg(
    context: typer.Context,
    directory: Directory = Path(),
    quiet: Quiet = False,
    verbose: Verbose = False,
    color: Color = "",
    no_pager: Pager = False,
    json_output: Json = False,
    version: bool = typer.Option(False, "--version", help="The version, and nothing else.", is_eager=True),
) -> None:
    """The options of every command may stand before it as well, as git takes them."""
    if version:
        from contextgraph import __version__

        typer.echo(f"cg {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise click.UsageError("no command was given", context)
    context.obj = {
        "directory": directory,
        "quiet": quiet,
        "verbose": verbose,
        "color": color,
        "no_pager": no_pager,
        "json_output": json_output,
    }
