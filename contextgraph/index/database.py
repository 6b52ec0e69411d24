"""The SQLite file of the projection: its schema, its transactions, and what happens when it is damaged."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contextgraph.errors import Error
from contextgraph.lock import locked

RULES = 29
"""Raised when what is written into the tables changes and the tables do not."""

# `words` is contentless: a commit never changes, and its text is in git. Decisions come and go, so theirs keeps its content.
TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (
    id INTEGER PRIMARY KEY, sha TEXT NOT NULL UNIQUE, parents TEXT NOT NULL, author TEXT NOT NULL, author_time INTEGER NOT NULL,
    commit_time INTEGER NOT NULL, subject TEXT NOT NULL, landing TEXT, gone INTEGER NOT NULL DEFAULT 0, change INTEGER, inverse INTEGER,
    paths INTEGER, touches INTEGER);
CREATE INDEX commits_by_time ON commits (commit_time);
CREATE INDEX commits_by_author_time ON commits (author_time);
CREATE INDEX commits_by_change ON commits (change) WHERE change IS NOT NULL;
CREATE INDEX commits_by_landing ON commits (landing) WHERE landing <> sha;
CREATE TABLE claims (sha TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (sha, kind, target)) WITHOUT ROWID;
CREATE INDEX claims_by_target ON claims (target);
CREATE TABLE reverts (
    reverter TEXT NOT NULL, target TEXT NOT NULL, rule TEXT NOT NULL, extent REAL NOT NULL, PRIMARY KEY (reverter, target)) WITHOUT ROWID;
CREATE INDEX reverts_by_target ON reverts (target);
CREATE TABLE kept (merge TEXT NOT NULL, reverter TEXT NOT NULL, target TEXT NOT NULL, stands INTEGER NOT NULL,
    PRIMARY KEY (merge, reverter, target)) WITHOUT ROWID;
CREATE TABLE reworked (target TEXT NOT NULL, kind TEXT NOT NULL, by TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (target, kind)) WITHOUT ROWID;
CREATE TABLE watched (path TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (path, target)) WITHOUT ROWID;
CREATE INDEX commits_by_paths ON commits (paths) WHERE paths IS NOT NULL;
CREATE TABLE patches (id INTEGER PRIMARY KEY, change INTEGER, inverse INTEGER);
CREATE INDEX patches_by_change ON patches (change) WHERE change IS NOT NULL;
CREATE TABLE branches (name TEXT PRIMARY KEY, standing TEXT NOT NULL, ahead BLOB NOT NULL, behind BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tried (old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (old, new)) WITHOUT ROWID;
CREATE TABLE tracked (branch TEXT NOT NULL, sha TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (branch, sha)) WITHOUT ROWID;
CREATE TABLE paths (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE touched (path_id INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (path_id, commit_id)) WITHOUT ROWID;
CREATE INDEX touched_by_commit ON touched (commit_id);
CREATE VIRTUAL TABLE words USING fts5 (subject, body, paths, content='', tokenize='porter unicode61');
CREATE TABLE events (
    key TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, target TEXT, line BLOB NOT NULL, PRIMARY KEY (key, id))
    WITHOUT ROWID;
CREATE INDEX events_by_kind ON events (kind) WHERE kind NOT IN ('recorded', 'carried');
CREATE INDEX events_by_target ON events (target) WHERE target IS NOT NULL;
CREATE TABLE foreign_lines (key TEXT NOT NULL, why TEXT NOT NULL, newer INTEGER NOT NULL);
CREATE INDEX foreign_by_key ON foreign_lines (key);
CREATE TABLE links (old TEXT NOT NULL, new TEXT NOT NULL, how TEXT NOT NULL, PRIMARY KEY (old, new)) WITHOUT ROWID;
CREATE TABLE decisions (
    id TEXT NOT NULL, home TEXT NOT NULL, origin TEXT NOT NULL, row INTEGER NOT NULL UNIQUE, at TEXT NOT NULL, supersedes TEXT,
    PRIMARY KEY (id, home, origin)) WITHOUT ROWID;
CREATE INDEX decisions_by_home ON decisions (home);
CREATE INDEX decisions_superseding ON decisions (supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE filled (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE decision_words USING fts5 (title, text, tokenize='porter unicode61');
"""
# Of the text itself: two people who each change a table and raise a number would otherwise make two versions of one number.
SCHEMA_VERSION = zlib.crc32(f"{RULES}{TABLES}".encode()) & 0x7FFFFFFF
SCHEMA = f"{TABLES}PRAGMA user_version = {SCHEMA_VERSION};"


class Database:
    """One connection. `writable` is False when the file or its directory may not be written: reading goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writable = True
        self.damage: str | None = None
        """What was wrong with a file that could not be read and was made anew."""
        self.connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._connect(f"file:{_quoted(self.path)}?mode=rwc")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if self._version(connection) == SCHEMA_VERSION:
                connection.execute("SELECT value FROM meta LIMIT 1").fetchone()
                return connection
            connection.close()
            return self._made_once()
        except (sqlite3.OperationalError, OSError):
            return self._open_reading()
        except sqlite3.DatabaseError as error:
            self.damage = str(error)
            return self._create()

    def _open_reading(self) -> sqlite3.Connection:
        """Where nothing may be written: the file as it is, or else a projection in memory, made for this one answer."""
        self.writable = False
        try:
            connection = self._connect(f"file:{_quoted(self.path)}?mode=ro&immutable=1")
            if self._version(connection) == SCHEMA_VERSION:
                return connection
            connection.close()
        except sqlite3.DatabaseError:
            pass  # absent or damaged; both are answered by the one in memory
        self.writable = True
        connection = self._connect(":memory:")
        connection.executescript(SCHEMA)
        return connection

    def _made_once(self) -> sqlite3.Connection:
        """Two processes may find no index at the same time: the second takes what the first has made, and does not unlink it."""
        with locked(self.path.with_name("index.lock")):
            connection = self._connect(f"file:{_quoted(self.path)}?mode=rwc")
            if self._version(connection) == SCHEMA_VERSION:
                connection.execute("PRAGMA synchronous = NORMAL")
                return connection
            connection.close()
            return self._create()

    def _create(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        connection = self._connect(f"file:{_quoted(self.path)}?mode=rwc")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
        return connection

    @staticmethod
    def _connect(uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, timeout=30, isolation_level=None, uri=True)
        connection.execute("PRAGMA cache_size = -32000")
        return connection

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def reset(self) -> None:
        """Throw everything away and begin anew."""
        self.connection.close()
        self.connection = self._create()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; one writer at a time. Raises Error when the disk is full or the file may not be written."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise Error(f"the index {self.path} cannot be written: {error}", _cure(str(error))) from None
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def get(self, name: str) -> str | None:
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def put(self, name: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _cure(words: str) -> str:
    return "free some space and repeat the command" if "full" in words else "the index can be deleted; it is made again"


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))
