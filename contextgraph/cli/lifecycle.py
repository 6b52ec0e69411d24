"""supersede, redact, purge, ack: the commands that retire what was written."""

from typing import Annotated

import typer

from contextgraph.cli.common import Session, command


def register(app: typer.Typer) -> None:
    command(app, epilog="\b\nExample:\n  cg supersede cg-1f0c cg-9a77 --because 'traffic has grown tenfold'")(supersede)
    command(app, epilog="\b\nExample:\n  cg redact cg-1f0c5a0b7c11")(redact)
    command(app, epilog="\b\nExample:\n  cg purge cg-1f0c5a0b7c11 --push")(purge)
    command(app, epilog="\b\nExample:\n  cg ack f-3c19 --because 'only in the tests' --until 2027-01-31")(ack)


def supersede(
    session: Session,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The decision that is replaced.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The decision that replaces it.")],
    because: Annotated[str, typer.Option("--because", metavar="R", help="Why.", show_default=False)] = "",
) -> int:
    """Say that one decision replaces another."""
    from contextgraph import render, sharing

    graph = session.caught_up()
    target, replacement = sharing.supersede(graph, old, new, because)
    session.terminal.say(f"{target} is superseded by {replacement}")
    if session.json:
        session.terminal.json(render.to_json({"target": target, "with": replacement}, graph.reasons))
    return 0


def redact(
    session: Session,
    identity: Annotated[str, typer.Argument(metavar="ID", help="A decision or an event.")],
) -> int:
    """Hide a decision or an event everywhere.

    It stays in the notes' history; `cg purge` takes it out.
    """
    from contextgraph import render, sharing

    graph = session.caught_up()
    whole = sharing.redact(graph, identity)
    session.terminal.say(f"{whole} is redacted; `cg sync` tells the other clones")
    if session.json:
        session.terminal.json(render.to_json({"id": whole}, graph.reasons))
    return 0


def purge(
    session: Session,
    identity: Annotated[str, typer.Argument(metavar="ID", help="A decision or an event.")],
    push: Annotated[bool, typer.Option("--push", help="Rewrite the notes of the remote too: the one forced push there is.")] = False,
    remote: Annotated[str, typer.Option("--remote", metavar="R", help="The remote; origin, or the only one.", show_default=False)] = "",
) -> int:
    """Take a decision or an event out for good, history included."""
    from contextgraph import render, sharing

    graph = session.caught_up()
    with session.terminal.progress() as tick:
        done = sharing.purge_id(graph, identity, push, remote, tick)
    say = session.terminal.say
    say(f"{done.id} is purged: notes, their history, journal, index, vectors and caches")
    if done.backup:
        say(f"the notes as they were, what was purged included, are in {done.backup}: delete it when you are sure")
    say("the old objects leave this clone with `git gc --prune=now`")
    for warning in done.warnings:
        session.terminal.warn(warning)
    if done.pushed:
        say(f"the notes of `{done.pushed}` were rewritten; in every other clone: `cg sync`, then `cg purge {done.id}`")
    else:
        say("remotes that have it keep it until `cg purge ID --push`; other clones drop it when they sync")
    if session.json:
        facts = {"id": done.id, "backup": done.backup, "pushed": done.pushed, "warnings": done.warnings}
        session.terminal.json(render.to_json(facts, graph.reasons))
    return 0


def ack(
    session: Session,
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="The id that `cg check` prints.")],
    because: Annotated[str, typer.Option("--because", metavar="R", help="Why it is accepted.", show_default=False)] = "",
    until: Annotated[str, typer.Option("--until", metavar="D", help="The day it is accepted until, such as 2027-01-31.")] = "",
) -> int:
    """Accept a finding of `cg check`, with the reason."""
    from contextgraph import render, sharing

    graph = session.caught_up()
    commit = sharing.ack(graph, finding, because, until)
    session.terminal.say(f"{finding} is accepted; kept with {commit[:12]}")
    if session.json:
        session.terminal.json(render.to_json({"finding": finding, "commit": commit}, graph.reasons))
    return 0
