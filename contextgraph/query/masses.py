"""How much of a question each text of a table holds, without reading every text that has a common word."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator

PHRASE = 0.5
"""What an identifier in one piece weighs beside its parts, which count as words of their own."""
PAGE = 1_600
"""Rows whose filters are asked for first."""
COMMON = 1 / 8
"""The share of a table's texts from which on a term need not be read; those below cost a few milliseconds at 100,000 texts."""
TABLES = {"words": "commits", "decision_words": "decisions"}
"""The tables of words, each with the table of what its texts belong to."""


Counts = dict[str, dict[str, int]]
"""Of each table and term the number of texts that have it."""


def count(connection: sqlite3.Connection, terms: Iterable[str]) -> Counts:
    """How many texts have each term, and (under the empty term) how many there are."""
    found: Counts = {}
    for table, owners in TABLES.items():
        found[table] = {"": connection.execute(f"SELECT count(*) FROM {owners}").fetchone()[0]}
        for term in terms:
            found[table][term] = connection.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH ?", (term,)).fetchone()[0]
    return found


def weights(counts: Counts) -> dict[str, float]:
    """The share of the question's mass that each term has, by how rare it is; they add up to 1. The heaviest comes first."""
    sums = {term: sum(each[term] for each in counts.values()) for term in next(iter(counts.values()))}
    total = sums.pop("")
    rarity: dict[str, float] = {}
    for term, having in sums.items():
        rarity[term] = math.log(1 + (total - having + 0.5) / (having + 0.5)) if having < total else 1e-6
        rarity[term] *= PHRASE if " " in term else 1.0
    mass = sum(rarity.values())
    return {term: rarity[term] / mass for term in sorted(rarity, key=lambda term: -rarity[term])}


class Masses:
    """For each row of a table of words the share of the question that it holds (`of`, 0 to 1).

    The heaviest terms are `read` whole. A common one is not, once a page of rows holds half of all that is left: a row without
    the heavier terms comes among those only if it has nearly all the common ones. What these add to the others is looked up.
    """

    def __init__(self, connection: sqlite3.Connection, table: str, shares: dict[str, float], counts: Counts) -> None:
        self.connection, self.shares = connection, shares
        self.query = f"SELECT rowid FROM {table} WHERE {table} MATCH ?"
        self.of: dict[int, float] = {}
        self.read: set[str] = set()
        self.counts = counts[table]
        self.rows = self.counts[""]
        self._completed: set[int] = set()
        left = 1.0
        for term, share in shares.items():
            if self.counts[term] > max(PAGE, COMMON * self.rows) and self._settled(left):
                break
            self._add(term)
            left -= share

    def _settled(self, left: float) -> bool:
        return len(self.of) >= PAGE and sum(2 * mass >= left for mass in self.of.values()) >= PAGE

    def _add(self, term: str) -> None:
        share, masses, done = self.shares[term], self.of, self._completed
        for (row,) in self.connection.execute(self.query, (term,)):
            if row not in done:
                masses[row] = masses.get(row, 0.0) + share
        self.read.add(term)

    def _complete(self, rows: Iterable[int]) -> None:
        """Add what these rows hold of the terms that were not read."""
        fresh = set(rows) - self._completed
        if not fresh:
            return
        asked = json.dumps(list(fresh))
        for term in self.shares.keys() - self.read:
            # The sign keeps FTS5 from seeking row after row, which takes ten times as long as passing over all that have the term.
            for (row,) in self.connection.execute(f"{self.query} AND +rowid IN (SELECT value FROM json_each(?))", (term, asked)):
                self.of[row] = self.of.get(row, 0.0) + self.shares[term]
        self._completed |= fresh

    def best(self, others: Iterable[int] = ()) -> list[int]:
        """A page of the rows with the greatest mass, the newest first among equals; `others` are to have theirs whole as well."""
        self._complete([*self.of, *others])
        return self._ordered(self.of)[:PAGE]

    def pages(self, others: Iterable[int] = ()) -> Iterator[list[int]]:
        """All rows, the best first: when a filter leaves few of the first page, the common terms are read as well."""
        first = self.best(others)
        yield first
        for term in self.shares.keys() - self.read:
            self._add(term)
        yield self._ordered(self.of.keys() - set(first))

    def _ordered(self, rows: Iterable[int]) -> list[int]:
        """There are few different masses, so sorting rows below each is faster than sorting pairs."""
        by_mass: dict[float, list[int]] = {}
        for row in rows:
            by_mass.setdefault(self.of[row], []).append(row)
        return [row for mass in sorted(by_mass, reverse=True) for row in sorted(by_mass[mass], reverse=True)]
