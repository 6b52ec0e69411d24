"""From candidates to an order: what is in force before what is retired, what stands before what was undone, each thing once."""

import json
import re
import time
from collections.abc import Iterable

import msgspec

from contextgraph.query.candidates import SOURCES, Candidate
from contextgraph.query.filters import Filters
from contextgraph.query.view import View
from contextgraph.status.ledger import Ledger
from contextgraph.trace import Decision, Trace

REVERTED = 0.9
"""Factor for what was reverted: "tried and undone" is often the answer, but what stands comes first."""
JUDGED = 40
"""Candidates found by their decisions that are judged at least: many times a screen, so that retired ones can fall out."""
RETIRED = 0.5
"""Factor for a commit found by decisions that are all superseded or expired: its successor answers."""


class Ranked(msgspec.Struct):
    """A candidate with its status. `matched` are the decisions found in it that may be shown; `folded` counts its likes."""

    candidate: Candidate
    parts: dict[str, float]
    status: float
    matched: list[tuple[Decision, float]]
    trace: Trace | None = None
    folded: int = 0

    @property
    def score(self) -> float:
        return round(sum(self.parts.values()) * self.status, 4)


def settle(view: View, candidates: list[Candidate], filters: Filters, undone: bool, limit: int) -> list[Ranked]:
    """The candidates that pass every filter, best first. With `undone` what was taken back is as good as what stands.

    Putting a trace together costs a tenth of a millisecond or more, so decisions are judged where they can come among the
    `limit` results; what promises less is ranked by that promise, and only counted.
    """
    whole = filters.of_records or bool(filters.statuses and filters.as_of)
    pool = [each for each in candidates if whole or each.relevance]
    if not whole:
        pool = sorted(pool, key=lambda each: -_promise(each))[: max(JUDGED, 3 * limit)]
    judged = [each.sha for each in pool]
    traces = dict(zip(judged, view.traces(judged, filters.as_of, details=False), strict=True)) if judged else {}
    today = filters.as_of.at if filters.as_of else time.strftime("%Y-%m-%d", time.gmtime())
    reverted = set() if undone else _reverted(view.ledger(filters.as_of), candidates)
    found: list[Ranked] = []
    for each in candidates:
        trace = traces.get(each.sha)
        ranked = _judge(each, trace, today, filters.everything) if trace else _plain(each)
        if ranked and (trace is None or filters.passes(_shown(trace, today, filters.everything))):
            ranked.status *= REVERTED if each.sha in reverted else 1.0
            found.append(ranked)
    _succession(found)
    return _ordered(found)


def retired(decision: Decision, today: str) -> bool:
    """Whether a decision is superseded, or expired on `today` (an RFC 3339 date)."""
    return decision.superseded_by is not None or (decision.expires is not None and decision.expires[:10] < today[:10])


def shown(trace: Trace, filters: Filters) -> Trace:
    """The trace without its retired decisions, unless everything is asked for."""
    today = filters.as_of.at if filters.as_of else time.strftime("%Y-%m-%d", time.gmtime())
    return _shown(trace, today, filters.everything)


def fold(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Near-identical commits as one: the same author time and subject (picked, carried), or the same text.

    What stands for them is the landed one, else the best. One with decisions of its own stays.
    """
    groups: list[list[Ranked]] = []
    places: dict[object, list[Ranked]] = {}
    for each in ranked:
        candidate = each.candidate
        subject = re.sub(r"\s*\([#!]\d+\)$", "", " ".join(candidate.subject.split())).casefold()
        keys = [(subject, candidate.author_time), (subject, candidate.size)] if subject else []
        group = next((places[key] for key in keys if key in places), None)
        if group is None or {decision.id for decision, _ in each.matched} - {decision.id for decision, _ in group[0].matched}:
            group = []
            groups.append(group)
        group.append(each)
        for key in keys:
            places.setdefault(key, group)
    kept = [min(group, key=lambda each: (not each.candidate.landed, -len(each.matched))) for group in groups]
    for group, each in zip(groups, kept, strict=True):
        each.folded = len(group) - 1
    return _ordered(kept)


def _ordered(ranked: list[Ranked]) -> list[Ranked]:
    return sorted(ranked, key=lambda each: (-each.score, not each.candidate.landed, -each.candidate.commit_time, each.candidate.sha))


def _plain(candidate: Candidate) -> Ranked:
    """A commit that was found by its own text, or by its name; one below what is judged, by the best that it promises."""
    best = max([candidate.parts, *candidate.relevance.values()], key=lambda parts: sum(parts.values()))
    return Ranked(candidate, _rounded(best), 1.0, [])


def _promise(candidate: Candidate) -> float:
    """The most that a candidate can score, whatever its decisions turn out to be."""
    bonus = max(SOURCES.values()) if candidate.relevance else 0.0
    return max(sum(parts.values()) for parts in (candidate.parts, *candidate.relevance.values())) + bonus


def _judge(candidate: Candidate, trace: Trace, today: str, everything: bool) -> Ranked | None:
    """A commit in which decisions were found. One that shows none of them answers by its own text alone, or not at all."""
    there = {each.id: each for each in trace.decisions}
    found = {key: parts for key, parts in candidate.relevance.items() if key in there}  # the rest is redacted, or amended away
    in_force = {key for key in found if not retired(there[key], today)}
    own = dict(candidate.parts)
    fitting = own.keys() & {"words", "vectors", "exact"}
    visible = found if everything else {key: parts for key, parts in found.items() if key in in_force}
    if not visible and not fitting:
        return None
    named = {name: value for name, value in own.items() if name in ("exact", "undoing", "merge", "touched")}
    choices = [own] if fitting else []
    for key, parts in visible.items():
        choices.append(parts | {"decision": SOURCES[there[key].source or "authored"]} | named)
    best = max(choices, key=lambda parts: sum(parts.values()))
    matched = [(there[key], round(sum(parts.values()), 4)) for key, parts in visible.items()]
    matched.sort(key=lambda each: (-each[1], each[0].id or ""))
    return Ranked(candidate, _rounded(best), RETIRED if found and not in_force else 1.0, matched, trace)


def _succession(ranked: list[Ranked]) -> None:
    """A superseded decision never stands above what replaced it."""
    holders = {decision.id: each for each in ranked if each.trace for decision in each.trace.decisions if decision.superseded_by is None}
    for each in ranked:
        for decision in each.trace.decisions if each.trace and each.status <= RETIRED else ():
            successor = holders.get(decision.superseded_by)
            if decision.superseded_by and successor and successor is not each and each.score >= successor.score > 0:
                each.status = round(each.status * successor.score / each.score * 0.99, 4)


def _shown(trace: Trace, today: str, everything: bool) -> Trace:
    if everything:
        return trace
    return msgspec.structs.replace(trace, decisions=[each for each in trace.decisions if not retired(each, today)])


def _reverted(ledger: Ledger, candidates: list[Candidate]) -> set[str]:
    """Those of the candidates that are reverted; only what a reverter names, or was brought in or carried, is asked about."""
    rows = ledger.connection.execute(
        "SELECT sha FROM commits WHERE sha IN (SELECT value FROM json_each(?)) AND (sha IN (SELECT target FROM reverts)"
        " OR landing IN (SELECT target FROM reverts) OR sha IN (SELECT old FROM links))",
        (json.dumps([each.sha for each in candidates]),),
    ).fetchall()
    return {sha for (sha,) in rows if ledger.outcome(sha).status == "reverted"}


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in parts.items()}
