"""Where files went: the names that they have later, by the commits that took the old ones away."""

from collections.abc import Iterable

from contextgraph.git import Git
from contextgraph.index.database import Database

FARTHEST = 3
"""Names that a file is followed over."""
SIMILAR = "-M50%"
MOST = "-l300"
"""New files of one commit up to which git looks for those that are much like an old one, each against each; of more only the very same."""
Place = tuple[str, str]
"""(commit, path)."""


def moved(database: Database, git: Git, missing: Iterable[Place]) -> dict[Place, list[str]]:
    """The paths that each file had after its own till that commit, where it is missing: the last it may have there."""
    found: dict[Place, list[str]] = {}
    waiting = {place: place[1] for place in missing}
    renames: dict[str, dict[str, str]] = {}
    for _ in range(FARTHEST):
        last = {place: sha for place, path in waiting.items() if (sha := _last(database, place[0], path))}
        renames |= _renames(git, set(last.values()) - renames.keys())
        waiting = {place: renames[sha][waiting[place]] for place, sha in last.items() if waiting[place] in renames.get(sha, {})}
        for place, path in waiting.items():
            found.setdefault(place, []).append(path)
    return found


def _last(database: Database, commit: str, path: str) -> str | None:
    """What touched a path at last, as of the time of a commit."""
    query = (
        "SELECT c.sha FROM touched x JOIN commits c ON c.id = x.commit_id JOIN commits n ON n.sha = ? WHERE x.path_id ="
        " (SELECT id FROM paths WHERE path = ?) AND c.landing IS NOT NULL AND c.commit_time <= n.commit_time"
        " ORDER BY c.commit_time DESC, c.id DESC LIMIT 1"
    )
    row = database.connection.execute(query, (commit, path)).fetchone()
    return str(row[0]) if row else None


def _renames(git: Git, commits: set[str]) -> dict[str, dict[str, str]]:
    """{commit: {old path: new path}}."""
    found: dict[str, dict[str, str]] = {sha: {} for sha in commits}
    asked = "".join(f"{sha}\n" for sha in sorted(commits)).encode()
    options = ("-r", "-z", SIMILAR, MOST, "--diff-filter=R", "--name-status", "--always")
    # Git stops at an object that it cannot read: what follows is not known to have moved.
    answer = git.run("diff-tree", "--stdin", *options, stdin=asked, accept=(0, 128)) if commits else b""
    here, sha = iter(answer.decode("utf-8", "surrogateescape").split("\0")), ""
    for field in here:
        if field in found:
            sha = field
        elif field[:1] == "R":
            old, new = next(here, ""), next(here, "")
            found[sha][old] = new
    return found
