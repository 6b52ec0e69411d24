"""track, remap: the commands that follow commits to what became of them."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from contextgraph.cli.common import Session, command
from contextgraph.errors import UsageError
from contextgraph.ui import counted

_LINE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\s+([0-9a-f]{40}|[0-9a-f]{64})\s*\Z")


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExamples:\n  cg track\n  cg track --json\n  cg track --branch release-2")(track)
    command(app, epilog="\b\nExample:\n  cg remap .git/filter-repo/commit-map")(remap)


def track(
    session: Session,
    branch: Annotated[str, typer.Option("--branch", metavar="B", help="Ask about this branch instead of the target branch.")] = "",
) -> int:
    """What landed, was reverted or came back since the last look.

    Each with its evidence. The first look only marks where to begin.
    """
    from contextgraph import render

    graph = session.caught_up()
    found = graph.track(branch)
    name = branch or (graph.target.name if graph.target else None)
    if session.json:
        fields = {"branch": name, "changes": found.changes, "counts": found.counts}
        session.terminal.json(render.to_json(fields, graph.reasons))
        return 0
    parts: list[RenderableType] = [render.change(each, graph.title(each.sha)) for each in found.changes]
    if not parts:
        parts.append(
            Text("This is the first look: from now on changes are told." if found.first else "Nothing changed since the last look.")
        )
    counts = Text(f"{render.counts(found.counts)} in {name or 'no branch'}", style="dim")
    session.terminal.show(Group(*parts, counts, *render.incomplete(graph.reasons)))
    return 0


def remap(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines `OLD NEW`, such as git filter-repo's commit-map.")],
) -> int:
    """Carry records along a rewritten history.

    Safe to repeat; records of dropped commits stay where they are.
    """
    if not file.is_file():
        raise UsageError(f"there is no file {file}", "git filter-repo leaves one in .git/filter-repo/commit-map")
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if match := _LINE.match(line):
            pairs.append((match[1], match[2]))
        elif line.strip() and line.split() != ["old", "new"]:
            raise UsageError(f"{file}, line {number}: `{line[:80]}` is not `OLD NEW`", "two full shas with a space between")
    carried, dropped = session.caught_up().remap(pairs)
    kept = f", {dropped} of dropped commits kept where they are" if dropped else ""
    session.terminal.say(f"{counted(carried, 'record')} carried to new commits{kept}")
    session.answer({"carried": carried, "dropped": dropped})
    return 0
