"""why, search, log: the commands that answer. Exit code 1 when the answer is that there is nothing."""

import os
from collections.abc import Callable
from typing import Annotated, get_args

import msgspec
import typer

from contextgraph import commits, trace
from contextgraph.cli.common import Session, command, one_of
from contextgraph.errors import UsageError
from contextgraph.graph import Graph
from contextgraph.query import filters as filtering
from contextgraph.query import places
from contextgraph.query.filters import Filters
from contextgraph.query.view import Moment
from contextgraph.query.why import Why

Status = Annotated[list[str], typer.Option("--status", metavar="S", help="pending, landed or reverted; repeatable.")]
Area = Annotated[list[str], typer.Option("--area", metavar="A", help="An area that a decision names; repeatable.")]
Paths = Annotated[
    list[str], typer.Option("--path", metavar="GLOB", help="A file, a folder or a pattern that the commit touched; repeatable.")
]
Author = Annotated[str, typer.Option("--author", metavar="X", help="A part of the author's name or address.")]
Branch = Annotated[str, typer.Option("--branch", metavar="B", help="The branch it was made on; a pattern will do.")]
CategoryOption = Annotated[
    str, typer.Option("--category", metavar="C", help="architecture, implementation, tooling, recovery or escalation.")
]
Since = Annotated[str, typer.Option("--since", metavar="D", help="Not older than a date, such as 2026-01-31 or `2 weeks ago`.")]
Until = Annotated[str, typer.Option("--until", metavar="D", help="Not newer than a date.")]
Mode = Annotated[str, typer.Option("--mode", metavar="M", help="The mode that was recorded with it.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="T", help="As it was known at a date or at a revision.")]
KnownAt = Annotated[str, typer.Option("--known-at", metavar="T", help="With the notes that this clone had at a date (best effort).")]
Everything = Annotated[bool, typer.Option("--all", help="Also what is superseded, expired, carried onward or unreachable.")]
Decisions = Annotated[bool, typer.Option("--decisions", help="Only what holds a decision, and show it.")]


def register(app: typer.Typer) -> None:
    command(
        app,
        epilog="\b\nExamples:\n  cg why HEAD\n  cg why src/limit.py:42\n  cg why cg-1f2e3d4c5b6a\n  cg why -- HEAD    a file",
    )(why)
    command(app, epilog="\b\nExamples:\n  cg search 'rate limiting'\n  cg search retries --path 'src/net/*' --status landed")(search)
    command(app, epilog="\b\nExamples:\n  cg log --decisions\n  cg log main..HEAD\n  cg log --in-force --path src/net")(log)


def why(
    session: Session,
    target: Annotated[list[str], typer.Argument(metavar="TARGET", help="A revision, path, path:line, path:line-line or decision id.")],
    as_of: AsOf = "",
    known_at: KnownAt = "",
) -> int:
    """Why it is as it is: decisions behind a commit, line or path.

    Verbatim, each with where it comes from and what became of it. Exit code 1: no decision is recorded there.
    """
    import sys

    if len(target) != 1:
        raise UsageError(f"`why` takes one target, and got {len(target)}", "quote a path that has spaces")
    graph = session.caught_up()
    answer = graph.why(target[0], _moment(graph, as_of, known_at), path_only="--" in sys.argv[1:])
    _show_why(session, graph, answer)
    return 0 if answer.decisions else 1


def _show_why(session: Session, graph: Graph, answer: Why) -> None:
    from contextgraph import render

    message = graph.message(answer.commit) if answer.commit else None
    if not answer.target.isascii():  # a path in another encoding: asked for by its bytes, shown as text
        answer = msgspec.structs.replace(answer, target=commits.text(os.fsencode(answer.target)))
    if session.json:
        session.terminal.json(render.why_json(answer, message, graph.reasons))
    else:
        session.terminal.show(render.why(answer, message, graph.reasons))


def search(
    session: Session,
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="A question in your own words, an identifier, a sha, #123.")],
    limit: Annotated[int | None, typer.Option("-n", metavar="N", min=1, help="How many results.", show_default="search.limit")] = None,
    status: Status = [],  # noqa: B006
    area: Area = [],  # noqa: B006
    path: Paths = [],  # noqa: B006
    author: Author = "",
    branch: Branch = "",
    category: CategoryOption = "",
    since: Since = "",
    until: Until = "",
    mode: Mode = "",
    min_score: Annotated[float, typer.Option("--min-score", metavar="F", help="Leave out what scores less.")] = 0.0,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    everything: Everything = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show each part of every score.")] = False,
    decisions: Decisions = False,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Ask all repositories that are set up on this machine.")] = False,
) -> int:
    """What was decided or done about it, best answer first.

    Over decisions and the whole history, in your own words. Exit code 1: nothing was found.
    """
    from contextgraph import render

    question = " ".join(query)
    if not question.strip():
        raise UsageError("the question is empty", "`cg log` lists everything")

    def filters(graph: Graph) -> Filters:
        return _filters(graph, status, area, path, author, branch, category, since, until, mode, as_of, known_at, everything, decisions)

    if everywhere:
        return _everywhere(session, question, filters, limit, min_score, explain)
    graph = session.caught_up()
    chosen = filters(graph)
    answer = graph.search(question, chosen, limit or graph.config.number("search.limit"), min_score, details=session.json)
    if session.json:
        session.terminal.json(render.search_json(question, answer, graph.reasons))
    else:
        session.terminal.show(render.search(answer, explain, graph.reasons))
    return 0 if answer.results else 1


def _everywhere(
    session: Session, question: str, filters: Callable[[Graph], Filters], limit: int | None, min_score: float, explain: bool
) -> int:
    from contextgraph import config, render
    from contextgraph import everywhere as asking

    limit = limit or config.load(None, {}, os.environ).number("search.limit")
    asked = asking.Question(question, filters, limit, min_score, details=session.json)
    found = asking.ask(asked, os.environ, session.directory)
    if session.json:
        session.terminal.json(render.search_json(question, found.answer, found.reasons))
    else:
        session.terminal.show(render.search(found.answer, explain, found.reasons, found.names))
    return 0 if found.answer.results else 1


def log(
    session: Session,
    revisions: Annotated[str, typer.Argument(metavar="[RANGE]", help="Only these commits, such as main..HEAD.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("-n", metavar="N", min=1, help="How many traces.")] = 50,
    status: Status = [],  # noqa: B006
    area: Area = [],  # noqa: B006
    path: Paths = [],  # noqa: B006
    author: Author = "",
    branch: Branch = "",
    category: CategoryOption = "",
    since: Since = "",
    until: Until = "",
    mode: Mode = "",
    as_of: AsOf = "",
    known_at: KnownAt = "",
    everything: Everything = False,
    decisions: Decisions = False,
    in_force: Annotated[
        bool, typer.Option("--in-force", help="Only decisions that bind now, or once they land; with --path, those that bind it.")
    ] = False,
) -> int:
    """Traces newest first, one line each.

    Exit code 1: nothing passed.
    """
    from contextgraph import render

    graph = session.caught_up()
    chosen = _filters(
        graph, status, area, path, author, branch, category, since, until, mode, as_of, known_at, everything, decisions or in_force
    )
    within = graph.range(revisions) if revisions else None
    answer = graph.log(chosen, limit, within, in_force, details=session.json)
    if session.json:
        session.terminal.json(render.log_json(answer, graph.reasons))
    else:
        session.terminal.show(render.log(answer, decisions or in_force, graph.reasons))
    return 0 if answer.traces else 1


def _moment(graph: Graph, text: str, known_at: str) -> Moment | None:
    moment = filtering.as_of(graph.git, text) if text else None
    if not known_at:
        return moment
    from contextgraph.query import known

    graph.reasons.append(known.BEST_EFFORT)
    return known.at(graph.git, filtering.as_of(graph.git, known_at, "--known-at").seconds, moment)


def _filters(
    graph: Graph,
    status: list[str],
    area: list[str],
    path: list[str],
    author: str,
    branch: str,
    category: str,
    since: str,
    until: str,
    mode: str,
    as_of: str,
    known_at: str,
    everything: bool,
    decisions: bool,
) -> Filters:
    for each in status:
        one_of("--status", each, get_args(trace.Status))
    if category:
        one_of("--category", category, get_args(trace.Category))
    return Filters(
        statuses=tuple(status),
        areas=tuple(area),
        paths=tuple(pattern for each in path for pattern in places.patterns(graph.git, each)),
        author=author or None,
        branch=branch or None,
        category=category or None,
        mode=mode or None,
        since=filtering.seconds(graph.git, since, "--since") if since else None,
        until=filtering.seconds(graph.git, until, "--until") if until else None,
        as_of=_moment(graph, as_of, known_at),
        everything=everything,
        decisions=decisions,
    )
