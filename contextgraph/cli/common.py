"""What every command shares: its common options, the one error edge, and the repository it works in."""

import inspect
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from typer.core import TyperArgument, TyperCommand

from contextgraph.errors import Error
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

    def open(self) -> Graph:
        """The repository of this run; its settings set the colours and the pager where the command line is silent."""
        graph = Graph.open(self.directory)
        if not self.color:
            self.terminal = Terminal(graph.config.text("ui.color"), self.terminal.quiet, self.terminal.verbose)
        self.terminal.pager = graph.config.flag("ui.pager") and not self.plain_pager
        for warning in graph.config.warnings:
            self.terminal.warn(warning)
        return graph

    def caught_up(self) -> Graph:
        """The repository, with everything that happened since the last look taken in; a bar is shown when that takes long."""
        graph = self.open()
        with self.terminal.progress() as tick:
            graph.catch_up(lambda phase, done: tick(phase, done, None))
        return graph


def command(app: typer.Typer, name: str | None = None, **settings: Any) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a command: the function is named as the command is typed, takes the Session first, and returns the exit code.

    The common options are added to its own, so that they may stand after the command's name.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        def run(**arguments: Any) -> None:
            code = function(_session(arguments), **arguments)
            raise typer.Exit(code or 0)

        own = list(inspect.signature(function).parameters.values())[1:]
        run.__signature__ = inspect.Signature([each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in [*own, *_COMMON]])  # type: ignore[attr-defined]
        run.__doc__ = function.__doc__
        run.__name__ = function.__name__
        app.command(name or function.__name__.strip("_"), cls=_described(own), **settings)(run)
        return function

    return register


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
    color = arguments.pop("color")
    if color not in ("", "auto", "always", "never"):
        raise typer.BadParameter(f"--color takes auto, always or never, not `{color}`")
    quiet, verbose = arguments.pop("quiet"), arguments.pop("verbose")
    terminal = Terminal(color or "auto", quiet, verbose)
    return Session(arguments.pop("directory"), terminal, arguments.pop("json_output"), color, arguments.pop("no_pager"))


def guarded(run: Callable[[], int | None]) -> int:
    """The one error edge: every exception becomes an exit code of CONTRACT and, where people can act, a sentence.

    `run` returns the exit code that a command ended with: click hands `typer.Exit` back as a value.
    """
    try:
        return _flushed(run() or 0)
    except typer.Exit as done:
        return _flushed(done.exit_code)
    except Error as error:
        return _refused(error.message, error.hint, error.code)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _closed()
    except Exception as error:
        return _foreign(error)


def _foreign(error: Exception) -> int:
    """An exception that is not ours: click's own for usage, the disk's, or a bug."""
    import click

    if isinstance(error, click.exceptions.Abort):
        return 130
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
        Terminal().err.print(error.ctx.get_help(), soft_wrap=True)
        return 2
    if isinstance(error, click.UsageError):
        where = f"see `{error.ctx.command_path} --help`" if error.ctx else "see `cg --help`"
        return _refused(error.format_message(), where, 2)
    if isinstance(error, click.ClickException):
        return _refused(error.format_message(), None, 2)
    if isinstance(error, OSError) and error.errno in (28, 30, 13, 122):
        return _refused(f"{error.filename or 'a file'} cannot be written: {error.strerror}", "nothing that was recorded is lost", 2)
    return _bug(error)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed()
    return code


def _closed() -> int:
    """The reader went away (`cg log | head`): that is an answer taken, and the interpreter must not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _refused(message: str, hint: str | None, code: int) -> int:
    if os.environ.get("CG_DEBUG") == "1":
        traceback.print_exc()
    Terminal().error(message, hint)
    return code


def _bug(error: Exception) -> int:
    """A defect of ours: one line, and a report that can be sent."""
    if os.environ.get("CG_DEBUG") == "1":
        traceback.print_exc()
        return 70
    import tempfile

    report = Path(tempfile.gettempdir()) / f"contextgraph-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    with suppress(OSError):
        report.write_text(f"cg {' '.join(sys.argv[1:])}\n{sys.version}\n\n{traceback.format_exc()}", encoding="utf-8", errors="replace")
    Terminal().error(f"a defect of contextgraph: {type(error).__name__}: {error}", f"the report is in {report}")
    return 70
