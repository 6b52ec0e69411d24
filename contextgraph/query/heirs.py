"""What commits that were amended, rebased or remapped became, and which decisions in their messages did not come along."""

import msgspec

from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.query.view import Moment, View
from contextgraph.trace import Decision, Trace

MOST = 3
"""Named in one sentence."""


def heirs(view: View, sha: str) -> list[str]:
    """The last commits that one was carried onward into, over any number of rewrites; none where it stands for itself, as
    does what landed as it was."""
    if view.ledger().landing(sha) is not None:
        return []
    ends: list[str] = []
    seen, waiting = {sha}, [sha]
    while waiting:
        old = waiting.pop()
        rows = view.database.connection.execute("SELECT new, how FROM links WHERE old = ? ORDER BY new", (old,))
        onward = [new for new, how in rows if how in SPEAKS_FOR_ITSELF]
        ends += [old] if not onward and old != sha else []
        waiting += [new for new in onward if new not in seen]
        seen |= {*onward}
    return ends


def same(one: Decision, other: Decision) -> bool:
    """Whether two decisions are the same, or say it: a squash, or a new author, gives what stays in the message another id."""
    if one.id == other.id:
        return True
    plain = (msgspec.structs.replace(each, id=None, trace_id=None, timestamp=None, superseded_by=None) for each in (one, other))
    return next(plain) == next(plain)


def lost(view: View, trace: Trace, moment: Moment | None) -> list[tuple[Decision, str]]:
    """The decisions that the messages of what a commit was made from held, and nothing of it holds any more; each with its commit."""
    sources = [each.commit for each in trace.carried_from if each.how in SPEAKS_FOR_ITSELF]
    before = view.traces(sources, moment, details=False) if sources else []
    said = [(each, old.sha or "") for old in before for each in old.decisions if each.source == "trailer"]
    gone = [(each, sha) for each, sha in said if not any(same(each, kept) for kept in trace.decisions)]
    return list({each.id: (each, sha) for each, sha in reversed(gone)}.values())


def remark(view: View, trace: Trace, moment: Moment | None) -> str | None:
    """A sentence about a commit that something else stands for now, or that has less to say than what it was made from."""
    sha, gone = trace.sha or "", lost(view, trace, moment)
    words = [f"{old[:10]} had decided {each.id} ({each.title}), which was amended away." for each, old in gone[:MOST]]
    words += [f"So were {len(gone) - MOST} more."] if len(gone) > MOST else []
    if moment is None and (ends := heirs(view, sha)):
        words.append(f"{sha[:10]} was rewritten: {' and '.join(end[:10] for end in ends[:MOST])} stands for it now.")
    return " ".join(words) or None


def of_decision(view: View, identity: str, homes: list[str]) -> tuple[Trace, str, str | None] | None:
    """The trace that tells of a decision, its id there, and a sentence where that is not all: what was carried onward is told where
    it went, what did not come along where it was. None where nothing holds it."""
    ends = list(dict.fromkeys(end for home in homes for end in heirs(view, home)))
    traces = view.traces([*ends, *homes])
    found = [(trace, each) for trace in traces for each in trace.decisions if each.id == identity]
    if not found:
        return None
    trace, decision = found[0]
    if trace.sha in ends or not ends:
        return trace, identity, None
    for heir in traces[: len(ends)]:
        for each in heir.decisions:
            if same(each, decision):
                return heir, each.id or "", f"{identity} is {each.id} now: {(trace.sha or '')[:10]} was rewritten."
    return trace, identity, f"{identity} was amended away: {' and '.join(end[:10] for end in ends[:MOST])} has it no more."
