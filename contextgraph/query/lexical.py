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
    ranked = "SELECT rowid AS number, -bm25(words, 5.0, 1.0, 1.0) AS score FROM words WHERE words MATCH ?"
    source = f"JOIN commits c ON c.id = number WHERE {condition}"
    rows = _best(connection, "c.sha", ranked, source, [expression, *values], COMMITS)
    ranked = "SELECT rowid AS number, -bm25(decision_words, 3.0, 1.0) AS score FROM decision_words WHERE decision_words MATCH ?"
    source = f"JOIN decisions d ON d.row = number LEFT JOIN commits c ON c.sha = d.home WHERE {condition}"
    decided = _best(connection, "d.id", ranked, source, [expression, *values], DECISIONS)
    return Words(
        [Hit(sha, score) for sha, score, _ in rows],
        [Hit(key, score) for key, score, _ in decided],
        _coverage(connection, "words", words, rows[0][2]) if rows else 0.0,
        _coverage(connection, "decision_words", words, decided[0][2]) if decided else 0.0,
    )


def _best(
    connection: sqlite3.Connection, key: str, ranked: str, source: str, values: list[object], count: int
) -> list[tuple[str, float, int]]:
    """(key, score, row) of the best `count` rows of `ranked` that pass the conditions in `source`.

    Common words match tens of thousands of rows, and conditions cost more than scores: they are put to a short list, and to
    all only when that leaves too few.
    """
    for short_list in (4 * count, -1):
        best = f"({ranked} ORDER BY score DESC LIMIT {short_list})"
        query = f"SELECT {key}, score, number FROM {best} {source} ORDER BY score DESC LIMIT {count}"
        rows: list[tuple[str, float, int]] = connection.execute(query, values).fetchall()
        if len(rows) == count or not connection.execute(f"{ranked} LIMIT 1 OFFSET {4 * count}", values[:1]).fetchone():
            break
    return rows


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
