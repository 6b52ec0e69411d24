"""A host's squash merge leaves no link: the old tip, merged again into the squash's parent, must give its very tree.

Right in 87 to 100 % of real merges and never wrong in 2,000 tries (EVIDENCE, Which commit became which).
"""

from collections.abc import Iterator

from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.index.database import Database

MOST = 60
"""Merges tried at one look (3 to 15 ms each); the rest is tried at the next."""
SKEW = 30
"""Seconds by which the clock of a host may be behind that of who pushed: a squash holds nothing that was made after it."""
Pair = tuple[str, str, str]


def find(
    database: Database, git: Git, known: int, records: bool, heads: list[str], linked: list[Pair], tried: list[tuple[str, str]]
) -> Iterator[Pair]:
    """(old, squash, "host-squash") for every recorded commit of a branch that a new commit of the target squashes.

    `records`: there are new records, so that commits known before may be their squashes. `linked` have gone elsewhere.
    A copy of one commit is no squash of a branch that holds it: where the rest of that cancels out, the trees are the same.
    """
    pending = _pending(database) - {old for old, _, _ in linked}
    if not pending:
        return
    tips = {tip: members for tip in [*heads, *pending] if (members := _members(database, tip)) and members & pending}
    paths = {tip: _paths(database, members) for tip, members in tips.items()}
    made = {tip: _time(database, tip) for tip in tips}
    done: set[str] = set()
    attempts = 0
    for squash, parent, when in _candidates(database, known, records):
        touched, copied = _paths(database, {squash}), _copied(database, squash, linked)
        for tip in sorted(tips, key=lambda each: -len(tips[each])):
            members = tips[tip]
            if not touched or tip in done or touched - paths[tip] or made[tip] > when + SKEW or attempts >= MOST:
                continue
            if copied & members or _was_tried(database, tip, squash):
                continue
            attempts += 1
            if same_tree(git, squash, parent, tip) and not _holds(git, tip, squash):
                done |= members
                yield from ((old, squash, "host-squash") for old in sorted(members & pending))
                break
            tried.append((tip, squash))


def same_tree(git: Git, squash: str, parent: str, tip: str) -> bool:
    """Whether merging `tip` into `parent` gives the tree of `squash`, and that differs from the parent's own."""
    trees = git.run("rev-parse", f"{squash}^{{tree}}", f"{parent}^{{tree}}").decode().split()
    if trees[0] == trees[1]:
        return False
    try:
        merged = git.run("merge-tree", "--write-tree", "--no-messages", parent, tip, accept=(0, 1))
    except GitError:  # unrelated histories, or a git older than 2.38
        return False
    return merged.decode().split("\n", 1)[0] == trees[0]


def _holds(git: Git, tip: str, squash: str) -> bool:
    """Whether the branch was made on top of the commit: then that squashed nothing of it, and it only brings the same again."""
    return git.maybe("merge-base", "--is-ancestor", squash, tip) is not None


def _pending(database: Database) -> set[str]:
    """Recorded commits that the target does not have and that were not carried anywhere."""
    rows = database.connection.execute(
        "SELECT DISTINCT e.key FROM events e JOIN commits c ON c.sha = e.key WHERE e.kind IN ('recorded', 'carried') AND c.landing IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM links WHERE old = e.key)"
    )
    return {sha for (sha,) in rows}


def _members(database: Database, tip: str) -> set[str]:
    """What `tip` has and the target has not."""
    found: set[str] = set()
    waiting = [tip]
    while waiting and len(found) < 2_000:
        sha = waiting.pop()
        row = database.connection.execute("SELECT parents, landing FROM commits WHERE sha = ?", (sha,)).fetchone()
        if row is not None and row[1] is None and sha not in found:
            found.add(sha)
            waiting += row[0].split()
    return found


def _paths(database: Database, shas: set[str]) -> set[int]:
    found: set[int] = set()
    for sha in shas:
        rows = database.connection.execute("SELECT path_id FROM touched WHERE commit_id = (SELECT id FROM commits WHERE sha = ?)", (sha,))
        found |= {path for (path,) in rows}
    return found


def _candidates(database: Database, known: int, all_recent: bool) -> list[tuple[str, str, int]]:
    """(commit, parent, commit time) of the target's own first-parent commits with one parent: the new ones; where there are new
    records, the recent ones."""
    rows = database.connection.execute(
        "SELECT sha, parents, commit_time FROM commits WHERE landing = sha AND id > ? AND parents <> '' AND instr(parents, ' ') = 0"
        " ORDER BY commit_time DESC LIMIT 500",
        (0 if all_recent else known,),
    )
    return rows.fetchall()[::-1]  # oldest first: the reland of a reverted squash gives the same tree


def _time(database: Database, sha: str) -> int:
    return int(database.connection.execute("SELECT commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()[0])


def _copied(database: Database, new: str, linked: list[Pair]) -> set[str]:
    """The commits that `new` is a copy of: picked, or applied by a host."""
    rows = database.connection.execute("SELECT old, how FROM links WHERE new = ?", (new,)).fetchall()
    rows += [(old, how) for old, other, how in linked if other == new]
    return {old for old, how in rows if how in ("cherry-pick", "host-rebase")}


def _was_tried(database: Database, tip: str, squash: str) -> bool:
    return database.connection.execute("SELECT 1 FROM tried WHERE old = ? AND new = ?", (tip, squash)).fetchone() is not None
