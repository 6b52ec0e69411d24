"""Branches that were pushed since the last look, so that their reasons can follow (`sync.push`).

Read from the reflogs of the remote-tracking refs: git writes "update by push" there after a push that really happened.
No hook is needed, `--dry-run` leaves no trace, and our own push of notes writes none either, so nothing can recur.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from contextgraph.git import Git
from contextgraph.lock import replace
from contextgraph.refs import stack

_PUSHED = re.compile(rb"> (\d+) [+-]\d{4}\tupdate by push\s*\Z")


def due(git: Git, remotes: Iterable[str]) -> dict[str, int]:
    """The remotes that a branch was pushed to since the last `done`, each with the time of its newest push (Unix seconds)."""
    known = _known(git)
    tables = stack(git.common_dir).is_file()
    found = {remote: _told(git, remote) if tables else _newest(git.common_dir / "logs/refs/remotes" / remote) for remote in remotes}
    return {remote: when for remote, when in found.items() if when > known.get(remote, 0)}


def done(git: Git, remote: str, when: int) -> None:
    """Everything pushed to `remote` up to `when` is dealt with."""
    replace(_path(git), msgspec.json.encode({**_known(git), remote: when}))


def _newest(directory: Path) -> int:
    newest = 0
    for log in directory.rglob("*") if directory.is_dir() else ():
        if log.is_file():
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - 4096))
                for line in file:
                    if match := _PUSHED.search(line):
                        newest = max(newest, int(match[1]))
    return newest


def _told(git: Git, remote: str) -> int:
    """The same where reflogs are no files (reftable)."""
    heads = git.text("for-each-ref", "--format=%(refname)", f"refs/remotes/{remote}/").splitlines()
    newest = 0
    for head in heads:
        rows = git.maybe("log", "--walk-reflogs", "--max-count=20", "--date=raw", "--format=%gs %gd", head, "--") or ""
        newest = max([newest, *(int(when) for when in re.findall(r"(?m)^update by push \S*@\{(\d+) ", rows))])
    return newest


def _known(git: Git) -> dict[str, int]:
    try:
        return msgspec.json.decode(_path(git).read_bytes(), type=dict[str, int])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}


def _path(git: Git) -> Path:
    return git.home / "pushes"
