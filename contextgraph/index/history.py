"""Commits into the projection: every commit of every local and remote-tracking head, each once."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice

from contextgraph import commits
from contextgraph.commits import Commit
from contextgraph.errors import GitError
from contextgraph.event import moment
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.text import LONGEST, decision_text, identifiers
from contextgraph.trace import Decision

GENERATIONS = 200
"""Commits asked about at once where a head was pruned."""
BATCH = 4_000
BRANCH = 2_000
"""Commits that lead to recorded ones which no head reaches, at most."""
Progress = Callable[[str, int], None]
"""Told the phase and how many are done so far."""
Reader = Callable[[Commit], list[Decision]]
"""Finds the decisions in a commit's own words; passed in, because sources of decisions are not the index's business."""


class History:
    """Keeps `commits`, `words`, `touched` and message decisions in step with the heads of the repository."""

    def __init__(self, database: Database, git: Git, decisions_of: Reader) -> None:
        self.database = database
        self.git = git
        self.decisions_of = decisions_of
        self._paths: dict[str, int] = {}

    def tips(self) -> list[str]:
        """The heads that the index has seen."""
        stored = self.database.get("tips")
        return list(json.loads(stored)) if stored else []

    def sync(self, tips: list[str], progress: Progress) -> int:
        """Index what `tips` reach and is not here yet; returns how many commits that was. Resumable: each batch is kept.

        A shallow clone that was deepened (or cut) begins anew: heads stay where they are, and what is older says what became of
        the newer.
        """
        known, boundary = self.tips(), self._boundary()
        if known and (self.database.get("boundary") or "") != boundary:
            self.database.reset()
            known = []
        if sorted(known) == tips:
            return 0
        stream = iter(self._new(tips, known))
        done = 0
        while batch := list(islice(stream, BATCH)):
            with self.database.transaction() as connection:
                self._insert(connection, batch)
            done += len(batch)
            progress("indexing commits", done)
        lost = [tip for tip in known if tip not in tips]
        with self.database.transaction() as connection:
            self._forget(connection, lost, tips)
            self.database.put("tips", json.dumps(tips))
            self.database.put("boundary", boundary)
        return done

    def _boundary(self) -> str:
        """Where the history of a shallow clone ends; "" for a whole one."""
        try:
            return blake2b((self.git.common_dir / "shallow").read_bytes(), digest_size=8).hexdigest()
        except FileNotFoundError:
            return ""

    def _new(self, tips: list[str], known: list[str]) -> Iterator[Commit]:
        return commits.walk(self.git, tips, known) if tips else iter(())

    def add(self, shas: Iterable[str]) -> None:
        """Index single commits that no head reaches (recorded on a deleted branch, say), marked as gone, and what leads to them: a
        squash is known by the whole of its branch."""
        wanted = [sha for sha in shas if not self._has(sha)]
        if not wanted:
            return
        found = self._readable(list(dict.fromkeys([*wanted, *(sha for sha in self._leading_to(wanted) if not self._has(sha))])))
        with self.database.transaction() as connection:
            self._insert(connection, found)
            connection.executemany("UPDATE commits SET gone = 1 WHERE sha = ?", [(commit.sha,) for commit in found])

    def _leading_to(self, shas: list[str]) -> list[str]:
        asked = "".join(f"{sha}\n" for sha in shas) + "".join(f"^{tip}\n" for tip in self.tips())
        try:
            return self.git.text("rev-list", "--ignore-missing", f"--max-count={BRANCH}", "--stdin", stdin=asked.encode()).split()
        except GitError:  # a parent was pruned
            return []

    def _readable(self, shas: list[str]) -> list[Commit]:
        """Those that git can show. It passes over what is absent or no commit, but stops at a damaged one, or one whose parent
        is gone: then each half is asked for by itself, and the trace of what is left over answers from its note alone."""
        try:
            return list(commits.walk(self.git, shas, alone=True))
        except GitError as error:
            if len(shas) == 1 or "promisor" in error.message:  # a remote that cannot be reached would be asked again and again
                return []
            middle = len(shas) // 2
            return self._readable(shas[:middle]) + self._readable(shas[middle:])

    def _has(self, sha: str) -> bool:
        return self.database.connection.execute("SELECT 1 FROM commits WHERE sha = ?", (sha,)).fetchone() is not None

    def _forget(self, connection: sqlite3.Connection, lost: list[str], tips: list[str]) -> None:
        """Mark what a moved or deleted head no longer reaches."""
        if not lost:
            return
        unreached = self._unreached(connection, lost, tips)
        connection.executemany("UPDATE commits SET gone = 1 WHERE sha = ?", [(sha,) for sha in unreached])

    def _unreached(self, connection: sqlite3.Connection, lost: list[str], tips: list[str]) -> set[str]:
        """What lost heads reach and no head does; one process, unless something is missing there."""
        asked = "".join(f"{tip}\n" for tip in lost) + "".join(f"^{tip}\n" for tip in tips)
        try:
            return self._listed(asked)
        except GitError:
            pruned = self._pruned(connection, lost)
        try:
            return pruned | self._listed(asked, "--ignore-missing")
        except GitError:
            return pruned | set(lost)

    def _listed(self, asked: str, *options: str) -> set[str]:
        return set(self.git.text("rev-list", *options, "--stdin", stdin=asked.encode()).split())

    def _pruned(self, connection: sqlite3.Connection, lost: list[str]) -> set[str]:
        """What lost heads had and git has no more: it cannot walk there, but the index knows their parents."""
        pruned: set[str] = set()
        waiting = set(lost)
        while waiting:
            near = self._ancestors(connection, waiting)
            answer = self.git.run("cat-file", "--batch-check", stdin="".join(f"{sha}\n" for sha in near).encode()).decode()
            missing = {line.split()[0] for line in answer.splitlines() if line.endswith(" missing")}
            pruned |= missing
            waiting = {parent for sha in missing for parent in near[sha]} - near.keys() - pruned
        return pruned

    def _ancestors(self, connection: sqlite3.Connection, shas: set[str]) -> dict[str, list[str]]:
        """These commits and those before them, a batch of them, with their parents as the index knows them."""
        found: dict[str, list[str]] = {}
        waiting = list(shas)
        while waiting and len(found) < GENERATIONS:
            sha = waiting.pop(0)
            row = connection.execute("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
            found[sha] = row[0].split() if row else []
            waiting += [parent for parent in found[sha] if parent not in found]
        return found

    def _insert(self, connection: sqlite3.Connection, batch: list[Commit]) -> None:
        from contextgraph import claims, filekind  # their patterns take longer to compile than a question to answer

        there = self._there(connection, batch)
        batch = [commit for commit in batch if commit.sha not in there]
        first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM commits").fetchone()[0]
        rows, words, touched, claimed = [], [], [], []
        for number, commit in enumerate(batch, first):
            names = [path for _, path, _ in commit.changes]
            facts = (commit.author, commit.author_time, commit.commit_time, commit.subject)
            rows.append(
                (
                    number,
                    commit.sha,
                    " ".join(commit.parents),
                    *facts,
                    *swap(commit),
                    _path_set(names),
                    filekind.touched(names) if names else None,
                )
            )
            claimed += [(commit.sha, claim.kind, claim.target) for claim in claims.read(commit.message)]
            words.append((number, identifiers(commit.subject), identifiers(commit.body[:LONGEST]), identifiers(" ".join(names[:200]))))
            touched += [(self._path(connection, name), number) for name in names]
            self._message_decisions(connection, commit)
        connection.executemany(
            "INSERT INTO commits (id, sha, parents, author, author_time, commit_time, subject, change, inverse, paths, touches)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", claimed)
        connection.executemany("INSERT INTO words (rowid, subject, body, paths) VALUES (?, ?, ?, ?)", words)
        connection.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", touched)

    def _there(self, connection: sqlite3.Connection, batch: list[Commit]) -> set[str]:
        """Those of the batch that are here already (an interrupted run, a head that came back); they count again."""
        asked = json.dumps([commit.sha for commit in batch])
        there = {sha for (sha,) in connection.execute("SELECT sha FROM commits WHERE sha IN (SELECT value FROM json_each(?))", (asked,))}
        connection.executemany("UPDATE commits SET gone = 0 WHERE sha = ? AND gone = 1", [(sha,) for sha in there])
        return there

    def _path(self, connection: sqlite3.Connection, name: str) -> int:
        """The number of a path. Looked up one by one: a big repository has more paths than a day's commits touch."""
        if name not in self._paths:
            row = connection.execute("SELECT id FROM paths WHERE path = ?", (name,)).fetchone()
            self._paths[name] = row[0] if row else connection.execute("INSERT INTO paths (path) VALUES (?)", (name,)).lastrowid or 0
        return self._paths[name]

    def _message_decisions(self, connection: sqlite3.Connection, commit: Commit) -> None:
        for decision in self.decisions_of(commit):
            insert_decision(connection, decision, commit.sha, "message", moment(commit.commit_time))


def swap(commit: Commit) -> tuple[int | None, int | None]:
    """What the commit does to which objects, and what its exact inverse would do, each as 63 bits; None for no change.

    Two commits undo each other to the byte exactly when the one's first is the other's second.
    """
    if not commit.blobs:
        return None, None
    paths = [path.encode("utf-8", "surrogateescape") for _, path, _ in commit.changes]
    forward = sorted((path, before, after) for path, (before, after) in zip(paths, commit.blobs, strict=True))
    backward = sorted((path, after, before) for path, before, after in forward)
    return _bits(forward), _bits(backward)


def _path_set(names: list[str]) -> int | None:
    """The set of changed paths as 63 bits: commits that undo each other have the same one."""
    return _hash("\0".join(sorted(names)).encode("utf-8", "surrogateescape")) if names else None


def _bits(changes: list[tuple[bytes, bytes, bytes]]) -> int:
    return _hash(b"\0".join(b"\0".join(change) for change in changes))


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest()) >> 1


def insert_decision(connection: sqlite3.Connection, decision: Decision, home: str, origin: str, at: str) -> None:
    """One decision into `decisions` and `decision_words`. `origin` is `message` or `note`: where it was read."""
    if connection.execute("SELECT 1 FROM decisions WHERE (id, home, origin) = (?, ?, ?)", (decision.id, home, origin)).fetchone():
        return
    text = decision_text(decision)
    row = connection.execute(
        "INSERT INTO decision_words (title, text) VALUES (?, ?)", (identifiers(decision.title), identifiers(text))
    ).lastrowid
    connection.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)", (decision.id, home, origin, row, at, decision.supersedes))
