"""Face: git hooks. Started detached by a hook, it waits a moment, takes what was spooled, and goes.

Only the standard library and our light rooms are imported here; embedding runs in a process of its own.
"""

import os
import sys
import time
from pathlib import Path

from contextgraph.environment import without_repository
from contextgraph.errors import Error
from contextgraph.git import Git
from contextgraph.graph import Graph
from contextgraph.refill import quiet

DEBOUNCE = 0.25
"""Seconds that a worker waits for more commits: 60 back to back then cost one start or two, and a note is there within a second."""


def main(arguments: list[str]) -> int:
    """`worker DIRECTORY`, or `worker --embed DIRECTORY` for vectors; returns the exit code.

    Failures go to `.git/contextgraph/log` as one line: there is nobody to read anything else.
    """
    os.nice(5)
    embedding = arguments[0] == "--embed"
    pushing = arguments[0] == "--push"
    # What git set for the hook (GIT_DIR, GIT_WORK_TREE) says which repository it is; after that it would only mislead.
    git = Git.discover(Path(arguments[-1]), os.environ)
    environment = without_repository(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    if embedding:
        os.nice(10)
    elif not pushing:
        _wait(git.home / "waiting", _delay(environment.get("CG_WORKER_DELAY")))
    try:
        graph = Graph(git, environment)
        if embedding:
            graph.embed(quiet, asked=False)
        elif graph.installed:  # `cg uninstall` may have come first
            graph.catch_up()
            if graph.failure:
                _log(git, graph.failure)
            graph.start_embedding()
            graph.push_notes()
    except Error as error:
        _log(git, error.message)
        return error.code
    except Exception as error:
        _log(git, f"{type(error).__name__}: {error}")
        raise
    return 0


def _wait(marker: Path, seconds: float) -> None:
    """Hold the marker for so long. It is gone before the spool is taken: a commit made from then on starts the next worker."""
    try:
        marker.write_text(f"{os.getpid()}\n")
        time.sleep(seconds)
        marker.unlink(missing_ok=True)
    except OSError:
        pass  # nothing can be written here: capture says so itself, in the log or in the next command's answer


def _delay(text: str | None) -> float:
    try:
        return max(0.0, float(text)) if text else DEBOUNCE
    except ValueError:
        return DEBOUNCE


def _log(git: Git, line: str) -> None:
    from contextgraph.event import moment

    git.home.mkdir(parents=True, exist_ok=True)
    with (git.home / "log").open("a", encoding="utf-8") as file:
        file.write(f"{moment(time.time())} worker: {line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
