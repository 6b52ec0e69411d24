"""What looks like a reverted change that was done once more, though it is not the same change: told beside the status, which it leaves."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from math import log
from sqlite3 import Connection

from contextgraph.index.database import Database
from contextgraph.status.returns import COMMON, bare, reverted_titles, words_of

ALIKE = 0.5
"""Weight of the words that two titles share, of the weight of all of either (a word weighs the more the fewer titles have it), from which
they are alike: with a path in common nearly all such in libuv, vite, aiohttp and pebble were the same once more, or its next version."""
TITLE = "the same title"
OFTEN = 2_000
"""Titles with a word from which on they are not counted."""
_MERGE = re.compile(r"Merged? ")
Likeness = tuple[str, str, str]
"""(target, what looks like it once more, how)."""


def keep(connection: Connection, kind: str, looked_at: Iterable[str], found: list[Likeness]) -> None:
    """Keep what was `found` in the place of what was known of those that were `looked_at`."""
    connection.executemany("DELETE FROM reworked WHERE target = ? AND kind = ?", [(target, kind) for target in looked_at])
    connection.executemany("INSERT OR IGNORE INTO reworked VALUES (?, ?, ?, ?)", [(target, kind, by, how) for target, by, how in found])


def of(connection: Connection, target: str) -> list[tuple[str, str]]:
    """(commit, what is like it) of what looks like `target` once more, each commit once."""
    told: dict[str, list[str]] = {}
    for by, how in connection.execute("SELECT by, detail FROM reworked WHERE target = ? ORDER BY kind", (target,)):
        told.setdefault(by, []).append(how)
    return [(by, ", ".join(ways)) for by, ways in told.items()]


def titled(connection: Connection, target: str) -> list[str]:
    """What has the very title of `target`."""
    return [by for (by,) in connection.execute("SELECT by FROM reworked WHERE target = ? AND detail = ?", (target, TITLE))]


def alike(database: Database, landed: set[int] | None) -> list[Likeness]:
    """The first commit of a like title for each that was reverted, after that, where both touch one path; among those with these ids, or
    all for None."""
    later = list(_later(database, landed))
    often = Counter(word for words, *_ in later for word in words)
    reverted = _reverted(database, often.keys())
    begins: dict[str, list[str]] = {}
    for target, (words, *_) in reverted.items():
        # Of a title half of whose words are shared one of the rarer half is, and one more: titles without it need not be compared.
        for word in sorted(words, key=often.__getitem__)[: len(words) // 2 + 1]:
            begins.setdefault(word, []).append(target)
    weights = _Weights(database)
    best: dict[str, tuple[float, str, int]] = {}
    for words, turned, sha, when, number in later:
        for target in {target for word in words if word in begins for target in begins[word]}:
            its, way, reverted_at = reverted[target]
            shared = its & words
            near = 2 * len(shared) >= len(its) and 3 * len(shared) >= len(its | words) and len(shared) >= min(2, len(its))
            if near and when > reverted_at and way == turned and sha != target:
                share = weights.of(shared) / (weights.of(its | words) or 1.0)
                nearest = share >= max(ALIKE, best.get(target, (0.0,))[0] + 0.01)
                if nearest and not weights.common(its) and _meet(database, target, number):
                    best[target] = (share, sha, number)
    return [(target, sha, TITLE if share > 1 - 1e-9 else "a like title") for target, (share, sha, _) in best.items()]


def _reverted(database: Database, said: Set[str]) -> dict[str, tuple[frozenset[str], bool, int]]:
    """(words of its title, whether they turn it round, when it was last reverted) of all that ever was and has a word that is `said`."""
    found: dict[str, tuple[frozenset[str], bool, int]] = {}
    for title, pull, sha, when in reverted_titles(database.connection):
        if said.isdisjoint(words_of(title)) or (_MERGE.match(title) and not pull):
            continue
        words, turned = _words(title)
        if words:
            found[sha] = (words, turned, max(when, found[sha][2] if sha in found else when))
    return found


def _later(database: Database, landed: set[int] | None) -> Iterator[tuple[frozenset[str], bool, str, int, int]]:
    """(words of its title, whether they turn it round, sha, time, id) of what landed, in the order of time; of a merge the title of its
    pull request."""
    query = (
        "SELECT c.sha, c.subject, k.target, c.commit_time, c.id FROM commits c LEFT JOIN claims k ON k.sha = c.sha AND k.kind = 'titled'"
    )
    asks = database.connection.execute
    every = asks(f"{query} WHERE c.landing IS NOT NULL ORDER BY c.commit_time") if landed is None else ()
    for sha, subject, pull, when, number in every or (
        row for each in sorted(landed or ()) for row in asks(f"{query} WHERE c.id = ?", (each,))
    ):
        if pull or not _MERGE.match(subject):
            yield *_words(pull or subject), sha, when, number


def _words(title: str) -> tuple[frozenset[str], bool]:
    """What a title says, and whether it is turned round: each `revert` does."""
    words = bare(title).split()
    said = [word for word in words if not word.startswith("revert")]
    return frozenset(said), (len(words) - len(said)) % 2 == 1


class _Weights:
    """How much words tell, by how many titles have them."""

    def __init__(self, database: Database) -> None:
        self.connection = database.connection
        self.all = self.connection.execute("SELECT count(*) FROM commits").fetchone()[0]
        self.known: dict[str, float] = {}
        self.titles: dict[frozenset[str], bool] = {}

    def common(self, title: frozenset[str]) -> bool:
        """Whether many titles have all words of this one, as a robot gives it to all its commits."""
        if title not in self.titles:
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            phrase = " ".join(f'"{word}"' for word in title)
            self.titles[title] = self.connection.execute(query, (f"subject: ({phrase})", COMMON + 1)).fetchone()[0] > COMMON
        return self.titles[title]

    def of(self, words: frozenset[str]) -> float:
        return sum(map(self._of, words))

    def _of(self, word: str) -> float:
        if word not in self.known:
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            count = self.connection.execute(query, (f'subject: "{word}"', OFTEN)).fetchone()[0]
            self.known[word] = log((self.all + 1) / max(count, 1))
        return self.known[word]


def _meet(database: Database, target: str, later: int) -> bool:
    """Whether two changes, or what a merge brought, touch one path."""
    paths = (
        "SELECT path_id FROM touched WHERE commit_id = {0} UNION SELECT t.path_id FROM commits m JOIN commits c ON c.landing = m.sha"
        " AND c.landing <> c.sha JOIN touched t ON t.commit_id = c.id WHERE m.id = {0}"
    )
    query = f"SELECT 1 FROM ({paths.format('(SELECT id FROM commits WHERE sha = :old)')} INTERSECT {paths.format(':new')}) LIMIT 1"
    return database.connection.execute(query, {"old": target, "new": later}).fetchone() is not None
