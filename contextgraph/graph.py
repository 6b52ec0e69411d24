"""The whole system on one screen: open a repository, catch up with it, record, ask."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from contextgraph import capture, catchup, commits, config, event, meaning, pushes, refs, sync
from contextgraph.capture import record, staged
from contextgraph.errors import BadInputError, Error, GitError, LockError, NotFoundError, VectorError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.history import Progress
from contextgraph.index.noted import Noted
from contextgraph.lock import locked
from contextgraph.notes import Store
from contextgraph.query import log, overview, search, why
from contextgraph.query.filters import Filters
from contextgraph.query.view import Moment, View
from contextgraph.status import branches, inverses, landing, linking, tracking
from contextgraph.status.ledger import Ledger
from contextgraph.trace import Decision, Trace

if TYPE_CHECKING:
    from contextgraph.check.finding import Report

T = TypeVar("T")


def silent(phase: str, done: int) -> None:
    """The progress of whoever does not watch."""


class Graph:
    """One repository and its reasons. Faces hold one of these and nothing below it."""

    def __init__(self, git: Git, environment: Mapping[str, str]) -> None:
        self.git = git
        self.environment = environment
        self.settings = _git_settings(git)
        ours = {name.removeprefix("contextgraph."): values for name, values in self.settings.items() if name.startswith("contextgraph.")}
        self.installed = "installed" in ours
        self.config = config.load(git.top, ours, environment)
        self.store = Store(git)
        self.refs = refs.Refs()
        self.notes_tip: str | None = None
        self.reasons: list[str] = []
        self.notices: list[str] = []
        """What people should hear beside the answer, one line each."""
        self.failure: str | None = None
        """Why the last catch-up could not capture; the worker, which has no reader, logs it."""
        self._database: Database | None = None
        self._view: View | None = None

    @classmethod
    def open(cls, directory: Path, environment: Mapping[str, str] | None = None) -> "Graph":
        """The graph of the repository that `directory` is in. Raises NotFoundError, GitError, UsageError (settings)."""
        environment = os.environ if environment is None else environment
        return cls(Git.discover(directory, environment), environment)

    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = Database(self.git.home / "index.db")
            if self._database.damage:
                self.note(f"the index was damaged ({self._database.damage}) and was made again")
        return self._database

    # Catching up: every reading command does this first, so the answer is right even when no hook ever ran.

    def catch_up(self, progress: Progress = silent, history: bool = True) -> None:
        """Capture what was made here, flush the journal, index what is new, follow the target branch.

        Where nothing can be written (read-only, a full disk), reading goes on with what is there, and `reasons` says so.
        """
        self.reasons = []
        self._view = None
        self.failure = None
        self.refs = refs.read(self.git)
        self.notes_tip = self.refs.notes
        try:
            catchup.record(self.git, self.store, self.config.text("capture.when"), self.installed, self.masked)
            self.notes_tip, published = catchup.publish(self.store, self.refs, sync.partial(self.settings))
            if not published:
                self.reasons.append("the notes ref is busy; what was recorded waits in the journal")
        except Error as error:
            self.failure = error.message
            self.reasons.append(error.message)
        if history:
            self._healed(lambda: self._index(progress))
        self._look_around()

    def remind(self) -> None:
        """Once a day, where there is a remote, a notice when many traces are in this clone alone. For faces with a reader."""
        if sync.remotes(self.settings):
            self._after_push()
            sync.unshared(self.store, self.refs.tracking, self.notes_tip, self.notices.append, event.moment(time.time())[:10])

    def _after_push(self) -> None:
        """Where `sync.push` says so, the reasons follow a branch that was pushed: by the worker, or people are asked to."""
        wanted = self.config.text("sync.push")
        if wanted == "never" or not self.installed:
            return
        for remote, when in pushes.due(self.git, sync.remotes(self.settings)).items():
            if wanted == "ask":
                self.notices.append(f"a branch was pushed to {remote}; `cg sync {remote}` shares its reasons (sync.push)")
                pushes.done(self.git, remote, when)
            elif self.environment.get("CG_WORKER") != "off":
                meaning.start(self.git, self.environment, "--push")

    def push_notes(self) -> None:
        """Share the notes with every remote that a branch was pushed to, where `sync.push` is auto. Raises Error."""
        for remote, when in pushes.due(self.git, sync.remotes(self.settings)).items() if self.config.text("sync.push") == "auto" else ():
            sync.run(self.store, self.settings, remote, meaning.quiet)
            pushes.done(self.git, remote, when)

    def _index(self, progress: Progress) -> None:
        if not self.database.writable:
            self.reasons.append("the index cannot be written here and may be behind")
            return
        changed = catchup.index(self.database, self.git, self.store, self.refs, self.notes_tip, self.target, progress)
        catchup.follow(self.database, self.git, self.store, self.refs, changed, self.installed)

    def _healed(self, action: Callable[[], T]) -> T:
        """Do it; when the index turns out to be damaged, make it again from git and the notes, and do it once more."""
        try:
            return action()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
                raise Error(f"the index {self.database.path} cannot be used: {error}", "see `cg status`") from None
            self.note(f"the index was damaged ({error}) and was made again")
            self.database.reset()
            self._view = None  # it has hold of what was closed
            self._index(silent)
            return action()

    def _look_around(self) -> None:
        """What keeps an answer from being complete, in words."""
        if (self.git.common_dir / "shallow").exists():
            self.reasons.append("this is a shallow clone: commits beyond its boundary are not here (`git fetch --unshallow`)")
        if self.target is None and self.refs.heads:
            self.reasons.append("no target branch was found, so nothing counts as landed (`cg config set track.branch NAME`)")

    @property
    def target(self) -> landing.Target | None:
        return landing.find_target(self.refs.heads, self.config.text("track.branch"), self.refs.origin_head)

    # Recording.

    def resolve(self, revision: str) -> str:
        """The full sha of a commit. Raises NotFoundError."""
        sha = self.git.maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if sha is None:
            empty = revision == "HEAD" and not self.git.maybe("rev-parse", "--verify", "--quiet", "HEAD")
            raise NotFoundError("there is no commit yet" if empty else f"`{revision}` is not a commit here")
        return sha

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

    def masked(self, given: T) -> T:
        """The same without secrets; `notices` says what kinds were found."""
        from contextgraph import secrets  # its patterns take longer to compile than a question to answer

        cleaned, kinds = secrets.clean(given, self.config.many("secrets.allow"))
        for kind in dict.fromkeys(kinds):
            self.notices.append(f"something that looks like a secret was masked before it was written: {kind} (secrets.allow lets it pass)")
        result: T = cleaned
        return result

    def stage(self, decision: Decision) -> int:
        """Stage a decision for the next commit of this worktree; returns how many are staged now."""
        if self.git.top is None:
            raise Error("a bare repository makes no commits, so nothing can be staged", "attach the decision to one with --commit")
        capture.begin(self.git)
        if staged.path(self.git).exists():  # what a commit without hooks has taken already must not wait for the next one
            self.catch_up(history=False)
        return staged.add(self.git, self.masked(decision))

    def author(self) -> str:
        """Who is doing this, as git would write it, or as much of it as is known."""
        identity = self.git.maybe("var", "GIT_COMMITTER_IDENT")
        return identity.rsplit(" ", 2)[0] if identity else f"{self.environment.get('USER', 'unknown')} <>"

    # Asking.

    @property
    def meaning(self) -> meaning.Meaning:
        return meaning.Meaning(self.git, self.database, self.config, self.repository)

    @property
    def view(self) -> View:
        if self._view is None:
            noted = Noted(self.database, self.store)
            self._view = View(self.git, self.database, noted, self.target, self.repository, self._branches())
        return self._view

    def _branches(self) -> list[branches.Branch]:
        """The further target branches (`track.branches`), as they stand now."""
        patterns = self.config.many("track.branches")
        found = branches.names(self.refs.heads, patterns, self.target) if patterns else {}
        return [branches.read(self.database, self.git, name, tips, self.target) for name, tips in found.items()]

    def repository(self) -> str:
        """The origin's URL without credentials, else the sha of the root commit; empty in an empty repository."""
        for url in self.settings.get("remote.origin.url", [])[-1:]:
            return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)
        # In the order of the index on time: the oldest root is among the first rows, not behind all of them.
        oldest = "SELECT commit_time FROM commits WHERE parents = '' ORDER BY commit_time LIMIT 1"
        query = f"SELECT sha FROM commits WHERE parents = '' AND commit_time = ({oldest}) ORDER BY sha LIMIT 1"
        row = self.database.connection.execute(query).fetchone()
        return str(row[0]) if row else ""

    def why(self, target: str, moment: Moment | None = None, path_only: bool = False) -> why.Why:
        self._lag()
        answer = self._healed(lambda: why.why(self.view, target, moment, path_only))
        self.reasons += answer.problems
        return answer

    def search(self, question: str, filters: Filters, limit: int, min_score: float = 0.0, details: bool = True) -> search.Answer:
        self._lag()
        return self._healed(lambda: search.search(self.view, question, filters, limit, min_score, self.near, details))

    def near(self, question: str) -> dict[str, float]:
        """The cosine of the nearest documents; none, and a reason, where there is no model, no vector or a damaged store."""
        if not self.config.flag("index.vectors"):
            return {}
        found = self.meaning.near(question)
        self.reasons += [found.reason] if found.reason else []
        if found.failure:
            self.note(f"vectors: {found.failure}")
        if found.unfinished and self.database.writable and self.environment.get("CG_WORKER") != "off":
            meaning.start(self.git, self.environment)
        return found.cosines

    def log(self, filters: Filters, limit: int, within: Sequence[str] | None, in_force: bool, details: bool) -> log.Listing:
        self._lag()
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

    # The state of things.

    def look_for_absent(self) -> None:
        """Say when notes arrived of commits that did not: branches of others that were not fetched, or are gone."""
        if number := self._healed(lambda: overview.absent(self.database)):
            one = "1 recorded trace is on a commit that is" if number == 1 else f"{number} recorded traces are on commits that are"
            self.reasons.append(f"{one} not in this clone (`git fetch` may bring {'it' if number == 1 else 'them'})")

    def counts(self) -> dict[str, int]:
        return self._healed(lambda: overview.counts(self.database, self.view.ledger()))

    def index_state(self) -> dict[str, Any]:
        return self.meaning.index_state()

    def skipped(self) -> int:
        known = capture.seen(self.git.home)
        return known.skipped if known else 0

    def reset_index(self) -> str | None:
        """Throw the projection away; the next catch-up makes it again. Vectors go with it, their cache stays.

        Returns why a server still has the vectors, if it does.
        """
        failure = None
        try:
            self.meaning.forget()
        except (VectorError, sqlite3.DatabaseError) as error:
            failure = f"vectors on the server are left there: {error}"
            self.note(failure)
        self.database.reset()
        return failure

    def embed(self, progress: Callable[[str, int, int | None], None]) -> None:
        """Compare what waits for it, and give a vector to everything that has none. Failures are reasons: search has words."""
        self.compare(progress)
        if self.config.flag("index.vectors") and self.database.writable:
            failure = self.meaning.fill(progress, self.note)
            if failure:
                self.reasons.append(failure)
                self.note(failure)

    def start_embedding(self) -> None:
        """The same in a process of its own, when there is something to do."""
        if self.environment.get("CG_WORKER") != "off":
            waiting = inverses.waiting(self.database) > 0
            if waiting or (self.config.flag("index.vectors") and self.meaning.waiting()):
                meaning.start(self.git, self.environment)

    def check(self, words: str = "", strict: bool = False, fetched: bool = False) -> "Report":
        """Hold a range of commits against past decisions and reverts. Raises NotFoundError, UsageError (the policy)."""
        from contextgraph import check  # a fifth of the start-up of a question that needs none of it
        from contextgraph.check.policy import of_config

        sight = check.Sight(self.settings, self.notes_tip, self.refs.tracking, fetched)
        held = of_config(self.config, strict)
        return self._healed(lambda: check.check(self.view, words, self.resolve("HEAD"), held, sight, self.reasons))

    def track(self, branch: str = "") -> tracking.Track:
        """What changed since the last look; another branch than the target is asked about without remembering."""
        self._lag()
        if branch and (self.target is None or branch != self.target.name):
            found = branches.names(self.refs.heads, [branch], self.target).get(branch) or (self.resolve(branch),)
            there = branches.read(self.database, self.git, branch, found, self.target)
            return tracking.look(self.database, Ledger(self.database, branch, elsewhere=there.landing), writable=False)
        return self._healed(lambda: tracking.look(self.database, self.view.ledger(), self.database.writable))

    def compare(self, progress: Callable[[str, int, int | None], None]) -> None:
        """Find the silent reverts among the commits that no command has compared yet."""
        if self.database.writable:
            with suppress(LockError), locked(self.git.home / "compare.lock", wait=0.0):  # another process is at it already
                for done, total in inverses.steps(self.database, self.git):
                    progress("comparing commits", done, total)

    def _lag(self) -> None:
        """Say what is not known yet of what became of commits."""
        if left := inverses.waiting(self.database):
            self.reasons.append(f"silent reverts are still looked for in {left} commits (`cg refresh` does it now)")

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

    def note(self, line: str) -> None:
        """One line in the log of this repository; a log that cannot be written is no reason to stop."""
        try:
            with (self.git.home / "log").open("a", encoding="utf-8") as file:
                file.write(f"{event.moment(time.time())} {line}\n")
        except OSError:
            self.reasons += [line] if line not in self.reasons else []


def _git_settings(git: Git) -> dict[str, list[str]]:
    """Git's own values that concern us, in one process: `contextgraph.*`, remotes, hooks; names in lower case as git has them."""
    answer = git.run("config", "-z", "--get-regexp", r"^(contextgraph|remote|hook|core\.hookspath|notes)\b", accept=(0, 1))
    settings: dict[str, list[str]] = {}
    for entry in answer.split(b"\0"):
        name, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
        if name:
            settings.setdefault(name, []).append(value)
    return settings
