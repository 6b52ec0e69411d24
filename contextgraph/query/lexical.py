"""What the words of a question find: BM25 over commits and over decisions, and how much of the question it explains."""

import math
import sqlite3

import msgspec

from contextgraph.index import text

COMMITS = 300
DECISIONS = 200
"""Hits looked at of each kind; a right answer stands in the first hundred or nowhere (EVIDENCE, Ranking)."""


class Hit(msgspec.Struct, frozen=True):
    """A commit or a decision found by words: `score` is BM25, larger is better."""

    key: str
    score: float


class Words(msgspec.Struct, frozen=True):
    """Commits and decisions found by words, best first, and the share of the question's weight that the best commit explains."""

    commits: list[Hit]
    decisions: list[Hit]
    coverage: float
    decision_coverage: float


def find(connection: sqlite3.Connection, question: str, condition: str, values: list[object]) -> Words:
    """Search both word tables. `condition` and `values` restrict commits (`commits c`); decisions are restricted by their home."""
    words = text.terms(question)
    if not words:
        return Words([], [], 0.0, 0.0)
    expression = text.match(words)
    rows = connection.execute(
        f"SELECT c.sha, -bm25(words, 5.0, 1.0, 1.0) AS score, c.id FROM words JOIN commits c ON c.id = words.rowid"
        f" WHERE words MATCH ? AND {condition} ORDER BY score DESC LIMIT {COMMITS}",
        [expression, *values],
    ).fetchall()
    decided = connection.execute(
        "SELECT d.id, -bm25(decision_words, 3.0, 1.0) AS score, d.row FROM decision_words JOIN decisions d ON d.row = decision_words.rowid"
        f" LEFT JOIN commits c ON c.sha = d.home WHERE decision_words MATCH ? AND {condition} ORDER BY score DESC LIMIT {DECISIONS}",
        [expression, *values],
    ).fetchall()
    return Words(
        [Hit(sha, score) for sha, score, _ in rows],
        [Hit(key, score) for key, score, _ in decided],
        _coverage(connection, "words", words, rows[0][2]) if rows else 0.0,
        _coverage(connection, "decision_words", words, decided[0][2]) if decided else 0.0,
    )


def _coverage(connection: sqlite3.Connection, table: str, words: list[str], row: int) -> float:
    """The inverse-document-frequency mass of the question's words that the document `row` has, between 0 and 1."""
    total = connection.execute("SELECT count(*) FROM commits").fetchone()[0] + 1
    explained = mass = 0.0
    for word in words:
        spelled = f'"{word}"'
        having = connection.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH ?", (spelled,)).fetchone()[0]
        weight = math.log(1 + (total - having + 0.5) / (having + 0.5)) if having < total else 0.0
        mass += weight
        if having and connection.execute(f"SELECT 1 FROM {table} WHERE {table} MATCH ? AND rowid = ?", (spelled, row)).fetchone():
            explained += weight
    return explained / mass if mass else 0.0
