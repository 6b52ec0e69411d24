"""What every rule is given: the change, the precedents, the policy and the day."""

import re

import msgspec

from contextgraph.check.change import Change
from contextgraph.check.policy import Policy
from contextgraph.check.precedents import Bound, Precedents, one_line
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.trace import Trace

LARGE = 100
"""Files from which a change counts as a sweep (a rename, a formatter): words in it mean nothing."""


class Case(msgspec.Struct, frozen=True):
    """One check. `traces` are those of the range's own commits, oldest first, with what was recorded on them."""

    git: Git
    database: Database
    change: Change
    precedents: Precedents
    policy: Policy
    traces: list[Trace]
    today: str
    branch: str

    def cites(self, bound: Bound) -> bool:
        """Whether the range names the decision or its commit, which is compliance: it was read."""
        names = {bound.decision.id or "-", *self.change.supersedes}
        if (
            any(len(each) >= 7 and bound.commit.startswith(each) for each in self.change.supersedes)
            or bound.decision.id in self.change.supersedes
        ):
            return True
        if any((bound.decision.id or "-") in (each.supersedes or "", *each.related) for trace in self.traces for each in trace.decisions):
            return True
        return (bound.decision.id or "-") in self.change.messages or (bool(names) and names_commit(self.change.messages, bound.commit))


def names_commit(message: str, sha: str) -> bool:
    """Whether a text names a commit by seven digits of its sha or more; where it was picked from does not count."""
    told = re.sub(r"\(cherry picked from commit [0-9a-f]+\)", "", message)
    return any(sha.startswith(each.lower()) for each in re.findall(r"\b[0-9a-fA-F]{7,64}\b", told))


def quoted(words: str, longest: int = 100) -> str:
    """Words of somebody else in a sentence of ours."""
    return f"“{one_line(words, longest)}”"
