"""Which commit became which, found without any hook: picks, squashes, rebases and the host's merge buttons.

Every link is certain: stated in the message, confirmed by patch-id or by a reflog action, or proved by merging the old
tip again and getting the squash's very tree. Nothing is ever attached to a commit outside the matched set.
"""

import json
from collections.abc import Iterable, Iterator

from contextgraph import commits
from contextgraph.capture import record, reflog
from contextgraph.commits import Commit
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import squashes
from contextgraph.status.patches import patch_ids

Pair = tuple[str, str, str]
"""(old, new, how)."""

_HAS = "(EXISTS (SELECT 1 FROM events WHERE key = {0} AND kind = 'recorded') OR EXISTS (SELECT 1 FROM links WHERE new = {0}))"
_FREE = "NOT EXISTS (SELECT 1 FROM links WHERE old = {0} AND how IN ('amend', 'rebase', 'reset', 'remap', 'host-rebase'))"


def find(database: Database, git: Git, changed: set[str], heads: Iterable[str]) -> list[tuple[str, bytes]]:
    """(new commit, `carried` line) for what is new since the last look: commits, and the records of `changed` keys."""
    known = int(database.get("linked") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    keys = json.dumps(sorted(changed))
    if (newest == known and not changed) or not database.connection.execute("SELECT 1 FROM events LIMIT 1").fetchone():
        _done(database, newest, [])
        return []
    pairs = list(_stated(database, known, keys))
    tried: list[tuple[str, str]] = []
    pairs += _twins(database, git, known, keys, tried)
    pairs += squashes.find(database, git, known, bool(changed), list(heads), pairs, tried)
    fresh = [pair for pair in dict.fromkeys(pairs) if not _linked(database, pair[0], pair[1])]
    lines = list(_lines(git, fresh))
    _done(database, newest, tried)
    return lines


def lines_of(git: Git, pairs: Iterable[Pair]) -> list[tuple[str, bytes]]:
    """The `carried` lines for pairs that somebody names (`cg remap`); pairs whose new commit is not here are left out."""
    return list(_lines(git, list(pairs)))


def _lines(git: Git, pairs: list[Pair]) -> Iterator[tuple[str, bytes]]:
    asked = "".join(f"{new}\n" for new in sorted({new for _, new, _ in pairs}))
    answer = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked.encode()).decode() if pairs else ""
    here = [line.split()[0] for line in answer.splitlines() if line.endswith(" commit")]
    there: dict[str, Commit] = {each.sha: each for each in commits.read(git, here, details=False)}
    for old, new, how in pairs:
        if new in there and old != new:
            yield new, record.carried(there[new], old, how)


def _done(database: Database, newest: int, tried: list[tuple[str, str]]) -> None:
    if int(database.get("linked") or 0) != newest or tried:
        with database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO tried VALUES (?, ?)", tried)
            database.put("linked", str(newest))


def _linked(database: Database, old: str, new: str) -> bool:
    """Whether `old` was carried into `new` already, over any number of steps (then a direct link would say nothing new)."""
    row = database.connection.execute(
        "WITH RECURSIVE later(sha) AS (VALUES(?) UNION SELECT new FROM links JOIN later ON old = later.sha)"
        " SELECT 1 FROM later WHERE sha = ? LIMIT 1",
        (old, new),
    ).fetchone()
    return row is not None


def _stated(database: Database, known: int, keys: str) -> Iterator[Pair]:
    """`(cherry picked from commit X)`, and the shas that a default SQUASH_MSG lists."""
    rows = database.connection.execute(
        "SELECT o.sha, c.sha, k.kind FROM claims k JOIN commits c ON c.sha = k.sha"
        " JOIN commits o ON o.sha BETWEEN k.target AND k.target || 'g'"
        " WHERE k.kind IN ('picked', 'squashed') AND (c.id > ? OR o.sha IN (SELECT value FROM json_each(?))) AND " + _HAS.format("o.sha"),
        (known, keys),
    )
    for old, new, kind in rows.fetchall():
        yield old, new, "cherry-pick" if kind == "picked" else "squash"


def _twins(database: Database, git: Git, known: int, keys: str, tried: list[tuple[str, str]]) -> Iterator[Pair]:
    """Commits with the author, author time and subject of a recorded one, when patch-id or a reflog action confirms it. Where the
    reflog calls it a pick and no other commit has that author and time, the subject may be another: a person wrote it anew.

    What was rewritten already may still have been picked before: then the reflog must say so.
    """
    rows = database.connection.execute(
        f"SELECT o.sha, n.sha, o.landing IS NOT NULL, n.landing IS NOT NULL, {_FREE.format('o.sha')}, n.subject = o.subject,"
        " 1 = (SELECT count(*) FROM commits x WHERE x.author_time = n.author_time AND x.author = n.author AND x.sha <> n.sha)"
        " FROM commits o JOIN commits n ON n.author_time = o.author_time AND n.author = o.author AND n.sha <> o.sha"
        f" WHERE {_HAS.format('o.sha')} AND (n.id > ? OR o.sha IN (SELECT value FROM json_each(?)))"
        " AND (n.commit_time > o.commit_time OR (n.commit_time = o.commit_time AND n.landing IS NOT NULL AND o.landing IS NULL)"
        "  OR (n.commit_time = o.commit_time AND NOT EXISTS (SELECT 1 FROM events WHERE key = n.sha)))"
        # What a hook or the reflog told of already came from there, and not from a twin of that.
        " AND NOT EXISTS (SELECT 1 FROM links WHERE new = n.sha AND how IN ('amend', 'rebase', 'reset'))"
        " AND NOT EXISTS (SELECT 1 FROM tried WHERE old = o.sha AND new = n.sha) ORDER BY o.commit_time DESC, o.id",
        (known, keys),
    ).fetchall()
    actions = _actions(git) if rows else {}
    rows = [row for row in rows if (row[4] and row[5]) or (actions.get(row[1]) == "cherry-pick" and (row[5] or row[6]))]
    patches = patch_ids(git, database, {sha for row in rows for sha in row[:2]})
    taken: set[tuple[str, str]] = set()
    for old, new, old_landed, new_landed, free, *_ in rows:
        action = actions.get(new, "")
        same = patches.get(old) is not None and patches.get(old) == patches.get(new)
        if not same and action not in ("cherry-pick", "rebase"):
            tried.append((old, new))
        elif free or not any(other == new and _linked(database, old, between) for between, other in taken):
            taken.add((old, new))
            yield old, new, action or ("host-rebase" if new_landed and not old_landed else "cherry-pick")


def _actions(git: Git) -> dict[str, str]:
    """What the reflogs say of the commits they name: `cherry-pick` or `rebase`, where it is one of those."""
    found: dict[str, str] = {}
    for log in reflog.files(git).values():
        entries, _ = reflog.since(log, reflog.Mark())
        for entry in entries:
            if "cherry-pick" in entry.action.split(":")[0] or entry.action.startswith("am:"):
                found[entry.new] = "cherry-pick"
            elif entry.rebase and not entry.step("start") and not entry.step("finish"):
                found[entry.new] = "rebase"
    return found
