"""sync, export, import: the commands that carry reasons between clones."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from contextgraph.cli.common import Session, command
from contextgraph.errors import UsageError
from contextgraph.ui import escaped


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExamples:\n  cg sync\n  cg sync upstream --fetch-only")(sync)
    command(app, epilog="\b\nExamples:\n  cg export events.jsonl\n  cg export | gzip > events.jsonl.gz")(export)
    command(app, name="import", epilog="\b\nExample:\n  cg import events.jsonl")(import_)


def sync(
    session: Session,
    remote: Annotated[str, typer.Argument(metavar="[REMOTE]", help="A named remote; origin, or the only one.", show_default=False)] = "",
    fetch_only: Annotated[bool, typer.Option("--fetch-only", help="Bring theirs here; send nothing.")] = False,
    push_only: Annotated[bool, typer.Option("--push-only", help="Send ours; fetch nothing first.")] = False,
) -> int:
    """Fetch, merge and push the notes.

    Safe to repeat: nothing is forced, and both sides end with everything.
    """
    from contextgraph import render, sharing

    if fetch_only and push_only:
        raise UsageError("--fetch-only and --push-only together leave nothing to do")
    graph = session.open()
    with session.terminal.progress() as tick:
        done = sharing.sync_with(graph, remote, not push_only, not fetch_only, tick)
        graph.catch_up(lambda phase, count: tick(phase, count, None))
    for warning in done.warnings:
        session.terminal.warn(warning)
    words = [_count(done.received, "received")] if not push_only else []
    words += [_count(done.sent, "sent")] if not fetch_only else []
    session.terminal.say(f"{done.remote}: {', '.join(words)}" if done.tip else f"{done.remote}: no notes there, and none here")
    if session.json:
        facts: dict[str, Any] = {"remote": done.remote, "received": done.received, "sent": done.sent, "tip": done.tip}
        session.terminal.json(render.to_json(facts | {"warnings": done.warnings}, graph.reasons))
    return 0


def _count(number: int, what: str) -> str:
    return f"{number} event{'' if number == 1 else 's'} {what}"


def export(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Where to; `-` is stdout.")] = "-",
) -> int:
    """Write every event as a line of JSON."""
    from contextgraph import sharing
    from contextgraph.lock import replace

    lines = sharing.export(session.open())
    if file == "-":
        seen = sys.stdout.isatty()  # bytes are for files and programs; what a person looks at is not to be obeyed
        for line in lines:
            sys.stdout.buffer.write((escaped(line.decode()).encode() if seen else line) + b"\n")
        sys.stdout.buffer.flush()
        return 0
    data = [line + b"\n" for line in lines]
    replace(Path(file), b"".join(data))
    session.terminal.say(f"{_count(len(data), 'written')} to {file}")
    session.answer({"file": file, "written": len(data)})
    return 0


def import_(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `cg export` wrote; `-` is stdin.")],
) -> int:
    """Take in the events of an export. Twice changes nothing."""
    from contextgraph import render, sharing
    from contextgraph.transcript import LONGEST

    graph = session.open()
    if file != "-" and not Path(file).is_file():
        raise UsageError(f"there is no file {file}")
    with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
        done = sharing.import_from(graph, iter(lambda: source.readline(LONGEST), b""))
    graph.catch_up()
    left = f", {done.purged} left out: they are purged here" if done.purged else ""
    session.terminal.say(f"{_count(done.added, 'imported')}, {done.present} there already{left}")
    if session.json:
        session.terminal.json(render.to_json({"added": done.added, "present": done.present, "purged": done.purged}, graph.reasons))
    return 0
