"""The status of a trace: pending, landed or reverted, with the evidence; now, or as the target branch was at a moment."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

import msgspec

from contextgraph.event import moment
from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.index.database import Database
from contextgraph.status.reverts import REVERTED
from contextgraph.trace import Evidence, Status


class Outcome(msgspec.Struct, frozen=True):
    """What became of a commit. `extent` is the share of it that is undone by reverters that stand, None when none ever did."""

    status: Status = "pending"
    landed_at: str | None = None
    merged_via: str | None = None
    reverted_by: str | None = None
    relanded_by: str | None = None
    extent: float | None = None
    evidence: tuple[Evidence, ...] = ()


class Revert(msgspec.Struct, frozen=True):
    reverter: str
    target: str
    rule: str
    extent: float


class Ledger:
    """Answers for one branch: the target, whose landings are in the index, or another one that has the commits `reaches`.

    `reached` tells whether the target had a commit, landed at that time, at the moment asked about.
    """

    def __init__(
        self,
        database: Database,
        branch: str | None,
        reached: Callable[[str, int], bool] | None = None,
        reaches: AbstractSet[str] | None = None,
    ) -> None:
        self.connection = database.connection
        self.branch = branch
        self._reached = reached
        self._reaches = reaches
        self._landings: dict[str, tuple[str, int] | None] = {}
        self._outcomes: dict[str, Outcome] = {}

    def outcome(self, sha: str) -> Outcome:
        """The status of `sha`: by itself, or by what it was carried into."""
        if sha not in self._outcomes:
            self._outcomes[sha] = Outcome()  # a circle of links answers with pending
            self._outcomes[sha] = self._own(sha) or self._carried(sha) or Outcome()
        return self._outcomes[sha]

    def landing(self, sha: str) -> tuple[str, int] | None:
        """The landing commit of `sha` and its time (Unix seconds), when the target branch has it."""
        if sha not in self._landings and self._reaches is not None:
            row = self.connection.execute("SELECT commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()
            self._landings[sha] = (sha, row[0]) if row and sha in self._reaches else None
        elif sha not in self._landings:
            row = self.connection.execute(
                "SELECT c.landing, l.commit_time FROM commits c JOIN commits l ON l.sha = c.landing WHERE c.sha = ?", (sha,)
            ).fetchone()
            there = row is not None and self.branch is not None and (self._reached is None or self._reached(sha, row[1]))
            self._landings[sha] = (row[0], row[1]) if there else None
        return self._landings[sha]

    def _own(self, sha: str) -> Outcome | None:
        """The outcome of a commit that is itself in the target branch."""
        landing = self.landing(sha)
        if landing is None:
            return None
        via = None if landing[0] == sha else landing[0]
        detail = " ".join(filter(None, [f"in {self.branch}", self._pull(landing[0])]))
        evidence = [Evidence(rule="merged" if via else "reachable", commit=landing[0], detail=detail)]
        return self._undone(sha, Outcome("landed", moment(landing[1]), via, evidence=tuple(evidence)))

    def _carried(self, sha: str) -> Outcome | None:
        """The outcome of what `sha` was carried into: the best there is, landed before reverted before pending."""
        links = self.connection.execute("SELECT new, how FROM links WHERE old = ? ORDER BY new", (sha,)).fetchall()
        found = [(self.outcome(new), new, how) for new, how in links]
        for wanted in ("landed", "reverted"):
            for outcome, new, how in found:
                if outcome.status == wanted:
                    first = Evidence(rule=how, commit=new, detail=self._pull(new))
                    via = new if outcome.merged_via is None or how in ("squash", "host-squash") else outcome.merged_via
                    return msgspec.structs.replace(outcome, merged_via=via, evidence=(first, *outcome.evidence))
        return None

    def _undone(self, sha: str, landed: Outcome) -> Outcome:
        """The outcome after the reverts: those that stand take it back, one that was undone itself has brought it back."""
        reverts = [each for each in self.reverts(sha) if self.landing(each.reverter)]
        if not reverts:
            return landed
        standing = [each for each in reverts if self.outcome(each.reverter).status == "landed"]
        evidence = list(landed.evidence)
        for each in reverts:
            evidence.append(Evidence(rule=each.rule, commit=each.reverter, detail=f"{each.extent:.0%} undone"))
        fallen = [each for each in reverts if each not in standing]
        for each in fallen:
            by = self.outcome(each.reverter).reverted_by
            evidence.append(Evidence(rule="relanded", commit=by, detail=f"{each.reverter[:12]} was itself undone"))
        extent = min(1.0, sum(each.extent for each in standing))
        if extent >= REVERTED:
            last = max(standing, key=lambda each: (self.landing(each.reverter) or ("", 0))[1])
            landed = msgspec.structs.replace(landed, status="reverted", reverted_by=last.reverter)
        elif fallen and not standing:
            landed = msgspec.structs.replace(landed, relanded_by=self.outcome(fallen[-1].reverter).reverted_by)
        return msgspec.structs.replace(landed, extent=round(extent, 4), evidence=tuple(evidence))

    def reverts(self, sha: str) -> list[Revert]:
        """What undoes `sha`, or the merge that brought it in; oldest first.

        A merge that repeats the words of a commit it brings in is the same revert, not a second one. Of the silent
        inverses only the nearest after the commit counts: the later ones undo what was done again in between.
        """
        landing = self.landing(sha)
        targets = [sha] if landing is None or landing[0] == sha else [sha, landing[0]]
        rows: list[Revert] = []
        for target in targets:
            found = self.connection.execute("SELECT reverter, target, rule, extent FROM reverts WHERE target = ?", (target,))
            rows += [Revert(*row) for row in found if target == sha or row[3] >= REVERTED]
        reverters = {each.reverter for each in rows}
        inner = {landed[0] for each in reverters if (landed := self.landing(each)) and landed[0] != each}
        kept = [each for each in rows if each.reverter not in inner and each.reverter != sha]
        kept.sort(key=lambda each: (self.landing(each.reverter) or ("", 0))[1])
        silent = [each for each in kept if each.rule == "inverse"]
        return [each for each in kept if each.rule != "inverse" or each is silent[0]]

    def reverted(self) -> set[str]:
        """Every commit of the whole history whose status is reverted, those carried into one included."""
        direct = {target for (target,) in self.connection.execute("SELECT DISTINCT target FROM reverts")}
        members = {
            sha
            for target in direct
            for (sha,) in self.connection.execute("SELECT sha FROM commits WHERE landing = ? AND landing <> sha", (target,))
        }
        suspects = direct | members
        found = {sha for sha in suspects if self.outcome(sha).status == "reverted"}
        return found | {sha for sha in self._into(found) if self.outcome(sha).status == "reverted"}

    def landed_by_link(self) -> set[str]:
        """Every commit that the target branch does not have itself and that was carried into one it has."""
        olds = {old for (old,) in self.connection.execute("SELECT old FROM links")}
        return {old for old in olds if self.landing(old) is None and self.outcome(old).status == "landed"}

    def _into(self, shas: set[str]) -> set[str]:
        """Everything that was carried into these commits, over any number of steps."""
        found: set[str] = set()
        waiting = set(shas)
        while waiting:
            waiting = {old for new in waiting for (old,) in self.connection.execute("SELECT old FROM links WHERE new = ?", (new,))} - found
            found |= waiting
        return found

    def _pull(self, sha: str) -> str | None:
        """`#N`, when the message of the landing commit, or a `merged` event, names a pull request."""
        import re

        row = self.connection.execute("SELECT subject FROM commits WHERE sha = ?", (sha,)).fetchone()
        match = re.search(r"\((#\d+)\)\s*$|^Merge pull request (#\d+)|^Merge branch .*(!\d+)", row[0]) if row else None
        return next((group for group in match.groups() if group), None) if match else None


def onward(database: Database, sha: str) -> bool:
    """Whether the trace of `sha` was carried onward and is neither listed nor counted any more."""
    rows = database.connection.execute("SELECT how FROM links WHERE old = ?", (sha,))
    return any(how in SPEAKS_FOR_ITSELF for (how,) in rows)
