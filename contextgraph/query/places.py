"""Paths as people give them: relative to the directory they stand in, as git's own commands take them, or from the top."""

import glob
import os
from pathlib import Path
from typing import Literal

import msgspec

from contextgraph.errors import NotFoundError, UsageError
from contextgraph.git import Git

EVERYTHING = "*"
"""The pattern of the top itself."""
DEEPEST = 100
"""Folders on the way to a path that are looked at: a line of the terminal has its limit."""
Kind = Literal["file", "link", "submodule", "directory"]
_KINDS: dict[str, Kind] = {"120000": "link", "160000": "submodule", "040000": "directory"}


class Place(msgspec.Struct, frozen=True):
    """What git tracks under a path from the top (empty: the top itself), and the revision that has it; None is the work tree."""

    path: str
    kind: Kind
    revision: str | None


def candidates(git: Git, name: str) -> list[str]:
    """What a name may mean, as paths from the top (empty: the top itself): relative to the current directory first, then from
    the top, so that what a script names from the top is found from anywhere. Raises UsageError for what is outside."""
    if git.top is None:
        meant = [os.path.normpath(name)]
    else:
        top = git.top.resolve()
        named = [top / git.prefix / name, *([] if name.split("/", 1)[0] in ("", ".", "..") else [top / name])]
        # Through the links on its way (one that stands at its end is meant itself), then as it is written: git may have had a folder there.
        ways = [each.parent.resolve() / each.name for each in named if each.name != ".."] + [Path(os.path.normpath(each)) for each in named]
        meant = [os.path.relpath(each, top) for each in ways]
    inside = ["" if each == "." else each for each in meant if each.split("/", 1)[0] != ".."]
    if not inside:
        raise UsageError(f"`{name}` is outside of this repository", f"its top is {git.top or git.git_dir}")
    return list(dict.fromkeys(inside))


def find(git: Git, name: str, revision: str | None = None) -> Place | None:
    """What git tracks under a name: in the work tree (what is gone from there: in HEAD), or at a revision. What stands in the current
    directory and is not tracked is what was meant all the same."""
    revision = "HEAD" if git.top is None and revision is None else revision
    for path in candidates(git, name):
        kind = _kind(git, path, revision)
        if kind or (revision is None and (kind := _kind(git, path, "HEAD"))):
            there = kind == "directory" or is_here(git, path)
            return Place(path, kind, revision if revision or there else "HEAD")
        if revision is None and is_here(git, path):
            return None
    return None


def _kind(git: Git, path: str, revision: str | None) -> Kind | None:
    if not path:
        return "directory"
    if revision is None:
        row = git.run("ls-files", "-s", "-z", "--", f":(literal){path}").partition(b"\0")[0].decode("utf-8", "surrogateescape")
    else:
        row = (git.maybe("ls-tree", "-z", "--full-tree", revision, "--", path) or "").partition("\0")[0]
    mode, _, rest = row.partition(" ")
    if not mode:
        return None
    return _KINDS.get(mode, "file") if rest.partition("\t")[2] == path else "directory"


def refuse_behind(git: Git, name: str, revision: str | None) -> None:
    """Raise NotFoundError for what is in a submodule or behind a link: git keeps nothing there."""
    every = {str(parent) for path in candidates(git, name) for parent in Path(path).parents} - {"."}
    parents = sorted(every, key=len)[:DEEPEST]
    rows = git.maybe("ls-tree", "-z", "--full-tree", revision or "HEAD", "--", *parents) if parents else None
    for row in (rows or "").split("\0"):
        kind, parent = _KINDS.get(row[:6]), row.partition("\t")[2]
        if kind == "submodule":
            raise NotFoundError(f"{parent} is a submodule: what is in it belongs to another repository", f"cg why -C {parent} FILE:LINE")
        if kind == "link":
            raise NotFoundError(f"{parent} is a symbolic link: git keeps nothing behind it", "ask about what it points to")


def patterns(git: Git, name: str) -> list[str]:
    """The patterns from the top that a file, a folder or a pattern of the command line means. Where neither meaning is there
    now, both are asked about: one may be in the history."""
    meant = {path: is_here(git, path) for path in candidates(git, name)}
    escaped = [glob.escape(path) if here else _under(git.prefix, path) for path, here in meant.items()]
    for pattern, here in zip(escaped, meant.values(), strict=True):
        if here or (len(escaped) > 1 and git.run("ls-files", "-z", "--", f":(top){pattern}")):
            return [pattern or EVERYTHING]
    return [pattern or EVERYTHING for pattern in escaped]


def _under(prefix: str, path: str) -> str:
    """A path as a pattern: the current directory in it is a name, whatever stands in that."""
    return glob.escape(prefix) + path[len(prefix) :] if path.startswith(prefix) else path


def is_here(git: Git, path: str) -> bool:
    return git.top is not None and os.path.lexists(git.top / path)
