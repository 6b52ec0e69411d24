"""Taking a text out of what was computed from it: the embedding cache and the vectors. The SQLite projection is made anew."""

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from contextgraph.errors import Error
from contextgraph.index.database import Database
from contextgraph.index.filling import LONGEST
from contextgraph.index.vectors import Vectors


def texts(database: Database, identity: str) -> list[str]:
    """The texts that were embedded for a decision, or for every decision of an event's note."""
    rows = database.connection.execute(
        "SELECT w.title, w.text FROM decisions d JOIN decision_words w ON w.rowid = d.row"
        " WHERE d.id = ? OR d.home IN (SELECT key FROM events WHERE id = ?)",
        (identity, identity),
    )
    return [f"{title}\n{text}"[:LONGEST] for title, text in rows]


def forget(home: Path, embedded: list[str]) -> None:
    """Drop these texts from the embedding cache, and all vectors: they are made again, from the cache. Raises Error."""
    path = home / "embeddings.db"
    if path.exists():
        keys = [(sha256(text.encode("utf-8", "surrogatepass")).digest(),) for text in embedded]
        try:
            with closing(sqlite3.connect(path, timeout=10.0)) as cache:
                with cache:
                    cache.executemany("DELETE FROM embedding WHERE text = ?", keys)
                cache.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cache.execute("VACUUM")
                cache.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise Error(f"the embedding cache {path} cannot be cleaned: {error}", "delete that file") from None
    if (home / "chroma").exists():
        Vectors(home / "chroma", "purged", 1).reset()
