"""decide, record: the commands that write reasons down."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from contextgraph import given
from contextgraph.capture import staged, trailers
from contextgraph.cli.common import Session, command
from contextgraph.errors import UsageError
from contextgraph.event import HARD_LIMIT
from contextgraph.graph import Graph
from contextgraph.trace import Decision, Trace, plain

FORM = """
# One decision, in the words of commit trailers. Lines that begin with # are left out; an empty form stages nothing.
# Decision:      what was chosen
# Context:       the question
# Rejected:      an alternative | the reason          (repeatable)
# Because:       why                                  (repeatable)
# Constraint:    what must stay so                    (repeatable)
# Guard:         GLOB: RE                             (repeatable)
# Risk: low, medium or high    Reversible: yes or no    Confidence: 0 to 1    Category: …    Area: …    Expires: 2027-01-31
# Supersedes:    a decision id
"""


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
    choice: Annotated[str, typer.Argument(metavar="[CHOICE]", help="What was chosen; alone, `cg decide` lists what is staged.")] = "",
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
    drop: Annotated[int, typer.Option("--drop", metavar="N", help="Unstage the decision with that number.", show_default=False)] = 0,
) -> int:
    """Write a decision down, for the next commit or for one there.

    Without --commit it is staged, per worktree like the index, and the next commit made here takes it.
    """
    graph = session.caught_up()
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
    if drop:
        gone = staged.drop(graph.git, drop)
        session.terminal.say(f"unstaged: {gone.title}")
        return 0
    if not fields and not edit:
        return _list(session, graph)
    decision = _convert(fields) if fields else None
    if edit:
        decision = _edit(session, graph, decision)
        if decision is None:
            session.terminal.say("the form was empty: nothing is staged")
            return 0
    assert decision is not None
    _check(graph, decision)
    return _keep(session, graph, decision, commit)


def _keep(session: Session, graph: Graph, decision: Decision, commit: str) -> int:
    if commit:
        sha, published = graph.record(commit, Trace(decisions=[decision]))
        _confirm(session, sha, published, "decision")
    else:
        count = graph.stage(decision)
        session.terminal.say(f"staged for the next commit ({count}): {decision.title}")
    return 0


def _confirm(session: Session, sha: str, published: bool, what: str) -> None:
    session.terminal.say(f"{what} recorded on {sha[:12]}")
    if not published:
        session.terminal.warn("the notes ref is busy; it waits safely in the journal, and the next cg command publishes it")
    if session.json:
        session.terminal.json(msgspec.json.encode({"schema": 1, "sha": sha, "published": published}))


def _rejection(text: str) -> dict[str, str]:
    option, _, reason = text.partition("|")
    if not option.strip():
        raise UsageError(f"--over `{text}` names no alternative", "--over 'ALTERNATIVE | reason'")
    return {"option": option.strip(), **({"reason": reason.strip()} if reason.strip() else {})}


def _convert(fields: dict[str, Any]) -> Decision:
    return given.convert({"decisions": [fields]}).decisions[0]


def _check(graph: Graph, decision: Decision) -> None:
    """What a person can still mend is refused here; in a commit message it could not be."""
    import re
    from datetime import date

    if decision.expires:
        try:
            date.fromisoformat(decision.expires[:10])
        except ValueError:
            raise UsageError(f"--expires: `{decision.expires}` is not a date", "such as 2027-01-31") from None
    for each in decision.guard:
        glob, separator, pattern = each.partition(": ")
        if not (glob and separator and pattern):
            raise UsageError(f"--guard `{each}` is not GLOB: RE", "such as --guard '*.py: time\\.sleep'")
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(f"--guard `{each}`: {error}") from None
    if decision.supersedes and not graph.knows_decision(decision.supersedes):
        raise UsageError(f"--supersedes: no decision {decision.supersedes} is known here", "`cg log --decisions` lists them")


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


def _edit(session: Session, graph: Graph, decision: Decision | None) -> Decision | None:
    """The decision as it leaves the editor; None for an empty form. What was typed is kept when it cannot be read."""
    import shlex
    import subprocess
    import tempfile

    editor = graph.git.maybe("var", "GIT_EDITOR") or "vi"
    with tempfile.NamedTemporaryFile("w", suffix=".cg-decision", delete=False, encoding="utf-8") as form:
        form.write((_as_form(decision) if decision else "") + FORM)
    if subprocess.run(f"{editor} {shlex.quote(form.name)}", shell=True, check=False).returncode:  # as git runs it
        raise UsageError(f"the editor `{editor}` failed", f"the form is in {form.name}")
    lines = [line for line in Path(form.name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    text = "\n".join(lines).strip()
    if not text:
        Path(form.name).unlink()
        return None
    pairs = trailers.read(f"form\n\n{text}")
    if not pairs:
        raise UsageError("the form cannot be read: every line begins with one of its words and a colon", f"it is kept in {form.name}")
    Path(form.name).unlink()
    return trailers.decision(pairs)


def _as_form(decision: Decision) -> str:
    fields = plain(decision)
    lines = [f"Decision: {decision.choice}"] if decision.choice else []
    lines += [f"Context: {decision.context}"] if decision.context else []
    lines += [f"Rejected: {each.option}" + (f" | {each.reason}" if each.reason else "") for each in decision.rejected]
    lines += [f"Because: {line}" for line in decision.reasoning.splitlines()]
    lines += [f"Constraint: {each}" for each in decision.constraints] + [f"Guard: {each}" for each in decision.guard]
    names = ("risk", "confidence", "category", "area", "expires", "supersedes")
    lines += [f"{name.capitalize()}: {fields[name]}" for name in names if name in fields]
    return "\n".join(lines + (["Reversible: no"] if decision.reversible is False else []))


def record(
    session: Session,
    revision: Annotated[str, typer.Argument(metavar="[REV]", help="The commit that it belongs to.")] = "HEAD",
    file: Annotated[str, typer.Option("-F", "--file", metavar="FILE", help="A CommitTrace in JSON; `-` is stdin.")] = "-",
) -> int:
    """Attach a trace in JSON to a commit.

    Any part of a CommitTrace will do; what follows from git is ignored with a warning. The limit is 64 KB.
    """
    graph = session.open()
    if file == "-":
        if sys.stdin.isatty():
            raise UsageError("nothing to read: stdin is a terminal", "cg record < trace.json, or -F FILE")
        data = sys.stdin.buffer.read(16 * HARD_LIMIT)
    else:
        path = Path(file)
        if not path.is_file():
            raise UsageError(f"there is no file {file}")
        with path.open("rb") as opened:
            data = opened.read(16 * HARD_LIMIT)
    trace, warnings = given.parse(data)
    for warning in warnings:
        session.terminal.warn(warning)
    sha, published = graph.record(revision, trace)
    _confirm(session, sha, published, "trace")
    return 0
