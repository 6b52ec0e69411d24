"""The decisions that a range is held against: which are in force on the target branch, and what they are about."""

import json
import re
from functools import cached_property

import msgspec

from contextgraph.check.files import matches
from contextgraph.check.finding import Precedent
from contextgraph.event import moment
from contextgraph.query.view import Moment, View, binding
from contextgraph.status.ledger import Ledger
from contextgraph.trace import Decision, Trace

BROAD = 40
"""Files of a commit above which its decisions are about folders, not about those very files."""


class Bound(msgspec.Struct, frozen=True):
    """A decision on the target branch. `declared`: it stands in the message of a commit there, where anybody sees it."""

    decision: Decision
    commit: str
    date: str
    status: str
    in_force: bool
    expired: bool
    declared: bool
    paths: frozenset[str]

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


class Undone(msgspec.Struct, frozen=True):
    """A change that was taken back by the commit `by`. `of_revert`: it is known only as what `by` takes away."""

    sha: str
    by: str
    of_revert: bool = False


def one_line(words: str, longest: int = 120) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


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
        reached = [sha for sha in homes if sha not in self.own and self.ledger.outcome(sha).status != "pending"]
        found: dict[str, Bound] = {}
        for trace in self.view.traces(reached, self.moment, details=False):
            direct = self.ledger.landing(trace.sha or "") is not None
            for each in trace.decisions:
                if each.source != "mined" and (direct or each.id not in found):
                    found[each.id or ""] = self._bound(trace, each)
        return sorted(found.values(), key=lambda each: each.date)

    @cached_property
    def in_force(self) -> list[Bound]:
        return [each for each in self.all if each.in_force]

    @cached_property
    def undone(self) -> list[Undone]:
        """Every change of the target branch that is reverted now, by time; and every standing revert whose target is not to be found."""
        found: list[Undone] = []
        for sha in self.ledger.reverted():
            by = self.ledger.outcome(sha).reverted_by
            if by and by not in self.own and self.ledger.landing(sha) is not None:
                found.append(Undone(sha, by))
        known = {each.by for each in found}
        kinds = "('reverts', 'reverts-pull', 'reverts-subject')"
        rows = self.view.database.connection.execute(f"SELECT DISTINCT sha FROM claims WHERE kind IN {kinds}").fetchall()
        for (sha,) in rows:
            if sha not in known and sha not in self.own and self.ledger.landing(sha) and self.ledger.outcome(sha).status == "landed":
                found.append(Undone(sha, sha, of_revert=True))
        return sorted(found, key=lambda each: (self.ledger.landing(each.by) or ("", 0))[1])

    def _bound(self, trace: Trace, decision: Decision) -> Bound:
        if decision.superseded_by and not self._replaced(decision):
            decision = msgspec.structs.replace(decision, superseded_by=None)
        in_force = binding(trace, decision, self.today)
        expired = decision.expires is not None and decision.expires[:10] < self.today[:10]
        status = (
            "superseded" if decision.superseded_by else "reverted" if trace.status == "reverted" else "expired" if expired else "in force"
        )
        sha = trace.sha or ""
        date = (trace.timestamp or decision.timestamp or "")[:10]
        declared = decision.source == "trailer" and self._in_message(decision.id or "")
        paths = self._paths(sha)
        return Bound(decision, sha, date, status, in_force, expired and not decision.superseded_by, declared, paths)

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

    def _paths(self, sha: str) -> frozenset[str]:
        """The files of the commit; of a merge those of what it brought in."""
        connection = self.view.database.connection
        query = "SELECT p.path FROM touched t JOIN paths p ON p.id = t.path_id JOIN commits c ON c.id = t.commit_id WHERE "
        rows = connection.execute(query + "c.sha = ?", (sha,)).fetchall()
        rows = rows or connection.execute(query + "c.landing = ? AND c.sha <> c.landing", (sha,)).fetchall()
        found = frozenset(path for (path,) in rows)
        return found if len(found) <= BROAD else frozenset(f"{path.rpartition('/')[0]}/*" for path in found)

    def subject(self, sha: str) -> str:
        row = self.view.database.connection.execute("SELECT subject FROM commits WHERE sha = ?", (sha,)).fetchone()
        return str(row[0]) if row else ""

    def day(self, sha: str) -> str:
        landing = self.ledger.landing(sha)
        row = self.view.database.connection.execute("SELECT commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()
        return moment(landing[1] if landing else row[0] if row else 0)[:10]

    def touching(self, shas: set[str]) -> dict[str, frozenset[str]]:
        """The paths of each of these commits, as the index has them (a merge has none)."""
        found: dict[str, set[str]] = {sha: set() for sha in shas}
        rows = self.view.database.connection.execute(
            "SELECT c.sha, p.path FROM commits c JOIN touched t ON t.commit_id = c.id JOIN paths p ON p.id = t.path_id"
            " WHERE c.sha IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(shas)),),
        )
        for sha, path in rows:
            found[sha].add(path)
        return {sha: frozenset(paths) for sha, paths in found.items()}
