"""Common words are not read whole, and yet every row that is worth a look holds what it would hold if they were."""

import random
import sqlite3

import pytest

from contextgraph.index.database import SCHEMA
from contextgraph.query import masses
from contextgraph.query.masses import PAGE, Masses

ROWS = 5 * PAGE


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    """Texts of which nearly all say `common`, most `usual`, a third `cache`; one of them `reftable`."""
    choice = random.Random(7)
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    texts = []
    for number in range(1, ROWS + 1):
        chances = {"common": 0.95, "usual": 0.6, "cache": 0.33, "reftable": 1.0 if number == 77 else 0.0}
        texts.append((number, " ".join(word for word, chance in chances.items() if choice.random() < chance)))
    connection.executemany("INSERT INTO words (rowid, subject, body, paths) VALUES (?, ?, '', '')", texts)
    commits = "INSERT INTO commits (id, sha, parents, author, author_time, commit_time, subject) VALUES (?, ?, '', '', 0, 0, ?)"
    connection.executemany(commits, [(number, str(number), subject) for number, subject in texts])
    return connection


def whole(connection: sqlite3.Connection, shares: dict[str, float]) -> dict[int, float]:
    """The masses by reading every text that has any of the terms."""
    found: dict[int, float] = {}
    for term, share in shares.items():
        for (row,) in connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (term,)):
            found[row] = found.get(row, 0.0) + share
    return found


def test_the_best_rows_are_those_of_reading_everything(connection: sqlite3.Connection) -> None:
    counts = masses.count(connection, ['"cache"', '"common"', '"usual"'])
    shares = masses.weights(counts)
    found = Masses(connection, "words", shares, counts)
    assert found.read == {'"cache"'}, "the common words are not read"
    everything = whole(connection, shares)
    best = found.best()
    assert len(best) == PAGE
    assert best == sorted(everything, key=lambda row: (-everything[row], -row))[:PAGE]
    assert found.of == pytest.approx({row: everything[row] for row in found.of}), "what they hold is whole all the same"


def test_a_rare_word_does_not_hide_the_rest(connection: sqlite3.Connection) -> None:
    counts = masses.count(connection, ['"reftable"', '"usual"'])
    shares = masses.weights(counts)
    found = Masses(connection, "words", shares, counts)
    assert found.read == shares.keys(), "one row is no page"
    assert found.best()[0] == 77
    assert found.of == pytest.approx(whole(connection, shares))


def test_pages_go_on_to_every_row(connection: sqlite3.Connection) -> None:
    counts = masses.count(connection, ['"cache"', '"common"'])
    shares = masses.weights(counts)
    found = Masses(connection, "words", shares, counts)
    rows = [row for page in found.pages([3, 5]) for row in page]
    assert len(rows) == len(set(rows)), "each row once"
    assert set(rows) == whole(connection, shares).keys()
    assert found.of == pytest.approx(whole(connection, shares)), "nothing is counted twice"


def test_terms_weigh_by_rarity(connection: sqlite3.Connection) -> None:
    counts = masses.count(connection, ['"common"', '"reftable"', '"absent"'])
    shares = masses.weights(counts)
    assert list(shares) == ['"absent"', '"reftable"', '"common"']
    assert sum(shares.values()) == pytest.approx(1.0)
