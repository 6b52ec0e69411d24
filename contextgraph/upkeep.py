"""What keeps a repository's index, vectors and shared notes in step, beyond what every question does first."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from contextgraph import capture, event, lag, pushes, refill, sync
from contextgraph.errors import LockError, VectorError
from contextgraph.lock import locked
from contextgraph.repository import Repository
from contextgraph.status import inverses, standing


class Upkeep(Repository):
    """A repository that is looked after: vectors, silent reverts, reminders, pushed notes."""

    def remind(self) -> None:
        """Once a day, where there is a remote, a notice when many traces are in this clone alone. For faces with a reader."""
        if lag.remotes(self.settings):
            self._after_push()
            today = event.moment(time.time())[:10]
            lag.unshared(self.store, self.refs.tracking, self.notes_tip, self._recorded, self.notices.append, today)

    def _recorded(self) -> int:
        return int(self.database.connection.execute("SELECT count(*) FROM events WHERE kind = 'recorded'").fetchone()[0])

    def _after_push(self) -> None:
        """Where `sync.push` says so, the reasons follow a branch that was pushed: by the worker, or people are asked to."""
        wanted = self.config.text("sync.push")
        if wanted == "never" or not self.installed:
            return
        for remote, when in pushes.due(self.git, lag.remotes(self.settings)).items():
            if wanted == "ask":
                self.notices.append(f"a branch was pushed to {remote}; `cg sync {remote}` shares its reasons (sync.push)")
                pushes.done(self.git, remote, when)
            elif self.environment.get("CG_WORKER") != "off":
                refill.start(self.git, self.environment, "--push")

    def push_notes(self) -> None:
        """Share the notes with every remote that a branch was pushed to, where `sync.push` is auto. Raises Error."""
        for remote, when in pushes.due(self.git, lag.remotes(self.settings)).items() if self.config.text("sync.push") == "auto" else ():
            sync.run(self.store, self.settings, remote, refill.quiet)
            pushes.done(self.git, remote, when)

    def look_for_remotes(self) -> None:
        """Say when a remote may have notes and was never asked. For answers; `cg check` has its own words for it."""
        remote = lag.unasked(self.git, self.settings, self.refs.tracking)
        if remote:
            self.reasons.append(f"the notes of `{remote}` were never fetched: decisions in them are not seen (`cg sync --fetch-only`)")

    def index_state(self) -> dict[str, Any]:
        return self.refill.index_state()

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

    def embed(self, progress: Callable[[str, int, int | None], None], asked: bool = True) -> bool:
        """Compare what waits for it, and give a vector to everything that has none; returns whether that went well. Failures are
        reasons: search has words."""
        if asked or not sync.partial(self.settings):  # a fetch for every commit, which nobody would expect of a background process
            self.compare(progress)
        if self.config.flag("index.vectors") and self.database.writable:
            try:
                failure = self.refill.fill(progress, self.note)
            except LockError:
                self._tell("another process makes the vectors, and is at it still; `cg status` tells how far")
                return False
            if failure:
                self.reasons.append(failure)
                self.note(failure)
                return False
        return True

    def worked(self) -> None:
        """Remember that all is well now: what failed before is no news."""
        if self.database.writable:
            with self.database.transaction():
                self.database.put("worked", event.moment(time.time()))

    def start_embedding(self) -> None:
        """The same in a process of its own, when there is something to do."""
        if self.environment.get("CG_WORKER") != "off":
            behind = inverses.waiting(self.database) > 0 or standing.behind(self.database)
            waiting = behind and not sync.partial(self.settings)
            if waiting or (self.config.flag("index.vectors") and self.refill.may_start() and self.refill.waiting()):
                refill.start(self.git, self.environment)

    def compare(self, progress: Callable[[str, int, int | None], None]) -> None:
        """Find the silent reverts among the commits that no command has compared yet, and what came back of what was reverted."""
        if not self.database.writable:
            return
        try:
            with locked(self.git.home / "compare.lock", wait=0.0):
                for done, total in inverses.steps(self.database, self.git):
                    progress("comparing commits", done, total)
                standing.sync(self.database, self.git)
        except LockError:
            if left := inverses.waiting(self.database):
                self._tell(f"another process compares the last {left} commits; silent reverts among them are not known yet")

    def _lag(self) -> None:
        """Say what is not known yet of what became of commits."""
        if left := inverses.waiting(self.database):
            self.reasons.append(f"silent reverts are still looked for in {left} commits (`cg refresh` does it now)")
        elif standing.behind(self.database):
            self.reasons.append("what came back after its revert is still looked for in the files (`cg refresh` does it now)")
