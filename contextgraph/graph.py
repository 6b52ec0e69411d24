"""The whole system on one screen: open a repository, catch up with it, record, ask."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contextgraph import capture, commits, event, refill
from contextgraph.capture import record, staged
from contextgraph.errors import BadInputError, Error, GitError, NotFoundError
from contextgraph.index.noted import Noted
from contextgraph.query import log, overview, search, why
from contextgraph.query.filters import Filters
from contextgraph.query.view import Moment
from contextgraph.status import branches, linking, tracking
from contextgraph.status.ledger import Ledger
from contextgraph.trace import Decision, Trace
from contextgraph.upkeep import Upkeep

if TYPE_CHECKING:
    from contextgraph.check.finding import Report


class Graph(Upkeep):
    """One repository and its reasons. Faces hold one of these and nothing below it."""

    def record(self, revision: str, given: Trace) -> tuple[str, bool]:
        """Attach what was given to a commit; returns its sha and whether it is in the notes already (else in the journal).

        Raises NotFoundError, BadInputError (over the size limit), Error (nothing can be written).
        """
        if not any(
            (given.decisions, given.summary, given.areas, given.tool_calls, given.errors, given.model_calls, given.escalations)
        ) and not any(getattr(given, name) is not None for name in ("branch", "mode", "iterations", "duration", "tokens_used")):
            raise BadInputError("there is nothing to record in this trace", "give at least `summary` or `decisions`")
        sha = self.resolve(revision)
        capture.begin(self.git)
        lines = record.recorded(sha, event.moment(time.time()), self.author(), self.masked(given))
        return sha, self.store.append([(sha, line) for line in lines])

    def stage(self, decision: Decision) -> int:
        """Stage a decision for the next commit of this worktree; returns how many are staged now."""
        if self.git.top is None:
            raise Error("a bare repository makes no commits, so nothing can be staged", "attach the decision to one with --commit")
        capture.begin(self.git)
        if staged.path(self.git).exists():  # what a commit without hooks has taken already must not wait for the next one
            self.catch_up(history=False)
        return staged.add(self.git, self.masked(decision))

    def why(self, target: str, moment: Moment | None = None, path_only: bool = False) -> why.Why:
        self._lag()
        self.look_for_remotes()
        answer = self._healed(lambda: why.why(self.view, target, moment, path_only))
        self.reasons += answer.problems
        return answer

    def search(self, question: str, filters: Filters, limit: int, min_score: float = 0.0, details: bool = True) -> search.Answer:
        self._lag()
        self.look_for_remotes()
        return self._healed(lambda: search.search(self.view, question, filters, limit, min_score, self.near, details))

    def near(self, question: str) -> dict[str, float]:
        """The cosine of the nearest documents; none, and a reason, where there is no model, no vector or a damaged store."""
        if not self.config.flag("index.vectors"):
            return {}
        found = self.meaning.near(question)
        self.reasons += [found.reason] if found.reason else []
        if found.failure:
            self.note(f"vectors: {found.failure}")
        if found.unfinished and self.database.writable and self.refill.may_start() and self.environment.get("CG_WORKER") != "off":
            refill.start(self.git, self.environment)
        return found.cosines

    def log(self, filters: Filters, limit: int, within: Sequence[str] | None, in_force: bool, details: bool) -> log.Listing:
        self._lag()
        self.look_for_remotes()
        if within is None and (filters.of_records or in_force):
            self.look_for_absent()
        shas = None if within is None else list(within)
        return self._healed(lambda: log.log(self.view, filters, limit, shas, in_force, details))

    def message(self, sha: str) -> str | None:
        """The commit's own words; None when the commit is not here."""
        if sha in self.view.messages:
            return self.view.messages[sha]
        try:
            return next(iter(commits.read(self.git, [sha], details=False))).message
        except (GitError, StopIteration):
            return None

    def range(self, revisions: str) -> list[str]:
        """The commits of a range as `git rev-list` understands it. Raises NotFoundError."""
        found = self.git.maybe("rev-list", "--end-of-options", *revisions.split(), "--")
        if found is None:
            raise NotFoundError(f"`{revisions}` is no range of commits here", "such as main..HEAD")
        return found.split()

    def knows_decision(self, identity: str) -> bool:
        return self.database.connection.execute("SELECT 1 FROM decisions WHERE id = ?", (identity,)).fetchone() is not None

    def look_for_absent(self) -> None:
        """Say when notes arrived of commits that did not: branches of others that were not fetched, or are gone."""
        if number := self._healed(lambda: overview.absent(self.database)):
            one = "1 recorded trace is on a commit that is" if number == 1 else f"{number} recorded traces are on commits that are"
            self.reasons.append(f"{one} not in this clone (`git fetch` may bring {'it' if number == 1 else 'them'})")

    def counts(self) -> dict[str, int]:
        return self._healed(lambda: overview.counts(self.database, self.view.ledger()))

    def check(self, words: str = "", strict: bool = False, fetched: bool = False) -> "Report":
        """Hold a range of commits against past decisions and reverts. Raises NotFoundError, UsageError (the policy)."""
        from contextgraph import check  # a fifth of the start-up of a question that needs none of it
        from contextgraph.check.policy import of_config

        sight = check.Sight(self.settings, self.refs.tracking, fetched)
        held = of_config(self.config, strict)
        return self._healed(lambda: check.check(self.view, words, self.resolve("HEAD"), held, sight, self.reasons))

    def track(self, branch: str = "") -> tracking.Track:
        """What changed since the last look at the target branch, or at another one."""
        self._lag()
        if branch and (self.target is None or branch != self.target.name):
            found = branches.names(self.refs.heads, [branch], self.target).get(branch) or (self.resolve(branch),)
            there = branches.read(self.database, self.git, branch, found, self.target)
            return tracking.look(self.database, Ledger(self.database, branch, elsewhere=there.landing), self.database.writable, branch)
        return self._healed(lambda: tracking.look(self.database, self.view.ledger(), self.database.writable))

    def remap(self, pairs: list[tuple[str, str]]) -> tuple[int, int]:
        """Carry records along (old, new) pairs; returns how many were carried, and how many stay with dropped commits."""
        connection = self.database.connection
        noted = {key for (key,) in connection.execute("SELECT DISTINCT key FROM events WHERE kind IN ('recorded', 'carried')")}
        kept = [(old, new, "remap") for old, new in pairs if old in noted and old != new]
        lines = linking.lines_of(self.git, [pair for pair in kept if pair[1].strip("0")])
        if lines:
            self.store.append(lines)
            Noted(self.database, self.store).add(lines)
        return len(lines), len(kept) - len(lines)

    def title(self, sha: str) -> str:
        row = self.database.connection.execute("SELECT subject FROM commits WHERE sha = ?", (sha,)).fetchone()
        return str(row[0]) if row else ""
