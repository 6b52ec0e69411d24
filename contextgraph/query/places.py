"""Paths as people give them: relative to the directory they stand in, as git's own commands take them, or from the top."""

import glob
import os
from pathlib import Path

from contextgraph.errors import UsageError
from contextgraph.git import Git

EVERYTHING = "*"
"""The pattern of the top itself."""


def candidates(git: Git, name: str) -> list[str]:
    """What a name may mean, as paths from the top (empty: the top itself): relative to the current directory first, then from
    the top, so that what a script names from the top is found from anywhere. Raises UsageError for what is outside."""
    if name.startswith("/") and git.top:
        named = Path(name)
        meant = [os.path.relpath(named.parent.resolve() / named.name, git.top.resolve())]
    else:
        meant = [os.path.normpath(f"{git.prefix}{name}"), os.path.normpath(name)]
        if name.split("/", 1)[0] in (".", ".."):
            meant.pop()
    inside = ["" if each == "." else each for each in meant if each.split("/", 1)[0] != ".."]
    if not inside:
        raise UsageError(f"`{name}` is outside of this repository", f"its top is {git.top or git.git_dir}")
    return list(dict.fromkeys(inside))


def tracked(git: Git, name: str) -> str | None:
    """The path from the top that a name means, when git tracks something there. What stands in the current directory and is not
    tracked is what was meant all the same."""
    for path in candidates(git, name):
        if _is_tracked(git, path):
            return path
        if _is_here(git, path):
            return None
    return None


def patterns(git: Git, name: str) -> list[str]:
    """The patterns from the top that a file, a folder or a pattern of the command line means. Where neither meaning is there
    now, both are asked about: one may be in the history."""
    meant = {path: _is_here(git, path) for path in candidates(git, name)}
    escaped = [glob.escape(path) if here else _under(git.prefix, path) for path, here in meant.items()]
    for pattern, here in zip(escaped, meant.values(), strict=True):
        if here or (len(escaped) > 1 and git.run("ls-files", "-z", "--", f":(top){pattern}")):
            return [pattern or EVERYTHING]
    return [pattern or EVERYTHING for pattern in escaped]


def _under(prefix: str, path: str) -> str:
    """A path as a pattern: the current directory in it is a name, whatever stands in that."""
    return glob.escape(prefix) + path[len(prefix) :] if path.startswith(prefix) else path


def _is_here(git: Git, path: str) -> bool:
    return git.top is not None and os.path.lexists(git.top / path)


def _is_tracked(git: Git, path: str) -> bool:
    if git.top is None:
        return bool(git.run("ls-tree", "-z", "--name-only", "--full-tree", "HEAD", "--", path or "."))
    return bool(git.run("ls-files", "-z", "--", f":(literal){path}" if path else "."))
