"""Chains: a change that went, came back and went again, and a merge that went in pieces.

What is in a chain goes by several names. A commit that undoes one of the reverters undoes the others too, so does one that is the
change picked again, and one that reverts the change also undoes what brought it back: as far as it is their descendant and the diffs
agree. Of several changes that went with one reverter those come back of which what undoes that has a line.
"""

from collections import Counter
from collections.abc import Iterator

from contextgraph.git import Git
from contextgraph.index.ancestry import ancestors
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import changes
from contextgraph.status.reverts import MEMBERS, MENTIONED, REVERTED, Pair, members, spared

MOST = 50
"""Commits of one chain that are looked at."""
Rows = dict[Pair, tuple[str, float]]
"""Pair -> (rule, extent)."""


def sync(database: Database, git: Git) -> None:
    """Add to `reverts` what follows from the pairs of the commits that came since the last look."""
    known = int(database.get("chains") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    if known == newest:
        return
    fresh = database.connection.execute(
        "SELECT r.reverter, r.target, r.extent FROM reverts r JOIN commits c ON c.sha = r.reverter"
        " WHERE c.id > ? AND r.rule IN ('declared', 'mentioned') AND r.extent >= ? ORDER BY c.id, r.target",
        (known, MENTIONED),
    ).fetchall()
    pairs = [(reverter, target) for reverter, target, _ in fresh]
    kin = _of_kin(database, git, [*pairs, *_picked_again(database, known)])
    _add(database, kin | spared(database, git, kin))
    most = {(reverter, target): extent for reverter, target, extent in fresh} | {pair: extent for pair, (_, extent) in kin.items()}
    gone = list(_without(database, git, [pair for pair, extent in most.items() if REVERTED <= extent < 1]))
    for reverter, target, extent in fresh:
        if extent < REVERTED:
            _add(database, _in_pieces(database, git, reverter, target))
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, 'without', ?)", gone)
        database.put("chains", str(newest))


def _add(database: Database, rows: Rows) -> None:
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO reverts VALUES (?, ?, ?, ?)", [(*pair, *row) for pair, row in rows.items()])


def _picked_again(database: Database, known: int) -> list[Pair]:
    """(pick, reverter) where a commit with an id over `known` is what was reverted, or came with a merge that was: it has the author,
    author time and title of that. What is done once more undoes what had undone it."""
    query = (
        # From the new commits on: else all that was ever reverted would be passed over.
        "SELECT n.sha, r.reverter FROM commits n CROSS JOIN commits o ON n.author_time = o.author_time AND n.author = o.author"
        " AND n.subject = o.subject AND n.sha <> o.sha CROSS JOIN reverts r ON {} JOIN commits v ON v.sha = r.reverter"
        " WHERE n.id > ? AND n.commit_time >= v.commit_time AND r.extent >= ?"
    )
    ways = ("r.target = o.sha", "r.target = o.landing AND o.landing <> o.sha")
    return [pair for way in ways for pair in database.connection.execute(query.format(way), (known, REVERTED))]


def _of_kin(database: Database, git: Git, pairs: list[Pair]) -> Rows:
    """What a reverter undoes besides its target: what did the same as that, before it. Of a target that it does not name, a part too."""
    kin: dict[str, set[str]] = {}
    asked = set(pairs)
    for reverter, target in pairs:
        kin.setdefault(reverter, set()).update(_kin(database, reverter, target))
    wanted = {each for reverter, others in kin.items() if others for each in (reverter, *others)}
    lines = dict(changes(database, git, wanted))
    found: Rows = {}
    for reverter, others in kin.items():
        shares = {each: undoing.extent(lines[each], lines[reverter]) for each in others if each in lines and reverter in lines}
        undone = [each for each, share in shares.items() if share >= (MENTIONED if (reverter, each) in asked else REVERTED)]
        found |= {(reverter, each): ("declared", shares[each]) for each in ancestors(database, reverter, undone)}
    return found


def _kin(database: Database, reverter: str, target: str) -> set[str]:
    """The commits that do what `target` does and are no newer than `reverter`: an even number of reverts away from it (of it or of the
    merge that it came with), over what was rewritten, and from a merge to what it brought in. Those that `reverter` is known to undo
    are left out."""
    query = (
        "SELECT reverter, -1 FROM reverts WHERE target = :sha AND extent >= :least"
        " UNION SELECT target, -1 FROM reverts WHERE reverter = :sha AND extent >= :least"
        " UNION SELECT new, 1 FROM links WHERE old = :sha UNION SELECT old, 1 FROM links WHERE new = :sha"
        " UNION SELECT sha, 1 FROM commits WHERE landing = :sha AND landing <> sha AND EXISTS (SELECT 1 FROM reverts WHERE target = sha)"
        " UNION SELECT r.reverter, -1 FROM commits c JOIN reverts r ON r.target = c.landing AND r.extent >= :least"
        " WHERE c.sha = :sha AND c.landing <> c.sha"
    )
    side = {reverter: -1, target: 1}
    waiting = [target]
    while waiting and len(side) < MOST:
        sha = waiting.pop(0)
        for other, step in database.connection.execute(query, {"sha": sha, "least": REVERTED}).fetchall():
            if other not in side:
                side[other] = side[sha] * step
                waiting.append(other)
    old = (
        "SELECT 1 FROM commits o JOIN commits r ON r.sha = ? WHERE o.sha = ? AND o.commit_time <= r.commit_time"
        " AND NOT EXISTS (SELECT 1 FROM reverts WHERE reverter = r.sha AND target = o.sha)"
    )
    return {sha for sha, way in side.items() if way > 0 and database.connection.execute(old, (reverter, sha)).fetchone()}


def _without(database: Database, git: Git, pairs: list[Pair]) -> Iterator[Pair]:
    """(what undoes a reverter, change) for each change that went with the same reverter and does not come back with that."""
    query = (
        "SELECT sha FROM reverts JOIN commits ON sha = target WHERE reverter = :sha AND extent >= :least UNION"
        " SELECT c.sha FROM reverts JOIN commits c ON c.landing = target AND c.landing <> c.sha WHERE reverter = :sha AND extent >= :least"
    )
    undone = {sha: [row[0] for row in database.connection.execute(query, {"sha": sha, "least": REVERTED})] for _, sha in pairs}
    several = [(again, sha, each) for again, sha in pairs if 1 < len(undone[sha]) <= MEMBERS for each in undone[sha]]
    lines = dict(changes(database, git, {sha for each in several for sha in each}))
    for again, sha, each in several:
        if again not in lines or sha not in lines or not lines.get(each):
            continue
        if undoing.repeated(lines[each], lines[again]) < MENTIONED and undoing.extent(lines[each], lines[sha]) >= REVERTED:
            yield again, each


def _in_pieces(database: Database, git: Git, reverter: str, merge: str) -> Rows:
    """What of a merge was undone before it was reverted as a whole, by which reverter of a part: the newest for each line."""
    row = database.connection.execute("SELECT parents, landing IS sha FROM commits WHERE sha = ?", (merge,)).fetchone()
    if row is None or " " not in row[0]:
        return {}
    parts: set[str] = set()
    for member in members(database, git, merge, bool(row[1])):
        query = "SELECT reverter FROM reverts WHERE target = ? AND extent >= ?"
        parts |= {each for (each,) in database.connection.execute(query, (member, REVERTED))} - {reverter}
    parts -= set(ancestors(database, merge, parts))
    earlier = ancestors(database, reverter, parts)
    lines = dict(changes(database, git, {merge, reverter, *earlier})) if earlier else {}
    if merge not in lines:
        return {}
    whole = left = undoing.written(lines[merge])
    found: Rows = {}
    for each in (reverter, *earlier):
        before, left = left, undoing.left(left, lines.get(each, Counter()))
        share = (before.total() - left.total()) / whole.total()
        if share >= MENTIONED and each != reverter:
            found[(each, merge)] = ("part", share)
    return found
