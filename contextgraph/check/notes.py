"""What a reviewer may want to know, without a judgement: decisions the range touches, expired ones, similar work that was reverted."""

import re
from collections.abc import Iterator

from contextgraph.check.case import LARGE, Case, quoted
from contextgraph.check.finding import Finding, Precedent, make
from contextgraph.check.wording import IGNORED, parts

MOST = 5
"""Notes that are shown; the rest is counted."""
ALIKE = 0.6
"""Share of the words of the shorter title that two titles must have in common."""


def touched(case: Case) -> Iterator[Finding]:
    """Decisions in force whose own files the range changes, the latest first."""
    yield from _standing(case, "touched", expired=False)


def expired(case: Case) -> Iterator[Finding]:
    """Decisions past their day whose own files the range changes: somebody should decide again."""
    yield from _standing(case, "expired", expired=True)


def _standing(case: Case, rule: str, expired: bool) -> Iterator[Finding]:
    if len(case.change.files) > LARGE:
        return
    for bound in reversed(case.precedents.all):
        if not (bound.expired if expired else bound.in_force) or case.cites(bound):
            continue
        path = next((path for path in sorted(bound.paths) if path in case.change.files), None)
        level = case.policy.level(rule, path)
        if path is None or level == "off":
            continue
        decision = bound.decision
        until = f"expired on {(decision.expires or '')[:10]}" if expired else "is in force"
        yield make(
            rule,
            level,
            (decision.id or "", path),
            f"{path} changes, and the decision {quoted(decision.title)} about it {until}",
            f"it was recorded on {bound.commit[:10]}, which changed this file; `cg why {decision.id}` tells more",
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
