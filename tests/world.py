"""A repository and an independent model of it: which decision belongs where, and what became of each change.

Every change adds a file of its own with words that nothing else has, and a revert takes such files away. So what became of a
commit can be read from the tree of the target branch, without any of the rules under test: what it did is there, undone, or never
came. What was carried is known because the operations (`tests/doings.py`) made it.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contextgraph.graph import Graph
from contextgraph.trace import Decision, Option, Trace
from tests.conftest import HOOKS_OFF, Repo


def given(word: str) -> Decision:
    return Decision(context=word, options=[Option(description="so")], selected=0)


def bare(path: str) -> str:
    """The name of a file, which it keeps in whatever directory."""
    return path.rpartition("/")[2]


class World:
    """One repository with `cg init`, its origin, a clone of the host without hooks, and the model."""

    def __init__(self, repo: Repo, host: Repo, hooks: str, seed: int) -> None:
        self.repo, self.host, self.hooks = repo, host, hooks
        self.main = repo
        """The first worktree; `repo` is the one that is worked in."""
        self.random = random.Random(seed)
        self.steps: list[str] = []
        self.number = 0
        self.unhooked = False
        """Whether the last git command ran without hooks."""
        self.staged: str | None = None
        """The word that waits for the next commit."""
        self.words: dict[str, set[str]] = {}
        """Decisions attached to a commit itself."""
        self.olds: dict[str, list[str]] = {}
        """New commit -> the commits whose records it must have as well."""
        self.adds: dict[str, set[str]] = {}
        self.removes: dict[str, set[str]] = {}
        """Commit -> files that came or went with it."""
        self.open: dict[str, list[str]] = {}
        """Branch that has not landed -> its commits, oldest first."""
        self.knotted: set[str] = set()
        """Branches with merges in them, which no rebase leaves as they are."""
        self.arrived: set[str] = set()
        """What has come into the main line, itself or as what was made of it."""
        self.landed: list[str] = []
        """Commits of the main line, or brought into it, that can be reverted."""
        self.once: set[str] = set()
        """Files that the main line had at some time."""
        self.doubled: set[str] = set()
        """Files of changes that exist several times: whether they stand after a revert is a matter of taste."""
        self.skipped: set[str] = set()
        """Commits that asked to be skipped: what they become is followed for none without a record."""
        self.again: set[str] = set()
        """Files that were picked again after a revert."""
        self.said: dict[str, str] = {}
        """Reverter -> the words that name what it reverts, where they are not git's own."""
        self.former: set[str] = set()
        """What was reverted by the name of an older form, which need not be everywhere."""
        self.lost: set[str] = set()
        """Reverts that a merge brought in and left out: what they are themselves is a matter of taste."""
        self.handed: dict[str, str] = {}
        """Files that were brought again by hand -> with which commit. What was reverted beside them came back in pieces, which nothing says
        of the whole, and who takes that commit back later may name what was there first."""
        self.reverts: list[tuple[str, str]] = []
        """(reverter, what it reverts by name)."""
        self.releases: dict[str, set[str]] = {}
        """Branch beside the main line -> the files it had at some time."""
        self.released: set[str] = set()
        """Commits made on such a branch."""
        self.pruned: set[str] = set()
        self.trees: dict[tuple[str, ...], set[str]] = {}
        """What `tree` has answered, by the local branch and its upstream."""

    # The user's doings.

    def git(self, *arguments: str, check: bool = True, **variables: str) -> str:
        self.unhooked = self.hooks == "off" or (self.hooks == "mixed" and self.random.random() < 0.5)
        self.steps.append(
            ("(no hooks) " if self.unhooked else "") + " ".join([*(f"{k}={v}" for k, v in variables.items() if v), *arguments])
        )
        return self.repo.git(*(HOOKS_OFF if self.unhooked else ()), *arguments, check=check, **variables)

    def tried(self, *arguments: str, **variables: str) -> bool:
        """Whether git did it; when it stopped (a conflict, nothing left to commit), everything is as it was before."""
        before = self.repo.sha()
        self.git(*arguments, check=False, **variables)
        if not self.stopped() and (self.repo.sha() != before or arguments[0] == "merge"):
            return True
        self.steps.append("  stopped")
        for name in ("rebase", "cherry-pick", "revert", "merge", "am"):
            self.repo.git(name, "--abort", check=False)
        self.repo.git("reset", "--quiet", "--hard", before if self.repo.sha() != before else "HEAD")
        return False

    def stopped(self) -> bool:
        git_dir = Path(self.repo.run("git", "rev-parse", "--absolute-git-dir").stdout.strip())
        places = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD", "sequencer")
        return any((git_dir / name).exists() for name in places) or bool(self.repo.run("git", "status", "--porcelain").stdout.strip())

    def graph(self) -> Graph:
        return Graph.open(self.repo.path)

    def new_word(self) -> str:
        return f"word{self.number}x{len(self.words)}x{self.random.randrange(10**6)}"

    def attach(self, sha: str) -> None:
        word = self.new_word()
        self.graph().record(sha, Trace(decisions=[given(word)]))
        self.steps.append(f"record {word} on {sha[:9]}")
        self.words.setdefault(sha, set()).add(word)

    def stage(self) -> None:
        """Sometimes a decision is staged; `made` gives it to the commit that takes it."""
        if self.staged is None and self.random.random() < 0.2:
            self.staged = self.new_word()
            self.graph().stage(given(self.staged))
            self.steps.append(f"stage {self.staged}")

    def made(self, revision: str = "HEAD", takes: bool = True) -> str:
        """Take in a commit that was just made."""
        sha = self.repo.sha(revision)
        self.learn(sha)
        if takes and self.staged is not None:
            self.words.setdefault(sha, set()).add(self.staged)
            self.staged = None
        return sha

    def learn(self, sha: str, repo: Repo | None = None) -> None:
        """What a commit adds and removes; a file that only moves to another directory is the same file. A merge of what the main
        line had already brings nothing."""
        known = repo or self.repo
        parents = known.run("git", "rev-list", "--parents", "-1", sha).stdout.split()[1:]
        rows = known.git("diff", "--no-renames", "--name-status", parents[0], sha).splitlines()
        if len(parents) == 2 and self.has("main", parents[1]) and not self.has("main", sha):
            rows = []
        adds, removes = ({bare(row[2:]) for row in rows if row[0] == kind} for kind in "AD")
        self.adds[sha], self.removes[sha] = adds - removes, removes - adds

    def has(self, branch: str, sha: str) -> bool:
        return self.repo.run("git", "merge-base", "--is-ancestor", sha, branch, check=False).returncode == 0

    def changed(self, sha: str) -> set[str]:
        return self.adds.get(sha, set()) | self.removes.get(sha, set())

    def carried(self, olds: Iterable[str], new: str) -> None:
        self.olds.setdefault(new, []).extend(old for old in olds if old != new)

    def close(self, shas: list[str], at: str) -> None:
        """These commits are in the main line now, with everything that became one of them."""
        waiting = [*shas, at]
        while waiting:
            sha = waiting.pop()
            if sha not in self.arrived:
                self.arrived.add(sha)
                waiting += self.olds.get(sha, [])

    def tree(self) -> set[str]:
        """The files of the target branch: of the local one or its upstream, whichever is ahead."""
        tips = tuple(self.repo.run("git", "rev-parse", "main", "origin/main").stdout.split())
        if tips not in self.trees:
            ahead = self.repo.run("git", "merge-base", "--is-ancestor", *tips, check=False).returncode == 0
            self.trees[tips] = self.files(tips[ahead])
        return set(self.trees[tips])

    def files(self, revision: str) -> set[str]:
        names = Counter(map(bare, self.repo.run("git", "ls-tree", "-r", "--name-only", revision).stdout.split()))
        self.doubled |= {name for name, count in names.items() if count > 1}
        return set(names)

    def where(self, name: str) -> str:
        """The path of a file in the work tree, the first where it stands twice."""
        return self.repo.run("git", "ls-files", name, f"*/{name}").stdout.split("\n")[0]

    def here(self, sha: str, repo: Repo | None = None) -> bool:
        return (repo or self.repo).run("git", "cat-file", "-e", sha, check=False).returncode == 0

    @contextmanager
    def inside(self, repo: Repo) -> Iterator[None]:
        """Work in another worktree, which has nothing staged."""
        before, waiting = self.repo, self.staged
        self.repo, self.staged = repo, None
        repo.clock = before.clock
        yield
        self.repo, self.staged = before, waiting
        before.clock = repo.clock

    # The verdict.

    def expected_words(self, sha: str, seen: frozenset[str] = frozenset()) -> set[str]:
        found = set(self.words.get(sha, ()))
        for old in self.olds.get(sha, ()):
            if old not in seen:
                found |= self.expected_words(old, seen | {sha})
        return found

    def expected_status(self, sha: str, tree: set[str], unsaid: set[str]) -> str | None:
        """None where the model has no opinion. `unsaid`: files that were reverted in words which are not there any more."""
        adds, removes = self.adds.get(sha, set()), self.removes.get(sha, set())
        if sha in self.skipped or not adds | removes or (adds | removes) & (self.doubled | unsaid) or not removes <= self.once:
            return None
        if sha not in self.arrived:
            return "pending"
        if self.lost & {*self.forms(sha)} or self.halved(sha, tree) or (len(adds | removes) > 1 and (adds | removes) & self.handed.keys()):
            return None
        if adds <= tree and not removes & tree:
            return "landed" if not adds & self.again or self.single(sha) else None
        return "reverted" if not adds & tree and removes <= tree and self.single(sha) and sha not in self.handed.values() else None

    def expected_on(self, name: str, has: set[str], sha: str, unsaid: set[str]) -> str | None:
        """The same for another branch, which `has` these commits."""
        files, adds, removes = self.files(name), self.adds.get(sha, set()), self.removes.get(sha, set())
        vague = self.doubled | self.again | unsaid
        if sha in self.skipped or not adds | removes or (adds | removes) & vague or not removes <= self.releases[name]:
            return None
        if not has & {*self.forms(sha)}:
            return "pending"
        if self.lost & {*self.forms(sha)} or self.halved(sha, files):
            return None
        if adds <= files and not removes & files:
            return "landed"
        named = not self.is_merge(sha) or any(sha == target and by in has and by not in self.lost for by, target in self.reverts)
        return "reverted" if named and not adds & files and removes <= files else None

    def commits(self, name: str) -> set[str]:
        return set(self.repo.run("git", "rev-list", name).stdout.split())

    def single(self, sha: str) -> bool:
        """Whether `sha` is no merge, or a revert names it: a merge is neither reverted nor brought back by what does so with its commits
        one by one."""
        return not self.is_merge(sha) or any(
            sha == target and by in self.arrived and not self.lost & {*self.forms(by)} for by, target in self.reverts
        )

    def is_merge(self, sha: str) -> bool:
        return len(self.repo.run("git", "rev-list", "--parents", "-1", sha, check=False).stdout.split()) > 2

    def forms(self, sha: str) -> list[str]:
        """`sha`, and everything that was made of it."""
        found = [sha]
        for form in found:
            found += [new for new, olds in self.olds.items() if form in olds and new not in found]
        return found

    def halved(self, sha: str, tree: set[str]) -> bool:
        """Whether what `sha` became a part of is undone by half, or as a whole though `sha` had cancelled out in it, or what took it back
        together with others is: whether it went with that is a matter of taste."""
        named = {target for _, target in self.reverts}
        several = Counter(by for by, _ in self.reverts)
        forms = self.forms(sha)
        return any(self.half(form, tree) or (form in named and not self.changed(sha) <= self.changed(form)) for form in forms[1:]) or any(
            self.half(by, tree) for by, target in self.reverts if several[by] > 1 and target in forms
        )

    def half(self, sha: str, tree: set[str]) -> bool:
        """Whether a part of what a commit did stands, and a part does not."""
        return len({*(name in tree for name in self.adds.get(sha, ())), *(name not in tree for name in self.removes.get(sha, ()))}) > 1

    def faults(self) -> list[str]:
        """What is wrong in the index as it grew, in one that is made again, and in a clone that has the notes and nothing else."""
        if self.staged is not None:
            self.git("commit", "--quiet", "--allow-empty", "-m", "the last")
            self.made()
        graph = self.graph()
        graph.catch_up()
        every = {*self.adds, *self.words, *self.repo.git("rev-list", "--branches", "--remotes").split()}
        found = self.compared(graph, sorted(every))
        graph.reset_index()
        graph.catch_up()
        found += [f"rebuilt: {each}" for each in self.compared(graph, sorted(every - self.pruned))]
        self.git("checkout", "--quiet", "main")
        clone = Repo(self.main.path.parent / "clone")
        self.main.run("git", "clone", "--quiet", str(self.main.path), str(clone.path))
        clone.run("git", "config", "contextgraph.track.branches", "release*")
        clone.run("git", "fetch", "--quiet", "origin", "refs/notes/contextgraph:refs/notes/contextgraph", check=False)  # there may be none
        theirs = Graph.open(clone.path)
        theirs.catch_up()
        there = set(clone.git("rev-list", "--remotes").split())
        return found + [f"in a clone: {each}" for each in self.compared(theirs, sorted(there), clone)]

    def unsaid(self, repo: Repo, beside: bool = False) -> set[str]:
        """Files that were reverted in words which are nowhere any more; or not on the main line, where they went more than once or came
        again: what each of several does to the others is told by what they say there. (Links lead on as well, but those of a squash are
        found in the same look only after the chains.)"""
        there = self.arrived | (self.released if beside else set())
        lines = ["main", "origin/main", *(["--branches=release*", "--remotes=*/release*"] if beside else [])]
        arrived = [(reverter, target) for reverter, target in self.reverts if reverter in there]
        often = Counter(name for reverter, _ in arrived for name in self.changed(reverter)) + Counter(self.again)
        times = Counter((target, self.said.get(reverter, f"This reverts commit {target}")) for reverter, target in arrived)
        found: set[str] = set()
        for where, least in ((["--all", "--reflog"], 1), (lines, 2)):
            told = repo.run("git", "log", *where, "--format=%n%B").stdout
            lost = (
                each[0] for each in times if told.count(each[1]) < times[each] or (each[0] in self.former and not self.here(each[0], repo))
            )
            found |= {name for target in lost for name in self.changed(target) if often[name] >= least}
        return found

    def compared(self, graph: Graph, shas: list[str], repo: Repo | None = None) -> list[str]:
        tree = self.tree()
        unsaid, unsaid_beside = (self.unsaid(repo or self.main, beside) for beside in (False, True))
        found = []
        listed = graph.view.ledger().reverted()
        beside = {name: self.commits(name) for name in self.releases}
        for sha, trace in zip(shas, graph.view.traces(shas), strict=True):
            words = {each.context for each in trace.decisions}
            wanted = self.expected_words(sha)
            if words != wanted:
                olds = [old[:9] for old in self.olds.get(sha, [])]
                found.append(f"{sha[:9]} has {sorted(words)}, should have {sorted(wanted)}; made of {olds}")
            if (trace.status == "reverted") != (sha in listed):
                found.append(f"{sha[:9]} is {trace.status}, but {'' if sha in listed else 'not '}listed as reverted: {trace.evidence}")
            status = self.expected_status(sha, tree, unsaid)
            if status is not None and trace.status != status:
                does = [*(f"+{name}" for name in sorted(self.adds[sha])), *(f"-{name}" for name in sorted(self.removes[sha]))]
                found.append(f"{sha[:9]} ({' '.join(does)}) is {trace.status}, should be {status}: {trace.evidence}")
            there = {each.branch: each.status for each in trace.by_branch}
            for name, has in beside.items():
                status = self.expected_on(name, has, sha, unsaid_beside)
                if status is not None and there.get(name) != status:
                    found.append(f"{sha[:9]} is {there.get(name)} in {name}, should be {status}: {trace.evidence}")
        return found
