"""The status of a trace: pending, landed or reverted, with the evidence; now, or as a branch was at a moment."""

import json
from collections.abc import Callable, Iterable

import msgspec

from contextgraph.event import moment
from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.index.ancestry import ancestors
from contextgraph.index.database import Database
from contextgraph.status import reworked
from contextgraph.status.merged import Merged
from contextgraph.status.naming import number_of
from contextgraph.status.reverts import MENTIONED, REVERTED
from contextgraph.status.undoers import PARTS, Landing, Undoer, Undoers
from contextgraph.trace import Evidence, Status


class Outcome(msgspec.Struct, frozen=True):
    """What became of a commit. `extent` is the share of it that is undone by reverters that stand, None when none ever did.

    `merged_via` is the commit that brought it in: a merge, a squash, a rebase twin, or itself when it was pushed as it is.
    """

    status: Status = "pending"
    landed_at: str | None = None
    merged_via: str | None = None
    reverted_by: str | None = None
    relanded_by: str | None = None
    extent: float | None = None
    evidence: tuple[Evidence, ...] = ()


class Ledger:
    """Answers for one branch: the target, whose landings are in the index, or another one that says by `elsewhere` where a
    commit landed.

    `reached` tells whether the branch had a commit at the moment asked about, by its landing commit and the time of that.
    """

    def __init__(
        self,
        database: Database,
        branch: str | None,
        reached: Callable[[str, str, int], bool] | None = None,
        elsewhere: Callable[[str], Landing | None] | None = None,
        as_of: str | None = None,
    ) -> None:
        self._database = database
        self.connection = database.connection
        self.branch = branch
        self._reached = reached
        self._elsewhere = elsewhere or self._in_target
        self._merged = Merged(database, branch, as_of)
        self._undoers = Undoers(database, self.landing)
        self._landings: dict[str, Landing | None] = {}
        self._outcomes: dict[str, Outcome] = {}

    def outcome(self, sha: str) -> Outcome:
        """The status of `sha`: by itself, by what it was carried into, or by what the host said."""
        if sha not in self._outcomes:
            self._outcomes[sha] = Outcome()  # a circle of links answers with pending
            self._outcomes[sha] = self._own(sha) or self._carried(sha) or self._told(sha) or Outcome()
        return self._outcomes[sha]

    def landing(self, sha: str) -> Landing | None:
        """The landing commit of `sha` and its time (Unix seconds), when the branch has it."""
        if sha not in self._landings:
            found = self._elsewhere(sha) if self.branch is not None else None
            there = found is not None and (self._reached is None or self._reached(sha, *found))
            self._landings[sha] = found if there else None
        return self._landings[sha]

    def _in_target(self, sha: str) -> Landing | None:
        row = self.connection.execute(
            "SELECT c.landing, l.commit_time FROM commits c JOIN commits l ON l.sha = c.landing WHERE c.sha = ?", (sha,)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def _own(self, sha: str) -> Outcome | None:
        """The outcome of a commit that is itself in the branch."""
        landing = self.landing(sha)
        if landing is None:
            return None
        via, when = landing
        number = self._pull(via) or self._pull(sha)
        detail = " ".join(filter(None, [f"in {self.branch}", number]))
        evidence = (Evidence(rule="reachable" if via == sha else "merged", commit=via, detail=detail),)
        return self._undone(sha, Outcome("landed", moment(when), via, evidence=evidence))

    def _carried(self, sha: str) -> Outcome | None:
        """The outcome of what `sha` was carried into: the best there is, landed before reverted before pending."""
        links = self.connection.execute("SELECT new, how FROM links WHERE old = ? ORDER BY new", (sha,)).fetchall()
        found = [(self.outcome(new), new, how) for new, how in links]
        for wanted in ("landed", "reverted"):
            for outcome, new, how in found:
                if outcome.status == wanted:
                    number = self._pull(new) or self._merged.number(sha)
                    first = Evidence(rule=how, commit=new, detail=" ".join(filter(None, [f"in {self.branch}", number])))
                    rest = [each for each in outcome.evidence if each.rule != "reachable"]
                    via = new if how in ("squash", "host-squash") else outcome.merged_via or new
                    carried = msgspec.structs.replace(outcome, merged_via=via, evidence=(first, *rest))
                    return self._undone(sha, carried) if wanted == "landed" else carried
        return None

    def _told(self, sha: str) -> Outcome | None:
        """The outcome of a commit that only the host knows to have landed: a `merged` event says so."""
        told = self._merged.of(sha)
        if told is None:
            return None
        evidence = Evidence(rule="merged-event", commit=sha, detail=" ".join(filter(None, [f"in {self.branch}", told.via])))
        return Outcome("landed", told.landed_at, told.via, evidence=(evidence,))

    def _undone(self, sha: str, landed: Outcome) -> Outcome:
        """The outcome after the reverts: those that stand take it back, one that was undone itself has brought it back."""
        named = self._undoers.of(sha)
        undoers = [each for each in named if each.extent >= MENTIONED]
        known = {each.reverter for each in named}
        landed = msgspec.structs.replace(
            landed,
            evidence=(
                *(each for each in landed.evidence if each.commit not in known),
                *(Evidence(rule="named", commit=each.reverter, detail=_share(each)) for each in named if each not in undoers),
            ),
        )
        if not undoers:
            return landed
        there = [each for each in undoers if self._stands(each.reverter, sha)]
        standing = [each for each in there if not each.lost]
        later = self._undoers.again(sha, standing) if standing else []
        again = next((new for new in later if self.outcome(new).status == "landed"), None)
        there, standing = ([], []) if again else (there, standing)
        evidence = [*landed.evidence, *(Evidence(rule=each.rule, commit=each.reverter, detail=_share(each)) for each in undoers)]
        evidence += [Evidence(rule="kept", commit=each.place, detail=f"in spite of {each.reverter[:12]}") for each in there if each.lost]
        fallen = [each for each in undoers if each not in there]
        returns = [again] if again else [self._undoers.returned(sha, self.outcome(each.reverter).reverted_by) for each in fallen]
        for each, by in zip(fallen, returns, strict=False):
            evidence.append(
                Evidence(rule="relanded", commit=by, detail=f"{each.reverter[:12]} was itself undone" if not again else "the same again")
            )
        evidence += self._pointers(sha, standing, fallen)
        extent = min(1.0, sum(each.extent for each in standing))
        if extent < REVERTED and any(each.rule == "declared" for each in standing) and (parts := self._in_parts(sha)):
            extent = 1.0
            evidence += [Evidence(rule="part", commit=each.reverter) for each in parts if each.reverter not in known]
        if extent >= REVERTED:
            # The last that did it alone, or else together with others: what only undid a little more of it later is not the revert,
            # nor is what did it on another branch as well, silently or not, and was merged later.
            alone = [each for each in standing if each.extent >= REVERTED] or standing
            last = max(alone, key=lambda each: (each.rule != "inverse", each.place == each.form, each.when))
            by, more = self._at_last(last.reverter, later)
            landed = msgspec.structs.replace(landed, status="reverted", reverted_by=by)
            evidence += more
        elif fallen and not standing:
            landed = msgspec.structs.replace(landed, relanded_by=returns[-1])
        return msgspec.structs.replace(
            landed, extent=round(extent, 4) if standing or fallen else None, evidence=tuple(dict.fromkeys(evidence))
        )

    def _at_last(self, reverter: str, later: list[str]) -> tuple[str, list[Evidence]]:
        """Who reverted what came back on top of `reverter` and went once more, if anybody, and by what that is known."""
        for new in reversed(later):
            outcome = self.outcome(new)
            if outcome.status == "reverted" and outcome.reverted_by and ancestors(self._database, new, [reverter]):
                came = Evidence(rule="relanded", commit=new, detail=f"{reverter[:12]} was followed by the same again")
                return outcome.reverted_by, [came, *(each for each in outcome.evidence if each.commit == outcome.reverted_by)]
        return reverter, []

    def _pointers(self, sha: str, standing: list[Undoer], fallen: list[Undoer]) -> list[Evidence]:
        """What looks like `sha` done once more, or where it came back, like its revert done once more."""
        found = self._reworked(sha, standing) if standing else []
        for each in () if standing else fallen:
            found += [(by, f"its revert, {detail}") for by, detail in self._reworked(each.reverter, [each])]
        return [Evidence(rule="reworked", commit=by, detail=detail) for by, detail in found]

    def _reworked(self, sha: str, standing: list[Undoer]) -> list[tuple[str, str]]:
        """What looks like `sha` once more, or like the merge that brought it, and has landed, later than what undoes it."""
        via = self.landing(sha)
        rows = reworked.of(self.connection, sha) or (reworked.of(self.connection, via[0]) if via else [])
        found = [(self.landing(by), by, detail) for by, detail in rows]
        last = max(each.when for each in standing)
        return [(by, detail) for landing, by, detail in found if landing and landing[1] >= last]

    def standing(self, sha: str) -> list[Undoer]:
        """What undoes `sha`, or a part of it, and stands; nothing where it came back."""
        outcome = self.outcome(sha)
        if self.landing(sha) is None or not outcome.extent:
            return []
        found = [each for each in self._undoers.of(sha) if each.extent >= MENTIONED and not each.lost]
        return [each for each in found if self._stands(each.reverter, sha)]

    def _stands(self, reverter: str, sha: str) -> bool:
        """Whether a reverter counts for `sha`: it was not undone itself, or by what brings back other changes that it had undone."""
        outcome = self.outcome(reverter)
        query = "SELECT 1 FROM claims WHERE kind = 'without' AND sha = ? AND target = ?"
        return outcome.status == "landed" or self.connection.execute(query, (outcome.reverted_by, sha)).fetchone() is not None

    def _in_parts(self, sha: str) -> list[Undoer]:
        """What undoes the commits that `sha` was squashed from, one for each; none unless every one of them is undone."""
        rows = self.connection.execute("SELECT old, how FROM links WHERE new = ? ORDER BY old", (sha,)).fetchall()
        found: list[Undoer] = []
        for old in [old for old, how in rows if how in PARTS]:
            whole = [each for each in self._undoers.of(old) if each.extent >= REVERTED]
            standing = [each for each in whole if self.outcome(each.reverter).status == "landed"]
            if not standing:
                return []
            found.append(standing[-1])
        return found

    def reverted(self) -> set[str]:
        """Every commit of the whole history whose status is reverted, those carried into one included."""
        found = {sha for sha in self._undoers.suspects() if self.outcome(sha).status == "reverted"}
        return found | {sha for sha in self._into(found) if self.outcome(sha).status == "reverted"}

    def landed_by_link(self) -> set[str]:
        """Every commit that the branch does not have itself and that has landed all the same: carried, or told by the host."""
        olds = {old for (old,) in self.connection.execute("SELECT old FROM links")} | self._merged.keys()
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
        """`#N`, when the title of a commit, or a `merged` event on it, names a pull request."""
        row = self.connection.execute("SELECT subject FROM commits WHERE sha = ?", (sha,)).fetchone()
        return (number_of(row[0]) if row else None) or self._merged.number(sha)


def _share(each: Undoer) -> str:
    return f"{each.extent:.0%} undone"


def onward(database: Database, sha: str) -> bool:
    """Whether the trace of `sha` was carried onward and is neither listed nor counted any more."""
    rows = database.connection.execute("SELECT how FROM links WHERE old = ?", (sha,))
    return any(how in SPEAKS_FOR_ITSELF for (how,) in rows)


def left(database: Database, shas: Iterable[str]) -> set[str]:
    """Those that no branch has any more and that were not carried onward; what was picked from one, or squashed, is another commit."""
    onward = ", ".join(f"'{how}'" for how in sorted(SPEAKS_FOR_ITSELF))
    rows = database.connection.execute(
        "SELECT sha FROM commits WHERE gone = 1 AND sha IN (SELECT value FROM json_each(?))"
        f" AND sha NOT IN (SELECT old FROM links WHERE how IN ({onward}))",
        (json.dumps(list(shas)),),
    )
    return {sha for (sha,) in rows}
