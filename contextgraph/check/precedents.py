"""The decisions that a range is held against: which are in force on the target branch, and what they are about."""

import json
from functools import cached_property

import msgspec

from contextgraph.check.bound import BROAD, Bound, Undone, folders
from contextgraph.event import moment
from contextgraph.query.view import Moment, View, binding
from contextgraph.status.ledger import Ledger, onward
from contextgraph.trace import Decision, Trace


class Precedents:
    """Everything that stood on the target branch, at a moment when one is given."""

    def __init__(self, view: View, moment: Moment | None, today: str, own: set[str]) -> None:
        self.view = view
        self.moment = moment
        self.today = today
        self.own = own
        self.ledger: Ledger = view.ledger(moment)

    @cached_property
    def all(self) -> list[Bound]:
        """Every decision of commits that the target branch has, in the order of time; mined ones are no precedents."""
        connection = self.view.database.connection
        homes = [home for (home,) in connection.execute("SELECT home FROM decisions UNION SELECT new FROM links")]
        reached = [sha for sha in homes if sha not in self.own and self.ledger.outcome(sha).status != "pending" and self._speaks(sha)]
        scopes = self._scopes(reached)
        found: dict[str, Bound] = {}
        for trace in self.view.traces(reached, self.moment, details=False):
            direct = self.ledger.landing(trace.sha or "") is not None
            for each in trace.decisions:
                if each.source != "mined" and (direct or each.id not in found):
                    found[each.id or ""] = self._bound(trace, each, scopes[trace.sha or ""])
        return sorted(found.values(), key=lambda each: each.when)

    def _speaks(self, sha: str) -> bool:
        """Whether a commit says itself what was decided: of one that was amended or rebased before it landed, its heir does."""
        return self.ledger.landing(sha) is not None or not onward(self.view.database, sha)

    @cached_property
    def in_force(self) -> list[Bound]:
        return [each for each in self.all if each.in_force]

    @cached_property
    def undone(self) -> list[Undone]:
        """Every change of the target branch that is reverted now, by time; and standing reverts whose target is not to be found."""
        found: list[Undone] = []
        for sha in self.ledger.reverted():
            by = self.ledger.outcome(sha).reverted_by
            if by and by not in self.own and self.ledger.landing(sha) is not None:
                found.append(Undone(sha, by))
        known = {each.by for each in found}
        kinds = "('reverts', 'reverts-pull', 'reverts-change', 'reverts-subject')"
        rows = self.view.database.connection.execute(f"SELECT DISTINCT sha FROM claims WHERE kind IN {kinds}").fetchall()
        inner = {landing[0] for (sha,) in rows if (landing := self.ledger.landing(sha)) and landing[0] != sha}
        for (sha,) in rows:
            if (
                sha not in known | inner
                and sha not in self.own
                and self.ledger.landing(sha)
                and self.ledger.outcome(sha).status == "landed"
            ):
                found.append(Undone(sha, sha, of_revert=True))
        return sorted(found, key=lambda each: (self.ledger.landing(each.by) or ("", 0))[1])

    @cached_property
    def undone_paths(self) -> dict[str, frozenset[str]]:
        """The files of each of these changes; a merge has none."""
        return self.touching({each.sha for each in self.undone})

    def _bound(self, trace: Trace, decision: Decision, paths: frozenset[str]) -> Bound:
        if decision.superseded_by and not self._replaced(decision):
            decision = msgspec.structs.replace(decision, superseded_by=None)
        in_force = binding(trace, decision, self.today)
        expired = decision.expires is not None and decision.expires[:10] < self.today[:10]
        status = (
            "superseded" if decision.superseded_by else "reverted" if trace.status == "reverted" else "expired" if expired else "in force"
        )
        sha = trace.sha or ""
        when = trace.timestamp or decision.timestamp or ""
        declared = decision.source == "trailer" and self._in_message(decision.id or "")
        return Bound(decision, sha, when, status, in_force, expired and not decision.superseded_by, declared, paths)

    def _replaced(self, decision: Decision) -> bool:
        """Whether what supersedes a decision stands on the target branch: one on somebody's branch retires nothing yet."""
        connection = self.view.database.connection
        homes = [home for (home,) in connection.execute("SELECT home FROM decisions WHERE id = ?", (decision.superseded_by,))]
        said = '%"target":"' + (decision.id or "-") + '"%'
        if connection.execute("SELECT 1 FROM events WHERE kind = 'superseded' AND line LIKE ?", (said,)).fetchone():
            return True
        return not homes or any(self.ledger.outcome(home).status != "pending" for home in homes)

    def _in_message(self, identity: str) -> bool:
        rows = self.view.database.connection.execute("SELECT home FROM decisions WHERE id = ? AND origin = 'message'", (identity,))
        return any(self.ledger.landing(home) is not None for (home,) in rows)

    def _scopes(self, shas: list[str]) -> dict[str, frozenset[str]]:
        """The files of each commit, of a merge those of what it brought in; folders where there are many."""
        paths = self.touching(set(shas))
        merges = [sha for sha in shas if not paths[sha]]
        query = "SELECT sha FROM commits WHERE landing = ? AND landing <> sha"
        brought = {sha: [each for (each,) in self.view.database.connection.execute(query, (sha,))] for sha in merges}
        within = self.touching({each for members in brought.values() for each in members}) if any(brought.values()) else {}
        paths |= {sha: frozenset().union(*(within[each] for each in members)) for sha, members in brought.items()}
        return {sha: found if len(found) <= BROAD else folders(found) for sha, found in paths.items()}

    def reverters(self, each: Undone) -> set[str]:
        """Every commit whose mention shows that the revert is known: what took it back, and what a merge repeats the words of."""
        connection = self.view.database.connection
        found = {each.by, *(sha for (sha,) in connection.execute("SELECT reverter FROM reverts WHERE target = ?", (each.sha,)))}
        landings = {landing[0] for sha in found if (landing := self.ledger.landing(sha))}
        query = "SELECT DISTINCT k.sha FROM claims k JOIN commits c ON c.sha = k.sha WHERE c.landing = ?"
        return found | landings | {sha for (sha,) in connection.execute(query, (each.by,))}

    def landed(self, sha: str) -> bool:
        """Whether the target branch has it, and the range has not."""
        return sha not in self.own and self.ledger.landing(sha) is not None

    def when(self, sha: str) -> tuple[int, int]:
        """When a commit landed, and when it was made: Unix seconds."""
        landing = self.ledger.landing(sha)
        row = self.view.database.connection.execute("SELECT commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()
        return (landing[1] if landing else 0, row[0] if row else 0)

    def times(self, path: str) -> list[int]:
        """When each commit that touched a file was made, in order: Unix seconds."""
        query = (
            "SELECT c.commit_time FROM paths p JOIN touched t ON t.path_id = p.id JOIN commits c ON c.id = t.commit_id"
            " WHERE p.path = ? ORDER BY 1"
        )
        return [when for (when,) in self.view.database.connection.execute(query, (path,))]

    def parent(self, sha: str) -> str | None:
        """The first parent of a commit; None for a root."""
        row = self.view.database.connection.execute("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
        return row[0].split()[0] if row and row[0] else None

    def subject(self, sha: str) -> str:
        row = self.view.database.connection.execute("SELECT subject FROM commits WHERE sha = ?", (sha,)).fetchone()
        return str(row[0]) if row else ""

    def day(self, sha: str) -> str:
        landing = self.ledger.landing(sha)
        row = self.view.database.connection.execute("SELECT commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()
        return moment(landing[1] if landing else row[0] if row else 0)[:10]

    def touching(self, shas: set[str]) -> dict[str, frozenset[str]]:
        """The paths of each of these commits, as the index has them (a merge has none)."""
        connection = self.view.database.connection
        ids = {sha: row[0] for sha in shas if (row := connection.execute("SELECT id FROM commits WHERE sha = ?", (sha,)).fetchone())}
        found: dict[int, set[str]] = {number: set() for number in ids.values()}
        asked = json.dumps(sorted(found))
        rows = connection.execute(
            "SELECT t.commit_id, p.path FROM touched t JOIN paths p ON p.id = t.path_id"
            " WHERE t.commit_id IN (SELECT value FROM json_each(?))",
            (asked,),
        )
        for number, path in rows:
            found[number].add(path)
        return {sha: frozenset(found[ids[sha]]) if sha in ids else frozenset() for sha in shas}
