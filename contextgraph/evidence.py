"""What became of a commit, in words: the status, and the commits by which that is known."""

import re

from contextgraph.trace import LEFT, Evidence, Trace

SHORT = 10
"""Digits of a sha in a sentence."""
_UNDOING = {"declared": "declared", "inverse": "exact inverse without a word", "mentioned": "mentioned", "part": "a part of it"}
_CARRIED = {"host-squash": "squash", "host-rebase": "rebase", "amend": "amended", "reset": "new commit", "remap": "rewritten"}
_WAYS = {"merged", "squash", "host-squash", "rebase", "host-rebase", "cherry-pick", "amend", "reset", "remap"}


def outcome(each: Trace) -> list[str]:
    """The status with its evidence, one phrase each: `reverted by 1a2b3c4d5e (declared, 100 % undone), landed 2025-12-01 via
    merge 5d6e7f8a9b (#12)`, or `landed 2025-12-01`, `reverted by 1a2b3c4d5e (…)`, `landed again by 7f8a9b1c2d`."""
    if each.status in (None, "pending"):
        return ["pending", *(fact.detail or "" for fact in each.evidence if fact == LEFT), *_elsewhere(each)]
    undoing = [fact for fact in each.evidence if fact.rule in _UNDOING]
    again = [fact for fact in each.evidence if fact.rule == "relanded"]
    later = [f"landed again by {_short(fact.commit)}" for fact in again if fact.commit]
    later += [f"perhaps reworked in {_short(fact.commit)} ({fact.detail})" for fact in each.evidence if fact.rule == "reworked"]
    if each.status == "landed":
        return [_landed(each), *(_undone(fact) for fact in undoing), *later, *_elsewhere(each)]
    fallen = {(fact.detail or "").partition(" ")[0] for fact in again}
    standing = [fact for fact in undoing if (fact.commit or "")[:12] not in fallen]
    words = " and ".join(f"{_short(fact.commit)} ({_how(fact)})" for fact in standing) or _short(each.reverted_by)
    before = [f"before that {_undone(fact)}" for fact in undoing if fact not in standing]
    return [f"reverted by {words}, {_landed(each)}", *before, *later, *_elsewhere(each)]


def change(facts: list[Evidence]) -> str:
    """The evidence of a status that has moved, on one line."""
    words = [_via(fact) for fact in facts if fact.rule in _WAYS]
    words += [_undone(fact) for fact in facts if fact.rule in _UNDOING]
    words += [f"landed again by {_short(fact.commit)}" for fact in facts if fact.rule == "relanded" and fact.commit]
    return "; ".join(words) or " ".join(_pull(facts))


def _landed(each: Trace) -> str:
    """`landed 2026-01-01 via squash 1a2b3c4d5e and merge 5d6e7f8a9b (#12)`; a direct push has no way to tell of."""
    ways = " and ".join(_via(fact) for fact in each.evidence if fact.rule in _WAYS)
    told = "as its host says" if any(fact.rule == "merged-event" for fact in each.evidence) else ""
    return " ".join(filter(None, ["landed", (each.landed_at or "")[:10], ways and f"via {ways}", told, *_pull(each.evidence)]))


def _via(fact: Evidence) -> str:
    return f"{'merge' if fact.rule == 'merged' else _CARRIED.get(fact.rule, fact.rule)} {_short(fact.commit)}"


def _pull(facts: list[Evidence]) -> list[str]:
    """`(#12)` of the pull request that brought it in, once."""
    numbers = [found[0] for fact in facts if fact.rule not in _UNDOING and (found := re.search(r"\S*[#!]\d+", fact.detail or ""))]
    return [f"({numbers[0]})"] if numbers else []


def _undone(fact: Evidence) -> str:
    share = re.match(r"(\d+)", fact.detail or "")
    whole = share is None or int(share[1]) >= 90  # as status/reverts has it
    return f"{'reverted' if whole else 'undone in part'} by {_short(fact.commit)} ({_how(fact)})"


def _how(fact: Evidence) -> str:
    return ", ".join(filter(None, [_UNDOING[fact.rule], (fact.detail or "").replace("%", " %")]))


def _elsewhere(each: Trace) -> list[str]:
    """The further target branches that have it, or had it."""
    return [f"{other.status} in {other.branch}" for other in each.by_branch if other.status != "pending"]


def _short(sha: str | None) -> str:
    return (sha or "")[:SHORT]
