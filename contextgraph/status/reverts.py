"""Which commit undoes which: declared in its message and checked against the diffs, or silent and exact.

Pairs never change once both commits are known, so they are kept in `reverts`; what they mean for a status is decided
when it is asked for (`ledger`), because a reverter counts only while it stands itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contextgraph.git import Git
from contextgraph.index.ancestry import follows
from contextgraph.index.database import Database
from contextgraph.status import naming, places, undoing
from contextgraph.status.diffs import changes
from contextgraph.status.naming import Named

WINDOW = 180 * 86400
"""Seconds between a change and a silent inverse of it that is believed (EVIDENCE: right in 22 of 24 with these gates)."""
FEWEST_LINES = 3
"""Changed lines below which an unannounced inverse is chance."""
REVERTED = 0.9
"""Extent from which a change counts as reverted; below it is partly undone, with the figure."""
MENTIONED = 0.05
"""Extent below which a declared revert is a mere mention."""
NEAR_THE_WORD = 0.5
"""Extent from which a sha near the word is meant: unrelated neighbours reach it in 2 of 584 (EVIDENCE)."""
MEMBERS = 500
"""Commits of a reverted merge that are looked at one by one."""
Pair = tuple[str, str]
"""(reverter, target)."""


class Undone(NamedTuple):
    """The share of a change that is undone, 0 to 1, and how many changed lines it has."""

    extent: float
    lines: int


def sync(database: Database, git: Git) -> None:
    """Find the pairs that the commits indexed since the last look are part of."""
    known = int(database.get("reverts") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    if known == newest:
        return
    declared = list(naming.named(database, known))
    pairs = {(each.reverter, each.target) for each in declared}
    exact = set(swaps(database, "commits", known)) - {(target, reverter) for reverter, target in pairs}
    extents = dict(_extents(database, git, pairs - exact)) | dict.fromkeys(exact, Undone(1.0, FEWEST_LINES))
    stated = {(each.reverter, each.target): each.rule for each in _meant(declared, extents)}
    judged = {pair: (_judged(rule, extents[pair]), extents[pair].extent) for pair, rule in stated.items() if pair in extents}
    rows = {pair: (rule, extent) for pair, (rule, extent) in judged.items() if rule}
    rows |= _together(database, git, rows)
    rows |= _brought(database, git, rows)
    rows |= _all_of_it(database, git, rows)
    rows |= dict.fromkeys(_worth(database, git, exact - rows.keys()), ("inverse", 1.0))
    rows |= spared(database, git, rows)
    with database.transaction() as connection:
        connection.executemany("INSERT OR REPLACE INTO reverts VALUES (?, ?, ?, ?)", [(*pair, *row) for pair, row in rows.items()])
        database.put("reverts", str(newest))


def _judged(rule: str, undone: Undone) -> str | None:
    """The rule that a claim is kept under. A stated revert counts in part too, and stays a mention where nothing is undone; a
    sha that only stands near the word counts when at least half of some lines is undone (EVIDENCE: unrelated neighbours rarely
    are)."""
    if undone.extent < MENTIONED:
        return "mentioned" if rule == "declared" else None
    return rule if rule == "declared" or (undone.extent >= NEAR_THE_WORD and undone.lines >= FEWEST_LINES) else None


def _together(database: Database, git: Git, rows: dict[Pair, tuple[str, float]]) -> dict[Pair, tuple[str, float]]:
    """What a revert of several commits undoes of each, where one had changed what another did: the lines in between are restored for
    none of them. A commit counts for the others when something of it is undone, or all that is left of them together."""
    named: dict[str, list[str]] = {}
    for (reverter, target), (rule, extent) in rows.items():
        if rule == "declared" or extent < MENTIONED:
            named.setdefault(reverter, []).append(target)
    several = {each: targets for each, targets in named.items() if len(targets) > 1}
    several = {each: targets for each, targets in several.items() if any(rows[(each, target)][1] < REVERTED for target in targets)}
    lines = dict(changes(database, git, {sha for reverter, targets in several.items() for sha in (reverter, *targets)}))
    found: dict[Pair, tuple[str, float]] = {}
    for reverter, targets in several.items():
        here = [target for target in targets if target in lines and reverter in lines]
        if here and undoing.extent(undoing.composed(lines[each] for each in here), lines[reverter]) < REVERTED:
            here = [target for target in here if rows[(reverter, target)][1] >= MENTIONED]
        for target in here:
            answer = {sha for (sha,) in database.connection.execute("SELECT reverter FROM reverts WHERE target = ?", (target,))}
            others = [each for each in here if each not in (target, *answer) and (each, target) not in rows]
            rest = undoing.composed(lines[each] for each in (reverter, *others))
            if (share := undoing.extent(lines[target], rest)) > rows[(reverter, target)][1]:
                found[(reverter, target)] = ("declared", share)
    return {pair: row for pair, row in found.items() if row[1] >= MENTIONED}


def _brought(database: Database, git: Git, rows: dict[Pair, tuple[str, float]]) -> dict[Pair, tuple[str, float]]:
    """What a revert of a merge undoes of each commit that the merge brought in, where the merge as a whole does not say it: it came in
    with another merge, or a part of it had been undone before."""
    query = "SELECT landing IS sha FROM commits WHERE sha = ? AND instr(parents, ' ')"
    inner: dict[Pair, str] = {}
    for (reverter, target), (rule, extent) in rows.items():
        found = database.connection.execute(query, (target,)).fetchone() if rule == "declared" else None
        if found and not (found[0] and extent >= REVERTED):
            brought = members(database, git, target, bool(found[0]))
            inner |= {(reverter, sha): target for sha in brought if sha not in (target, reverter) and (reverter, sha) not in rows}
    parts = {pair: undone.extent for pair, undone in _extents(database, git, inner.keys())}
    before: dict[str, set[str]] = {}
    earlier = database.connection.execute("SELECT reverter, target, rule, extent FROM reverts WHERE extent >= ?", (REVERTED,))
    for (reverter, target), (_, extent) in (*((row[:2], row[2:]) for row in earlier), *rows.items()) if inner else ():
        if extent >= REVERTED:
            before.setdefault(target, set()).add(reverter)
    whole = {pair: extent for pair, merge in inner.items() if (extent := rows[(pair[0], merge)][1]) >= REVERTED}
    whole = {pair: extent for pair, extent in whole.items() if not any((pair[0], each) in inner for each in before.get(pair[1], ()))}
    goes = _with_its_merge(database, git, {pair: inner[pair] for pair in whole if pair in parts}, parts)
    parts |= {pair: max(parts[pair], whole[pair]) for pair in goes}
    return {pair: ("declared", extent) for pair, extent in parts.items() if extent >= MENTIONED}


def _with_its_merge(database: Database, git: Git, pairs: dict[Pair, str], parts: dict[Pair, float]) -> Iterator[Pair]:
    """Those whose commit goes whole with the merge within a merge that brought it in, whatever others of it made of its lines: as far as
    that has any of them, and it did not come in with something else."""

    def landed(sha: str) -> tuple[str | None, str]:
        found = database.connection.execute("SELECT landing, parents FROM commits WHERE sha = ?", (sha,)).fetchone()
        return found or (None, "")

    here: dict[Pair, str] = {}
    for pair, merge in pairs.items():
        landing, parents = landed(pair[1])
        if {landing, *(landed(each)[0] for each in parents.split()[1:])} == {landed(merge)[0]}:  # else a merge of what was there
            here[pair] = merge
    lines = dict(changes(database, git, {sha for pair, merge in here.items() if parts[pair] < MENTIONED for sha in (pair[1], merge)}))
    for pair, merge in here.items():
        if parts[pair] >= MENTIONED or undoing.repeated(lines.get(pair[1], Counter()), lines.get(merge, Counter())) >= MENTIONED:
            yield pair


def spared(database: Database, git: Git, rows: dict[Pair, tuple[str, float]]) -> dict[Pair, tuple[str, float]]:
    """What the revert of a merge leaves alone of what came in with it: a commit of which the merge brought nothing, for another one of
    it had undone that."""
    query = "SELECT 1 FROM commits WHERE sha = ? AND landing = sha AND instr(parents, ' ')"
    whole = [pair for pair, (_, extent) in rows.items() if extent >= REVERTED and database.connection.execute(query, pair[1:]).fetchone()]
    inside = {merge: members(database, git, merge, first_parent=True) for _, merge in whole}
    several = {(*pair, sha) for pair in whole if len(inside[pair[1]]) > 1 for sha in inside[pair[1]] if (pair[0], sha) not in rows}
    lines = dict(changes(database, git, {sha for each in several for sha in each}))
    nothing = ("mentioned", 0.0)
    return {
        (reverter, sha): nothing
        for reverter, merge, sha in several
        if reverter in lines and merge in lines and sha in lines and lines[sha]
        if undoing.repeated(lines[sha], lines[merge]) < MENTIONED and undoing.extent(lines[sha], lines[reverter]) < MENTIONED
    }


def _all_of_it(database: Database, git: Git, rows: dict[Pair, tuple[str, float]]) -> dict[Pair, tuple[str, float]]:
    """The merges of which a reverter undoes every commit that they brought: mostly the only one of a pull request."""
    query = (
        "SELECT t.landing FROM commits t JOIN commits r ON r.sha = ? WHERE t.sha = ? AND t.landing <> t.sha AND t.landing IS NOT r.landing"
    )
    whole = {pair: extent for pair, (rule, extent) in rows.items() if rule == "declared" and extent >= REVERTED}
    merges = {(reverter, merge) for reverter, target in whole for (merge,) in database.connection.execute(query, (reverter, target))}
    query = "SELECT sha FROM commits WHERE landing = ? AND landing <> sha AND instr(parents, ' ') = 0 LIMIT ?"
    brought = {merge: [sha for (sha,) in database.connection.execute(query, (merge, MEMBERS))] for _, merge in merges}
    found = [pair for pair in merges - rows.keys() if all((pair[0], sha) in whole for sha in brought[pair[1]])]
    lines = dict(changes(database, git, {sha for _, merge in found for sha in (merge, *brought[merge])}))
    return {
        (reverter, merge): ("declared", min(whole[(reverter, sha)] for sha in brought[merge]))
        for reverter, merge in found
        if all(sha in lines for sha in (merge, *brought[merge]))
        if undoing.repeated(undoing.composed(lines[sha] for sha in brought[merge]), lines[merge]) >= REVERTED
    }


def members(database: Database, git: Git, merge: str, first_parent: bool) -> list[str]:
    """What a merge brought in. Of one on the line of the target branch itself its landings say it, and git need not walk."""
    if first_parent:
        query = "SELECT sha FROM commits WHERE landing = ? AND landing <> sha LIMIT ?"
        return [sha for (sha,) in database.connection.execute(query, (merge, MEMBERS))]
    return (git.maybe("rev-list", f"--max-count={MEMBERS}", merge, f"^{merge}^1") or "").split()


def _meant(declared: list[Named], extents: dict[Pair, Undone]) -> Iterator[Named]:
    """What is named, the most certain rule last; of the commits with a quoted title the one undone most (the nearest of
    equals), and its twins: the same change that came in a second time. Of merges of that title likewise, so that both are told
    where a pull request has the title of its only commit."""
    titled: dict[str, list[Named]] = {}
    for each in sorted(declared, key=lambda each: each.rule != "mentioned"):
        if each.title:
            titled.setdefault(each.reverter, []).append(each)
        else:
            yield each
    share = {each: round(extents.get((each.reverter, each.target), Undone(0.0, 0)).extent, 2) for each in declared if each.title}
    for candidates in titled.values():
        most = max(share[each] for each in candidates)
        for kind in ("commit", "merge"):
            best = next((each for each in candidates if each.title == kind and share[each] == most), None)
            yield from (each for each in candidates if each is best or (best and each.when == best.when))


def swaps(database: Database, table: str, known: int) -> Iterator[Pair]:
    """(reverter, target): the one's `change` is the other's `inverse` in `table`; the five nearest older targets of each.

    `table` is `commits`, where every file goes back to the very object it had, or `patches` (`inverses`).
    """
    # From the new ones to their counterparts, both ways and in this order: else every pair there is would be passed over.
    inverse = "ON other.change = new.inverse AND other.inverse = new.change"
    condition = "WHERE new.id > ? AND new.change <> new.inverse AND new.id <> other.id"
    ways = ("new.id AS target, other.id AS reverter", "other.id, new.id")
    pairs = " UNION ".join(f"SELECT {way} FROM {table} new CROSS JOIN {table} other {inverse} {condition}" for way in ways)
    rows = database.connection.execute(
        f"SELECT r.sha, t.sha, r.commit_time = t.commit_time FROM ({pairs})"
        " JOIN commits t ON t.id = target JOIN commits r ON r.id = reverter"
        " WHERE t.commit_time <= r.commit_time AND r.commit_time - t.commit_time <= ? ORDER BY r.sha, t.commit_time DESC",
        (known, known, WINDOW),
    ).fetchall()
    taken: dict[str, int] = {}
    for reverter, target, tied in rows:
        if tied and not follows(database, reverter, target):
            continue
        taken[reverter] = taken.get(reverter, 0) + 1
        if taken[reverter] <= 5:
            yield reverter, target


def _worth(database: Database, git: Git, pairs: set[Pair]) -> Iterator[Pair]:
    """The silent pairs whose target changed enough to be no accident, and does more than move, reformat or number."""
    targets = {target for _, target in pairs}
    heavy = {sha for sha, change in changes(database, git, targets) if undoing.weight(change) >= FEWEST_LINES}
    yield from (pair for pair in pairs if pair[1] in heavy)


def _extents(database: Database, git: Git, pairs: Iterable[Pair]) -> Iterator[tuple[Pair, Undone]]:
    """How much of its target each reverter undoes; every commit's diff is read once. Where it is all but lines that the target moved,
    the files tell."""
    lines = dict(changes(database, git, {sha for pair in pairs for sha in pair}))
    here = [(reverter, target) for reverter, target in pairs if reverter in lines and target in lines]
    share = {pair: undoing.extent(lines[pair[1]], lines[pair[0]]) for pair in here}
    parts = [(reverter, target) for (reverter, target), extent in share.items() if MENTIONED <= extent < REVERTED]
    moved = [
        pair for pair in parts if undoing.extent(*(undoing.composed([undoing.written(lines[sha])]) for sha in reversed(pair))) >= REVERTED
    ]
    share |= {pair: 1 - left for pair, left in places.staying(database, git, moved, lines) if left <= 1 - REVERTED}
    for pair, extent in share.items():
        yield pair, Undone(extent, sum(lines[pair[1]].values()))
