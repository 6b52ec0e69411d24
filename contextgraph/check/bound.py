"""What a range is held against, one by one: a decision on the target branch, or a change that was taken back there."""

import re

import msgspec

from contextgraph.check.files import matches
from contextgraph.check.finding import Precedent
from contextgraph.trace import Decision

BROAD = 40
"""Files of a commit above which its decisions are about folders, not about those very files."""


class Bound(msgspec.Struct, frozen=True):
    """A decision on the target branch. `declared`: it stands in the message of a commit there, where anybody sees it."""

    decision: Decision
    commit: str
    when: str
    status: str
    in_force: bool
    expired: bool
    declared: bool
    paths: frozenset[str]

    @property
    def date(self) -> str:
        """The day it was made."""
        return self.when[:10]

    @property
    def precedent(self) -> Precedent:
        return Precedent(self.commit, self.decision.id, self.status, self.date, one_line(self.decision.title))

    def covers(self, path: str) -> bool:
        """Whether the decision is about this file: its own paths, then their folders; one that touched nothing, about all."""
        area = (self.decision.area or "").strip("/")
        if area:
            return matches(area, path) or area.lower() in re.split(r"[/.]", path.lower())
        if not self.paths or path in self.paths:
            return True
        return any(_near(each, path) for each in self.paths)


def _near(known: str, path: str) -> bool:
    """Whether a file lies in the folder of another or below it; at the top and one below, in the same folder and of one kind."""
    folder, own = known.rpartition("/")[0], path.rpartition("/")[0]
    if folder.count("/") >= 1:
        return own == folder or own.startswith(f"{folder}/")
    return own == folder and (known.endswith("/*") or known.rpartition(".")[2] == path.rpartition(".")[2])


def folders(paths: frozenset[str]) -> frozenset[str]:
    """The folders of files, as patterns that `covers` reads."""
    return frozenset(f"{path.rpartition('/')[0]}/*" for path in paths)


class Undone(msgspec.Struct, frozen=True):
    """A change that was taken back by the commit `by`. `of_revert`: it is known only as what `by` takes away."""

    sha: str
    by: str
    of_revert: bool = False


def one_line(words: str, longest: int = 120) -> str:
    """Words of somebody on one line, cut where they are long."""
    flat = " ".join(words.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
