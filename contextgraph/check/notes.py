"""What a reviewer may want to know, without a judgement: decisions the range touches, expired ones, similar work that was reverted."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from contextgraph import filekind
from contextgraph.check.bound import Bound, one_line
from contextgraph.check.case import LARGE, Case, quoted
from contextgraph.check.finding import Finding, Precedent, make
from contextgraph.check.wording import IGNORED, parts

MOST = 5
"""Notes that are shown; the rest is counted."""
A_FILE = 2
"""Decisions in force that are named for one file."""
STALE = 30
"""Later changes of a file after which a decision about it, unless it is weighty, is hardly news to whoever changes it again."""
EPOCH = "1970-01-01T00:00:00Z"
ALIKE = 0.6
"""Share of the words of the shorter title that two titles must have in common."""


def touched(case: Case) -> Iterator[Finding]:
    """Decisions in force whose own files the range changes: the weighty and the specific first, two a file, none that is stale."""
    told: Counter[str] = Counter()
    for _, path, bound in sorted(_near(case), key=lambda each: -each[0]):
        level = case.policy.level("touched", path)
        if level != "off" and told[path] < A_FILE:
            told[path] += 1
            yield _standing(case, "touched", level, path, bound, "is in force")


def expired(case: Case) -> Iterator[Finding]:
    """Decisions past their day whose own files the range changes: somebody should decide again."""
    for bound in reversed(case.precedents.all):
        path = next((path for path in _own(case, bound)), None) if bound.expired and not case.cites(bound) else None
        level = case.policy.level("expired", path)
        if path is not None and level != "off":
            yield _standing(case, "expired", level, path, bound, f"expired on {(bound.decision.expires or '')[:10]}")


def _near(case: Case) -> Iterator[tuple[float, str, Bound]]:
    """(relevance, file, decision) of what the range may concern."""
    times = lru_cache(maxsize=None)(case.precedents.times)
    for bound in reversed(case.precedents.in_force):
        for path in _own(case, bound)[:1]:
            decision = bound.decision
            weighty = decision.reversible is False or decision.risk == "high" or bool(decision.constraints or decision.guard)
            later = len(times(path)) - bisect_right(times(path), datetime.fromisoformat(bound.when or EPOCH).timestamp())
            if not case.cites(bound) and (weighty or later <= STALE):
                yield 2 * weighty + 1 / len(bound.paths) + 1 / (1 + later), path, bound


def _own(case: Case, bound: Bound) -> list[str]:
    """The files of code that the range changes and the decision's commit changed; tests only where it changed nothing else.

    None for a decision that says nothing, such as a `Context:` with a link alone.
    """
    said = bound.decision
    if len(case.change.files) > LARGE or not (said.choice or said.rejected or said.constraints or said.guard or said.reasoning):
        return []
    shared = [path for path in sorted(bound.paths & case.change.files.keys()) if filekind.kind(path) == "code"]
    work = [path for path in shared if not filekind.is_test(path)]
    return work or (shared if all(map(filekind.is_test, bound.paths)) else [])


def _standing(case: Case, rule: str, level: str, path: str, bound: Bound, says: str) -> Finding:
    decision = bound.decision
    more = "; ".join([*decision.constraints[:1], *filter(None, [decision.reasoning])])
    reason = f"; it says: {one_line(more)}" if more else ""
    return make(
        rule,
        level,
        (decision.id or "", path),
        f"{path} changes, and the decision {quoted(decision.title)} about it {says}",
        f"it was recorded on {bound.commit[:10]}, which changed this file{reason} (`cg why {decision.id}`)",
        bound.precedent,
        (),
        case.change.toucher(path),
        path,
    )


def similar(case: Case) -> Iterator[Finding]:
    """Reverted commits with a title like one of the range's, on a file of the range."""
    level = case.policy.level("similar")
    if level == "off" or len(case.change.files) > LARGE:
        return
    names = set(case.change.files)
    ours = [(each.sha, parts(each.subject) - IGNORED) for each in case.change.single]
    undone = [each for each in case.precedents.undone if not each.of_revert]
    paths = case.precedents.undone_paths
    for each in reversed(undone):
        shared = sorted(paths[each.sha] & names)
        theirs = parts(case.precedents.subject(each.sha)) - IGNORED
        for sha, words in ours:
            common = words & theirs
            if shared and len(common) >= 3 and len(common) >= ALIKE * min(len(words), len(theirs)):
                title = case.precedents.subject(each.sha)
                message = (
                    f"{each.sha[:10]} {quoted(title)} was about the same, and {each.by[:10]} reverted it on {case.precedents.day(each.by)}"
                )
                if re.search(rf"\b{each.by[:7]}", case.change.messages):
                    continue
                precedent = Precedent(each.sha, None, "reverted", case.precedents.day(each.by), title)
                why = f"the titles share {', '.join(sorted(common))}, and both change {shared[0]}"
                yield make("similar", level, (each.sha,), message, why, precedent, tuple(sorted(common)), sha, shared[0])
                break
