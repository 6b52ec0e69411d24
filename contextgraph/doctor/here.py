"""Faults of this clone's own set-up: hooks, interpreter, locks, clock, git's own indexes."""

import time
from collections.abc import Iterator
from pathlib import Path

from contextgraph import install
from contextgraph.doctor.finding import Found
from contextgraph.event import moment
from contextgraph.graph import Graph

STALE = 600
"""Seconds after which a lock file of git on our ref belongs to nobody: writing it takes milliseconds."""
BIG = 20_000
"""Commits from which walking without a commit-graph is felt."""
DAY = 86_400


def not_set_up(graph: Graph) -> Iterator[Found]:
    if not graph.installed and not install.is_idle(graph.git):
        yield Found("contextgraph is not set up in this repository: commits are not recorded as they are made", "cg init")


def set_up(graph: Graph) -> None:
    install.install(graph.git)
    graph.installed = True


def hooks_shadowed(graph: Graph) -> Iterator[Found]:
    reason = install.look(graph.git).reason
    if graph.installed and reason and reason != install.BARE:
        yield Found(reason, "nothing is lost; the hook manager that runs those can call ours, see docs/hooks.md")


def hooks_missing(graph: Graph) -> Iterator[Found]:
    hooks = install.look(graph.git)
    if graph.installed and hooks.fault and len(hooks.installed + hooks.managed) < len(install.HOOKS):
        yield Found(hooks.fault, "cg init")


def dead_interpreter(graph: Graph) -> Iterator[Found]:
    hooks = install.look(graph.git)
    if hooks.installed and hooks.python and not Path(hooks.python).is_file():
        yield Found(f"the interpreter that the hooks start is gone: {hooks.python}", "cg init")


def hooks_silent(graph: Graph) -> Iterator[Found]:
    """An active probe: a commit in a throw-away repository with this one's configuration and hooks."""
    hooks = install.look(graph.git)
    if graph.installed and hooks.alive and not install.fires(graph.git):
        yield Found(
            "the hooks are in place, and a commit made as a trial did not run them", "see core.hooksPath in `git config --show-origin -l`"
        )


def stale_lock(graph: Graph) -> Iterator[Found]:
    for path in _stale_locks(graph):
        yield Found(f"a lock file was left behind: {path}", f"rm '{path}'", str(path))


def remove_stale_locks(graph: Graph) -> None:
    for path in _stale_locks(graph):
        path.unlink(missing_ok=True)


def _stale_locks(graph: Graph) -> list[Path]:
    common = graph.git.common_dir
    places = [
        common / "refs/notes/contextgraph.lock",
        common / "reftable/tables.list.lock",
        *(common / "refs/contextgraph").rglob("*.lock"),
    ]
    return [path for path in places if path.is_file() and time.time() - path.stat().st_mtime > STALE]


def clock_skew(graph: Graph) -> Iterator[Found]:
    """Commits or events from the future come first in every list, and sort after what replaces them."""
    limit = time.time() + DAY
    connection = graph.database.connection
    row = connection.execute(
        "SELECT sha, commit_time FROM commits WHERE commit_time > ? ORDER BY commit_time DESC LIMIT 1", (limit,)
    ).fetchone()
    if row:
        yield Found(f"the commit {row[0][:12]} is dated in the future ({moment(row[1])[:10]})", "check the clock of who made it", "commit")
    row = connection.execute("SELECT key, at FROM events WHERE at > ? ORDER BY at DESC LIMIT 1", (moment(limit),)).fetchone()
    if row:
        yield Found(f"an event on {row[0][:12]} is dated in the future ({row[1][:10]})", "check the clock of who made it", "event")


def commit_graph_missing(graph: Graph) -> Iterator[Found]:
    count = graph.database.connection.execute("SELECT count(*) FROM commits").fetchone()[0]
    info = graph.git.common_dir / "objects/info"
    if count > BIG and not (info / "commit-graph").exists() and not (info / "commit-graphs").exists():
        yield Found(f"{count:,} commits and no commit-graph: git walks them slowly", "git commit-graph write --reachable --changed-paths")


def write_commit_graph(graph: Graph) -> None:
    graph.git.run("commit-graph", "write", "--reachable", "--changed-paths")
