"""A rebase, replayed from its steps in the reflog: which old commits each commit that it left is made of."""

from contextgraph import commits
from contextgraph.capture.patches import of_pairs
from contextgraph.capture.reflog import Entry
from contextgraph.commits import Commit
from contextgraph.errors import GitError
from contextgraph.git import Git


def by_hand(step: Entry) -> bool:
    """Whether a person did that at a stop."""
    return not step.action.startswith(("rebase", "pull"))


class Replay:
    """What became of `olds`, the commits that were rebased.

    A step applies one old commit: it has its author, author time and subject, or (fixup, squash, reword) changes HEAD by the
    very patch. A step whose commit replaces the one before takes over what that was made of. What a reset at a stop takes
    back belongs to the commits made by hand after it, until they have its content again.
    """

    def __init__(self, git: Git, base: str, olds: list[Commit], made: dict[str, Commit], steps: list[Entry]) -> None:
        self.git = git
        self.base = base
        self.olds = {old.sha: old for old in olds}
        self.made = made
        self.left = dict(self.olds)
        """Those that no step has applied."""
        self.applied = of_pairs(git, [(old.sha, next(iter(old.parents), None)) for old in olds if len(old.parents) < 2])
        # What a step made is told by the first that names it: a reset comes back to it from elsewhere.
        self.changed = of_pairs(git, list({step.new: step.old for step in reversed(steps)}.items()))
        # Picks that change nothing are passed over: the rebase begins at the last of them, and may go on with a fixup of it.
        self.held: dict[str, list[str]] = {base: [base]}
        """Commit of the rebase -> what it is made of; one that was made by hand has a record of its own, and is among it."""
        self.aside: dict[str, list[str]] = {}
        """The same for what was taken back at this stop, the last commit first."""
        for step in steps:
            self._take(step)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(old, new) for new, group in self.held.items() for old in group if old != new]

    def contradicts(self, old: str, new: str) -> bool:
        """Whether git's word that `old` became `new` in this rebase is not to be believed: the replay knows what became of it."""
        return old in self.olds and (new == self.base or (new in self.made and old not in self.left))

    def _take(self, step: Entry) -> None:
        hand = by_hand(step)
        if hand and step.action.startswith("reset:"):
            self._back(step.old, step.new)
        if step.new not in self.made or step.step("reset") or (hand and not step.candidate):
            return
        new = self.made[step.new]
        group = [] if step.old in new.parents else self.held.pop(step.old, [])
        if source := self._source(new):
            del self.left[source]
            group.append(source)
        elif hand and self.aside:
            group += [old for olds in self.aside.values() for old in olds]
        self.held[step.new] = [*group, *([step.new] if hand else [])]
        if not hand or (self.aside and self._same_tree(step.new, next(iter(self.aside)))):
            self.aside = {}

    def _back(self, before: str, after: str) -> None:
        """HEAD went back, by first parents, from one commit to an earlier one; or forward again to where it was."""
        if after in self.aside:
            self.held[after] = self.aside.pop(after)
            return
        known = self.made | self.olds
        way, sha = [], before
        while sha != after and sha in known and known[sha].parents:
            way.append(sha)
            sha = known[sha].parents[0]
        if sha == after:
            self.aside |= {each: self.held.pop(each, []) for each in way}

    def _source(self, new: Commit) -> str | None:
        """The old commit that a step applied, out of those that are left."""
        patch, who = self.changed.get(new.sha), (new.author, new.author_time, new.subject)
        same = [sha for sha in self.left if patch is not None and self.applied.get(sha) == patch]
        twins = [sha for sha, old in self.left.items() if (old.author, old.author_time, old.subject) == who]
        both = [sha for sha in same if sha in twins]
        return next(iter([*both, *same, *twins]), None)

    def _same_tree(self, one: str, other: str) -> bool:
        trees = self.git.maybe("rev-parse", f"{one}^{{tree}}", f"{other}^{{tree}}")
        return trees is not None and len(set(trees.split())) == 1


def replay(git: Git, start: Entry, steps: list[Entry]) -> Replay:
    """Replay the steps between the start of a rebase and its end."""
    try:
        olds = list(commits.read(git, git.text("rev-list", "--reverse", start.old, f"^{start.new}").split(), details=False))
        made = {each.sha: each for each in commits.read(git, list({step.new for step in steps}), details=False)}
    except GitError:  # pruned since
        return Replay(git, start.new, [], {}, [])
    return Replay(git, start.new, olds, made, steps)
