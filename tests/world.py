"""Random histories beside an independent model of them: which decision belongs where, and what became of each change.

Every change adds a file of its own with words that nothing else has. So what became of it can be read from the tree of the target
branch, without any of the rules under test: there, gone again, or never there. What was carried is known because the model made it.
"""

import random
from collections.abc import Callable
from pathlib import Path

from contextgraph.graph import Graph
from contextgraph.trace import Decision, Option, Trace
from tests.conftest import Repo

HOOKS_OFF = ("-c", "core.hooksPath=/dev/null")


class World:
    """One repository with `cg init`, its origin, a clone of the host without hooks, and the model."""

    def __init__(self, repo: Repo, host: Repo, hooks: str, seed: int) -> None:
        self.repo, self.host, self.hooks = repo, host, hooks
        self.random = random.Random(seed)
        self.steps: list[str] = []
        self.number = 0
        self.words: dict[str, set[str]] = {}
        """Decisions attached to a commit itself."""
        self.olds: dict[str, list[str]] = {}
        """New commit -> the commits whose records it must have as well."""
        self.files: dict[str, set[str]] = {}
        """Commit -> files of the changes in it."""
        self.open: dict[str, list[str]] = {}
        """Branch that has not landed -> its commits, oldest first."""
        self.landed: list[str] = []
        """Commits (or merges) of the main line that can be reverted."""
        self.once: set[str] = set()
        """Files that the main line had at some time."""
        self.doubled: set[str] = set()
        """Files of changes that exist several times: whether they stand after a revert is a matter of taste."""

    # The user's doings.

    def git(self, *arguments: str, check: bool = True, **variables: str) -> str:
        off = self.hooks == "off" or (self.hooks == "mixed" and self.random.random() < 0.5)
        self.steps.append(("(no hooks) " if off else "") + " ".join(arguments))
        return self.repo.git(*(HOOKS_OFF if off else ()), *arguments, check=check, **variables)

    def graph(self) -> Graph:
        return Graph.open(self.repo.path)

    def attach(self, sha: str) -> None:
        word = f"word{self.number}x{len(self.words)}x{self.random.randrange(10**6)}"
        given = Trace(decisions=[Decision(context=word, options=[Option(description="so")], selected=0)])
        self.graph().record(sha, given)
        self.steps.append(f"record {word} on {sha[:9]}")
        self.words.setdefault(sha, set()).add(word)

    def change(self, subject: str = "") -> str:
        """A commit with a file of its own, and usually a decision."""
        self.number += 1
        name = f"file{self.number}"
        (self.repo.path / name).write_text("".join(f"{name} has line {each} of its own\n" for each in range(4)))
        staged = self.hooks != "mixed" and self.random.random() < 0.2
        if staged:
            word = f"staged{self.number}"
            self.graph().stage(Decision(context=word, options=[Option(description="so")], selected=0))
            self.steps.append(f"stage {word}")
        self.git("add", name)
        self.git("commit", "--quiet", *((subject,) if subject else ("-m", f"Change {self.number}")))
        sha = self.repo.sha()
        self.files[sha] = {name}
        if staged:
            self.words[sha] = {word}
        elif self.random.random() < 0.8:
            self.attach(sha)
        return sha

    def carried(self, olds: list[str], new: str) -> None:
        self.olds.setdefault(new, []).extend(old for old in olds if old != new)
        self.files[new] = set().union(*(self.files.get(old, set()) for old in olds))

    def on_main(self) -> None:
        if self.repo.git("symbolic-ref", "--short", "HEAD") != "main":
            self.git("checkout", "--quiet", "main")

    def saw_main(self) -> None:
        self.once |= set(self.tree())

    def tree(self) -> list[str]:
        tip = (
            "origin/main"
            if self.repo.run("git", "merge-base", "--is-ancestor", "main", "origin/main", check=False).returncode == 0
            else "main"
        )
        return self.repo.run("git", "ls-tree", "--name-only", tip).stdout.split()

    # Operations. Each leaves the work tree clean and the model in step.

    def commit_on_main(self) -> None:
        self.on_main()
        self.landed.append(self.change())

    def start_branch(self) -> None:
        name = f"branch{self.number}"
        if name in self.open:
            return
        self.git("checkout", "--quiet", "-b", name, "main")
        self.open[name] = [self.change() for _ in range(self.random.randint(1, 3))]

    def pick_branch(self) -> str | None:
        if not self.open:
            return None
        name = self.random.choice(sorted(self.open))
        self.git("checkout", "--quiet", name)
        return name

    def extend(self) -> None:
        if name := self.pick_branch():
            self.open[name].append(self.change())

    def amend(self) -> None:
        if name := self.pick_branch():
            old = self.open[name][-1]
            if self.random.random() < 0.5:
                with (self.repo.path / min(self.files[old])).open("a") as file:
                    file.write(f"one more {self.number} {len(self.steps)}\n")
                self.git("commit", "--quiet", "--all", "--amend", "--no-edit")
            else:
                self.git("commit", "--quiet", "--amend", "-m", f"Said better {len(self.steps)}")
            self.rewritten(name, [[old]])

    def rewritten(self, name: str, groups: list[list[str]]) -> None:
        """The last commits of a branch are new; each was made of a group of old ones."""
        news = self.repo.git("rev-list", "--reverse", f"HEAD~{len(groups)}..HEAD").split()
        kept = [sha for sha in self.open[name] if not any(sha in group for group in groups)]
        for group, new in zip(groups, news, strict=True):
            if [new] != group:
                self.carried(group, new)
        self.open[name] = kept + news

    def rebase(self) -> None:
        name = self.pick_branch()
        # What main has already, a rebase leaves out.
        if name and not any(self.files[sha] & self.doubled for sha in self.open[name]):
            old = self.open[name]
            backend = self.random.choice(["--merge", "--merge", "--apply"])
            self.git("rebase", "--quiet", backend, "main")
            self.rewritten(name, [[sha] for sha in old])

    def autosquash(self) -> None:
        if name := self.pick_branch():
            target = self.random.choice(self.open[name])
            fixup = self.change(f"--{self.random.choice(['fixup', 'squash'])}={target}")
            old = self.open[name]
            self.git("rebase", "--quiet", "-i", "--autosquash", f"HEAD~{len(old) + 1}")
            self.open[name] = [*old, fixup]
            self.rewritten(name, [[sha, fixup] if sha == target else [sha] for sha in old])

    def reorder(self) -> None:
        name = self.pick_branch()
        if name and len(self.open[name]) > 1:
            old = self.open[name]
            self.git("rebase", "--quiet", "-i", f"HEAD~{len(old)}", GIT_SEQUENCE_EDITOR="sed -i '1{h;d};2{G}'")
            self.rewritten(name, [[old[1]], [old[0]], *([sha] for sha in old[2:])])

    def reset_soft(self) -> None:
        if name := self.pick_branch():
            count = self.random.randint(1, len(self.open[name]))
            group = self.open[name][-count:]
            self.git("reset", "--quiet", "--soft", f"HEAD~{count}")
            self.git("commit", "--quiet", "-m", f"Once more {len(self.steps)}")
            self.rewritten(name, [group])

    def cherry_pick(self) -> None:
        sources = sorted({sha for shas in self.open.values() for sha in shas})
        if not sources:
            return
        sha = self.random.choice(sources)
        self.on_main()
        if self.files[sha] & set(self.tree()) or self.files[sha] & self.once:
            return
        self.git("cherry-pick", *(["-x"] if self.random.random() < 0.5 else []), sha)
        new = self.repo.sha()
        self.carried([sha], new)
        self.landed.append(new)
        self.doubled |= self.files[sha]

    def revert(self) -> None:
        if not self.landed:
            return
        self.on_main()
        sha = self.random.choice(self.landed)
        if self.files.get(sha, set()) & self.doubled:
            return
        parents = self.repo.git("rev-list", "--parents", "-1", sha).split()
        before = set(self.tree())
        self.git("revert", "--no-edit", *(["-m", "1"] if len(parents) > 2 else []), sha, check=False)
        if self.repo.run("git", "status", "--porcelain").stdout.strip() or self.repo.sha("HEAD^{tree}") == self.repo.sha("HEAD~1^{tree}"):
            self.repo.run("git", "revert", "--abort", check=False)
            self.repo.run("git", "reset", "--quiet", "--hard")
            return
        self.steps.append(f"  was {sorted(before)}")
        self.landed.append(self.repo.sha())

    def merge(self) -> None:
        if name := self.pick_branch():
            self.on_main()
            self.git("merge", "--quiet", "--no-ff", "--no-edit", name)
            self.close(name)

    def squash(self) -> None:
        name = self.pick_branch()
        # What main has already is no part of the squash, whatever its message says.
        if name and not any(self.files[sha] & self.doubled for sha in self.open[name]):
            self.on_main()
            self.git("merge", "--quiet", "--squash", name)
            if not self.repo.run("git", "diff", "--cached", "--name-only").stdout:
                return self.close(name, lands=False)
            self.git("commit", "--quiet", *(["--no-edit"] if self.random.random() < 0.5 else ["-m", f"All of {name}"]))
            self.carried(self.open[name], self.repo.sha())
            self.close(name)
        return None

    def close(self, name: str, lands: bool = True) -> None:
        if lands:
            self.landed.append(self.repo.sha())
            self.files.setdefault(self.repo.sha(), set().union(*(self.files[sha] for sha in self.open[name])))
        if self.random.random() < 0.5:
            self.git("branch", "--quiet", "-D", name)
        del self.open[name]

    def push(self, *refs: str) -> None:
        self.git("push", "--quiet", "--force", "origin", *refs)

    def host_merge(self) -> None:
        """The host's three buttons, pressed in a clone that knows nothing of contextgraph."""
        name = self.pick_branch()
        if name is None:
            return
        self.on_main()
        self.push("main", name)
        self.host.git("fetch", "--quiet", "origin")
        self.host.git("checkout", "--quiet", "-B", "main", "origin/main")
        doubled = any(self.files[sha] & self.doubled for sha in self.open[name])
        button = "merge" if doubled else self.random.choice(["merge", "squash", "rebase"])
        self.steps.append(f"host: {button} {name}")
        old = self.open[name]
        title = f"Pull {name} (#{self.number})"
        if button == "merge":
            self.host.git("merge", "--quiet", "--no-ff", "-m", f"Merge pull request #{self.number} from x/{name}", f"origin/{name}")
        elif button == "squash":
            self.host.git("merge", "--quiet", "--squash", f"origin/{name}")
            if not self.host.run("git", "diff", "--cached", "--name-only").stdout:
                return
            self.host.git("commit", "--quiet", "-m", title, GIT_COMMITTER_NAME="Host")
            self.carried(old, self.host.sha())
        else:
            self.host.git("cherry-pick", f"main..origin/{name}", GIT_COMMITTER_NAME="Host")
            for sha, new in zip(old, self.host.git("rev-list", "--reverse", f"-{len(old)}", "HEAD").split(), strict=True):
                self.carried([sha], new)
        self.host.git("push", "--quiet", "origin", "main")
        self.git("pull", "--quiet", "--ff-only", "origin", "main")
        self.close(name)

    def look(self) -> None:
        self.steps.append("catch up")
        self.graph().catch_up()

    def late(self) -> None:
        self.attach(self.random.choice(sorted(self.words))) if self.words else None

    def delete_branch(self) -> None:
        if len(self.open) > 2:
            name = self.random.choice(sorted(self.open))
            self.on_main()
            self.git("branch", "--quiet", "-D", name)
            del self.open[name]

    def step(self) -> None:
        doings: list[tuple[int, Callable[[], None]]] = [
            (3, self.commit_on_main), (5, self.start_branch), (3, self.extend), (4, self.amend), (4, self.rebase), (3, self.autosquash),
            (2, self.reorder), (3, self.reset_soft), (3, self.cherry_pick), (5, self.revert), (3, self.merge), (3, self.squash),
            (5, self.host_merge), (5, self.look), (1, self.late), (1, self.delete_branch),
        ]  # fmt: skip
        self.random.choices([each for _, each in doings], [weight for weight, _ in doings])[0]()
        self.saw_main()

    # The verdict.

    def expected_words(self, sha: str, seen: frozenset[str] = frozenset()) -> set[str]:
        found = set(self.words.get(sha, ()))
        for old in self.olds.get(sha, ()):
            if old not in seen:
                found |= self.expected_words(old, seen | {sha})
        return found

    def expected_status(self, sha: str, tree: set[str]) -> str | None:
        """None where the model has no opinion."""
        files = self.files.get(sha, set())
        if not files or files & self.doubled:
            return None
        if files <= tree:
            return "landed"
        if not files & self.once:
            return "pending"
        return "reverted" if not files & tree else "landed" if files <= self.once else None

    def faults(self) -> list[str]:
        graph = self.graph()
        graph.catch_up()
        shas = sorted(
            {*self.files, *self.words, *self.repo.git("rev-list", "--all", "--exclude=refs/notes/*", "--branches", "--remotes").split()}
        )
        traces = graph.view.traces(shas)
        tree = set(self.tree())
        found = []
        for sha, trace in zip(shas, traces, strict=True):
            words = {each.context for each in trace.decisions}
            wanted = self.expected_words(sha)
            if words != wanted:
                found.append(
                    f"{sha[:9]} has {sorted(words)}, should have {sorted(wanted)}; made of {[old[:9] for old in self.olds.get(sha, [])]}"
                )
            status = self.expected_status(sha, tree)
            if status is not None and trace.status != status:
                found.append(f"{sha[:9]} ({sorted(self.files[sha])}) is {trace.status}, should be {status}: {trace.evidence}")
        return found


def world(path: Path, template: Path, hooks: str, seed: int) -> World:
    """A fresh world in an empty directory."""
    import shutil

    path.mkdir()
    repo = Repo(path / "repo")
    shutil.copytree(template, repo.path, symlinks=True)
    repo.run("git", "clone", "--quiet", "--bare", str(repo.path), str(path / "origin"))
    repo.run("git", "remote", "add", "origin", str(path / "origin"))
    repo.run("git", "fetch", "--quiet", "origin")
    host = Repo(path / "host")
    repo.run("git", "clone", "--quiet", str(path / "origin"), str(host.path))
    host.clock = repo.clock
    return World(repo, host, hooks, seed)
