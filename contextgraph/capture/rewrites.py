"""Rewrites that a reflog shows by itself: an amend, and `reset --soft` followed by a commit of the same content."""

from itertools import pairwise

from contextgraph.capture.reflog import Entry
from contextgraph.errors import GitError
from contextgraph.git import Git

Pair = tuple[str, str, str]
"""(how, old, new)."""


def pairs(git: Git, entries: list[Entry]) -> list[Pair]:
    """The rewrites in these entries of one worktree, oldest first: what hooks would have said, had they run."""
    amends = [("amend", each.old, each.new) for each in entries if each.action.startswith("commit (amend)") and each.old != each.new]
    resets = [
        (before.old, before.new, after.new)
        for before, after in pairwise(entries)
        if before.action.startswith("reset:") and after.action.startswith("commit:") and after.old == before.new
    ]
    return amends + [pair for reset in resets for pair in _same_content(git, *reset)]


def _same_content(git: Git, old: str, base: str, new: str) -> list[Pair]:
    """The commits that a reset took back, when the commit after it has the very content of the last of them."""
    trees = git.maybe("rev-parse", f"{old}^{{tree}}", f"{new}^{{tree}}")
    if trees is None or len(set(trees.split())) != 1:
        return []
    try:
        taken_back = git.text("rev-list", old, f"^{base}").split()
    except GitError:
        return []
    return [("reset", each, new) for each in taken_back]
