"""status, refresh: the commands that tell and mend the state of things here."""

import time
from typing import Annotated, Any

import typer

from contextgraph import install
from contextgraph.capture import staged
from contextgraph.cli.common import Session, command
from contextgraph.event import moment
from contextgraph.graph import Graph
from contextgraph.lag import Lag, lags
from contextgraph.ui import counted, inert

LATELY = 7 * 86_400
"""Seconds for which an error in the log is told."""


def register(app: typer.Typer) -> None:
    command(app)(status)
    command(app, epilog="\b\nExamples:\n  cg refresh\n  cg refresh --rebuild")(refresh)


def status(session: Session) -> int:
    """Hooks, traces, index, model, and what to do next: one screen."""
    from contextgraph import render

    graph = session.caught_up()
    facts = gather(graph)
    if session.json:
        session.terminal.json(render.to_json(facts, graph.reasons))
    else:
        session.terminal.show(_screen(facts, graph))
    return 0


def gather(graph: Graph) -> dict[str, Any]:
    """Everything that `cg status` knows, in the shape of CONTRACT."""
    hooks = install.look(graph.git)
    counts = graph.counts()
    graph.look_for_absent()
    graph.look_for_remotes()
    problems: list[str] = []
    if hooks.reason == install.BARE:
        pass
    elif not graph.installed:
        problems.append("not set up here: commits are not recorded as they are made (`cg init`)")
    elif hooks.reason:
        problems.append(hooks.reason)
    elif hooks.fault:
        problems.append(f"{hooks.fault} (`cg init` mends that)")
    if counts["foreign_lines"]:
        newer = f", {counts['newer_lines']} of them from a newer version" if counts["newer_lines"] else ""
        problems.append(f"{counts['foreign_lines']} lines in notes are not ours to read{newer}; they are kept as they are")
    return {
        "repo": graph.repository(),
        "branch": graph.target.name if graph.target else None,
        "counts": {name: counts[name] for name in ("commits", "recorded", "decisions", "pending", "landed", "reverted", "no_branch")},
        "hooks": {"alive": hooks.alive, "installed": hooks.installed, "directory": hooks.directory, "reason": hooks.reason},
        "notes": {
            "tip": graph.notes_tip,
            "unpublished": graph.store.unpublished(),
            "foreign_lines": counts["foreign_lines"],
            "remotes": lags(graph.store, graph.settings, graph.refs.tracking, graph.notes_tip, counts["events"]),
        },
        "index": _lately(graph.index_state()),
        "model": graph.meaning.model_state(),
        "staged": len(staged.listed(graph.git)) if graph.git.top else 0,
        "skipped": graph.skipped(),
        "problems": problems,
    }


def _lately(index: dict[str, Any]) -> dict[str, Any]:
    """The state of the index with no error older than LATELY: what failed once and works since is no news."""
    oldest = moment(time.time() - LATELY)
    return index | {"errors": [line for line in index["errors"] if line[: len(oldest)] >= oldest]}


def _screen(facts: dict[str, Any], graph: Graph) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from contextgraph import render

    counts, index, model = facts["counts"], facts["index"], facts["model"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    bare = facts["hooks"]["reason"] == install.BARE
    alive = (
        "alive"
        if facts["hooks"]["alive"]
        else "none: a bare repository makes no commits"
        if bare
        else "catching up without them"
        if graph.installed
        else "not installed"
    )
    table.add_row("hooks", Text(alive, style="green" if facts["hooks"]["alive"] or bare else "yellow"))
    table.add_row("target branch", facts["branch"] or "none found")
    table.add_row("traces", f"{counts['recorded']} recorded: {render.counts(counts)}")
    table.add_row("decisions", f"{counts['decisions']} known, {facts['staged']} staged for the next commit")
    table.add_row("history", f"{counted(counts['commits'], 'commit')} indexed")
    for name, lag in facts["notes"]["remotes"].items():
        table.add_row(f"notes at {name}", Text(inert(_lag(lag))))
    table.add_row("vectors", _vectors(index, model, graph))
    if facts["notes"]["unpublished"]:
        table.add_row("journal", f"{counted(facts['notes']['unpublished'], 'event')} waiting for the notes ref")
    if facts["skipped"]:
        table.add_row("skipped", f"{counted(facts['skipped'], 'commit')} made with CG_SKIP=1")
    for line in index["errors"]:
        table.add_row("last error", Text(inert(line)))
    lines = [Text.assemble(("problem: ", "yellow"), each) for each in facts["problems"]]
    lines += [Text.assemble(("incomplete: ", "yellow"), each) for each in graph.reasons]
    step = _next_step(facts)
    return Group(table, *lines, *([Text.assemble(("next: ", "cyan"), step)] if step else []))


def _lag(lag: Lag) -> str:
    if not lag.fetched:
        return "never fetched (`cg sync`)"
    words = [f"{lag.ahead} event{'' if lag.ahead == 1 else 's'} to send"] if lag.ahead else []
    words += [f"{lag.behind} to take in"] if lag.behind else []
    return f"{', '.join(words)} (`cg sync`)" if words else "the same as here"


def _vectors(index: dict[str, Any], model: dict[str, Any], graph: Graph) -> str:
    if not model["installed"]:
        return "no model: search is by words (`cg model install` adds meaning)"
    if model["problem"]:
        return f"the model is damaged: {model['problem']}"
    place = f" on {index['vectors_in']}" if "://" in index["vectors_in"] else ""
    if index["vectors_done"] < index["vectors_total"]:
        place += ", and more are being made" if graph.refill.busy() else " (`cg refresh` makes the rest)"
    return f"{index['vectors_done']:,} of {counted(index['vectors_total'], 'document')}{place}"


def _next_step(facts: dict[str, Any]) -> str | None:
    if facts["problems"] and not facts["hooks"]["installed"] and not facts["hooks"]["reason"]:
        return "`cg init`"
    if not facts["counts"]["decisions"]:
        return "`cg decide 'what you chose' --because 'why'`, then commit"
    return None


def refresh(
    session: Session,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Throw the index away first, and make it again.")] = False,
) -> int:
    """Bring everything up to date now.

    What the hooks left, notes, status, index, vectors. Every reading command does all but the vectors by itself.
    """
    from contextgraph import render

    graph = session.open()
    if rebuild and (failure := graph.reset_index()):
        session.terminal.say(failure)
    with session.terminal.progress() as tick:
        graph.catch_up(lambda phase, done: tick(phase, done, None))
        if graph.embed(tick) and not graph.failure:
            graph.worked()
    counts = graph.counts()
    for reason in graph.reasons:
        session.terminal.say(reason)
    words = ((counts["commits"], "commit"), (counts["recorded"], "recorded trace"), (counts["decisions"], "decision"))
    session.terminal.say(", ".join(counted(number, noun) for number, noun in words))
    if session.json:
        session.terminal.json(render.to_json({"counts": counts, "index": graph.index_state()}, graph.reasons))
    return 0
