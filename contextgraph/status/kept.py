"""Reverts that were lost on their way: made on another branch, and the merge that brought them in kept the change all the same.

A release branch takes a change back, the branch it was made for keeps it, and one day the release branch is merged again. The
message still says what it says, so the tree of the merge is asked: where it left the files of the change as its branch had them,
and the change stands there, it was not reverted here.
"""

from collections import Counter
from collections.abc import Iterator

from contextgraph.commits import text
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.returns import AGAIN
from contextgraph.status.reverts import MENTIONED, Pair, changes, first_parent
from contextgraph.status.undoing import Change

Row = tuple[str, str, str]
"""(merge, reverter, target)."""


def sync(database: Database, git: Git) -> None:
    """Add to `kept` what is to be told of the merges that brought a reverter into the target branch, later than its target."""
    connection = database.connection
    standing = f"{database.get('target')} {connection.execute('SELECT count(*), total(extent) FROM reverts').fetchone()}"
    if database.get("kept") == standing:
        return
    rows = connection.execute(
        "SELECT DISTINCT r.landing, v.reverter, v.target FROM reverts v"
        " JOIN commits r ON r.sha = v.reverter JOIN commits t ON t.sha = v.target"
        " WHERE r.landing <> v.reverter AND t.landing IS NOT NULL AND t.landing <> r.landing AND v.extent >= ?"
        " AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.merge = r.landing AND k.reverter = v.reverter AND k.target = v.target)",
        (MENTIONED,),
    ).fetchall()
    stand = set(_standing(database, git, _left_alone(database, git, rows))) if rows else set()
    with database.transaction():
        connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", [(*row, row in stand) for row in rows])
        database.put("kept", standing)


def _left_alone(database: Database, git: Git, rows: list[Row]) -> list[Row]:
    """Those where the merge did not touch the files of the change, but has them not as the reverter left them."""
    shas = {sha for merge, _, target in rows for sha in (merge, target)}
    before = {(sha, parent) for sha in shas if (parent := first_parent(database, sha))}
    touched = _touched(git, sorted(before | {(merge, reverter) for merge, reverter, _ in rows}))
    own = {sha: touched[(sha, parent)] for sha, parent in before}
    nothing: set[str] = set()
    alone = [row for row in rows if own.get(row[0], nothing).isdisjoint(own.get(row[2], nothing))]
    return [row for row in alone if own.get(row[2], nothing) & touched[row[:2]]]


def _standing(database: Database, git: Git, rows: list[Row]) -> Iterator[Row]:
    """Those where the merge has the change once more that the reverter undid."""
    lines = dict(changes(database, git, {target for _, _, target in rows}))
    rows = [row for row in rows if lines.get(row[2])]  # without a name to ask for, a diff would be told whole
    names = sorted({path.rpartition("/")[2] for change in lines.values() for path, _, _ in change})
    since: dict[Pair, Counter[Change]] = {}
    waiting = sorted({(merge, reverter) for merge, reverter, _ in rows})
    while waiting:
        each = dict(waiting)  # one reverter of each merge, for a diff is told by the merge alone, and none where they agree
        since |= {(merge, each[merge]): change for merge, change in undoing.readable(git, list(each.items()), within=names)}
        waiting = [(merge, reverter) for merge, reverter in waiting if each[merge] != reverter]
    nothing = Counter[Change]()
    yield from (row for row in rows if undoing.repeated(lines[row[2]], since.get(row[:2], nothing)) >= AGAIN)


def _touched(git: Git, pairs: list[Pair]) -> dict[Pair, set[str]]:
    """For each pair of commits the files in which they differ; one process for all."""
    asked = "".join(f"{new} {old}\n" for new, old in pairs).encode()
    waiting = list(reversed(pairs))
    found: dict[Pair, set[str]] = {}
    paths: set[str] = set()
    for part in git.stream("diff-tree", "--stdin", "--always", "-r", "-z", "--no-renames", "--name-only", stdin=asked):
        if waiting and part == waiting[-1][0].encode():
            paths = found.setdefault(waiting.pop(), set())
        else:
            paths.add(text(part))
    return found
