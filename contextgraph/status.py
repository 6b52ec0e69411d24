"""What became of a commit: landed when the target branch reaches it, through which landing commit, and since when.

A rule is a function here over the graph of commits; nothing is printed and nothing is stored as a fact.
"""

import msgspec

from contextgraph.errors import GitError
from contextgraph.event import moment
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.trace import Evidence, Status


class Target(msgspec.Struct, frozen=True):
    """The branch that decides what has landed, and the commits it stands at: the local one and its upstream, either counts."""

    name: str
    tips: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True):
    status: Status
    landed_at: str | None = None
    merged_via: str | None = None
    evidence: tuple[Evidence, ...] = ()


def find_target(refs: dict[str, str], wanted: str, origin_head: str | None) -> Target | None:
    """The configured branch, else origin/HEAD, main, master. `refs` is every local and remote-tracking head with its commit."""
    default = (origin_head or "").removeprefix("refs/remotes/origin/")
    for name in [wanted] if wanted else [default, "main", "master", "trunk"]:
        tips = [refs[ref] for ref in (f"refs/heads/{name}", f"refs/remotes/origin/{name}") if name and ref in refs]
        if tips:
            return Target(name, tuple(dict.fromkeys(tips)))
    return None


def sync(database: Database, git: Git, target: Target | None) -> None:
    """Bring `landing` of every commit in step with the target branch: the first-parent commit that brought it in."""
    known = (database.get("target") or "").split()
    tips = list(target.tips) if target else []
    if known == tips:
        return
    with database.transaction() as connection:
        if known and not _ancestors(git, known, tips):
            connection.execute("UPDATE commits SET landing = NULL WHERE landing IS NOT NULL")
            known = []
        for position, tip in enumerate(tips):
            landed = landings(parents_between(git, tip, [*known, *tips[:position]]), tip)
            connection.executemany("UPDATE commits SET landing = ? WHERE sha = ?", [(via, sha) for sha, via in landed.items()])
        database.put("target", " ".join(tips))


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


def outcome(database: Database, sha: str, target: Target | None, until: int | None = None) -> Outcome:
    """The status of `sha`; with `until` (Unix seconds) as it was when the target branch had reached that time."""
    row = database.connection.execute(
        "SELECT c.landing, l.commit_time FROM commits c LEFT JOIN commits l ON l.sha = c.landing WHERE c.sha = ?", (sha,)
    ).fetchone()
    if target is None or row is None or row[0] is None or (until is not None and row[1] > until):
        return Outcome("pending")
    via = None if row[0] == sha else str(row[0])
    rule = "merged" if via else "reachable"
    return Outcome("landed", moment(row[1]), via, (Evidence(rule=rule, commit=str(row[0]), detail=f"in {target.name}"),))


def _ancestors(git: Git, old: list[str], new: list[str]) -> bool:
    """Whether everything that `old` reach is reached by `new` too: the branch moved forward only."""
    if not new:
        return False
    asked = "".join(f"{tip}\n" for tip in old) + "".join(f"^{tip}\n" for tip in new)
    try:
        return not git.run("rev-list", "--max-count=1", "--stdin", stdin=asked.encode()).strip()
    except GitError:  # the old tip was pruned
        return False
