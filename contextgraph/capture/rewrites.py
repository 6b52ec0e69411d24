"""Rewrites that a reflog shows by itself, as hooks would have told them: amend, rebase, `reset --soft` and a new commit."""

from collections.abc import Iterator

from contextgraph.capture import rebases
from contextgraph.capture.reflog import Entry
from contextgraph.errors import GitError
from contextgraph.git import Git

Pair = tuple[str, str, str]
"""(how, old, new)."""


def pairs(git: Git, entries: list[Entry], told: list[Pair]) -> list[Pair]:
    """What the hooks have `told`, and the further rewrites in these entries of one worktree, oldest first.

    Of a rebase with commits by hand at a stop the reflog knows better: git says that the commit it stopped at became whatever
    HEAD was when it went on, be that a commit on top of it or the one before it.
    """
    plain, finished = _apart(entries)
    found = [("amend", each.old, each.new) for each in plain if each.action.startswith("commit (amend)") and each.old != each.new]
    for position, before in enumerate(entries):
        if before.action.startswith("reset:") and (made := _on_top(before.new, entries[position + 1 :])):
            found += _same_content(git, before.old, before.new, made)
    for start, steps in finished:
        news = {step.new for step in steps}
        if any(map(rebases.by_hand, steps)) or not any(how == "rebase" and new in news for how, _, new in told):
            replay = rebases.replay(git, start, steps)
            found += [("rebase", old, new) for old, new in replay.pairs]
            told = [pair for pair in told if pair[0] != "rebase" or not replay.contradicts(pair[1], pair[2])]
    return [*told, *(pair for pair in dict.fromkeys(found) if pair not in told)]


def _apart(entries: list[Entry]) -> tuple[list[Entry], list[tuple[Entry, list[Entry]]]]:
    """The entries outside of any rebase, and of each finished rebase its start and its steps: an amend there is a step."""
    plain: list[Entry] = []
    finished: list[tuple[Entry, list[Entry]]] = []
    start: Entry | None = None
    steps: list[Entry] = []
    for entry in entries:
        if entry.step("start"):
            start, steps = entry, []
        elif start is not None and entry.step("finish"):
            finished.append((start, steps))
            start = None
        elif start is not None and entry.step("abort"):
            start = None
        elif start is not None:
            steps.append(entry)
        else:
            plain.append(entry)
    return plain, finished


def _on_top(base: str, entries: list[Entry]) -> list[str]:
    """The commits made by hand on top of `base`, one after the other."""
    made = [base]
    for each in entries:
        if not each.action.startswith("commit:") or each.old != made[-1]:
            break
        made.append(each.new)
    return made[1:]


def _same_content(git: Git, old: str, base: str, made: list[str]) -> Iterator[Pair]:
    """The commits that a reset took back, with each of those made after it up to the one that has the very content of the last of
    them: one made of several, or one that was split."""
    asked = "".join(f"{sha}^{{tree}}\n" for sha in [old, *made]).encode()
    trees = git.text("cat-file", "--batch-check=%(objectname)", stdin=asked).split("\n")
    if trees[0] not in trees[1:] or trees[0].endswith(" missing"):
        return
    try:
        taken_back = git.text("rev-list", old, f"^{base}").split()
    except GitError:
        return
    yield from (("reset", each, new) for new in made[: trees.index(trees[0], 1)] for each in taken_back)
