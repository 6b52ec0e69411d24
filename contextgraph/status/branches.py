"""Release branches: where a commit landed on each of them, from what sets the branch apart from the target branch.

Both differences are kept by the commits they were made from, so that asking again costs no process, and one more commit on the
target branch one short one.
"""

from array import array
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import landing
from contextgraph.status.landing import Target
from contextgraph.status.undoers import Landing


class Branch(msgspec.Struct, frozen=True):
    """`ahead` maps what the branch has and the target has not to its landing commit there; `behind` is what it lacks of the
    target. Both in ids of the index."""

    name: str
    database: Database
    ahead: dict[int, int]
    behind: frozenset[int]

    def landing(self, sha: str) -> Landing | None:
        """The landing commit of `sha` on this branch and its time (Unix seconds)."""
        query = (
            "SELECT c.id, c.commit_time, l.id, l.sha, l.commit_time FROM commits c LEFT JOIN commits l ON l.sha = c.landing WHERE c.sha = ?"
        )
        row = self.database.connection.execute(query, (sha,)).fetchone()
        if row is None:
            return None
        identity, when, via, via_sha, via_when = row
        if identity in self.ahead:
            found = self.database.connection.execute(
                "SELECT sha, commit_time FROM commits WHERE id = ?", (self.ahead[identity],)
            ).fetchone()
            return (found[0], found[1])
        if via is None or identity in self.behind:
            return None
        # What reached the target later than the branch was made came here in another way: as itself.
        return (via_sha, via_when) if via not in self.behind else (sha, when)


def names(heads: dict[str, str], patterns: Iterable[str], target: Target | None) -> dict[str, tuple[str, ...]]:
    """The branches that the patterns name, each with the commits it stands at: the local one and origin's, either counts."""
    wanted = list(patterns)
    found: dict[str, list[str]] = {}
    for ref, sha in sorted(heads.items()):
        name = ref.removeprefix("refs/heads/").removeprefix("refs/remotes/origin/")
        further = not name.startswith("refs/") and name != "HEAD" and not (target and name == target.name)
        if further and any(fnmatchcase(name, pattern) for pattern in wanted):
            found.setdefault(name, []).append(sha)
    return {name: tuple(dict.fromkeys(tips)) for name, tips in found.items()}


def read(database: Database, git: Git, name: str, tips: tuple[str, ...], target: Target | None) -> Branch:
    """The branch as it stands now."""
    towards = target.tips if target else ()
    standing = f"{' '.join(tips)}|{' '.join(towards)}"
    row = database.connection.execute("SELECT standing, ahead, behind FROM branches WHERE name = ?", (name,)).fetchone()
    if row is not None and row[0] == standing:
        return _unpacked(name, database, row[1], row[2])
    before, _, old = (row[0] if row else "").partition("|")
    if row is not None and before == " ".join(tips) and old and landing.forward(git, old.split(), list(towards)):
        known = _unpacked(name, database, row[1], row[2])
        branch = _moved_on(database, git, known, old.split(), tips, towards)
    else:
        branch = _whole(database, git, name, tips, towards)
    if database.writable:
        values = (name, standing, _pairs(branch.ahead), array("q", sorted(branch.behind)).tobytes())
        with database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO branches VALUES (?, ?, ?, ?)", values)
    return branch


def _whole(database: Database, git: Git, name: str, tips: tuple[str, ...], towards: tuple[str, ...]) -> Branch:
    landed: dict[str, str] = {}
    for position, tip in enumerate(tips):
        landed |= landing.landings(landing.parents_between(git, tip, [*towards, *tips[:position]]), tip)
    ids = _ids(database, {*landed, *landed.values()})
    ahead = {ids[sha]: ids[via] for sha, via in landed.items() if sha in ids and via in ids}
    return Branch(name, database, ahead, frozenset(_missing(database, git, towards, tips)))


def _moved_on(database: Database, git: Git, known: Branch, old: list[str], tips: tuple[str, ...], towards: tuple[str, ...]) -> Branch:
    """The branch after nothing but the target moved, and forward."""
    behind = known.behind | set(_missing(database, git, towards, (*tips, *old)))
    query = "SELECT landing FROM commits WHERE id = ?"
    ahead = {key: via for key, via in known.ahead.items() if database.connection.execute(query, (key,)).fetchone()[0] is None}
    return Branch(known.name, database, ahead, behind)


def _missing(database: Database, git: Git, towards: Iterable[str], known: Iterable[str]) -> list[int]:
    asked = "".join(f"{tip}\n" for tip in towards) + "".join(f"^{tip}\n" for tip in known)
    shas = git.run("rev-list", "--stdin", stdin=asked.encode()).decode().split() if asked else []
    return list(_ids(database, shas).values())


def _ids(database: Database, shas: Iterable[str]) -> dict[str, int]:
    import json

    rows = database.connection.execute(
        "SELECT c.sha, c.id FROM json_each(?) j JOIN commits c ON c.sha = j.value", (json.dumps(sorted(shas)),)
    )
    return dict(rows)


def _pairs(ahead: dict[int, int]) -> bytes:
    return array("q", [number for pair in sorted(ahead.items()) for number in pair]).tobytes()


def _unpacked(name: str, database: Database, ahead: bytes, behind: bytes) -> Branch:
    pairs, lacking = array("q", ahead), array("q", behind)
    return Branch(name, database, dict(zip(pairs[::2], pairs[1::2], strict=True)), frozenset(lacking))
