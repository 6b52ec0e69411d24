"""The program: every group of commands under one name."""

from types import ModuleType

import typer

QUESTIONS = ("why", "search", "log")


def build(first: str = "") -> typer.Typer:
    """The program for a command line whose first word is `first`. Questions are answered without building all the other
    commands, which costs as much as the answer (benchmarks/startup.py); any other word, help and completion get them all."""
    app = typer.Typer(
        name="cg",
        help="Keeps the reasons behind commits inside Git, and brings them back when the next decision is made.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Begin with `cg init` in a repository. `cg COMMAND -h` tells more about each; `git cg` is the same program.",
    )
    for group in _groups(first):
        group.register(app)
    app.callback(invoke_without_command=True)(_cg)
    return app


def _groups(first: str) -> tuple[ModuleType, ...]:
    """The modules with the commands that can be meant, in the order of the help."""
    from contextgraph.cli import ask

    if first in QUESTIONS:
        return (ask,)

    from contextgraph.cli import check, demo, doctor, follow, lifecycle, settings, setup, share, state, write

    return setup, write, ask, state, follow, check, share, lifecycle, settings, doctor, demo


def _cg(version: bool = typer.Option(False, "--version", help="The version, and nothing else.", is_eager=True)) -> None:
    if version:
        from contextgraph import __version__

        typer.echo(f"cg {__version__}")
        raise typer.Exit
