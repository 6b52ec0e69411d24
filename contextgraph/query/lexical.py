"""What the words of a question find: how much of the question each text explains, and the order of BM25.

Lexical confidence is absolute. How far ahead the first hit is says nothing about whether it is right: dividing by its score
turned one weak word into full confidence (EVIDENCE, Ranking). So each text is weighed by its own coverage: the share of the
question's inverse-document-frequency mass that it contains. Figures: docs/performance.md, Retrieval.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from contextgraph.index import text
from contextgraph.query.masses import TABLES, Masses, count, weights
from contextgraph.query.question import Question

KEPT = 200
"""Texts kept of each kind; a right answer stands in the first hundred or nowhere (EVIDENCE, Ranking)."""
RANKED = 200
"""Texts whose order by BM25 is asked for."""
ORDINARY, LENGTH = 160, 950
"""Words of message and paths up to which a text counts in full, and by how many more its coverage is halved.

Long messages and mass commits contain some of everything; without this they were three of four wrong first hits.
"""


class Match(msgspec.Struct, frozen=True):
    """`coverage` (0 to 1): the share of the question that the text explains, less for a very long text.

    `order` (0 to 1): its BM25 score over the best one's.
    """

    coverage: float
    order: float


class Words(msgspec.Struct, frozen=True):
    """Commits by sha, decisions by id. `best` is the coverage of the commit that BM25 puts first, `absent` are words of no text."""

    commits: dict[str, Match]
    decisions: dict[str, Match]
    best: float
    absent: tuple[str, ...] = ()


def find(connection: sqlite3.Connection, question: Question, condition: str, values: list[object]) -> Words:
    """Search both word tables. `condition` and `values` restrict commits (`commits c`); decisions are restricted later, by home."""
    terms = [f'"{word}"' for word in (*question.words, *question.phrases)]
    if not terms:
        return Words({}, {}, 0.0)
    counts = count(connection, terms)
    shares = weights(counts)
    texts, decided = (Masses(connection, table, shares, counts) for table in TABLES)
    expression = _expression(question, texts)
    ranked = _ranked(connection, "words, 5.0, 1.0, 1.0", expression, f"JOIN commits c ON c.id = number WHERE {condition}", values)
    names = dict(_passing(connection, texts.pages(row for _, _, row in ranked), condition, values)) | {row: sha for sha, _, row in ranked}
    sizes = _sizes(connection, names)
    top = ranked[0][1] if ranked else 1.0
    orders = {row: score / top for _, score, row in ranked if top > 0}
    found = {sha: Match(texts.of.get(row, 0.0) * _brevity(sizes.get(row, 0)), orders.get(row, 0.0)) for row, sha in names.items()}
    best = texts.of.get(ranked[0][2], 0.0) if ranked else 0.0
    absent = tuple(word for word in question.words if not any(each[f'"{word}"'] for each in counts.values()))
    return Words(found, _decisions(connection, _expression(question, decided), decided), best, absent)


def _expression(question: Question, masses: Masses) -> str:
    """What BM25 is asked: FTS5 gives a word that more than half of the texts have no weight (its IDF would be negative)."""
    few = [word for word in question.words if 2 * masses.counts[f'"{word}"'] <= masses.rows]
    return text.match(few or list(question.words))


def _passing(connection: sqlite3.Connection, pages: Iterable[list[int]], condition: str, values: list[object]) -> list[tuple[int, str]]:
    """(row, sha) of the first `KEPT` commits that pass, in order."""
    found: list[tuple[int, str]] = []
    for page in pages:
        query = f"SELECT c.id, c.sha FROM commits c WHERE c.id IN (SELECT value FROM json_each(?)) AND {condition}"
        names = dict(connection.execute(query, [json.dumps(page), *values]))
        found += [(row, names[row]) for row in page if row in names]
        if len(found) >= KEPT:
            break
    return found[:KEPT]


def _ranked(
    connection: sqlite3.Connection, weighed: str, expression: str, source: str, values: list[object]
) -> list[tuple[str, float, int]]:
    """(sha, score, row) of the best commits by BM25 that pass the conditions in `source`.

    Common words match tens of thousands of rows, and conditions cost more than scores: they are put to a short list, and to
    all only when that leaves too few.
    """
    ranked = f"SELECT rowid AS number, -bm25({weighed}) AS score FROM words WHERE words MATCH ?"
    for short_list in (4 * RANKED, -1):
        best = f"({ranked} ORDER BY score DESC LIMIT {short_list})"
        query = f"SELECT c.sha, score, number FROM {best} {source} ORDER BY score DESC, number DESC LIMIT {RANKED}"
        rows: list[tuple[str, float, int]] = connection.execute(query, [expression, *values]).fetchall()
        if len(rows) == RANKED or not connection.execute(f"{ranked} LIMIT 1 OFFSET {4 * RANKED}", [expression]).fetchone():
            break
    return rows


def _decisions(connection: sqlite3.Connection, expression: str, masses: Masses) -> dict[str, Match]:
    """Decisions by id; one that is at home in several commits, or in message and note, counts once."""
    query = "SELECT rowid, -bm25(decision_words, 3.0, 1.0) AS score FROM decision_words WHERE decision_words MATCH ?"
    scores = dict(connection.execute(f"{query} ORDER BY score DESC LIMIT ?", (expression, RANKED)))
    rows = {*scores, *masses.best(scores)[:KEPT]}
    asked = json.dumps(sorted(rows))
    top = max(scores.values(), default=0.0)
    found: dict[str, Match] = {}
    for row, key in connection.execute("SELECT row, id FROM decisions WHERE row IN (SELECT value FROM json_each(?))", (asked,)):
        match = Match(masses.of.get(row, 0.0), scores.get(row, 0.0) / top if top > 0 else 0.0)
        found[key] = max(match, found.get(key, match), key=lambda each: (each.coverage, each.order))
    return found


def _sizes(connection: sqlite3.Connection, rows: Iterable[int]) -> dict[int, int]:
    """The number of words of each text, all columns, from the table that FTS5 keeps for BM25."""
    asked = json.dumps(list(rows))
    found = connection.execute("SELECT id, sz FROM words_docsize WHERE id IN (SELECT value FROM json_each(?))", (asked,))
    return {row: sum(_varints(sizes)) for row, sizes in found}


def has_body(sizes: bytes) -> bool:
    """Whether a commit's row of sizes (subject, body, paths) has any words of a body."""
    return next(islice(_varints(sizes), 1, None), 0) > 0


def _varints(data: bytes) -> Iterator[int]:
    """SQLite's variable-length integers: seven bits a byte, the high bit says that more follow."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            yield value
            value = 0


def _brevity(words: int) -> float:
    return 1 / (1 + max(0, words - ORDINARY) / LENGTH)
