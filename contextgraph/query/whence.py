"""Which commits made a path, or lines of it, what they are: in the work tree, or at a moment of the past."""

import re
from collections.abc import Callable

import msgspec

from contextgraph.errors import GitError, NotFoundError, UsageError
from contextgraph.git import Git
from contextgraph.query import known, lines, places
from contextgraph.query.lines import Touched
from contextgraph.query.places import Place
from contextgraph.query.view import Moment

LINES = re.compile(r"(.+?):(\d+)(?:[-,](\d+))?\Z", re.DOTALL)
PATH_LIMIT = 20
"""Commits shown for a whole path."""


class Whence(msgspec.Struct, frozen=True):
    """`touched`: the commits of a single line, the one that introduced it first; `shas`: those of a path or a range, newest first."""

    line: int | None = None
    touched: list[Touched] = []
    shas: list[str] = []
    uncommitted: bool = False
    remark: str | None = None
    """What is to be said beside: what is not committed, not there any more, or was not there yet."""
    problems: list[str] = []


def whence(git: Git, target: str, moment: Moment | None, undone: Callable[[str], str | None]) -> Whence | None:
    """The answer for `path`, `path:line` (`:column`) or `path:line-line`; None for what HEAD never had. `undone`: the revert that a
    commit took back.

    Raises NotFoundError for a line past the end, for what has no lines, and for what belongs elsewhere; UsageError for a bad range.
    """
    revision = _revision(git, moment)
    if revision == "":
        return Whence(remark="No commit was there at that moment.")
    place, match = places.find(git, target, revision), None
    while place is None and (shorter := LINES.match(match[1] if match else target)):  # a column may follow the line
        match = shorter
        place = places.find(git, match[1], revision)
    name = match[1] if match else target
    if place is None:
        places.refuse_behind(git, name, revision)
        return _gone(git, name, revision) or _not_yet(git, name, moment if revision else None)
    if match is None:
        return _of_path(git, place)
    first, last = int(match[2]), int(match[3] or match[2])
    if first < 1 or last < first:
        raise UsageError(f"{match[2]}-{match[3]} is no range of lines" if match[3] else "lines count from 1")
    return _of_lines(git, place, first, last, undone)


def _revision(git: Git, moment: Moment | None) -> str | None:
    """The commit that stood at a moment where HEAD stands now; empty where there was none yet. None: the work tree is meant."""
    if moment is None or moment.seconds == known.ALWAYS.seconds:
        return None
    return moment.revision or git.maybe("rev-list", "-1", "--first-parent", f"--min-age={moment.seconds}", "HEAD")


def _of_path(git: Git, place: Place) -> Whence:
    found = _history(git, place.revision or "HEAD", place.path)
    return found if found.shas else _uncommitted(f"{place.path or 'What is here'} is", None)


def _history(git: Git, head: str, path: str) -> Whence:
    """The newest commits of a path, through renames; none where there is no commit at all."""
    asked = ("log", f"-{PATH_LIMIT}", "--format=%H")
    where = (head, "--", f":(literal){path}" if path else ".")
    try:
        # What a merge itself brought (a subtree, say) is told by no diff of one commit, and so not followed.
        return Whence(shas=(git.text(*asked, "--follow", *where) or git.text(*asked, *where)).split())
    except GitError as error:
        if "promisor" in error.message:
            return Whence(shas=git.text(*asked, *where).split(), problems=["renames are not followed: their content is not in this clone"])
        if git.maybe("rev-parse", "--verify", "--quiet", head):
            raise
        return Whence()


def _of_lines(git: Git, place: Place, first: int, last: int, undone: Callable[[str], str | None]) -> Whence:
    if place.kind == "submodule":
        raise NotFoundError(f"{place.path} is a submodule: its lines belong to another repository", f"cg why -C {place.path} FILE:LINE")
    if place.kind != "file":
        what = "a symbolic link" if place.kind == "link" else "a directory"
        raise NotFoundError(f"{place.path or '.'} is {what} and has no lines", "ask about a file, or about the path alone")
    if lines.is_binary(git, place.path, place.revision):
        raise NotFoundError(f"{place.path} is a binary file and has no lines", "ask about the path alone")
    if not git.maybe("rev-parse", "--verify", "--quiet", "HEAD"):
        return _uncommitted(f"{place.path} is", first)
    ignore, problems = lines.ignored(git)
    if first == last:
        touched = lines.life(git, place.path, first, ignore, place.revision, undone)
        found = Whence(first, touched) if touched else _uncommitted(f"Line {first} is", first)
    else:
        blamed = lines.blame(git, place.path, first, last, [*lines.THROUGH, *ignore], place.revision)
        shas = list(dict.fromkeys(each.sha for each in blamed if each.committed))
        if not shas:
            found = _uncommitted(f"Lines {first} to {last} are", first)
        else:
            newest = git.text("rev-list", "--no-walk", "--date-order", *shas).split()
            open_ = any(not each.committed for each in blamed)
            found = Whence(first, shas=newest, uncommitted=open_, remark="Some of these lines are not committed yet." if open_ else None)
    return msgspec.structs.replace(found, problems=problems)


def _uncommitted(subject: str, line: int | None) -> Whence:
    return Whence(line, uncommitted=True, remark=f"{subject} not committed yet: nobody can say why but you.")


def _gone(git: Git, name: str, revision: str | None) -> Whence | None:
    """What a path was that is not there any more: its history, and the commit that took it away."""
    for path in places.candidates(git, name):
        head = revision or "HEAD"
        sha = git.maybe("log", "-1", "-m", "--diff-filter=D", "--format=%H", head, "--", f":(literal){path}")
        if sha:
            rows = (git.maybe("show", "--first-parent", "-M", "--diff-filter=R", "--name-status", "-z", "--format=", sha) or "").split("\0")
            renamed = dict(zip(rows[1::3], rows[2::3], strict=False)).get(path)
            did = f"renamed it to {renamed}" if renamed else "deleted it"
            remark = f"{path} is not there any more: {sha[:10]} {did}."
            return msgspec.structs.replace(_history(git, head, path), remark=remark)
    return None


def _not_yet(git: Git, name: str, moment: Moment | None) -> Whence | None:
    """Say of what is there now that it was not then, or is not committed at all."""
    if moment and ((place := places.find(git, name)) or _gone(git, name, None)):
        return Whence(remark=f"{place.path if place else name} was not there at that moment.")
    here = next((path for path in places.candidates(git, name) if places.is_here(git, path)), None)
    return _uncommitted(f"{here} is not tracked by git, and", None) if here and moment is None else None
