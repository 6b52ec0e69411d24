"""Why something is as it is: a commit, a decision, a line, a path."""

import os
import re

import msgspec

from contextgraph import commits, event
from contextgraph.errors import NotFoundError, UsageError
from contextgraph.query import heirs, places, whence
from contextgraph.query.view import Moment, View
from contextgraph.query.whence import Whence
from contextgraph.status.undoers import undone_revert
from contextgraph.trace import Decision, Trace

_DECISION = re.compile(r"cg-[0-9a-f]{4,12}\Z")


class Touch(msgspec.Struct, frozen=True):
    """A later commit on the same line, and how it touched it."""

    commit: str
    how: str
    trace: Trace


class Why(msgspec.Struct, frozen=True):
    """The answer: `trace` is the commit asked for or the one that introduced the line; `lineage` who touched it later."""

    target: str
    commit: str | None = None
    line: int | None = None
    uncommitted: bool = False
    trace: Trace | None = None
    traces: list[Trace] = []
    lineage: list[Touch] = []
    decision: str | None = None
    problems: list[str] = []
    remark: str | None = None
    """What is to be said beside: what was not there at the moment asked about, is not there any more, or is not committed."""

    @property
    def decisions(self) -> list[Decision]:
        """Everything that was decided in the answer, each once."""
        traces = [*([self.trace] if self.trace else []), *self.traces, *(touch.trace for touch in self.lineage)]
        return list({each.id: each for trace in traces for each in trace.decisions}.values())


def why(view: View, target: str, moment: Moment | None, path_only: bool = False) -> Why:
    """A revision wins over a path; `path_only` (the `--` of the command line) forces a path.

    Raises NotFoundError for what is neither, for a line past the end, for what is not text.
    """
    if not target:
        raise UsageError("nothing was named", "a revision, a path, path:line, or a decision id")
    if not path_only:
        if _DECISION.match(target):
            return _of_decision(view, target, moment)
        sha = view.git.maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{target}^{{commit}}")
        if sha is not None:
            if moment and not moment.existed(sha, made := int(view.git.text("show", "-s", "--format=%ct", sha))):
                return Why(target, remark=f"{sha[:10]} was made on {event.moment(made)[:10]}: it did not exist at that moment.")
            trace = view.traces([sha], moment)[0]
            return Why(target, sha, trace=trace, remark=heirs.remark(view, trace, moment))
        if re.fullmatch(r"[0-9a-f]{7,64}", target) and (noted := _noted(view, target)):
            trace = view.traces([noted], moment)[0]
            absent = f"{noted[:10]} is not in this clone (any more, or not yet): its record answers."
            return Why(target, noted, trace=trace, remark=heirs.remark(view, trace, moment) or absent)
    return _of_path(view, target, moment)


def _noted(view: View, prefix: str) -> str | None:
    """A commit that is not here any more, or not yet, and has a note."""
    row = view.database.connection.execute("SELECT key FROM events WHERE key BETWEEN ? AND ?", (prefix, prefix + "g")).fetchone()
    return str(row[0]) if row else None


def _of_decision(view: View, target: str, moment: Moment | None) -> Why:
    rows = view.database.connection.execute("SELECT id, home FROM decisions WHERE id BETWEEN ? AND ?", (target, target + "g")).fetchall()
    ids = {row[0] for row in rows}
    if not ids:
        raise NotFoundError(
            f"no decision {target} is known here", "`cg log --decisions` lists them; those of others arrive with `git fetch`"
        )
    if len(ids) > 1:
        raise NotFoundError(f"{target} could be any of {', '.join(sorted(ids))}", "give more of it")
    identity, homes = ids.pop(), [row[1] for row in rows]
    now = heirs.of_decision(view, identity, homes)
    if now is None:
        raise NotFoundError(f"the decision {target} was redacted")
    if moment is None:
        return Why(target, now[0].sha, trace=now[0], decision=now[1], remark=now[2])
    for trace in view.traces(homes, moment):
        if any(each.id == identity for each in trace.decisions):
            return Why(target, trace.sha, trace=trace, decision=identity)
    recorded = next(each.timestamp for each in now[0].decisions if each.id == now[1]) or ""
    return Why(target, remark=f"{identity} was recorded on {recorded[:10]}: it was not there at that moment.")


def _of_path(view: View, target: str, moment: Moment | None) -> Why:
    found = whence.whence(view.git, target, moment, lambda sha: undone_revert(view.database, sha)) or (
        None if moment else _elsewhere(view, target)
    )
    if found is None:
        if not view.git.maybe("rev-parse", "--verify", "--quiet", "HEAD"):
            raise NotFoundError("there is no commit yet")
        raise NotFoundError(f"`{target}` is neither a revision nor a path in this repository", _hint(target))
    traces = view.traces([*(each.sha for each in found.touched), *found.shas], moment)
    life, rest = traces[: len(found.touched)], traces[len(found.touched) :]
    return Why(
        target,
        life[0].sha if life else None,
        found.line,
        found.uncommitted,
        life[0] if life else None,
        rest,
        [Touch(each.sha, each.how, trace) for each, trace in zip(found.touched[1:], life[1:], strict=True)],
        problems=found.problems,
        remark=found.remark,
    )


def _elsewhere(view: View, target: str) -> Whence | None:
    """The last commit on another branch that touched a path which HEAD never had."""
    query = (
        "SELECT c.sha FROM paths p JOIN touched t ON t.path_id = p.id JOIN commits c ON c.id = t.commit_id WHERE p.path = ?"
        " ORDER BY c.commit_time DESC LIMIT 1"
    )
    asked = whence.LINES.match(target)
    for path in places.candidates(view.git, asked[1] if asked else target):
        name = path if path.isascii() else commits.text(os.fsencode(path))
        if row := view.database.connection.execute(query, (name,)).fetchone():
            return Whence(shas=[row[0]], remark=f"{name} was never on this branch; on another {row[0][:10]} touched it last.")
    return None


def _hint(target: str) -> str:
    if re.match(r"cg-[0-9a-f]*\Z", target):
        return "a decision id is cg- and at least four digits"
    if ".." in target.replace("../", ""):
        return f"`cg log {target}` lists the commits of a range"
    return "path:line asks about a line, `--as-of REV` about the past, `--` forces a path"
