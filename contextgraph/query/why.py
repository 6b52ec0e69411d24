"""Why something is as it is: a commit, a decision, a line, a path."""

import re

import msgspec

from contextgraph.errors import NotFoundError, UsageError
from contextgraph.query import lines, places
from contextgraph.query.view import Moment, View
from contextgraph.trace import Decision, Trace

_LINES = re.compile(r"(.+?):(\d+)(?:[-,](\d+))?\Z", re.DOTALL)
_DECISION = re.compile(r"cg-[0-9a-f]{4,12}\Z")
PATH_LIMIT = 20
"""Commits shown for a whole path."""


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
    missing: str | None = None
    """Why there is nothing to tell: the commit was made after the moment asked about."""

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
            found = view.traces([sha], moment)[0]
            if moment and found.timestamp and found.timestamp > moment.at:
                return Why(target, missing=f"{sha[:10]} was made on {found.timestamp[:10]}: it did not exist at that moment.")
            return Why(target, sha, trace=found)
        if re.fullmatch(r"[0-9a-f]{7,64}", target) and (noted := _noted(view, target)):
            return Why(target, noted, trace=view.traces([noted], moment)[0])
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
    for trace in view.traces([row[1] for row in rows], moment):
        if any(each.id in ids for each in trace.decisions):
            return Why(target, trace.sha, trace=trace, decision=ids.pop())
    raise NotFoundError(f"the decision {target} was redacted, or was not there yet at that moment")


def _of_path(view: View, target: str, moment: Moment | None) -> Why:
    plain = places.tracked(view.git, target)
    match = None if plain is not None else _LINES.match(target)
    path = places.tracked(view.git, match[1]) if match else plain
    if path is None:
        gone = _last_of(view, match[1] if match else target)
        if gone:
            return Why(target, gone, traces=view.traces([gone], moment))
        raise NotFoundError(f"`{target}` is neither a revision nor a path in this repository", _hint(target))
    if match is None:
        shas = view.git.text("log", f"-{PATH_LIMIT}", "--follow", "--format=%H", "HEAD", "--", path or ".").split()
        return Why(target, traces=view.traces(shas, moment))
    if view.git.top is None:
        raise UsageError("a bare repository has no files to ask about by line", f"name a commit, or the path alone: {path}")
    first, last = int(match[2]), int(match[3] or match[2])
    if first < 1 or last < first:
        raise UsageError(f"{match[2]}-{match[3]} is no range of lines" if match[3] else "lines count from 1")
    return _of_lines(view, target, path, first, last, moment)


def _hint(target: str) -> str:
    if re.match(r"cg-[0-9a-f]*\Z", target):
        return "a decision id is cg- and at least four digits"
    if ".." in target.replace("../", ""):
        return f"`cg log {target}` lists the commits of a range"
    return "path:line asks about a line, `--` forces a path"


def _last_of(view: View, name: str) -> str | None:
    """The commit that deleted a path which is not there any more."""
    asked = ("log", "-1", "--diff-filter=D", "--format=%H", "HEAD", "--")
    return next((sha for path in places.candidates(view.git, name) if (sha := view.git.maybe(*asked, f":(literal){path}"))), None)


def _of_lines(view: View, target: str, path: str, first: int, last: int, moment: Moment | None) -> Why:
    """One line with its life, or a range with the commits that its lines come from."""
    if _is_submodule(view, path):
        raise NotFoundError(f"{path} is a submodule: its lines belong to another repository", f"cg why -C {path} FILE:LINE")
    ignore, problems = lines.ignored(view.git)
    if first != last:
        found = lines.blame(view.git, path, first, last, ["-w", "-M", "-C10", *ignore])
        shas = list(dict.fromkeys(each.sha for each in found if each.committed))
        if not shas:
            return Why(target, line=first, uncommitted=True, problems=problems)
        newest = view.git.text("rev-list", "--no-walk", "--date-order", *shas).split()
        uncommitted = any(not each.committed for each in found)
        return Why(target, line=first, traces=view.traces(newest, moment), uncommitted=uncommitted, problems=problems)
    touched, committed = lines.life(view.git, path, first, ignore)
    if not committed:
        return Why(target, line=first, uncommitted=True, problems=problems)
    traces = view.traces([each.sha for each in touched], moment)
    later = [Touch(each.sha, each.how, trace) for each, trace in zip(touched[1:], traces[1:], strict=True)]
    return Why(target, touched[0].sha, first, trace=traces[0], lineage=later, problems=problems)


def _is_submodule(view: View, path: str) -> bool:
    return view.git.run("ls-files", "-s", "-z", "--", f":(literal){path}").startswith(b"160000 ")
