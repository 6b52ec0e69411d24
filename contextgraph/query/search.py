"""Ranked answers to a question in people's own words: words first, vectors lift them, status before relevance."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from contextgraph.query import candidates, lexical, question, ranking
from contextgraph.query.filters import Filters
from contextgraph.query.ranking import Ranked
from contextgraph.query.view import View
from contextgraph.trace import Decision, Trace

Near = Callable[[str], dict[str, float]]
"""A question to the cosine of each near document id (`<sha>/s`, `/f`, `/p0`…, a decision id); empty when there are no vectors."""

MATCHED = 5
"""Decisions shown with a result; one commit that records a hundred must not flood a screen."""


class Matched(msgspec.Struct, frozen=True):
    decision: Decision
    relevance: float


class Result(msgspec.Struct, frozen=True):
    """`explain` holds the parts of the score: their sum times the factor `status` is the score. `folded` counts its likes."""

    trace: Trace
    score: float
    matched_decisions: list[Matched]
    explain: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """`absent` are the words of the question that no text has."""

    results: list[Result]
    total: int
    milliseconds: int
    absent: tuple[str, ...] = ()


def search(view: View, asked: str, filters: Filters, limit: int, min_score: float, near: Near, details: bool) -> Answer:
    """The best `limit` traces for the question, with their files when `details`.

    `total` counts all that would be shown without the limit: near-identical ones once, and only what passes the filters.
    """
    started = time.perf_counter()
    read = question.read(asked)
    condition, values = filters.sql(view.ledger(filters.as_of))
    connection = view.database.connection
    words = lexical.find(connection, read, condition, values)
    found = candidates.gather(connection, read, words, near(asked), condition, values)
    ranked = ranking.settle(view, found, filters, read.undone, limit)
    kept = ranking.fold(each for each in ranked if each.score >= min_score)
    results = _results(view, kept[:limit], filters, details)
    return Answer(results, len(kept), int((time.perf_counter() - started) * 1000), words.absent)


def _results(view: View, ranked: list[Ranked], filters: Filters, details: bool) -> list[Result]:
    """What is shown, put together in one go."""
    missing = [each.candidate.sha for each in ranked if each.trace is None]
    traces = dict(zip(missing, view.traces(missing, filters.as_of, details=False), strict=True)) if missing else {}
    whole = [ranking.shown(each.trace or traces[each.candidate.sha], filters) for each in ranked]
    if details and whole:
        whole = view.with_files(whole)
    results: list[Result] = []
    for each, trace in zip(ranked, whole, strict=True):
        explain = {**each.parts, "status": each.status, **({"folded": each.folded} if each.folded else {})}
        matched = [Matched(decision, relevance) for decision, relevance in each.matched[:MATCHED]]
        results.append(Result(trace, each.score, matched, explain))
    return results
