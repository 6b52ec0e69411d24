"""What every command shares: its common options, and the repository it works in."""

import inspect
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import click
import msgspec
import typer
from typer.core import TyperArgument, TyperCommand

from contextgraph import commits
from contextgraph.cli.edge import closed
from contextgraph.errors import UsageError
from contextgraph.graph import Graph
from contextgraph.ui import Terminal

Directory = Annotated[Path, typer.Option("-C", metavar="DIR", help="Work in the repository that DIR is in.", show_default=False)]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but the answer.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more about what is done.")]
Color = Annotated[str, typer.Option("--color", metavar="WHEN", help="auto, always or never.")]
Pager = Annotated[bool, typer.Option("--no-pager", help="Do not page long answers.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


class Session(msgspec.Struct):
    """One run of a command: its common options as asked for, and the terminal."""

    directory: Path
    terminal: Terminal
    json: bool = False
    color: str | None = None
    plain_pager: bool = False
    graph: Graph | None = None

    def open(self) -> Graph:
        """The repository of this run; its settings set the colours and the pager where the command line is silent."""
        self.graph = graph = Graph.open(self.directory)
        if not self.color:
            self.terminal = Terminal(graph.config.text("ui.color"), self.terminal.quiet, self.terminal.verbose)
        self.terminal.pager = graph.config.flag("ui.pager") and not self.plain_pager
        for warning in graph.config.warnings:
            self.terminal.warn(warning)
        self.detail(f"repository {graph.git.common_dir}, worktree {graph.git.worktree}")
        return graph

    def caught_up(self, history: bool = True) -> Graph:
        """The repository, with everything that happened since the last look taken in; a bar is shown when that takes long.

        Without `history` the index is left as it is: enough for what does not ask it anything.
        """
        graph = self.open()
        phases: dict[str, int] = {}
        with self.terminal.progress() as tick:

            def progress(phase: str, done: int) -> None:
                phases[phase] = done
                tick(phase, done, None)

            started = time.perf_counter()
            graph.catch_up(progress, history)
        graph.remind()
        took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
        did = ", ".join(f"{phase} {done}" for phase, done in phases.items()) or "nothing new"
        self.detail(f"caught up in {took} with {graph.git.calls} git processes: {did}")
        return graph

    def news(self) -> None:
        """What the repository has to tell beside the answer: a line each on stderr."""
        while self.graph is not None and self.graph.notices:
            self.terminal.say(self.graph.notices.pop(0))

    def answer(self, fields: dict[str, Any]) -> None:
        """With --json: what was done, as an object of CONTRACT. People have been told in words already."""
        if self.json:
            self.terminal.json(msgspec.json.encode(msgspec.to_builtins({"schema": 1, **fields}, enc_hook=str)))

    def detail(self, text: str) -> None:
        """A line on stderr with -v."""
        if self.terminal.verbose:
            self.terminal.say(text)


def command(app: typer.Typer, name: str | None = None, **settings: Any) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a command: the function is named as the command is typed, takes the Session first, and returns the exit code.

    The common options are added to its own, so that they may stand after the command's name.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        def run(**arguments: Any) -> None:
            started = time.perf_counter()
            session = _session(arguments)
            try:
                code = function(session, **{name: _readable(name, value) for name, value in arguments.items()})
            except (BrokenPipeError, SystemExit):  # rich says with SystemExit(1) that the reader went away
                code = closed()
            session.news()
            calls = session.graph.git.calls if session.graph else 0
            session.detail(f"{run.__name__.strip('_')}: {(time.perf_counter() - started) * 1000:.0f} ms, {calls} git processes")
            raise typer.Exit(code or 0)

        own = list(inspect.signature(function).parameters.values())[1:]
        run.__signature__ = inspect.Signature([each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in [*own, *_COMMON]])  # type: ignore[attr-defined]
        run.__doc__ = function.__doc__
        run.__name__ = function.__name__
        app.command(name or function.__name__.strip("_"), cls=_described(own), **settings)(run)
        return function

    return register


EXACT = ("target", "revisions", "revision", "commit", "as_of", "known_at")
"""Arguments that git is asked about: names of revisions, and paths, are bytes."""


def _readable(name: str, value: Any) -> Any:
    """An argument in an encoding other than the terminal's, read as a commit message in it would be."""
    if isinstance(value, list):
        return [_readable(name, each) for each in value]
    if isinstance(value, str) and name not in EXACT and not value.isascii():
        return commits.text(os.fsencode(value))
    return value


def _described(own: list[inspect.Parameter]) -> type[TyperCommand]:
    """typer's command with the help of its arguments. Newer clicks set that themselves, after typer has, to nothing (seen in 8.5)."""
    found = {each.name: note.help for each in own for note in getattr(each.annotation, "__metadata__", ()) if hasattr(note, "help")}

    class Described(TyperCommand):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            for parameter in self.params:
                if isinstance(parameter, TyperArgument):
                    parameter.help = parameter.help or found.get(parameter.name or "")

        def format_arguments(self, ctx: Any, formatter: Any) -> None:
            """Nothing: typer writes them with the options."""

    return Described


_COMMON = [
    inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json),
    inspect.Parameter("directory", inspect.Parameter.KEYWORD_ONLY, default=Path(), annotation=Directory),
    inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
    inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Verbose),
    inspect.Parameter("color", inspect.Parameter.KEYWORD_ONLY, default="", annotation=Color),
    inspect.Parameter("no_pager", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Pager),
]


def _session(arguments: dict[str, Any]) -> Session:
    """The common options of a run, taken out of the command's arguments; those before its name count too."""
    before: dict[str, Any] = click.get_current_context().find_root().obj or {}
    after = {name: arguments.pop(name) for name in ("directory", "quiet", "verbose", "color", "no_pager", "json_output")}
    given = {name: value or before.get(name, value) for name, value in after.items()}
    color = given["color"] and one_of("--color", given["color"], ("auto", "always", "never"))
    terminal = Terminal(color or "auto", given["quiet"], given["verbose"])
    directory = before.get("directory", Path()) / after["directory"]
    return Session(directory, terminal, given["json_output"], color, given["no_pager"])


def one_of(option: str, value: str, known: Sequence[str]) -> str:
    """The value, when it is known. Raises UsageError: `--risk takes low, medium or high, not `huge``."""
    if value not in known:
        raise UsageError(f"{option} takes {', '.join(known[:-1])} or {known[-1]}, not `{value}`")
    return value
