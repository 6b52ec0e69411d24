"""What people do more rarely: several things in one command, files that move, branches on branches, words of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path

from contextgraph.sharing import sync_with
from tests.conftest import Repo
from tests.doings import Doings
from tests.world import bare


class Rarer(Doings):
    template: Path
    """A repository with `cg init`, for the clone of a colleague."""
    mate: Repo | None = None

    # Several at once.

    def octopus(self) -> None:
        if len(self.open) > 1:
            names = self.random.sample(sorted(self.open), 2)
            self.on_main()
            self.stage()
            before, old = self.tree(), self.repo.sha()
            if self.tried("merge", "--quiet", "--no-ff", "--no-edit", *names) and self.repo.sha() != old:
                new = self.made()
                # Git looks for no moves here: what one takes back stands where another moved it.
                self.doubled |= {file for name in names for sha in self.open[name] for file in self.removes[sha] & self.tree()}
                for name in names:
                    self.closed(name, new, before)

    def pick_several(self) -> None:
        """A branch, picked commit by commit."""
        name = self.pick_branch(plain=True)
        # What waits goes to the first, also where that is taken back because the second stops.
        if name and self.staged is None and all(self.pickable(sha) for sha in self.open[name]):
            self.on_main()
            before = self.repo.sha()
            if self.tried("cherry-pick", *(["-x"] if self.random.random() < 0.5 else []), *self.open[name]):
                for sha, new in zip(self.open[name], self.new_since(before), strict=True):
                    self.picked(sha, new)

    def revert_several(self) -> None:
        """Each in a commit of its own, or all in one that names them."""
        self.on_main()
        before = self.repo.sha()
        targets = self.apart(self.targets())
        if len(targets) < 2:
            return
        if self.staged is None and self.random.random() < 0.5:
            if self.tried("revert", "--no-edit", *targets):
                for sha, new in zip(targets, self.new_since(before), strict=True):
                    self.reverts.append((new, sha))
                    self.arrive(new)
            return
        self.stage()
        if self.taken_back(targets):
            words = "".join(f"\n\nThis reverts commit {sha}." for sha in targets)
            self.git("commit", "--quiet", "-m", f"Take {len(targets)} back {len(self.steps)}{words}")
            new = self.made()
            self.reverts += [(new, sha) for sha in targets]
            self.arrive(new)

    def apart(self, shas: list[str]) -> list[str]:
        """Two or three of these that have no file in common and are no merges."""
        found: list[str] = []
        for sha in self.random.sample(shas, len(shas)):
            alone = not any(self.changed(sha) & self.changed(other) for other in found)
            if alone and len(found) < self.random.randint(2, 3) and not self.is_merge(sha):
                found.append(sha)
        return found

    def taken_back(self, targets: list[str]) -> bool:
        """Undo these without a commit."""
        for sha in targets:
            self.git("revert", "--no-commit", *(["-m", "1"] if self.is_merge(sha) else []), sha, check=False)
        conflict = self.repo.run("git", "diff", "--name-only", "--diff-filter=U").stdout
        done = not conflict and self.repo.run("git", "diff", "--cached", "--name-only").stdout != ""
        if not done:
            self.steps.append("  nothing came of it")
            self.repo.git("revert", "--abort", check=False)
            self.repo.git("reset", "--quiet", "--hard")
        return done

    def new_since(self, before: str) -> list[str]:
        """The commits that one command made."""
        news = self.repo.git("rev-list", "--reverse", f"{before}..HEAD").split()
        for sha in news:
            self.learn(sha)
        return news

    # Files that move, branches that have more than their own.

    def move(self) -> None:
        """Files go to another directory, on the main line or on a branch."""
        name = self.pick_branch() if self.random.random() < 0.3 else None
        if not name:
            self.on_main()
        files = sorted({bare(path): path for path in self.repo.run("git", "ls-files").stdout.split()}.values())
        if not files:
            return
        place = f"moved{len(self.steps)}"
        (self.repo.path / place).mkdir()
        self.stage()
        self.git("mv", *self.random.sample(files, min(len(files), 2)), place)
        self.git("commit", "--quiet", "-m", f"Move to {place}")
        new = self.made()
        if name:
            self.open[name].append(new)
        else:
            self.arrive(new)

    def update(self) -> None:
        """The main line is merged into a branch."""
        name = self.pick_branch()
        if name and not self.has(name, "main"):
            self.stage()
            if self.tried("merge", "--quiet", "--no-ff", "--no-edit", "main"):
                self.open[name].append(self.made())
                self.knotted.add(name)

    def stack(self) -> None:
        """A branch on top of another, which the host lands; then the upper one is put onto main."""
        name = self.pick_branch(plain=True)
        if not name or self.has_doubles(name):
            return
        upper, fork = f"upper{len(self.steps)}", self.repo.sha()
        self.git("checkout", "--quiet", "-b", upper)
        self.open[upper] = [self.change() for _ in range(self.random.randint(1, 2))]
        self.land(name)
        self.git("checkout", "--quiet", upper)
        if name not in self.open and self.tried("rebase", "--quiet", "--onto", "main", fork):
            self.rewritten(upper, "main")
        else:
            self.forget(upper)

    def drop(self) -> None:
        """A rebase leaves one out."""
        name = self.pick_branch(plain=True)
        if name and len(self.open[name]) > 1:
            base = self.repo.sha(f"HEAD~{len(self.open[name])}")
            place = self.random.randint(1, len(self.open[name]))
            if self.tried("rebase", "--quiet", "-i", base, GIT_SEQUENCE_EDITOR=f"sed -i {place}s/pick/drop/"):
                self.rewritten(name, base)

    def detached(self) -> None:
        """Commits on no branch; one is made for them, or they are left."""
        self.git("checkout", "--quiet", "--detach", "main")
        shas = [self.change() for _ in range(self.random.randint(1, 2))]
        name = f"kept{len(self.steps)}"
        if self.random.random() < 0.7:
            self.git("checkout", "--quiet", "-b", name)
            self.open[name] = shas
        else:
            self.git("checkout", "--quiet", "main")

    def amend_main(self) -> None:
        """The last commit of the main line, before anyone has it."""
        self.on_main()
        old = self.repo.sha()
        alone = self.repo.git("branch", "--contains", old, "--format=%(refname:short)") == "main"
        if alone and old in self.adds and not self.is_merge(old) and not self.has("origin/main", old):
            if old in self.olds:  # of a squash that nobody saw only what was made of it is asked
                self.look()
            self.stage()
            self.amended(old)
            new = self.made()
            self.carried([old], new)
            self.landed = [new if sha == old else sha for sha in self.landed]
            self.close([], new)

    # A second line.

    def release(self) -> None:
        """A branch that lives beside the main line begins, takes over something of that, or takes something back."""
        if len(self.releases) < 2 and self.random.random() < 0.5:
            name = f"release{len(self.steps)}"
            self.git("branch", "--quiet", name, "main")
            self.releases[name] = self.files(name)
        if not self.releases:
            return
        name = self.random.choice(sorted(self.releases))
        self.git("checkout", "--quiet", name)
        files, has = self.files(name), self.commits(name)
        sure = [sha for sha in self.landed if self.changed(sha) and not self.changed(sha) & (self.doubled | self.again | self.waiting())]
        news = [sha for sha in sure if not self.adds[sha] & self.releases[name] and self.removes[sha] <= files and not self.is_merge(sha)]
        news = [sha for sha in news if not has & {*self.forms(sha)}]
        olds = [sha for sha in sure if sha in has and self.adds[sha] <= files and not self.removes[sha] & files]
        if news and self.random.random() < 0.6:
            sha = self.random.choice(news)
            if self.tried("cherry-pick", "-x", sha):
                new = self.made()
                self.carried([sha], new)
                self.reverts += [(new, target) for reverter, target in self.reverts if reverter == sha]
                self.released.add(new)
        elif olds and (undoing := self.reverted(self.random.choice(olds))):
            self.released.add(undoing)
        self.releases[name] |= self.files(name)

    # Somebody else.

    def colleague(self) -> None:
        """A branch begins in the clone of a colleague, or is rewritten there, and comes here with the notes."""
        name = self.pick_branch(plain=True) if self.random.random() < 0.6 else None
        self.on_main()
        self.push("main", *([name] if name else []))
        self.share()
        if self.mate is None:
            self.mate = Repo(self.main.path.parent / "mate")
            shutil.copytree(self.template, self.mate.path, symlinks=True)
            self.mate.run("git", "remote", "add", "origin", str(self.main.path.parent / "origin"))
        mine = self.open
        with self.inside(self.mate):
            self.git("fetch", "--quiet", "origin")
            self.git("checkout", "--quiet", "-B", "main", "origin/main")
            self.share()
            if name:
                self.git("checkout", "--quiet", "-B", name, f"origin/{name}")
                self.open = {name: mine.pop(name)}
                self.random.choice([self.amend, self.rebase, self.autosquash, self.reorder, self.drop, self.reset_soft, self.extend])()
            else:
                name = f"theirs{len(self.steps)}"
                self.git("checkout", "--quiet", "-b", name)
                self.open = {name: [self.change() for _ in range(self.random.randint(1, 3))]}
            if self.staged is not None:
                self.git("checkout", "--quiet", "--detach")
                self.git("commit", "--quiet", "--allow-empty", "-m", "the last of theirs")
                self.made()
            self.share()
            if name in self.open:
                self.push(name)
        self.open = mine | self.open
        self.git("fetch", "--quiet", "origin")
        self.git("branch", "--quiet", "--force", name, f"origin/{name}")
        if name not in self.open:
            self.git("branch", "--quiet", "-D", name)
        self.share()
        self.pruned |= {sha for sha in {*self.adds, *self.words} - self.pruned if not self.here(sha)}

    def share(self) -> None:
        self.steps.append("sync")
        sync_with(self.graph(), "origin", fetch=True, push=True, progress=lambda *_: None)

    # By hand.

    def reverted(self, sha: str) -> str | None:
        """Also by an older form, and in words that git does not propose."""
        olds = self.olds.get(sha, [])
        if len(olds) == 1 and self.random.random() < 0.3 and self.changed(olds[0]) == self.changed(sha) and self.here(olds[0]):
            sha = olds[0]
            self.former.add(sha)
        if self.random.random() < 0.7:
            return super().reverted(sha)
        self.stage()
        if not self.taken_back([sha]):
            return None
        number = len(self.steps)
        title = f'Revert "{self.repo.git("log", "-1", "--format=%s", sha)}"'
        names = [f"This backs out commit {sha[:12]}.", f"Reverts https://example.com/x/commit/{sha}", f"It reverts {sha[:10]}, alas."]
        words = self.random.choice([title, *names])
        self.git("commit", "--quiet", "-m", title if words == title else f"Better without {number}\n\n{words}")
        new = self.made()
        self.reverts.append((new, sha))
        self.said[new] = f"\n{title}\n" if words == title else words
        return new

    def lose(self) -> None:
        """A branch that takes something back is merged, and the main line keeps it all the same."""
        if self.random.random() < 0.7:
            self.revert_on_branch()
        names = [name for name, shas in self.open.items() if not any(self.adds[sha] for sha in shas)]
        names = [name for name in names if any(self.removes[sha] for sha in self.open[name]) and not self.has_doubles(name)]
        if names:
            name = self.random.choice(sorted(names))
            self.on_main()
            self.stage()
            before = self.tree()
            if self.tried("merge", "--quiet", "--no-ff", "--no-edit", "-s", "ours", name):
                self.lost |= {*self.open[name]}
                self.closed(name, self.made(), before)

    def by_hand(self, file: str) -> str:
        """Who added the one file of a plain change of four lines, or of two."""
        return next((sha for sha in self.landed if self.adds[sha] == {file} and not self.removes[sha] and not self.is_merge(sha)), "")

    def take_out(self) -> None:
        """A change goes, without a word."""
        self.on_main()
        there = set(self.repo.run("git", "ls-files").stdout.split()) - self.doubled - self.waiting() - self.again
        there -= set().union(*(self.removes[sha] for sha in self.released))
        whole = [name for name in sorted(there) if len((self.repo.path / name).read_text().splitlines()) == 4]
        whole = [name for name in whole if "/" not in name and self.by_hand(name)]
        if whole:
            self.stage()
            self.git("rm", "--quiet", self.random.choice(whole))
            self.git("commit", "--quiet", "-m", f"Clean up {len(self.steps)}")
            self.arrive(self.made())

    def bring_back(self) -> None:
        """What was reverted comes back by hand, under its title or without a word."""
        self.on_main()
        gone = self.once - self.tree() - self.doubled - self.waiting() - self.again
        gone = {name for name in gone if self.by_hand(name) and not self.done_beside({name}, set())}
        if not gone:
            return
        name = self.random.choice(sorted(gone))
        sha = self.by_hand(name)
        content = self.repo.run("git", "show", f"{sha}:{name}", check=False).stdout
        if not content:
            return
        title = self.repo.git("log", "-1", "--format=%s", sha)
        says = self.random.choice([f'Reland "{title}"', f'Reapply "{title}"', f"Bring back {len(self.steps)}"])
        named = not says.startswith("Bring") and not any(name in self.removes[reverter] for reverter in self.said)
        if not named and len(content.splitlines()) < 4:
            return
        (self.repo.path / name).write_text(content)
        self.stage()
        self.git("add", name)
        self.git("commit", "--quiet", "-m", says)
        new = self.made()
        self.arrive(new)
        self.again.add(name)
        self.handed[name] = new

    def doings(self) -> list[tuple[int, Callable[[], None]]]:
        return [
            *super().doings(),
            (2, self.octopus), (2, self.pick_several), (3, self.revert_several), (3, self.move), (2, self.update), (3, self.stack),
            (2, self.drop), (2, self.detached), (2, self.amend_main), (2, self.take_out), (2, self.bring_back),
            (3, self.release), (3, self.colleague), (2, self.lose),
        ]  # fmt: skip


def world(path: Path, template: Path, hooks: str, seed: int) -> Rarer:
    """A fresh world in an empty directory."""
    path.mkdir()
    repo = Repo(path / "repo")
    shutil.copytree(template, repo.path, symlinks=True)
    repo.run("git", "clone", "--quiet", "--bare", str(repo.path), str(path / "origin"))
    repo.run("git", "remote", "add", "origin", str(path / "origin"))
    repo.run("git", "fetch", "--quiet", "origin")
    repo.run("git", "config", "contextgraph.track.branches", "release*")
    host = Repo(path / "host")
    repo.run("git", "clone", "--quiet", str(path / "origin"), str(host.path))
    host.clock = repo.clock
    here = Rarer(repo, host, hooks, seed)
    here.template = template
    return here
