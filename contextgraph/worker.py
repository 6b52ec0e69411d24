"""Face: git hooks. Started detached by a hook, it waits a moment, takes what was spooled, and goes.

Only the standard library and our light rooms are imported here; embedding runs in a process of its own.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from contextgraph.errors import Error
from contextgraph.git import without_repository
from contextgraph.graph import Graph, quiet

DEBOUNCE = 0.25
"""Seconds that a worker waits for more commits: 60 back to back then cost one start or two, and a note is there within a second."""


def main(arguments: list[str]) -> int:
    """`worker DIRECTORY`, or `worker --embed DIRECTORY` for vectors.

    Failures go to `.git/contextgraph/log` as one line: there is nobody to read anything else.
    """
    environment = without_repository(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    os.nice(5)
    if arguments[0] == "--embed":
        os.nice(10)
        Graph.open(Path(arguments[1])).embed(quiet)
        return 0
    graph = Graph.open(Path(arguments[0]))
    marker = graph.git.home / "waiting"
    with suppress(OSError):
        marker.write_text(f"{os.getpid()}\n")
    time.sleep(_delay(environment.get("CG_WORKER_DELAY")))
    # Gone before the spool is taken: a commit made from here on starts the next worker.
    marker.unlink(missing_ok=True)
    try:
        graph.catch_up()
        graph.start_embedding()
    except Error as error:
        graph.note(f"worker: {error.message}")
        return error.code
    except Exception as error:
        graph.note(f"worker: {type(error).__name__}: {error}")
        raise
    return 0


def _delay(text: str | None) -> float:
    try:
        return max(0.0, float(text)) if text else DEBOUNCE
    except ValueError:
        return DEBOUNCE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
