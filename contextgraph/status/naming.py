"""Which commits a message names as undone: by sha, by pull request, by title."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from contextgraph.index.ancestry import DAY, follows
from contextgraph.index.database import Database

NEAREST = 8
"""Older commits and merges of a quoted title that are looked at: titles are used again, and the diffs tell which one is meant."""
_DECLARING = ("reverts", "mentions", "reverts-pull", "reverts-change", "reverts-subject")


class Named(msgspec.Struct, frozen=True):
    """`reverter` says that it undoes `target`. `rule`: `declared`, or `mentioned` where a sha only stands near the word.

    `title`: found by a title that several may have, a commit or a merge; the one that is undone most is meant. `when`: the
    target's author and author time, the same for twins.
    """

    reverter: str
    target: str
    rule: str
    title: Literal["", "commit", "merge"] = ""
    when: tuple[str, int] = ("", 0)


def named(database: Database, known: int) -> Iterator[Named]:
    """What the commits with an id over `known` name, as far as it is here and older; and who named one of these before it came."""
    rows = database.connection.execute(
        "SELECT c.sha, k.kind, k.target, c.commit_time FROM claims k JOIN commits c ON c.sha = k.sha"
        f" WHERE c.id > ? AND k.kind IN {_DECLARING}",
        (known,),
    ).fetchall()
    rows += _named_before(database, known) if known else []
    certain: set[str] = set()
    for sha, kind, target, when in rows:
        rule = "mentioned" if kind == "mentions" else "declared"
        found = list(_of_sha(database, target, when)) if kind in ("reverts", "mentions") else []
        found += _of_pull(database, target, when) if kind == "reverts-pull" else []
        found += _of_change(database, target, when) if kind == "reverts-change" else []
        for each in [*found, *_twins(database, found, sha, when)]:
            if each != sha:
                certain |= {sha} if kind != "mentions" and _landed(database, each) else set()
                yield Named(sha, each, rule)
    quoted = [(sha, target, when) for sha, kind, target, when in rows if kind == "reverts-subject" and sha not in certain]
    yield from _of_titles(database, quoted)


def _named_before(database: Database, known: int) -> list[tuple[str, str, str, int]]:
    """The claims of commits that were here before what they name by its sha: on a branch that was fetched later."""
    fresh = sorted(sha for (sha,) in database.connection.execute("SELECT sha FROM commits WHERE id > ?", (known,)))
    found: list[tuple[str, str, str, int]] = []
    for sha, kind, target in database.connection.execute("SELECT sha, kind, target FROM claims WHERE kind IN ('reverts', 'mentions')"):
        place = bisect_left(fresh, target)
        if place < len(fresh) and fresh[place].startswith(target):
            query = "SELECT commit_time FROM commits WHERE sha = ? AND id <= ?"
            found += [(sha, kind, target, when) for (when,) in database.connection.execute(query, (sha, known))]
    return found


def _of_sha(database: Database, prefix: str, when: int) -> Iterator[str]:
    rows = database.connection.execute(
        "SELECT sha FROM commits WHERE sha BETWEEN ? AND ? AND commit_time <= ? LIMIT 2", (prefix, prefix + "g", when + DAY)
    ).fetchall()
    if len(rows) == 1 or len(prefix) >= 40:
        yield from (sha for (sha,) in rows)


def _landed(database: Database, sha: str) -> bool:
    """Whether the target branch has it; what is named may be on another one, and the quoted title tells which is meant here."""
    return database.connection.execute("SELECT 1 FROM commits WHERE sha = ? AND landing IS NOT NULL", (sha,)).fetchone() is not None


def _twins(database: Database, found: list[str], reverter: str, when: int) -> Iterator[str]:
    """The same changes as they came in another way (picked, rebased): a revert may name the one on the other branch. What was
    picked again after the revert has come back: no clock is forgiven here, for that is often within the hour."""
    for sha in found:
        rows = database.connection.execute(
            "SELECT t.sha, t.commit_time FROM commits c"
            " JOIN commits t ON t.author_time = c.author_time AND t.author = c.author AND t.subject = c.subject"
            " WHERE c.sha = ? AND t.sha <> c.sha AND t.commit_time <= ? LIMIT 20",
            (sha, when),
        ).fetchall()
        yield from (twin for twin, at in rows if at < when or not follows(database, twin, reverter))


def _of_pull(database: Database, number: str, when: int) -> list[str]:
    """The nearest older commit that brought a pull request in: `… (#N)`, or its merge."""
    rows = database.connection.execute(
        "SELECT c.sha, c.subject FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ? AND c.commit_time <= ?"
        " ORDER BY c.commit_time DESC LIMIT 50",
        (f'subject: "{number}"', when),
    )
    found = (
        sha for sha, subject in rows if number_of(subject) in (f"#{number}", f"!{number}") and not subject.lower().startswith("revert")
    )
    return list(found)[:1]


def _of_change(database: Database, number: str, when: int) -> list[str]:
    """The older commits that Gerrit made of a change: one, or its picks to several branches under its number."""
    query = "SELECT c.sha FROM claims k JOIN commits c ON c.sha = k.sha WHERE k.kind = 'reviewed' AND k.target = ? AND c.commit_time <= ?"
    return [sha for (sha,) in database.connection.execute(query, (number, when))]


_NUMBER = re.compile(r"\((#\d+)\)\s*$|^(?:Auto merge of|Merge pull request|Merge PR|Merge) (#\d+)\b|^Merge (?:branch|remote).*?(!\d+)")


def number_of(subject: str) -> str | None:
    """`#N` (`!N`), when the title of a commit says which pull request it brings in."""
    match = _NUMBER.search(subject)
    return next((group for group in match.groups() if group), None) if match else None


def _of_titles(database: Database, quoted: list[tuple[str, str, int]]) -> Iterator[Named]:
    """For each quoted title the nearest older commits that have it, and merges of a pull request that had it; one pass over all
    subjects for all of them."""
    if not quoted:
        return
    wanted = {_bare(title) for _, title, _ in quoted}
    holders: dict[str, list[tuple[int, str, tuple[str, int], bool]]] = {}
    for sha, subject, when, author, at, merge in _candidates(database, wanted):
        if (title := _bare(subject)) in wanted:
            holders.setdefault(title, []).append((when, sha, (author, at), bool(merge)))
    for sha, title, when in quoted:
        older = [each for each in holders.get(_bare(title), []) if each[0] <= when and each[1] != sha]
        older = [each for each in older if each[0] < when or not follows(database, each[1], sha)]
        for _, target, twins, merge in sorted(older, reverse=True)[:NEAREST]:
            yield Named(sha, target, "declared", title="merge" if merge else "commit", when=twins)


def _candidates(database: Database, wanted: set[str]) -> Iterable[tuple[str, str, int, str, int, int]]:
    """Every commit with its title, and every merge with that of its pull request; for a few titles those that have all their words."""
    columns = "c.sha, c.subject, c.commit_time, c.author, c.author_time, 0"
    merges = "c.sha, k.target, c.commit_time, c.author, c.author_time, 1"
    titled = "JOIN claims k ON k.sha = c.sha AND k.kind = 'titled'"
    if len(wanted) > 20:
        yield from database.connection.execute(f"SELECT {columns} FROM commits c UNION ALL SELECT {merges} FROM commits c {titled}")
        return
    for title in wanted:
        words = re.findall(r"[A-Za-z0-9]+", title)
        if not words:
            continue
        phrase = " ".join(f'"{word}"' for word in words[:12])
        found = "FROM words JOIN commits c ON c.id = words.rowid"
        yield from database.connection.execute(f"SELECT {columns} {found} WHERE words MATCH ?", (f"subject: ({phrase})",))
        yield from database.connection.execute(f"SELECT {merges} {found} {titled} WHERE words MATCH ?", (f"body: ({phrase})",))


def _bare(title: str) -> str:
    """A title on one line, in small letters, without the pull request numbers that a host appends, also to what is quoted in it."""
    if "#" in title or "!" in title:
        title = re.sub(r"\s*\([#!]\d+\)", "", title)
    return " ".join(title.casefold().split())
