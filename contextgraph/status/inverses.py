"""Silent exact inverses where files did not go back to the very same objects: the lines of two changes are compared.

Two thirds of all commits share their path set with another one within the window, and reading their diffs takes half a minute
for 80,000 commits (EVIDENCE): so it is done in steps, in the background, and what was read is kept by commit.
"""

from collections.abc import Iterator
from itertools import pairwise

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import besides, places, returns, undoing
from contextgraph.status.diffs import changes, first_parent
from contextgraph.status.reverts import FEWEST_LINES, REVERTED, WINDOW, Pair, swaps

BATCH = 400
"""Commits whose diffs are read at a time; each batch is kept, so that an interrupted run goes on where it was."""
MOST_LINES = 3_000
"""Changed lines over which a commit is not compared: whole imports that are undone go back to the very objects."""
AT_ONCE = 100
"""Commits that a command compares itself (about 50 ms); with more waiting, all are left to the background."""


def waiting(database: Database) -> int:
    """How many commits are still to be compared; silent reverts among them are not known yet."""
    return int(database.get("uncompared") or 0)


def sync(database: Database, git: Git) -> None:
    """What a command does: notice what is new, and compare it where that is quickly done."""
    known = int(database.get("compared") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    if known == newest or int(database.get("noticed") or 0) == newest or waiting(database) > AT_ONCE:
        return  # with that many waiting, the background finds what is newer as well
    left = len(list(_candidates(database, known)))
    if left <= AT_ONCE:
        for _ in steps(database, git):
            pass
    else:
        with database.transaction():
            database.put("uncompared", str(left))
            database.put("noticed", str(newest))


def steps(database: Database, git: Git) -> Iterator[tuple[int, int]]:
    """Compare everything that waits; after each batch (done, all)."""
    known = int(database.get("compared") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    todo = list(_candidates(database, known))
    for begin in range(0, len(todo), BATCH):
        rows = list(_digested(database, git, todo[begin : begin + BATCH]))
        with database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO patches VALUES (?, ?, ?)", rows)
            database.put("uncompared", str(max(1, len(todo) - begin - BATCH)))
        yield min(begin + BATCH, len(todo)), len(todo)
    found = besides.found(database, git, known)
    found += [(*pair, 1.0) for pair in _in_place(database, git, list(swaps(database, "patches", known)))]
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO reverts VALUES (?, ?, 'inverse', ?)", found)
    if found:
        returns.look(database, git, known)
    with database.transaction():
        database.put("compared", str(newest))
        database.put("noticed", str(newest))
        database.put("uncompared", "0")


def _candidates(database: Database, known: int) -> Iterator[tuple[int, str]]:
    """(id, sha) of commits that changed the very paths that another one within the window changed, one of the two new.

    Those whose digests are there are left out.
    """
    rows = database.connection.execute(
        "SELECT c.id, c.sha, c.paths, c.commit_time, p.id IS NOT NULL FROM commits c LEFT JOIN patches p ON p.id = c.id"
        " WHERE c.paths IN (SELECT paths FROM commits WHERE id > ? AND paths IS NOT NULL) ORDER BY c.paths, c.commit_time",
        (known,),
    ).fetchall()
    near: set[int] = set()
    for before, after in pairwise(rows):
        if before[2] == after[2] and after[3] - before[3] <= WINDOW:
            near |= {before[0], after[0]}
    yield from ((row[0], row[1]) for row in rows if row[0] in near and not row[4])


def _digested(database: Database, git: Git, batch: list[tuple[int, str]]) -> Iterator[tuple[int, int | None, int | None]]:
    """(id, digest of the change, digest of its inverse); None for a change too slight or without substance."""
    ids = {sha: number for number, sha in batch}
    found = undoing.readable(git, [(sha, first_parent(database, sha)) for sha in ids], MOST_LINES)
    small = ((sha, change) for sha, change in found if len(change) < MOST_LINES)
    digests = {sha: undoing.digests(change) for sha, change in small if undoing.weight(change) >= FEWEST_LINES}
    yield from ((number, *digests.get(sha, (None, None))) for sha, number in ids.items())


def _in_place(database: Database, git: Git, pairs: list[Pair]) -> Iterator[Pair]:
    """Those of some exact inverses that do not take equal lines away in another place."""
    lines = dict(changes(database, git, {target for _, target in pairs}))
    elsewhere = {pair for pair, share in places.staying(database, git, pairs, lines) if share >= REVERTED}
    yield from (pair for pair in pairs if pair not in elsewhere)
