"""What keeps a check from seeing everything, in words, each with the cure. A check that cannot see must not say that all is well."""

from collections.abc import Iterable, Mapping

from contextgraph import lag
from contextgraph.check.change import Change
from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.sync import partial

DEEPEN = "`fetch-depth: 0` under actions/checkout, `GIT_DEPTH: 0` in GitLab, or `cg check --fetch`"
NOTES = "`cg check --fetch`, or `git fetch origin '+refs/notes/contextgraph*:refs/contextgraph/remotes/origin/contextgraph*'` before it"


def shallow(git: Git) -> str | None:
    if (git.common_dir / "shallow").exists():
        return f"this is a shallow clone: precedents beyond its boundary are not here ({DEEPEN})"
    return None


def notes(git: Git, settings: Mapping[str, list[str]], tracking: Mapping[str, str]) -> str | None:
    """Notes of a remote that were never asked for. A remote that has none is no reason, once it was asked."""
    name = lag.unasked(git, settings, tracking)
    return name and f"the notes of `{name}` were never fetched: decisions in them are not seen ({NOTES})"


def records(database: Database) -> list[str]:
    """Lines of notes that could not be read."""
    rows = database.connection.execute("SELECT newer, count(*), min(key) FROM foreign_lines GROUP BY newer").fetchall()
    found = []
    for newer, number, key in rows:
        lines = "1 line" if number == 1 else f"{number} lines"
        cure = "a newer cg reads them" if newer else f"`git notes --ref contextgraph show {key[:12]}` shows the first"
        found.append(f"{lines} of the notes {'from a newer version ' if newer else ''}could not be read ({cure})")
    return found


def blobs(git: Git, settings: Mapping[str, list[str]], change: Change) -> str | None:
    """Files of the range that a partial clone only promised. Asked without fetching one."""
    if not partial(settings):
        return None
    missing = absent(git, [change.head, *([change.base] if change.base else [])])
    wanted = {blob.decode() for each in change.commits for pair in each.blobs for blob in pair}
    gone = len(missing & wanted)
    if not gone:
        return None
    files = "1 file of the range is" if gone == 1 else f"{gone} files of the range are"
    return f"{files} promised and not here, as in any partial clone (clone without `--filter`, or `cg check --fetch`)"


PROMISED = (
    "files of older changes are promised and not here, so what was reverted is not fully known (clone without `--filter`, or `--fetch`)"
)


def unread(database: Database) -> str | None:
    """Reverts that catching up could not judge, because a partial clone could not get their files."""
    known = int(database.get("reverts") or 0)
    newest = int(database.connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0])
    return PROMISED if known < newest else None


def absent(git: Git, shas: Iterable[str]) -> set[str]:
    """The objects of these commits' trees that are not here."""
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    try:
        rows = git.run("rev-list", "--objects", "--no-walk=unsorted", "--missing=print", "--stdin", stdin=asked).decode("utf-8", "replace")
    except GitError:
        return set()
    return {row[1:].strip() for row in rows.splitlines() if row.startswith("?")}
