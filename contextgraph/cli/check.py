"""check: a change held against past decisions and reverts. Exit code 1: an error; 3: no error, but not everything was seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contextgraph.cli.common import Session, command
from contextgraph.errors import Error, UsageError

if TYPE_CHECKING:
    from contextgraph.check.finding import Report

_FORMATS = ("text", "json", "github", "sarif", "markdown", "gitlab")


def register(app: typer.Typer) -> None:
    command(
        app,
        epilog="\b\nExamples:\n  cg check\n  cg check main..HEAD --strict\n  cg check HEAD --format sarif --output check.sarif",
    )(check)
    command(app, epilog="Example:  cg merged HEAD~1..HEAD --via '#12'")(merged)


def check(
    session: Session,
    revisions: Annotated[
        str, typer.Argument(metavar="[RANGE]", help="Commits, such as main..HEAD; one revision is that commit.", show_default=False)
    ] = "",
    format_: Annotated[str, typer.Option("--format", metavar="F", help="text, json, github, sarif, markdown or gitlab.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write the answer there.", show_default=False)] = None,
    save: Annotated[list[str], typer.Option("--save", metavar="F=FILE", help="Also write it in format F there; repeatable.")] = [],  # noqa: B006
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="First fetch what is missing: history and notes.")] = False,
) -> int:
    """Does this change bring back what was reverted or ruled out?

    Holds the commits of RANGE (since the target branch) against reverts, decisions in force and the policy.
    Exit code 1: there are errors. 3: none, but not everything could be seen.
    """
    if format_ not in _FORMATS:
        raise UsageError(f"--format takes {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}, not `{format_}`")
    copies = [_copy(entry) for entry in save]
    chosen = "json" if session.json and format_ == "text" else format_
    fetched = _fetch(session) if fetch else False
    graph = session.caught_up()
    found = graph.check(revisions, strict, fetched)
    for name, path in copies:
        _write(_rendered(found, name), path)
    if chosen == "text" and output is None:
        from contextgraph.report.text import show

        session.terminal.show(show(found))
    else:
        _write(_rendered(found, chosen), output)
    return found.code


def _copy(entry: str) -> tuple[str, Path]:
    name, equals, path = entry.partition("=")
    if name not in _FORMATS or not equals or not path:
        raise UsageError(f"--save takes FORMAT=FILE, not `{entry}`", "such as --save markdown=summary.md")
    return name, Path(path)


def _rendered(found: "Report", name: str) -> str:
    """The answer in a format; as text without a terminal."""
    from rich.console import Console

    from contextgraph import report
    from contextgraph.report.text import show
    from contextgraph.ui import UNBOUNDED

    if name != "text":
        return report.FORMATS[name](found)
    console = Console(width=UNBOUNDED, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(show(found))
    return "\n".join(line.rstrip() for line in captured.get().split("\n"))


def _write(text: str, output: Path | None) -> None:
    if output is None:
        import sys

        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        return
    try:
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise Error(f"{output} cannot be written: {error.strerror}") from None


def _fetch(session: Session) -> bool:
    """Deepen a shallow clone and bring the notes; returns whether the notes were asked for. What fails is said, and then missing."""
    from contextgraph import deepen

    graph = session.open()
    try:
        deepen.deepen(graph.git, graph.settings, graph.config.text("track.branch"))
        return True
    except Error as error:
        session.terminal.warn(error.message)
        return False


def merged(
    session: Session,
    revisions: Annotated[str, typer.Argument(metavar="[RANGE]", help="What landed, such as HEAD~1..HEAD.")] = "HEAD^1..HEAD",
    via: Annotated[str, typer.Option("--via", metavar="N", help="The pull request; else what each title names.", show_default=False)] = "",
    branch: Annotated[str, typer.Option("--branch", metavar="B", help="Where it landed.", show_default="the target branch")] = "",
) -> int:
    """Record through which pull request commits landed.

    For CI on the target branch: the host alone knows. Safe to repeat; `cg sync` shares it.
    """
    from contextgraph import landed, render

    graph = session.caught_up()
    old, _, new = revisions.partition("..")
    name = branch or (graph.target.name if graph.target else "")
    if not name:
        raise UsageError("there is no target branch here", "name the branch with --branch")
    told = landed.record(graph, graph.resolve(old), graph.resolve(new.lstrip(".") or "HEAD"), name, via)
    if session.json:
        session.terminal.json(
            render.to_json({"branch": name, "merged": [{"commit": sha, "via": number} for sha, number in told.items()]}, [])
        )
        return 0
    numbers = ", ".join(dict.fromkeys(told.values()))
    session.terminal.say(f"{len(told)} commits landed in {name} through {numbers}" if told else f"no pull request is named in {revisions}")
    return 0
