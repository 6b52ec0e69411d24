"""Rewrites that a reflog shows by itself, as hooks would have told them: amend, rebase, `reset --soft` and a new commit."""

from collections.abc import Iterator
from itertools import pairwise

from contextgraph import commits
from contextgraph.capture.patches import of_pairs
from contextgraph.capture.reflog import Entry
from contextgraph.commits import Commit
from contextgraph.errors import GitError
from contextgraph.git import Git

Pair = tuple[str, str, str]
"""(how, old, new)."""


def pairs(git: Git, entries: list[Entry], told: list[Pair]) -> list[Pair]:
    """The rewrites in these entries of one worktree, oldest first, less what hooks have `told` already."""
    plain, rebases = _apart(entries)
    found = [("amend", each.old, each.new) for each in plain if each.action.startswith("commit (amend)") and each.old != each.new]
    for before, after in pairwise(entries):
        if before.action.startswith("reset:") and after.action.startswith("commit:") and after.old == before.new:
            found += _same_content(git, before.old, before.new, after.new)
    news = {new for how, _, new in told if how == "rebase"}
    for start, steps in rebases:
        if not news & {step.new for step in steps}:
            found += _rebased(git, start, steps)
    return [pair for pair in dict.fromkeys(found) if pair not in told]


def _apart(entries: list[Entry]) -> tuple[list[Entry], list[tuple[Entry, list[Entry]]]]:
    """The entries outside of any rebase, and of each finished rebase its start and its steps: an amend there is a step."""
    plain: list[Entry] = []
    finished: list[tuple[Entry, list[Entry]]] = []
    start: Entry | None = None
    steps: list[Entry] = []
    for entry in entries:
        if entry.rebase and "(start)" in entry.action:
            start, steps = entry, []
        elif start is not None and entry.rebase and "(finish)" in entry.action:
            finished.append((start, steps))
            start = None
        elif start is not None and entry.rebase and "(abort)" in entry.action:
            start = None
        elif start is not None:
            steps.append(entry)
        else:
            plain.append(entry)
    return plain, finished


def _rebased(git: Git, start: Entry, steps: list[Entry]) -> list[Pair]:
    """Which old commits each commit that a rebase left is made of.

    A step applies one old commit: it has its author, author time and subject, or (fixup, squash, reword) changes HEAD by the
    very patch. A step whose commit replaces the one before takes over what that was made of.
    """
    try:
        olds = list(commits.read(git, git.text("rev-list", "--reverse", "--no-merges", start.old, f"^{start.new}").split(), details=False))
        made = {each.sha: each for each in commits.read(git, list({step.new for step in steps}), details=False)}
    except GitError:  # pruned since
        return []
    applied = of_pairs(git, [(old.sha, old.parents[0] if old.parents else None) for old in olds])
    changed = of_pairs(git, list({step.new: step.old for step in steps}.items()))
    left = {old.sha: old for old in olds}
    held: dict[str, list[str]] = {}
    for step in steps:
        new = made.get(step.new)
        if new is None:
            continue
        source = _source(new, changed.get(step.new), left, applied)
        before = [] if step.old in new.parents else held.pop(step.old, [])
        held[step.new] = [*before, *([source] if source else [])]
        left.pop(source or "", None)
    return [("rebase", old, new) for new, group in held.items() for old in group if old != new]


def _source(new: Commit, patch: str | None, left: dict[str, Commit], applied: dict[str, str]) -> str | None:
    """The old commit that a step applied, out of those that are left."""
    who = (new.author, new.author_time)
    same = [sha for sha, old in left.items() if patch is not None and applied.get(sha) == patch]
    twins = [sha for sha, old in left.items() if (old.author, old.author_time) == who and old.subject == new.subject]
    both = [sha for sha in same if sha in twins]
    return next(iter([*both, *same, *twins]), None)


def _same_content(git: Git, old: str, base: str, new: str) -> Iterator[Pair]:
    """The commits that a reset took back, when the commit after it has the very content of the last of them."""
    trees = git.maybe("rev-parse", f"{old}^{{tree}}", f"{new}^{{tree}}")
    if trees is None or len(set(trees.split())) != 1:
        return
    try:
        taken_back = git.text("rev-list", old, f"^{base}").split()
    except GitError:
        return
    yield from (("reset", each, new) for each in taken_back)
