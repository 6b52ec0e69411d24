"""When something became known in this clone: as far as the local log of the notes ref goes. Best effort, and said so."""

import msgspec

from contextgraph.git import NOTES_REF, Git
from contextgraph.query.view import Moment

BEST_EFFORT = "what was known when is read from this clone's log of its notes: best effort, and only as far back as that goes"
ALWAYS = Moment("9999-12-31T23:59:59.999Z", 2**62)
"""No moment in the past: now, and all that is there."""


def at(git: Git, seconds: int, base: Moment | None) -> Moment:
    """The moment `base` (or now), seen with the notes that this clone had at a time (Unix seconds)."""
    log = git.maybe("log", "-g", "--date=unix", "--format=%gd %H", NOTES_REF) or ""
    known = ""  # before the log begins nothing was known here
    for row in log.splitlines():
        selector, _, commit = row.rpartition(" ")
        when = selector.rpartition("@{")[2].rstrip("}")
        if when.isdigit() and int(when) <= seconds:
            known = commit
            break
    return msgspec.structs.replace(base or ALWAYS, known=known)
