"""One repository, opened: its settings, its index, and everything that happened since the last look taken in."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from contextgraph import catchup, commits, config, event, meaning, refill, refs, sync
from contextgraph.errors import Error, NotFoundError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.history import Progress
from contextgraph.index.noted import Noted
from contextgraph.notes import Store
from contextgraph.query.view import View
from contextgraph.status import branches, landing

T = TypeVar("T")


def silent(phase: str, done: int) -> None:
    """The progress of whoever does not watch."""


class Repository:
    """What a graph stands on: git, settings, notes, index, caught up and healed."""

    def __init__(self, git: Git, environment: Mapping[str, str]) -> None:
        self.git = git
        self.environment = environment
        self.settings = _git_settings(git)
        named = ((name.removeprefix("contextgraph."), values) for name, values in self.settings.items() if name.startswith("contextgraph."))
        ours = {name: [_readable(each) for each in values] for name, values in named}
        self.installed = "installed" in ours
        variables = {name: _readable(value) if name.startswith("CG_") else value for name, value in environment.items()}
        self.config = config.load(git.top, ours, variables)
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
    def open(cls, directory: Path, environment: Mapping[str, str] | None = None) -> Self:
        """The repository that `directory` is in. Raises NotFoundError, GitError, UsageError (settings)."""
        environment = os.environ if environment is None else environment
        return cls(Git.discover(directory, environment), environment)

    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = Database(self.git.home / "index.db")
            if self._database.damage:
                self.note(f"the index was damaged ({self._database.damage}) and was made again")
        return self._database

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

    def resolve(self, revision: str) -> str:
        """The full sha of a commit. Raises NotFoundError."""
        sha = self.git.maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if sha is None:
            empty = revision == "HEAD" and not self.git.maybe("rev-parse", "--verify", "--quiet", "HEAD")
            raise NotFoundError("there is no commit yet" if empty else f"`{revision}` is not a commit here")
        return sha

    def masked(self, given: T) -> T:
        """The same without secrets; `notices` says what kinds were found."""
        from contextgraph import secrets  # its patterns take longer to compile than a question to answer

        cleaned, kinds = secrets.clean(given, self.config.many("secrets.allow"))
        for kind in dict.fromkeys(kinds):
            self.notices.append(f"something that looks like a secret was masked before it was written: {kind} (secrets.allow lets it pass)")
        result: T = cleaned
        return result

    def author(self) -> str:
        """Who is doing this, as git would write it, or as much of it as is known."""
        identity = self.git.maybe("var", "GIT_COMMITTER_IDENT")
        return identity.rsplit(" ", 2)[0] if identity else f"{self.environment.get('USER', 'unknown')} <>"

    @property
    def meaning(self) -> meaning.Meaning:
        return meaning.Meaning(self.git, self.database, self.config, self.repository)

    @property
    def refill(self) -> refill.Refill:
        return refill.Refill(self.git, self.meaning)

    @property
    def view(self) -> View:
        if self._view is None:
            noted = Noted(self.database, self.store)
            self._view = View(self.git, self.database, noted, self.target, self.repository, self._branches(), self._tell)
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

    def _tell(self, reason: str) -> None:
        self.reasons += [reason] if reason not in self.reasons else []

    def note(self, line: str) -> None:
        """One line in the log of this repository; a log that cannot be written is no reason to stop."""
        try:
            with (self.git.home / "log").open("a", encoding="utf-8") as file:
                file.write(f"{event.moment(time.time())} {line}\n")
        except OSError:
            self.reasons += [line] if line not in self.reasons else []


def _readable(value: str) -> str:
    """A setting as text whatever its bytes, the way the names of branches are read."""
    return value if value.isascii() else commits.text(os.fsencode(value))


def _git_settings(git: Git) -> dict[str, list[str]]:
    """Git's own values that concern us, in one process: `contextgraph.*`, remotes, hooks; names in lower case as git has them."""
    answer = git.run("config", "-z", "--get-regexp", r"^(contextgraph|remote|hook|core\.hookspath|notes)\b", accept=(0, 1))
    settings: dict[str, list[str]] = {}
    for entry in answer.split(b"\0"):
        name, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
        if name:
            settings.setdefault(name, []).append(value)
    return settings
