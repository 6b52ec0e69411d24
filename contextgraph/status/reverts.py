"""Which commit undoes which: declared in its message and checked against the diffs, or silent and exact.

Pairs never change once both commits are known, so they are kept in `reverts`; what they mean for a status is decided
when it is asked for (`ledger`), because a reverter counts only while it stands itself.
"""

import re
from collections.abc import Iterable, Iterator

from contextgraph import commits
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing

WINDOW = 180 * 86400
"""Seconds between a change and a silent inverse of it that is believed (EVIDENCE: right in 22 of 24 with these gates)."""
FEWEST_LINES = 3
"""Changed lines below which an unannounced inverse is chance."""
REVERTED = 0.9
"""Extent from which a change counts as reverted; below it is partly undone, with the figure."""
MENTIONED = 0.05
"""Extent below which a declared revert is a mere mention."""
EARLIER = 86_400
"""Seconds by which a reverter's clock may be behind that of its target."""


def sync(database: Database, git: Git) -> None:
    """Find the pairs that the commits indexed since the last look are part of."""
    known = int(database.get("reverts") or 0)
    newest = database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0]
    if known == newest:
        return
    declared = dict(_declared(database, known))
    exact = {(reverter, target) for reverter, target in _swaps(database, known)}
    silent = {pair for pair in exact if pair not in declared}
    rows = [(*pair, declared[pair], 1.0) for pair in exact & declared.keys()]
    rows += [(*pair, "inverse", 1.0) for pair in _worth(git, silent)]
    unsure = {pair: rule for pair, rule in declared.items() if pair not in exact}
    rows += [(*pair, unsure[pair], extent) for pair, extent in _extents(database, git, unsure) if extent >= _least(unsure[pair])]
    with database.transaction() as connection:
        connection.executemany("INSERT OR REPLACE INTO reverts VALUES (?, ?, ?, ?)", rows)
        database.put("reverts", str(newest))


def _least(rule: str) -> float:
    """A sha that only stands near the word counts when all of it is undone; a stated revert also in part."""
    return REVERTED if rule == "mentioned" else MENTIONED


def _declared(database: Database, known: int) -> Iterator[tuple[tuple[str, str], str]]:
    """((reverter, target), rule) of every claim that names an older commit which is here. The most certain rule comes last."""
    rows = database.connection.execute(
        "SELECT c.sha, k.kind, k.target, c.commit_time FROM claims k JOIN commits c ON c.sha = k.sha"
        " WHERE c.id > ? AND k.kind IN ('reverts', 'mentions', 'reverts-pull', 'reverts-subject')",
        (known,),
    ).fetchall()
    named: set[str] = set()
    for sha, kind, target, when in rows:
        rule = "mentioned" if kind == "mentions" else "declared"
        found = list(_of_sha(database, target, when)) if kind in ("reverts", "mentions") else []
        found += _of_pull(database, target, when) if kind == "reverts-pull" else []
        for each in found:
            if each != sha:
                named |= {sha} if kind != "mentions" else set()
                yield (sha, each), rule
    quoted = [(sha, target, when) for sha, kind, target, when in rows if kind == "reverts-subject" and sha not in named]
    yield from (((sha, each), "declared") for sha, each in _of_subjects(database, quoted))


def _of_sha(database: Database, prefix: str, when: int) -> Iterator[str]:
    rows = database.connection.execute(
        "SELECT sha FROM commits WHERE sha BETWEEN ? AND ? AND commit_time <= ? LIMIT 2", (prefix, prefix + "g", when + EARLIER)
    ).fetchall()
    if len(rows) == 1 or len(prefix) >= 40:
        yield from (sha for (sha,) in rows)


def _of_pull(database: Database, number: str, when: int) -> list[str]:
    """The nearest older commit that brought a pull request in: `… (#N)`, or its merge."""
    rows = database.connection.execute(
        "SELECT c.sha, c.subject FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ? AND c.commit_time < ?"
        " ORDER BY c.commit_time DESC LIMIT 50",
        (f'subject: "{number}"', when),
    )
    merged = re.compile(rf"\(#{number}\)\s*$|^Merge pull request #{number}\b|^Auto merge of #{number}\b")
    return [sha for sha, subject in rows if merged.search(subject) and not subject.lower().startswith("revert")][:1]


def _of_subjects(database: Database, quoted: list[tuple[str, str, int]]) -> Iterator[tuple[str, str]]:
    """For each quoted title the nearest older commit that has it, one pass over all subjects for all of them."""
    if not quoted:
        return
    wanted = {_bare(title) for _, title, _ in quoted}
    holders: dict[str, list[tuple[int, str]]] = {}
    for sha, subject, when in database.connection.execute("SELECT sha, subject, commit_time FROM commits"):
        if (title := _bare(subject)) in wanted:
            holders.setdefault(title, []).append((when, sha))
    for sha, title, when in quoted:
        older = [each for each in holders.get(_bare(title), []) if each[0] <= when and each[1] != sha]
        if older:
            yield sha, max(older)[1]


def _bare(title: str) -> str:
    """A title without the pull request number that a host appends, and on one line."""
    return re.sub(r"\s*\((?:#|!)\d+\)\s*$", "", " ".join(title.split()))


def _swaps(database: Database, known: int) -> Iterator[tuple[str, str]]:
    """(reverter, target): every file goes back to the very object it had before; the five nearest older targets of each."""
    rows = database.connection.execute(
        "SELECT r.sha, t.sha FROM commits t JOIN commits r ON r.change = t.inverse WHERE (t.id > ? OR r.id > ?)"
        " AND t.change <> t.inverse AND r.id <> t.id AND t.commit_time <= r.commit_time AND r.commit_time - t.commit_time <= ?"
        " ORDER BY r.sha, t.commit_time DESC",
        (known, known, WINDOW),
    )
    taken: dict[str, int] = {}
    for reverter, target in rows:
        taken[reverter] = taken.get(reverter, 0) + 1
        if taken[reverter] <= 5:
            yield reverter, target


def _worth(git: Git, pairs: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The silent pairs whose target changed enough lines to be no accident."""
    targets = sorted({target for _, target in pairs})
    sizes = {each.sha: (each.insertions or 0) + (each.deletions or 0) for each in commits.read(git, targets)}
    yield from (pair for pair in pairs if sizes.get(pair[1], 0) >= FEWEST_LINES)


def _extents(database: Database, git: Git, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], float]]:
    """How much of its target each reverter undoes; every commit's diff is read once."""
    wanted = sorted({sha for pair in pairs for sha in pair})
    parents = {sha: _first_parent(database, sha) for sha in wanted}
    lines = dict(undoing.changes(git, parents.items())) if wanted else {}
    for reverter, target in pairs:
        if reverter in lines and target in lines:
            yield (reverter, target), undoing.extent(lines[target], lines[reverter])


def _first_parent(database: Database, sha: str) -> str | None:
    row = database.connection.execute("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
    return row[0].split()[0] if row and row[0] else None
