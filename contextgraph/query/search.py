"""Ranked answers to a question in people's own words: words first, vectors lift them, status before relevance."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from contextgraph.query import lexical
from contextgraph.query.filters import Filters
from contextgraph.query.view import View, binding
from contextgraph.trace import Decision, Trace

Near = Callable[[str], dict[str, float]]
"""A question to the cosine of each near document id (`<sha>/s`, `<sha>/f`, a decision id); empty when there are no vectors."""

BONUS_DECISION = 0.10
"""What a matched decision adds: what somebody wrote down as a reason outranks a message that has the same words."""
BONUS_EXACT = 2.0
"""What naming the commit, the pull request or the decision adds: more than any relevance."""
REVERTED = 0.9
"""Factor for what was reverted: "tried and undone" is often the answer, but what stands comes first."""
_SHA = re.compile(r"\b[0-9a-f]{7,64}\b")
_NUMBER = re.compile(r"#(\d+)\b")
_DECISION = re.compile(r"\bcg-[0-9a-f]{12}\b")


class Matched(msgspec.Struct, frozen=True):
    decision: Decision
    relevance: float


class Result(msgspec.Struct, frozen=True):
    trace: Trace
    score: float
    matched_decisions: list[Matched]
    explain: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    results: list[Result]
    total: int
    milliseconds: int


def search(view: View, question: str, filters: Filters, limit: int, min_score: float, near: Near, details: bool) -> Answer:
    """The best `limit` traces for the question, with their files when `details`. `total` counts candidates that passed the filters."""
    started = time.perf_counter()
    condition, values = filters.sql(view.ledger(filters.as_of))
    words = lexical.find(view.database.connection, question, condition, values)
    parts = _parts(view, question, words, near(question), condition, values)
    ranked = sorted(parts.items(), key=lambda item: (-_score(item[1]), item[0]))
    kept = [(sha, part) for sha, part in ranked if _score(part) >= min_score]
    results: list[Result] = []
    dropped = 0
    for result in _results(view, kept, filters):
        if result is None:
            dropped += 1
        elif len(results) < limit:
            results.append(result)
        if len(results) >= limit:
            break
    results.sort(key=lambda each: -each.score)
    if details:
        rich = view.with_files([each.trace for each in results])
        results = [msgspec.structs.replace(each, trace=trace) for each, trace in zip(results, rich, strict=True)]
    return Answer(results, len(kept) - dropped, int((time.perf_counter() - started) * 1000))


def _parts(
    view: View, question: str, words: lexical.Words, cosines: dict[str, float], condition: str, values: list[object]
) -> dict[str, dict[str, Any]]:
    """For each candidate commit the parts of its score."""
    parts: dict[str, dict[str, Any]] = {}
    for hits, coverage, of_decisions in ((words.commits, words.coverage, False), (words.decisions, words.decision_coverage, True)):
        top = hits[0].score if hits else 1.0
        for hit in hits:
            lexical_part = coverage * hit.score / top if top > 0 else 0.0
            for sha in _homes(view, hit.key) if of_decisions else [hit.key]:
                part = parts.setdefault(sha, {"words": 0.0, "vectors": 0.0, "decision": 0.0, "exact": 0.0, "decisions": {}})
                part["words"] = max(part["words"], lexical_part)
                if of_decisions:
                    part["decisions"][hit.key] = max(part["decisions"].get(hit.key, 0.0), lexical_part)
                    part["decision"] = BONUS_DECISION
    allowed = _allowed(view, [key.partition("/")[0] for key in cosines if "/" in key], condition, values)
    for key, cosine in cosines.items():
        homes = [key.partition("/")[0]] if "/" in key else _homes(view, key)
        for sha in homes:
            if sha in parts or sha in allowed:
                part = parts.setdefault(sha, {"words": 0.0, "vectors": 0.0, "decision": 0.0, "exact": 0.0, "decisions": {}})
                part["vectors"] = max(part["vectors"], cosine)
                if "/" not in key:
                    part["decisions"][key] = max(part["decisions"].get(key, 0.0), cosine)
    for sha in _named(view, question, condition, values):
        part = parts.setdefault(sha, {"words": 0.0, "vectors": 0.0, "decision": 0.0, "exact": 0.0, "decisions": {}})
        part["exact"] = BONUS_EXACT
    return parts


def _score(part: dict[str, Any]) -> float:
    return float(part["words"] + part["vectors"] + part["decision"] + part["exact"])


def _homes(view: View, decision: str) -> list[str]:
    """The commits that a decision is shown with: where it was recorded, or where that was carried onward to."""
    rows = view.database.connection.execute("SELECT DISTINCT home FROM decisions WHERE id = ?", (decision,)).fetchall()
    found: list[str] = []
    for (home,) in rows:
        onward = view.database.connection.execute(
            "WITH RECURSIVE later(sha) AS (VALUES(?) UNION SELECT new FROM links JOIN later ON old = sha)"
            " SELECT sha FROM later WHERE NOT EXISTS (SELECT 1 FROM links WHERE old = later.sha)",
            (home,),
        ).fetchall()
        found += [sha for (sha,) in onward]
    return list(dict.fromkeys(found))


def _allowed(view: View, shas: list[str], condition: str, values: list[object]) -> set[str]:
    import json

    rows = view.database.connection.execute(
        f"SELECT c.sha FROM commits c WHERE c.sha IN (SELECT value FROM json_each(?)) AND {condition}", [json.dumps(shas), *values]
    )
    return {sha for (sha,) in rows}


def _named(view: View, question: str, condition: str, values: list[object]) -> list[str]:
    """Commits that the question names: by sha, by `#123` in the subject, by a decision id."""
    found: list[str] = []
    connection = view.database.connection
    for prefix in _SHA.findall(question.lower()):
        rows = connection.execute(
            f"SELECT c.sha FROM commits c WHERE c.sha BETWEEN ? AND ? AND {condition}", [prefix, prefix + "g", *values]
        )
        found += [sha for (sha,) in rows]
    for number in _NUMBER.findall(question):
        rows = connection.execute(
            "SELECT c.sha FROM words JOIN commits c ON c.id = words.rowid"
            f" WHERE words MATCH ? AND c.subject LIKE ? AND {condition} LIMIT 20",
            [f'subject: "{number}"', f"%#{number}%", *values],
        )
        found += [sha for (sha,) in rows]
    for decision in _DECISION.findall(question):
        found += _homes(view, decision)
    return found


def _results(view: View, ranked: list[tuple[str, dict[str, Any]]], filters: Filters) -> Iterator[Result | None]:
    """Each candidate as a result, or None when its trace does not pass; put together a screenful at a time."""
    today = filters.as_of.at if filters.as_of else time.strftime("%Y-%m-%d", time.gmtime())
    for begin in range(0, len(ranked), 20):
        chunk = ranked[begin : begin + 20]
        for trace, (_, part) in zip(view.traces([sha for sha, _ in chunk], filters.as_of, details=False), chunk, strict=True):
            yield _result(trace, part, filters, today)


def _result(trace: Trace, part: dict[str, Any], filters: Filters, today: str) -> Result | None:
    matched = [Matched(each, round(part["decisions"][each.id], 4)) for each in trace.decisions if each.id in part["decisions"]]
    if not filters.everything:
        in_force = [each for each in matched if each.decision.superseded_by is None]
        if matched and not in_force and part["exact"] == 0.0 and not _own_words(part):
            return None  # found only by decisions that are superseded: their successors answer
        matched = in_force
        shown = [each for each in trace.decisions if binding(trace, each, today) or trace.status == "reverted"]
        trace = msgspec.structs.replace(trace, decisions=shown)
    if not filters.passes(trace):
        return None
    factor = REVERTED if trace.status == "reverted" else 1.0
    matched.sort(key=lambda each: -each.relevance)
    explain = {name: round(value, 4) for name, value in part.items() if name != "decisions"} | {"status": factor}
    return Result(trace, round(_score(part) * factor, 4), matched, explain)


def _own_words(part: dict[str, Any]) -> bool:
    """Whether the commit's own text was found too, and not its decisions alone."""
    return bool(part["vectors"] or not part["decision"])
