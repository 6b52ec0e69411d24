"""decide, record: the commands that write reasons down."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer

from contextgraph import given
from contextgraph.capture import staged
from contextgraph.cli import form
from contextgraph.cli.common import Session, command, one_of
from contextgraph.errors import UsageError
from contextgraph.event import HARD_LIMIT, TOO_LONG
from contextgraph.graph import Graph
from contextgraph.trace import Category, Decision, Level, Trace


def register(app: typer.Typer) -> None:
    command(
        app,
        epilog="\b\nExamples:\n  cg decide 'token bucket' --over 'fixed window | bursts at the edge'\n"
        "  cg decide                              what is staged\n"
        "  cg decide --drop 1\n"
        "  cg decide 'keep v1' --commit HEAD~2    for a commit that is there",
    )(decide)
    command(app, epilog="\b\nExamples:\n  cg record < trace.json\n  cg record HEAD~1 -F trace.json")(record)


def decide(
    session: Session,
    choice: Annotated[
        str | None, typer.Argument(metavar="[CHOICE]", help="What was chosen; alone, `cg decide` lists what is staged.", show_default=False)
    ] = None,
    context: Annotated[str, typer.Option("--context", metavar="Q", help="The question that was decided.")] = "",
    over: Annotated[
        list[str], typer.Option("--over", metavar="'ALTERNATIVE | REASON'", help="What was rejected, and why; repeatable.")
    ] = [],  # noqa: B006
    because: Annotated[list[str], typer.Option("--because", metavar="R", help="Why; repeatable.")] = [],  # noqa: B006
    constraint: Annotated[list[str], typer.Option("--constraint", metavar="C", help="What must stay so; repeatable.")] = [],  # noqa: B006
    category: Annotated[
        str, typer.Option("--category", metavar="C", help="architecture, implementation, tooling, recovery or escalation.")
    ] = "",
    risk: Annotated[str, typer.Option("--risk", metavar="R", help="low, medium or high.")] = "",
    irreversible: Annotated[bool, typer.Option("--irreversible", help="It cannot be undone easily.")] = False,
    area: Annotated[str, typer.Option("--area", metavar="A", help="The part of the system that it is about.")] = "",
    confidence: Annotated[str, typer.Option("--confidence", metavar="F", help="How sure, from 0 to 1.")] = "",
    guard: Annotated[
        list[str], typer.Option("--guard", metavar="'GLOB: RE'", help="A pattern that no added line may match; repeatable.")
    ] = [],  # noqa: B006
    expires: Annotated[str, typer.Option("--expires", metavar="D", help="The date after which it binds no more, such as 2027-01-31.")] = "",
    supersedes: Annotated[str, typer.Option("--supersedes", metavar="ID", help="The decision that this one replaces.")] = "",
    commit: Annotated[str, typer.Option("--commit", metavar="REV", help="Attach it to this commit instead of staging it.")] = "",
    edit: Annotated[bool, typer.Option("--edit", help="Write it in the editor, on a form.")] = False,
    drop: Annotated[
        int | None, typer.Option("--drop", metavar="N", help="Unstage the decision with that number; with --edit, edit it.")
    ] = None,
) -> int:
    """Write a decision down, for the next commit or for one there.

    Without --commit it is staged, per worktree like the index, and the next commit made here takes it.
    """
    if choice is not None and not choice.strip():
        raise UsageError("the choice is empty", "a variable of the shell that is not set? `cg decide` alone lists what is staged")
    # What is staged must be bound to its commit first; only --supersedes asks the index anything.
    graph = session.caught_up(history=bool(supersedes))
    _sound(risk, category, confidence)
    one = {"risk": risk, "category": category, "area": area, "confidence": confidence, "expires": expires, "supersedes": supersedes}
    fields: dict[str, Any] = {name: value for name, value in one.items() if value}
    fields |= {name: value for name, value in {"constraints": constraint, "guard": guard, "context": context}.items() if value}
    if because:
        fields["reasoning"] = "\n".join(because)
    if over:
        fields["rejected"] = [_rejection(each) for each in over]
    if choice:
        fields |= {"options": [{"description": choice}], "selected": 0}
    if irreversible:
        fields["reversible"] = False
    if drop is not None:
        if fields or commit:
            raise UsageError("--drop takes a staged decision away, and this writes another one down", "one after the other")
        return _redo(session, graph, drop) if edit else _drop(session, graph, drop)
    if not fields and not edit:
        if commit:
            raise UsageError("--commit attaches a decision, and there is none", "cg decide 'CHOICE' --commit REV")
        return _list(session, graph)
    decision = given.convert({"decisions": [fields]}).decisions[0] if fields else None
    if edit:
        decision = form.edited(graph, decision)
        if decision is None:
            session.terminal.say("the form was empty: nothing is staged")
            session.answer({"decision": None, "staged": len(staged.listed(graph.git))})
            return 0
    assert decision is not None
    form.check(graph, decision)
    return _keep(session, graph, decision, commit)


def _sound(risk: str, category: str, confidence: str) -> None:
    """Refuse, in the words of the options, what no field of a decision can hold."""
    if risk:
        one_of("--risk", risk, get_args(Level))
    if category:
        one_of("--category", category, get_args(Category))
    if confidence and not re.fullmatch(r"0?\.\d+|[01](\.0*)?", confidence):
        raise UsageError(f"--confidence takes a number from 0 to 1, not `{confidence}`", "such as 0.8")


def _drop(session: Session, graph: Graph, number: int) -> int:
    gone = staged.drop(graph.git, number)
    session.terminal.say(f"unstaged: {gone.title}")
    session.answer({"unstaged": gone, "decision": None, "staged": len(staged.listed(graph.git))})
    return 0


def _redo(session: Session, graph: Graph, number: int) -> int:
    """A staged decision on the form again; the old one goes when the new one is there, and at once when the form is emptied."""
    found = staged.listed(graph.git)
    decision = form.edited(graph, found[number - 1]) if 1 <= number <= len(found) else None
    if decision is not None:
        form.check(graph, decision)
        graph.stage(decision)
    gone = staged.drop(graph.git, number)
    session.terminal.say(f"staged anew: {decision.title}" if decision else f"the form was empty; unstaged: {gone.title}")
    session.answer({"unstaged": gone, "decision": decision, "staged": len(staged.listed(graph.git))})
    return 0


def _keep(session: Session, graph: Graph, decision: Decision, commit: str) -> int:
    decision = graph.masked(decision)
    if commit:
        sha, published = graph.record(commit, Trace(decisions=[decision]))
        _confirm(session, graph, sha, published, "decision")
    else:
        count = graph.stage(decision)
        session.terminal.say(f"staged for the next commit ({count}): {decision.title}")
        session.answer({"decision": decision, "staged": count})
    return 0


def _confirm(session: Session, graph: Graph, sha: str, published: bool, what: str) -> None:
    session.terminal.say(f"{what} recorded on {sha[:12]}")
    if not published:
        obstacle = graph.store.obstacle or "the notes ref is busy"
        session.terminal.warn(f"{obstacle}; it waits safely in the journal, and the next cg command publishes it")
    session.answer({"sha": sha, "published": published})


def _rejection(text: str) -> dict[str, str]:
    option, _, reason = text.partition("|")
    if not option.strip():
        raise UsageError(f"--over `{text}` names no alternative", "--over 'ALTERNATIVE | reason'")
    return {"option": option.strip(), **({"reason": reason.strip()} if reason.strip() else {})}


def _list(session: Session, graph: Graph) -> int:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from contextgraph import render

    found = staged.listed(graph.git)
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "staged": found}))
    elif not found:
        session.terminal.say("nothing is staged; `cg decide 'CHOICE' --because 'why'` stages a decision for the next commit")
    else:
        parts: list[RenderableType] = []
        for number, each in enumerate(found, 1):
            parts += [Text(f"{number}."), render.decision(msgspec.structs.replace(each, id=each.id or "staged"))]
        session.terminal.show(Group(*parts))
    return 0


def record(
    session: Session,
    revision: Annotated[str, typer.Argument(metavar="[REV]", help="The commit that it belongs to.")] = "HEAD",
    file: Annotated[str, typer.Option("-F", "--file", metavar="FILE", help="A CommitTrace in JSON; `-` is stdin.")] = "-",
) -> int:
    """Attach a trace in JSON to a commit.

    Any part of a CommitTrace will do; what follows from git is ignored with a warning. The limit is 64 KB.
    """
    graph = session.open()
    trace, warnings = given.parse(_read(file))
    for warning in warnings:
        session.terminal.warn(warning)
    sha, published = graph.record(revision, trace)
    _confirm(session, graph, sha, published, "trace")
    return 0


def _read(file: str) -> bytes:
    """The bytes of a file, a pipe or stdin, no more of them than it takes to see that they are too many."""
    if file == "-" and sys.stdin.isatty():
        raise UsageError("nothing to read: stdin is a terminal", "cg record < trace.json, or -F FILE")
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
            data = opened.read(HARD_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > HARD_LIMIT:
        raise UsageError(f"the trace has more than {HARD_LIMIT:,} bytes, which is the limit", TOO_LONG)
    if not data.strip():
        raise UsageError(f"{'stdin' if file == '-' else file} is empty", "cg record < trace.json, or -F FILE")
    return data
