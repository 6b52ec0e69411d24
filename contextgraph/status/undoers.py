"""Which reverters concern a commit on a branch: its own, those of the merge that brought it in, those of what it was made from."""

from collections.abc import Callable

import msgspec

from contextgraph.index.ancestry import follows
from contextgraph.index.database import Database
from contextgraph.status import reworked
from contextgraph.status.reverts import MENTIONED, REVERTED

Landing = tuple[str, int]
"""(the commit of the first-parent line that brought something in, its time in Unix seconds)."""


PARTS = ("squash", "host-squash", "reset")
"""How a commit becomes a part of another one, which can be undone by itself."""


class Undoer(msgspec.Struct, frozen=True):
    """`reverter` undoes `extent` (0 to 1) of a commit, and landed at `when` through `place` as `form`: itself or rewritten.

    `origin` is who wrote it, when, and its title: the same for a commit that came in twice. The time alone is not enough,
    for a script makes several commits in one second. `lost`: the merge that it came with has the change all the same.
    """

    reverter: str
    rule: str
    extent: float
    form: str
    place: str
    when: int
    origin: tuple[str, int, str]
    lost: bool = False


class Undoers:
    """The reverters that the branch has; `landing` says where a commit came into it, if it did."""

    def __init__(self, database: Database, landing: Callable[[str], Landing | None]) -> None:
        self.database = database
        self.connection = database.connection
        self.landing = landing

    def of(self, sha: str) -> list[Undoer]:
        """What undoes `sha` in the branch, each once, oldest first.

        A merge that repeats the words of a commit it brings in is the same revert, not a second one; nor is a twin that came
        in another way, unless it undoes more. Of the silent inverses only the nearest counts: later ones undo what was done again
        in between. Of a commit that came in as a part of another one (a squash), what undoes that part: later, or as a part of the
        same squash. What was there before undoes nothing, whatever its diff is like.
        """
        landed = self.landed(sha)
        if landed is None:
            return []
        via, at = landed[1]
        found = self._of_target(sha)
        for old in self._sources(sha):
            found += [each for each in self._of_target(old) if each.when >= at]
        if not self.landing(sha):
            found = [each for each in found if each.extent >= REVERTED and each.when >= at and each.reverter != via]
            found += [each for form in self._forms(sha)[1:] for each in self._of_target(form) if each.lost]
        elif via != sha and not self._brings_what_was_there(sha, via):
            spared = {each.reverter for each in found if each.extent < MENTIONED}
            whole = [each for each in self._of_target(via) if each.extent >= REVERTED and each.rule != "part"]
            found += [each for each in whole if each.reverter not in spared]
        return self._distinct([each for each in found if each.reverter != sha and not self._before(each, sha, at)])

    def _brings_what_was_there(self, sha: str, via: str) -> bool:
        """Whether `sha` is a merge of the branch into what later came in with the merge `via`: that goes back without it."""
        row = self.connection.execute("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
        brought = [self.landing(parent) for parent in row[0].split()[1:]] if row else []
        return bool(brought) and all(landing is not None and landing[0] != via for landing in brought)

    def _before(self, each: Undoer, sha: str, at: int) -> bool:
        """Whether a reverter came before `sha`, which landed `at`: a silent one by its time; one that says so, or landed at the very
        time, as an ancestor of `sha` or of what that was rewritten into on its way to where it landed."""
        if each.when > at:
            return False
        if each.when < at and each.rule == "inverse":
            return True
        reverters = {each.reverter, each.form}
        return any(follows(self.database, form, reverter) for form in self._forms(sha) for reverter in reverters - {form})

    def _forms(self, sha: str) -> list[str]:
        """`sha` and what it was rewritten into on its way to where it landed."""
        forms: list[str] = []
        waiting = [sha]
        while waiting:
            form = waiting.pop()
            forms.append(form)
            if not self.landing(form):
                rewrites = self.connection.execute("SELECT new FROM links WHERE old = ? AND how <> 'cherry-pick'", (form,))
                waiting += [new for (new,) in rewrites if new not in forms]
        return forms

    def _of_target(self, target: str) -> list[Undoer]:
        rows = self.connection.execute(
            "SELECT r.reverter, r.rule, r.extent, c.author, c.author_time, c.subject FROM reverts r JOIN commits c ON c.sha = r.reverter"
            " WHERE r.target = ?",
            (target,),
        ).fetchall()
        spoken = {row[0] for row in rows if row[1] != "inverse"}
        found: list[Undoer] = []
        for reverter, rule, extent, *origin in rows:
            landed = self.landed(reverter)
            # What it was rewritten into may undo less, and where it names the change itself it says how much.
            if landed and (landed[0] == reverter or landed[0] not in spoken):
                form, landing = landed
                written = (origin[0], origin[1], origin[2])
                found.append(Undoer(reverter, rule, extent, form, *landing, written, self._lost(landing[0], reverter, target)))
        return found

    def _lost(self, merge: str, sha: str, target: str) -> bool:
        """Whether the merge that brought in `sha`, which undoes `target` or makes it once more, has nothing of that."""
        query = "SELECT 1 FROM kept WHERE merge = ? AND reverter = ? AND target = ? AND stands"
        return self.connection.execute(query, (merge, sha, target)).fetchone() is not None

    def landed(self, reverter: str) -> tuple[str, Landing] | None:
        """Where a reverter came in, itself or as what it was carried into; and before that its last form that was it alone."""
        seen: set[str] = set()
        waiting = [(reverter, reverter)]
        while waiting:
            sha, form = waiting.pop()
            if landing := self.landing(sha):
                return form, landing
            seen.add(sha)
            links = self.connection.execute("SELECT new, how FROM links WHERE old = ?", (sha,)).fetchall()
            waiting += [(new, form if how in PARTS else new) for new, how in links if new not in seen]
        return None

    def _sources(self, sha: str) -> set[str]:
        """What `sha` was made from by rewrites and picks, over any number of steps: a revert may name that instead. A squash or a fixup
        of several is more than each."""
        query = (
            "SELECT o.sha FROM claims k JOIN commits o ON o.sha BETWEEN k.target AND k.target || 'g' WHERE k.sha = ? AND k.kind = 'picked'"
        )
        found: set[str] = set()
        waiting = [sha]
        while waiting:
            new = waiting.pop()
            links = self.connection.execute("SELECT old, how FROM links WHERE new = ?", (new,)).fetchall()
            ways = [how for _, how in links]
            olds = {old for old, how in links if len(links) == 1 or (how not in PARTS and ways.count(how) == 1)}
            olds |= {old for (old,) in self.connection.execute(query, (new,))}
            waiting += olds - found
            found |= olds
        return found - {sha}

    def _distinct(self, found: list[Undoer]) -> list[Undoer]:
        best: dict[str, Undoer] = {}
        # Lost under one name of the change, as it was picked or rebased, a reverter is lost under each.
        for each in sorted(found, key=lambda each: (each.lost, each.extent)):
            best[each.reverter] = each
        for merge in sorted(best):
            inner = [each for each in best.values() if self._brings(merge, each.reverter)]
            if inner and merge in best:
                more = best[merge].extent > sum(each.extent for each in inner) + 0.005
                for each in inner if more else [best[merge]]:
                    del best[each.reverter]
        twins: dict[tuple[str, int, str], Undoer] = {}
        for each in sorted(best.values(), key=lambda each: (each.lost, each.when, each.rule == "inverse", each.reverter)):
            known = twins.get(each.origin)
            if known is None or (each.lost == known.lost and each.extent >= known.extent + MENTIONED):
                twins[each.origin] = each
        kept = sorted(twins.values(), key=lambda each: each.when)
        # A revert that was rewritten under other words is told once, with the words.
        spoken = {each.reverter for each in kept if each.rule != "inverse"}
        later = {form for reverter in spoken for form in self._forms(reverter)}
        silent = [each for each in kept if each.rule == "inverse" and each.reverter not in later]
        silent = [each for each in silent if spoken.isdisjoint(self._forms(each.reverter))][:1]
        return [each for each in kept if each.rule != "inverse" or each in silent]

    def _brings(self, merge: str, reverter: str) -> bool:
        """Whether `reverter` came in with `merge`, on the target branch or on its way there."""
        row = self.connection.execute("SELECT parents FROM commits WHERE sha = ?", (merge,)).fetchone()
        first, *brought = row[0].split() if row else [""]
        return any(follows(self.database, each, reverter) for each in brought) and not follows(self.database, first, reverter)

    def again(self, sha: str, standing: list[Undoer]) -> list[str]:
        """What brought `sha` into the branch once more, later than what undoes it: a pick, or a commit of the same title or lines. One
        that came in with the reverter is later where it was made on top of it."""
        query = (
            "SELECT sha, kind = 'again' FROM claims WHERE kind IN ('picked', 'again') AND target = ?"
            " UNION SELECT new, 0 FROM links WHERE old = ? AND how = 'cherry-pick'"
        )
        found: set[tuple[int, str]] = set()
        for new, claimed in self.connection.execute(query, (sha, sha)).fetchall():
            landing = self.landing(new)
            if landing is None or self._lost(landing[0], new, sha) or self._goes_farther(new, sha):
                continue
            if all(landing[1] > each.when or (claimed and follows(self.database, new, each.reverter)) for each in standing):
                found.add((landing[1], new))
        if found:
            # What came before with its very title, and was reworked, is what brought it back; the lines stood again later.
            landings = ((self.landing(new), new) for new in reworked.titled(self.connection, sha))
            found |= {(landing[1], new) for landing, new in landings if landing and all(landing[1] > each.when for each in standing)}
        return [new for _, new in sorted(found)]

    def _goes_farther(self, new: str, sha: str) -> bool:
        """Whether `new` takes back a change that is older than `sha`, and has the lines that it shares with `sha` from before that. A
        revert that `sha` had taken back itself is none such."""
        query = (
            "SELECT 1 FROM reverts r JOIN commits x ON x.sha = r.target JOIN commits t ON t.sha = ? AND x.commit_time < t.commit_time"
            " WHERE r.reverter = ? AND r.rule <> 'inverse' AND r.extent >= ? AND x.sha <> t.sha"
            " AND NOT EXISTS (SELECT 1 FROM reverts WHERE reverter = x.sha AND extent >= ?)"
        )
        return self.connection.execute(query, (sha, new, REVERTED, REVERTED)).fetchone() is not None

    def returned(self, sha: str, by: str | None) -> str | None:
        """What brought `sha` back where `by` undid its reverter: of several commits that came in together the one of its title."""
        query = (
            "SELECT n.sha FROM commits n JOIN commits b ON b.sha = ? JOIN commits t ON t.sha = ? WHERE n.landing = b.landing"
            " AND n.landing <> n.sha AND b.landing <> b.sha AND n.subject = t.subject AND n.sha <> t.sha ORDER BY n.commit_time LIMIT 1"
        )
        row = self.connection.execute(query, (by, sha)).fetchone() if by else None
        return str(row[0]) if row else by

    def suspects(self) -> set[str]:
        """Every commit that something may have undone: named targets, what they brought in, and what was made of them."""
        targets = {target for (target,) in self.connection.execute("SELECT DISTINCT target FROM reverts")}
        made = "SELECT new FROM links WHERE old = :sha UNION SELECT sha FROM claims WHERE kind = 'picked' AND target = :sha"
        found, waiting = set(targets), set(targets)
        while waiting:
            waiting = {new for sha in waiting for (new,) in self.connection.execute(made, {"sha": sha})} - found
            found |= waiting
        for target in targets:
            found |= {sha for (sha,) in self.connection.execute("SELECT sha FROM commits WHERE landing = ? AND landing <> sha", (target,))}
        return found


def undone_revert(database: Database, sha: str) -> str | None:
    """The newest revert that a commit took back, and so brought back what that had undone."""
    row = database.connection.execute(
        "SELECT c.sha FROM reverts r JOIN reverts before ON before.reverter = r.target JOIN commits c ON c.sha = r.target"
        " WHERE r.reverter = ? AND r.extent >= ? AND before.extent >= ? ORDER BY c.commit_time DESC, c.sha LIMIT 1",
        (sha, REVERTED, REVERTED),
    ).fetchone()
    return str(row[0]) if row else None
