"""Which commits the target branch reaches, and through which commit of its first-parent line each came in."""

import json
import sqlite3

import msgspec

from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.index.database import Database


class Target(msgspec.Struct, frozen=True):
    """The branch that decides what has landed, and the commits it stands at: the local one and its upstream, either counts."""

    name: str
    tips: tuple[str, ...]


def find_target(refs: dict[str, str], wanted: str, origin_head: str | None) -> Target | None:
    """The configured branch, else origin/HEAD, main, master. `refs` is every local and remote-tracking head with its commit."""
    default = (origin_head or "").removeprefix("refs/remotes/origin/")
    for name in [wanted] if wanted else [default, "main", "master", "trunk"]:
        tips = [refs[ref] for ref in (f"refs/heads/{name}", f"refs/remotes/origin/{name}") if name and ref in refs]
        if tips:
            return Target(name, tuple(dict.fromkeys(tips)))
    return None


def sync(database: Database, git: Git, target: Target | None) -> bool:
    """Bring `landing` of every commit in step with the target branch: the first-parent commit that brought it in.

    Returns whether anything moved.
    """
    known = (database.get("target") or "").split()
    tips = list(target.tips) if target else []
    if known == tips:
        return False
    with database.transaction() as connection:
        if known and not forward(git, known, tips):
            connection.execute("UPDATE commits SET landing = NULL WHERE landing IS NOT NULL")
            known = []
        for position, tip in enumerate(tips):
            seen = [*known, *tips[:position]]
            landed = landings(parents_between(git, tip, seen) if seen else _parents(connection), tip)
            connection.executemany("UPDATE commits SET landing = ? WHERE id = ?", _by_id(connection, landed))
        database.put("target", " ".join(tips))
    return True


def _parents(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The parents of every indexed commit: for a whole history that is several times faster than asking git."""
    return {sha: parents.split() for sha, parents in connection.execute("SELECT sha, parents FROM commits")}


def _by_id(connection: sqlite3.Connection, landed: dict[str, str]) -> list[tuple[str, int]]:
    """(landing commit, id), in the order of ids: for a whole history that is several times faster than going by sha."""
    if len(landed) < 5_000:
        rows = connection.execute("SELECT sha, id FROM commits WHERE sha IN (SELECT value FROM json_each(?))", (json.dumps(list(landed)),))
    else:
        rows = connection.execute("SELECT sha, id FROM commits ORDER BY id")
    return sorted(((landed[sha], number) for sha, number in rows if sha in landed), key=lambda row: row[1])


def parents_between(git: Git, tip: str, known: list[str]) -> dict[str, list[str]]:
    """The commits that `tip` reaches and `known` do not, each with its parents."""
    revisions = f"{tip}\n" + "".join(f"^{each}\n" for each in known)
    rows = git.run("rev-list", "--parents", "--stdin", stdin=revisions.encode()).decode().splitlines()
    return {words[0]: words[1:] for words in map(str.split, rows)}


def landings(parents: dict[str, list[str]], tip: str) -> dict[str, str]:
    """For each commit in `parents` the first-parent commit of `tip` that brought it in: itself, or a merge."""
    chain: list[str] = []
    step: str | None = tip
    while step in parents:
        chain.append(step)
        step = parents[step][0] if parents[step] else None
    landed: dict[str, str] = {}
    for landing in reversed(chain):
        waiting = [landing]
        while waiting:
            sha = waiting.pop()
            if sha not in landed and sha in parents:
                landed[sha] = landing
                waiting += parents[sha]
    return landed


def forward(git: Git, old: list[str], new: list[str]) -> bool:
    """Whether everything that `old` reach is reached by `new` too: the branch moved forward only."""
    if not new:
        return False
    asked = "".join(f"{tip}\n" for tip in old) + "".join(f"^{tip}\n" for tip in new)
    try:
        return not git.run("rev-list", "--max-count=1", "--stdin", stdin=asked.encode()).strip()
    except GitError:  # the old tip was pruned
        return False
