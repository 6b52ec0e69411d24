"""Decisions staged for the next commit: per worktree, like the index.

`staged/<worktree>` is the file. The first later commit in the worktree's HEAD reflog takes it: the file is renamed to
`staged/<sha>`. The post-commit hook does that at once; a commit that was made before without hooks gets it back (`bind`).
"""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import chain, count, takewhile
from pathlib import Path

import msgspec

from contextgraph.capture import reflog
from contextgraph.errors import NotFoundError
from contextgraph.git import Git
from contextgraph.lock import locked, replace
from contextgraph.trace import Decision

# A file of that name is bound to a commit; every other one is a worktree's (whose name may well have 40 characters).
_BOUND = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})(\.\d+)?\Z")


class Staged(msgspec.Struct, frozen=True):
    """What is staged in one worktree, and where its HEAD reflog ended when the first of it was."""

    mark: reflog.Mark
    decisions: list[Decision]
    worktree: str = ""
    """As in reflog.files: a hook renames the file, and its name says it no more. Empty where an older version staged it."""


def path(git: Git) -> Path:
    return git.home / "staged" / git.worktree


def listed(git: Git) -> list[Decision]:
    """The decisions staged in this worktree, in order."""
    found = _load(path(git))
    return found.decisions if found else []


def add(git: Git, decision: Decision) -> int:
    """Stage one more; returns how many there are now."""
    with locked(git.home / "staged.lock"):
        found = _load(path(git)) or Staged(_mark(git), [])
        _save(path(git), Staged(found.mark, [*found.decisions, decision], reflog.readable(git.worktree)))
        return len(found.decisions) + 1


def drop(git: Git, number: int) -> Decision:
    """Unstage the decision with that number, counted from 1. Raises NotFoundError."""
    with locked(git.home / "staged.lock"):
        found = _load(path(git))
        if found is None or not 1 <= number <= len(found.decisions):
            there = f"there are {len(found.decisions)}" if found else "nothing is staged"
            raise NotFoundError(f"no staged decision {number}: {there}", "`cg decide` alone lists them")
        rest = [each for position, each in enumerate(found.decisions, 1) if position != number]
        if rest:
            _save(path(git), Staged(found.mark, rest, reflog.readable(git.worktree)))
        else:
            path(git).unlink()
        return found.decisions[number - 1]


def bound(home: Path, sha: str) -> list[Decision]:
    """What was staged when `sha` was made. A second binding to the same sha has a suffix (`sha.PID`)."""
    decisions: list[Decision] = []
    for file in sorted((home / "staged").glob(f"{sha}*")) if (home / "staged").is_dir() else ():
        found = _load(file)
        decisions += found.decisions if found else []
    return decisions


def shas(home: Path) -> set[str]:
    """The commits that have staged decisions bound to them and not yet recorded."""
    if not (home / "staged").is_dir():
        return set()
    return {match[1] for file in (home / "staged").iterdir() if (match := _BOUND.match(file.name))}


def forget(home: Path, recorded: Iterable[str]) -> None:
    """Delete what was bound to these commits: it is in the journal now."""
    for sha in recorded:
        for file in (home / "staged").glob(f"{sha}*") if (home / "staged").is_dir() else ():
            file.unlink(missing_ok=True)


def bind(git: Git, skipped: Collection[str]) -> None:
    """Give what is staged in a worktree to the first commit in its reflog after the staging. Call under the capture lock.

    What a hook gave to a commit goes to an earlier one, where that was made without hooks. A commit made with CG_SKIP=1
    (`skipped`) takes nothing.
    """
    logs = reflog.files(git)
    for file in sorted((git.home / "staged").glob("*")):
        held = _BOUND.match(file.name)
        tree = reflog.readable(file.name)
        if not held and tree not in logs:
            continue
        found = _load(file)
        log = logs.get(found.worktree if held else tree) if found else None
        if found is None or log is None or not reflog.behind(log, found.mark):
            continue
        taker = _taker(git, reflog.since(log, found.mark)[0], held[1] if held else None, skipped)
        if taker:
            with suppress(FileNotFoundError):  # a hook has bound it in the meantime
                file.rename(_free(file.with_name(taker)))


def _taker(git: Git, entries: list[reflog.Entry], holder: str | None, skipped: Collection[str]) -> str | None:
    """The first of the commits that may take what is staged; None where there is none, or none before the `holder`."""
    if holder is not None:
        if not any(entry.new == holder for entry in entries):
            return None  # the reflog does not reach back that far
        entries = list(takewhile(lambda entry: entry.new != holder, entries))
    foreign = reflog.strangers(git, entries)
    return next((e.new for e in entries if e.candidate and not e.rebase and e.new not in foreign and e.new not in skipped), None)


def _free(file: Path) -> Path:
    """The name of a bound file that is not taken: what was staged before and bound to the same commit stays."""
    names = chain([file], (file.with_name(f"{file.name}.{number}") for number in count()))
    return next(name for name in names if not name.exists())


def _mark(git: Git) -> reflog.Mark:
    log = reflog.files(git).get(reflog.readable(git.worktree))
    return reflog.mark(log) if log else reflog.Mark()


def _load(file: Path) -> Staged | None:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Staged)
    except (ValueError, msgspec.DecodeError) as error:  # ValueError: no UTF-8
        aside = file.with_name(f"unreadable.{file.name}")
        file.rename(aside)
        raise NotFoundError(f"{aside} was staged and cannot be read: {error}", "stage the decision again, then delete that file") from None


def _save(file: Path, staged: Staged) -> None:
    replace(file, msgspec.json.encode(staged))
