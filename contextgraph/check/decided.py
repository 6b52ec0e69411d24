"""New decisions of the range against those in force: the same question answered otherwise; chains that lead nowhere."""

import re
from collections.abc import Iterator

from contextgraph.check import guards
from contextgraph.check.bound import Bound, one_line
from contextgraph.check.case import Case, quoted
from contextgraph.check.finding import Finding, Precedent, make
from contextgraph.check.wording import IGNORED, PARTS, parts, stem
from contextgraph.trace import Decision

MOST = 2
"""Contradicted decisions that are named for one new decision, the latest first."""
SAME = 0.8
"""Share of common words, of all words of both, from which two questions are one."""


def _own(case: Case) -> Iterator[tuple[str, Decision]]:
    for trace in case.traces:
        for each in trace.decisions:
            if each.source != "mined":
                yield trace.sha or "", each


def contradictions(case: Case) -> Iterator[Finding]:
    """A decision of the range that answers the question of one in force, chooses otherwise, and does not supersede it."""
    level = case.policy.level("contradiction")
    if level == "off":
        return
    new = {each.id for _, each in _own(case)}
    paths = {each.sha: [path for _, path, _ in each.changes] for each in case.change.commits}
    for sha, decision in _own(case):
        told = 0
        for bound in reversed(case.precedents.in_force) if decision.choice else ():
            if told == MOST or bound.decision.id in new or _replaced(case, bound, decision):
                continue
            if why := _against(bound, decision, paths.get(sha, [])):
                told += 1
                yield make(
                    "contradiction",
                    level,
                    (bound.decision.id or "", decision.id or ""),
                    f"the new decision {quoted(decision.title)} contradicts {quoted(bound.decision.title)}, which is in force",
                    f"{why}; `Supersedes: {bound.decision.id}` says that the new one replaces it",
                    bound.precedent,
                    tuple(each for each in PARTS.findall(decision.choice) if stem(each.lower()) not in IGNORED)[:5],
                    sha,
                )


def _replaced(case: Case, bound: Bound, decision: Decision) -> bool:
    names = {decision.supersedes or "", *decision.related, *case.change.supersedes} - {""}
    return bound.decision.id in names or any(len(each) >= 7 and bound.commit.startswith(each) for each in names)


def _against(bound: Bound, new: Decision, paths: list[str]) -> str | None:
    """Why a new decision contradicts an old one, in words; None when it does not. What is rejected in one place is no matter in another."""
    old = bound.decision
    chosen = parts(new.choice) - IGNORED
    question = parts(new.context), parts(old.context)
    if all(question) and _alike(*question) >= SAME and old.choice and chosen and _alike(chosen, parts(old.choice) - IGNORED) < SAME:
        return f"both answer {quoted(old.context, 60)}"
    if paths and not any(map(bound.covers, paths)):
        return None
    for each in old.rejected:
        option = parts(each.option) - IGNORED
        apart = option - parts(old.choice)
        if apart and option and _alike(option, chosen) >= SAME:
            return f"{bound.decision.id} rejected {quoted(each.option, 60)}" + (f" ({one_line(each.reason, 80)})" if each.reason else "")
    return None


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def chains(case: Case) -> Iterator[Finding]:
    """Decisions of the range that supersede what is not there, or themselves; guards, of the range or in scope, that no engine reads."""
    level = case.policy.level("chain")
    if level == "off":
        return
    for sha, decision in _own(case):
        if decision.supersedes and (problem := _broken(case, decision)):
            yield _chain(
                level, sha, Precedent(sha, decision.id, "new", "", one_line(decision.title)), decision, decision.supersedes, problem
            )
        for entry in decision.guard:
            if problem := guards.unreadable(entry):
                words = f"its guard {quoted(entry)} cannot be read: {problem}"
                yield _chain(level, sha, Precedent(sha, decision.id, "new", "", one_line(decision.title)), decision, entry, words)
    for bound in case.precedents.in_force:
        for entry in bound.decision.guard:
            if (problem := guards.unreadable(entry)) and any(map(bound.covers, case.change.files)):
                words = f"its guard {quoted(entry)} cannot be read, so nothing is checked: {problem}"
                yield _chain(level, None, bound.precedent, bound.decision, entry, words)


def _broken(case: Case, decision: Decision) -> str | None:
    """What is wrong with `Supersedes:`, in words."""
    name = (decision.supersedes or "").split()[0]
    if name == decision.id:
        return "it supersedes itself"
    connection = case.database.connection
    known = {each.id: each for _, each in _own(case)}
    step, seen = name, {decision.id}
    while step in known and known[step].supersedes:
        if step in seen:
            return f"`Supersedes: {name}` closes a circle, so neither is in force"
        seen.add(step)
        step = (known[step].supersedes or "").split()[0]
    if step in seen:
        return f"`Supersedes: {name}` closes a circle, so neither is in force"
    like = re.sub(r"[^0-9A-Za-z-]", "", name) + "*"
    if name in known or connection.execute("SELECT 1 FROM decisions WHERE id GLOB ? LIMIT 1", (like,)).fetchone():
        return None
    if len(name) >= 7 and connection.execute("SELECT 1 FROM commits WHERE sha GLOB ? LIMIT 1", (like,)).fetchone():
        return None
    return f"`Supersedes: {name}` names nothing that is known here"


def _chain(level: str, sha: str | None, precedent: Precedent, decision: Decision, word: str, problem: str) -> Finding:
    return make(
        "chain",
        level,
        (decision.id or "", word),
        f"the decision {quoted(decision.title)} is broken: {problem}",
        "a chain of decisions that leads nowhere leaves readers with the wrong one in force",
        precedent,
        (word,),
        sha,
    )
