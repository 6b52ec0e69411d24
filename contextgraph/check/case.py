"""What every rule is given: the change, the precedents, the policy and the day."""

import msgspec

from contextgraph.check.bound import Bound, one_line
from contextgraph.check.change import Change, named
from contextgraph.check.policy import Policy
from contextgraph.check.precedents import Precedents
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
        identity = bound.decision.id or "-"
        if identity in self.change.supersedes or any(len(each) >= 7 and bound.commit.startswith(each) for each in self.change.supersedes):
            return True
        if any(identity in (each.supersedes or "", *each.related) for trace in self.traces for each in trace.decisions):
            return True
        return identity in self.change.messages or any(bound.commit.startswith(each) for each in self.change.named)


def names_commit(message: str, sha: str) -> bool:
    """Whether a text names a commit by seven digits of its sha or more; where it was picked from does not count."""
    return any(sha.startswith(each) for each in named(message))


def quoted(words: str, longest: int = 100) -> str:
    """Words of somebody else in a sentence of ours."""
    return f"“{one_line(words, longest)}”"
