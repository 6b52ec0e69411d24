"""State is a fold over events: any order and any partition of the same events gives the same state."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import msgspec

from contextgraph import given
from contextgraph.errors import BadInputError
from contextgraph.event import Event, decision_id
from contextgraph.trace import LISTS, SCALARS, CarriedFrom, Carry, Decision, Trace

HOWS: dict[str, Carry] = {how: how for how in get_args(Carry)}
SPEAKS_FOR_ITSELF = frozenset({"amend", "rebase", "reset", "remap", "host-rebase"})
"""How a commit is carried when the new message replaces the old one: trailer decisions of the old message stay behind.
Carried by squash or cherry-pick they go along (CONTRACT, Decision trailers). Such a commit is also carried *onward*:
it is neither listed nor counted any more."""


class Link(msgspec.Struct, frozen=True, order=True):
    """The records of `old` belong to the commit that holds this link as well."""

    at: str
    old: str
    how: Carry


class Replacement(msgspec.Struct, frozen=True):
    """A decision is replaced by the decision `by_id`, because."""

    at: str
    by_id: str
    because: str | None


class State(msgspec.Struct, frozen=True):
    """What a set of events says. Keys are commits, except for `superseded` (decision ids) and `acked` (finding ids)."""

    recorded: dict[str, tuple[Event, ...]]
    links: dict[str, tuple[Link, ...]]
    merged: dict[str, Event]
    superseded: dict[str, Replacement]
    acked: dict[str, Event]
    redacted: frozenset[str]
    purged: frozenset[str]
    problems: tuple[str, ...]


Edge = tuple[str, str, str, str, str | None]
"""(at, event id, target, with, because): one decision said to replace another."""


def fold(events: Iterable[Event], as_of: str | None = None, declared: Iterable[Edge] = ()) -> State:
    """The state after `events` (those with `at` <= as_of, as `event.moment` writes it, when given).

    `declared` are the replacements that decisions themselves state (`Supersedes:`), wherever those were read. Tombstones
    count whenever they were written: what was redacted does not come back by looking at the past.
    """
    # A line without `commit` that was copied to another note is an event of that commit too: the same id, another key.
    unique = sorted({(event.id, event.key): event for event in events}.values(), key=lambda event: (event.at, event.id, event.key))
    redacted = frozenset(_ids(unique, "redacted", "target"))
    purged = frozenset(_ids(unique, "purged", "target"))
    visible = [e for e in unique if e.id not in redacted and e.id not in purged and (as_of is None or e.at <= as_of)]
    of_kind: dict[str, list[Event]] = {}
    for event in visible:
        of_kind.setdefault(event.kind, []).append(event)
    stated = [edge for edge in declared if as_of is None or edge[0] <= as_of]
    superseded, problems = supersessions([*replacements(of_kind.get("superseded", ())), *stated])
    return State(
        recorded=_grouped(of_kind.get("recorded", ())),
        links=_links(of_kind.get("carried", ())),
        merged={event.key: event for event in of_kind.get("merged", ())},
        superseded=superseded,
        acked=_ids(of_kind.get("acked", ()), "acked", "finding"),
        redacted=redacted,
        purged=purged,
        problems=problems,
    )


def _ids(events: Iterable[Event], kind: str, field: str) -> dict[str, Event]:
    """The ids that the events of a kind name in `field`, each with the last event that does."""
    named = ((event.body.get(field), event) for event in events if event.kind == kind)
    return {identity: event for identity, event in named if isinstance(identity, str)}


def replacements(events: Iterable[Event]) -> Iterator[Edge]:
    """(at, event id, target, with, because) of every well-formed `superseded` event."""
    for event in events:
        target, new = event.body.get("target"), event.body.get("with")
        if isinstance(target, str) and isinstance(new, str):
            because = event.body.get("because")
            yield event.at, event.id, target, new, because if isinstance(because, str) else None


def supersessions(edges: Iterable[Edge]) -> tuple[dict[str, Replacement], tuple[str, ...]]:
    """Replacement of each decision id, and the edges refused because they would close a circle (the earlier (at, id) wins)."""
    found: dict[str, Replacement] = {}
    problems: list[str] = []
    for at, event_id, target, new, because in sorted(edges, key=lambda edge: (*edge[:4], edge[4] or "")):
        step: str | None = new
        while step is not None and step != target:
            step = found[step].by_id if step in found else None
        if step == target:
            problems.append(f"event {event_id}: {target} superseded by {new} would close a circle")
        else:
            found[target] = Replacement(at, new, because)
    return found, tuple(problems)


def _grouped(events: Iterable[Event]) -> dict[str, tuple[Event, ...]]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event.body.get("trace"), dict):
            groups.setdefault(event.key, []).append(event)
    return {key: tuple(group) for key, group in groups.items()}


def _links(events: Iterable[Event]) -> dict[str, tuple[Link, ...]]:
    """Links fold by (commit, from): the first to say it is kept."""
    links: dict[str, dict[str, Link]] = {}
    for event in events:
        old, how = event.body.get("from"), HOWS.get(str(event.body.get("how")))
        if isinstance(old, str) and how is not None and old != event.key:
            links.setdefault(event.key, {}).setdefault(old, Link(event.at, old, how))
    return {key: tuple(sorted(group.values())) for key, group in links.items()}


def gather(state: State, sha: str) -> tuple[list[tuple[Event, bool]], list[CarriedFrom]]:
    """All records that belong to `sha`, its own and those carried in over any number of rewrites, oldest first.

    Each with whether its trailer decisions belong to it still. What a commit got by squash or cherry-pick is nobody's
    own message any more: from there on it goes along through amends and rebases too.
    """
    found: dict[str, tuple[Event, bool]] = {}
    sources: dict[str, CarriedFrom] = {}
    waiting = [(sha, True)]
    while waiting:
        commit, trailers = waiting.pop()
        for event in state.recorded.get(commit, ()):
            found[event.id] = (event, trailers)
        for link in state.links.get(commit, ()):
            if link.old != sha and link.old not in sources:
                sources[link.old] = CarriedFrom(commit=link.old, how=link.how)
                waiting.append((link.old, link.how not in SPEAKS_FOR_ITSELF))
    return sorted(found.values(), key=lambda each: (each[0].at, each[0].id)), list(sources.values())


def given_trace(state: State, sha: str) -> Trace:
    """The recorded part of the trace of `sha`: decisions once each by id, ordered by time; scalars from the last event."""
    gathered, sources = gather(state, sha)
    fields: dict[str, Any] = {name: [] for name in LISTS}
    decisions: dict[str, Decision] = {}
    for event, trailers in gathered:
        trace = recorded_trace(event)
        for name in SCALARS:
            value = getattr(trace, name)
            fields[name] = value if value is not None else fields.get(name)
        for name in LISTS:
            fields[name] += getattr(trace, name)
        for decision in trace.decisions:
            if trailers or decision.source != "trailer":
                decisions.setdefault(decision.id or "", retire(state, decision))
    first, last = (gathered[0][0].at, gathered[-1][0].at) if gathered else (None, None)
    fields["decisions"] = [d for d in decisions.values() if d.id not in state.redacted and d.id not in state.purged]
    fields["areas"] = sorted({*fields["areas"], *(d.area for d in fields["decisions"] if d.area)})
    fields |= {"recorded": bool(gathered), "carried_from": sources, "created_at": first, "updated_at": last}
    return Trace(**fields, sha=sha, id=sha)


def recorded_trace(event: Event) -> Trace:
    """The trace of a `recorded` event, its decisions with the commit and the time they were recorded on.

    A stranger's event may hold values that are not ours; it then counts as an empty trace (`unreadable` names it).
    """
    try:
        trace = given.convert(event.body["trace"])
    except BadInputError:
        return Trace()
    decisions = [
        msgspec.structs.replace(
            each, id=each.id or decision_id(event.id, str(position)), trace_id=event.key, timestamp=each.timestamp or event.at
        )
        for position, each in enumerate(trace.decisions)
    ]
    return msgspec.structs.replace(trace, decisions=decisions)


def retire(state: State, decision: Decision) -> Decision:
    """The decision with `superseded_by` filled in, when it, or the commit it was recorded on, is superseded."""
    replaced = state.superseded.get(decision.id or "")
    if replaced is None and decision.trace_id:
        home = decision.trace_id
        replaced = next((by for old, by in state.superseded.items() if len(old) >= 7 and home.startswith(old)), None)
    return msgspec.structs.replace(decision, superseded_by=replaced.by_id) if replaced else decision
