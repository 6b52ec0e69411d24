"""What people do to a repository, at random: each leaves the work tree clean and the model (`tests/world.py`) in step."""

import shutil
from collections.abc import Callable

from tests.conftest import Repo
from tests.world import World


class Doings(World):
    def change(self, subject: str = "", skip: bool = False) -> str:
        """A commit with a file of its own, and usually a decision."""
        self.number += 1
        name = f"file{self.number}"
        # Of two lines no revert is recognized by its diff alone: what names it must lead there.
        lines = self.random.choice([2, 4])
        (self.repo.path / name).write_text("".join(f"{name} has line {each} of its own\n" for each in range(lines)))
        self.stage()
        self.git("add", name)
        if self.random.random() < 0.05:
            self.git("stash", "push", "--quiet")
            self.git("stash", "pop", "--quiet", "--index")
        self.git("commit", "--quiet", *((subject,) if subject else ("-m", f"Change {self.number}")), CG_SKIP="1" if skip else "")
        unseen = skip and not self.unhooked  # only a hook knows of it
        sha = self.made(takes=not unseen)
        self.skipped |= {sha} if unseen else set()
        if not skip and self.random.random() < 0.7:
            self.attach(sha)
        return sha

    def on_main(self) -> None:
        if self.repo.git("symbolic-ref", "--short", "HEAD") != "main":
            self.git("checkout", "--quiet", "main")

    def arrive(self, sha: str) -> None:
        """A commit made on the main line itself."""
        self.close([], sha)
        self.landed.append(sha)

    def commit_on_main(self) -> None:
        self.on_main()
        self.arrive(self.change(skip=self.random.random() < 0.1))

    def start_branch(self) -> None:
        name = f"branch{self.number}"
        if name in self.open:
            return
        self.git("checkout", "--quiet", "-b", name, "main")
        self.open[name] = [self.change() for _ in range(self.random.randint(1, 3))]

    def pick_branch(self, plain: bool = False) -> str | None:
        """Check out an open branch; a `plain` one has no merges in it."""
        names = sorted(self.open.keys() - self.knotted if plain else self.open)
        if not names:
            return None
        name = self.random.choice(names)
        self.git("checkout", "--quiet", name)
        return name

    def extend(self) -> None:
        if name := self.pick_branch():
            self.open[name].append(self.change())

    # Commits made of commits.

    def rewritten(self, name: str, base: str, groups: dict[str, list[str]] | None = None) -> None:
        """The commits of a branch since `base` are new. Each was made of the old one of its author time, or of what `groups`
        says of that time: in this world no two commits of a branch share one."""
        before = {self.author_time(sha): sha for sha in self.open[name]}
        kept = [
            sha for sha in self.open[name] if self.repo.run("git", "merge-base", "--is-ancestor", sha, base, check=False).returncode == 0
        ]
        news = self.repo.git("rev-list", "--reverse", f"{base}..HEAD").split()
        for new in news:
            when = self.author_time(new)
            made_of = (groups or {}).get(when, [before[when]] if when in before else [])
            if new not in self.adds:
                self.learn(new)
            if new not in made_of:
                self.carried(made_of, new)
            if len(made_of) > 1:  # what one of them undid of another is in none any more
                self.doubled |= set().union(*map(self.changed, made_of)) - self.changed(new)
        self.open[name] = kept + news
        if not self.open[name]:  # `--apply` leaves out what is empty
            self.forget(name)

    def author_time(self, sha: str) -> str:
        return self.repo.run("git", "log", "-1", "--format=%at", sha).stdout.strip()

    def amend(self) -> None:
        if name := self.pick_branch():
            old = self.open[name][-1]
            self.stage()
            self.amended(old)
            new = self.made()
            self.carried([old], new)
            self.open[name][-1] = new

    def amended(self, old: str) -> None:
        if self.adds[old] and old not in self.knots() and self.random.random() < 0.5:
            with (self.repo.path / self.where(min(self.adds[old]))).open("a") as file:
                file.write(f"one more {self.number} {len(self.steps)}\n")
            self.git("commit", "--quiet", "--all", "--amend", "--no-edit")
        else:
            self.git("commit", "--quiet", "--allow-empty", "--amend", "-m", f"Said better {len(self.steps)}")

    def knots(self) -> set[str]:
        """The merges of open branches."""
        return set(self.repo.git("rev-list", "--merges", "--branches").split())

    def has_doubles(self, name: str) -> bool:
        return any(self.changed(sha) & self.doubled for sha in self.open[name])

    def rebase(self) -> None:
        name = self.pick_branch(plain=True)
        # What main has already, a rebase leaves out.
        if name and not self.has_doubles(name):
            self.stage()
            if self.tried("rebase", "--quiet", self.random.choice(["--merge", "--merge", "--apply"]), "main"):
                self.rewritten(name, "main")

    def autosquash(self) -> None:
        name = self.pick_branch(plain=True)
        # A revert with a fixup in it is undone by several, of which each may have lost its words.
        targets = [sha for sha in self.open[name] if not self.removes[sha]] if name else []
        if name and targets and len(self.open[name]) < 6:
            target = self.random.choice(targets)
            fixup = self.change(f"--{self.random.choice(['fixup', 'squash'])}={target}")
            self.open[name].append(fixup)
            base = self.repo.sha(f"HEAD~{len(self.open[name])}")
            if self.tried("rebase", "--quiet", "-i", "--autosquash", base):
                self.rewritten(name, base, {self.author_time(target): [target, fixup]})

    def reorder(self) -> None:
        name = self.pick_branch(plain=True)
        if name and len(self.open[name]) > 1:
            base = self.repo.sha(f"HEAD~{len(self.open[name])}")
            if self.tried("rebase", "--quiet", "-i", base, GIT_SEQUENCE_EDITOR="sed -i '1{h;d};2{G}'"):
                self.rewritten(name, base)

    def stop_in_rebase(self) -> None:
        """`edit` in a rebase: amend, commit on top (perhaps skipped), take back and commit again, or leave out."""
        name = self.pick_branch(plain=True)
        if not name or self.has_doubles(name):
            return
        shas = self.open[name]
        place = self.random.randint(1, len(shas))
        old = shas[place - 1]
        fork = self.repo.sha(f"HEAD~{len(shas)}")
        onto = self.random.choice([fork, self.repo.sha("main")])
        before = self.repo.sha()
        self.git("rebase", "-i", "--onto", onto, fork, check=False, GIT_SEQUENCE_EDITOR=f"sed -i {place}s/pick/edit/")
        if not self.stopped() or self.author_time("HEAD") != self.author_time(old):
            self.git("rebase", "--abort", check=False)
            self.steps.append("  stopped elsewhere")
            return
        self.stage()
        there = self.repo.sha()
        groups: dict[str, list[str]] = {}
        doing = self.random.choice(["amend", "top", "skipped", "again", "drop"])
        self.steps.append(f"  at the stop: {doing}")
        if doing == "amend":
            self.amended(old)
            self.made()
        elif doing in ("top", "skipped"):
            groups[self.author_time(self.change(skip=doing == "skipped"))] = []
        elif doing == "again":
            self.git("reset", "--quiet", "--soft", "HEAD~1")
            self.git("commit", "--quiet", "--allow-empty", "-m", f"Again {len(self.steps)}")
            groups[self.author_time(self.made())] = [old]
        else:
            self.git("reset", "--quiet", "--hard", "HEAD~1")
        if self.random.random() < 0.3:
            self.look()
        self.git("rebase", "--continue", check=False)
        if self.stopped():
            self.git("rebase", "--abort", check=False)
            assert self.repo.sha() == before
            self.steps.append(f"  aborted at {there[:9]}")
            return
        self.rewritten(name, onto, groups)

    def reset_soft(self) -> None:
        name = self.pick_branch(plain=True)
        if name:
            count = self.random.randint(1, len(self.open[name]))
            group = self.open[name][-count:]
            self.stage()
            self.git("reset", "--quiet", "--soft", f"HEAD~{count}")
            self.git("commit", "--quiet", "--allow-empty", "-m", f"Once more {len(self.steps)}")
            self.made()
            self.rewritten(name, f"HEAD~{1}", {self.author_time("HEAD"): group})

    def cherry_pick(self) -> None:
        sources = sorted({sha for shas in self.open.values() for sha in shas if self.adds[sha]} - self.knots())
        if not sources:
            return
        sha = self.random.choice(sources)
        self.on_main()
        if not self.pickable(sha):
            return
        self.stage()
        if self.random.random() < 0.3:
            patch = self.repo.path.parent / "patch"
            patch.write_text(self.repo.run("git", "format-patch", "-1", "--stdout", sha).stdout)
            done = self.tried("am", "--quiet", str(patch))
        else:
            done = self.tried("cherry-pick", *(["-x"] if self.random.random() < 0.5 else []), sha)
        if done:
            self.picked(sha, self.made())

    def pickable(self, sha: str) -> bool:
        """Whether main never had anything of it. What a branch took back and brought again is what it had brought first: main has all of
        that branch's decisions then, or one."""
        if not self.adds[sha] or self.changed(sha) & (self.tree() | self.once) or self.removes[sha]:
            return False
        return not any(self.adds[each] & self.adds[sha] for shas in self.open.values() for each in shas if each != sha)

    def picked(self, sha: str, new: str) -> None:
        self.carried([sha], new)
        self.arrive(new)
        self.doubled |= self.changed(sha)

    # Reverts.

    def reverted(self, sha: str) -> str | None:
        """A revert of `sha` where HEAD is; None when it undoes nothing."""
        self.stage()
        if not self.tried("revert", "--no-edit", *(["-m", "1"] if self.is_merge(sha) else []), sha):
            return None
        new = self.made()
        self.reverts.append((new, sha))
        if self.random.random() < 0.3:
            self.attach(new)
        return new

    def targets(self) -> list[str]:
        """What of the main line can be reverted. What a branch takes back already is not: the same change made twice is the
        same change to the squash test."""
        vague = self.doubled | self.waiting()
        found = [sha for sha in self.landed if self.changed(sha) and not self.changed(sha) & vague]
        return [sha for sha in found if not self.done_beside(self.removes[sha], self.adds[sha])]

    def done_beside(self, adds: set[str], removes: set[str]) -> bool:
        """Whether a release branch does any of this itself: to the squash test what main does later is that once more."""
        return any(self.adds[sha] & adds or self.removes[sha] & removes for sha in self.released)

    def waiting(self) -> set[str]:
        """Files that branches which have not landed add or remove."""
        return set().union(*(self.changed(sha) for sha in self.adds if sha not in self.arrived | self.released))

    def revert(self) -> None:
        """Of anything in the main line: changes, merges, what came with them, squashes, and reverts of those."""
        self.on_main()
        targets = self.targets()
        if not targets:
            return
        recent = self.random.random() < 0.5
        if new := self.reverted(self.random.choice(targets[-4:] if recent else targets)):
            self.arrive(new)

    def revert_on_branch(self) -> None:
        """As the host's button does: a branch that takes something of the main line back."""
        targets = self.targets()
        name = f"undo{len(self.steps)}"
        if targets:
            self.git("checkout", "--quiet", "-b", name, "main")
            new = self.reverted(self.random.choice(targets))
            if new is None:
                self.forget(name)
            else:
                self.open[name] = [new]

    def revert_inside(self) -> None:
        """A branch takes back what itself brought, or brings it again."""
        if name := self.pick_branch():
            targets = [sha for sha in self.open[name] if self.changed(sha) and not self.changed(sha) & self.doubled]
            if targets and (new := self.reverted(self.random.choice(targets))):
                self.open[name].append(new)

    def pick_again(self) -> None:
        """What was reverted is picked from where it was first; once, for a third twin would not say which of two it was made of."""
        self.on_main()
        tree = self.tree()
        gone = [sha for sha in self.landed if self.adds[sha] and not self.removes[sha] and not self.adds[sha] & (tree | self.doubled)]
        gone = [sha for sha in gone if sha not in self.knots() and not self.adds[sha] & (self.again | self.waiting())]
        gone = [sha for sha in gone if not self.done_beside(self.adds[sha], set())]
        if gone:
            sha = self.random.choice(gone)
            self.stage()
            if self.tried("cherry-pick", *(["-x"] if self.random.random() < 0.5 else []), sha):
                new = self.made()
                self.carried([sha], new)
                self.arrive(new)
                self.again |= self.adds[sha]

    # Merges.

    def nest(self) -> None:
        """A branch of a branch, merged into it."""
        name = self.pick_branch()
        if name and len(self.open[name]) < 8:
            self.git("checkout", "--quiet", "-b", f"inner{len(self.steps)}", self.random.choice([name, name, "main"]))
            inner = [self.change() for _ in range(self.random.randint(1, 2))]
            side = self.repo.git("symbolic-ref", "--short", "HEAD")
            self.git("checkout", "--quiet", name)
            self.stage()
            if self.tried("merge", "--quiet", "--no-ff", "--no-edit", side):
                self.open[name] += [*inner, self.made()]
                self.knotted.add(name)
            self.git("branch", "--quiet", "-D", side)

    def merge(self) -> None:
        if name := self.pick_branch():
            self.on_main()
            self.stage()
            before = self.tree()
            if self.tried("merge", "--quiet", "--no-ff", "--no-edit", name):
                self.closed(name, self.made(), before)

    def squash(self) -> None:
        name = self.pick_branch()
        # What main has already is no part of the squash, whatever its message says. A tip that asked to be skipped is known to nobody
        # once the branch is deleted.
        if not name or self.has_doubles(name) or self.open[name][-1] in self.skipped:
            return
        self.on_main()
        before = self.tree()
        self.git("merge", "--quiet", "--squash", name, check=False)
        if (
            self.repo.run("git", "diff", "--name-only", "--diff-filter=U").stdout
            or not self.repo.run("git", "diff", "--cached", "--name-only").stdout
        ):
            self.repo.git("reset", "--quiet", "--hard")
            self.steps.append("  nothing came of it")
            return
        self.stage()
        self.git("commit", "--quiet", *(["--no-edit"] if self.random.random() < 0.5 else ["-m", f"All of {name}"]))
        new = self.made()
        self.carried(self.open[name], new)
        self.closed(name, new, before)

    def closed(self, name: str, at: str, before: set[str]) -> None:
        """A branch has landed at this commit of the main line, whose tree was `before`."""
        shas = self.open[name]
        for sha in shas:
            # Taken back in two ways: bringing back the one revert leaves the other.
            self.doubled |= {file for file in self.removes[sha] & self.once if file not in before}
        self.close(shas, at)
        inside = [sha for sha in shas if self.repo.run("git", "merge-base", "--is-ancestor", sha, at, check=False).returncode == 0]
        self.landed += [at, *(inside if inside != [at] else [])]
        self.forget(name, self.random.random() < 0.5)

    def forget(self, name: str, delete: bool = True) -> None:
        if delete:
            self.on_main()
            self.git("branch", "--quiet", "-D", name)
        self.open.pop(name, None)
        self.knotted.discard(name)

    # The host, other worktrees, and time.

    def push(self, *refs: str) -> None:
        self.git("push", "--quiet", "--force", "origin", *refs)

    def host_merge(self) -> None:
        if name := self.pick_branch():
            self.land(name)

    def land(self, name: str) -> None:
        """The host's three buttons, pressed in a clone that knows nothing of contextgraph."""
        self.host.clock = self.main.clock
        self.on_main()
        self.push("main", name)
        self.host.git("fetch", "--quiet", "origin")
        self.host.git("checkout", "--quiet", "-B", "main", "origin/main")
        before = self.tree()
        base = self.host.sha()
        buttons = ["merge"] if self.has_doubles(name) else ["merge", "squash"] if name in self.knotted else ["merge", "squash", "rebase"]
        button = self.random.choice(buttons)
        self.steps.append(f"host: {button} {name}")
        if not self.pressed(button, name):
            self.steps.append("  refused")
            for word in ("cherry-pick", "merge"):
                self.host.run("git", word, "--abort", check=False)
            self.host.run("git", "reset", "--quiet", "--hard", base)
            return
        self.host.git("push", "--quiet", "origin", "main")
        self.main.clock = self.host.clock
        self.git("pull", "--quiet", "--ff-only", "origin", "main")
        old = self.open[name]
        if button == "rebase":
            news = self.repo.git("rev-list", "--reverse", f"{base}..HEAD").split()
            for sha, new in zip(old, news, strict=True):
                self.learn(new)
                self.carried([sha], new)
                self.close([sha], new)
            self.closed(name, news[-1], before)
            self.landed += news[:-1]
        else:
            new = self.made(takes=False)
            if button == "squash":
                self.carried(old, new)
            self.closed(name, new, before)

    def pressed(self, button: str, name: str) -> bool:
        title = f"Pull {name} (#{self.number})"
        before = self.host.sha()
        if button == "merge":
            self.host.git(
                "merge", "--quiet", "--no-ff", "-m", f"Merge pull request #{self.number} from x/{name}", f"origin/{name}", check=False
            )
        elif button == "squash":
            self.host.git("merge", "--quiet", "--squash", f"origin/{name}", check=False)
            if self.host.run("git", "diff", "--cached", "--name-only").stdout:
                self.host.git("commit", "--quiet", "-m", title, check=False, GIT_COMMITTER_NAME="Host")
        else:
            self.host.git("cherry-pick", f"main..origin/{name}", check=False, GIT_COMMITTER_NAME="Host")
        clean = not self.host.run("git", "status", "--porcelain").stdout.strip()
        picking = (self.host.path / ".git" / "CHERRY_PICK_HEAD").exists() or (self.host.path / ".git" / "sequencer").exists()
        return clean and not picking and self.host.sha() != before

    def elsewhere(self) -> None:
        """Work on a branch in a linked worktree, which is removed afterwards."""
        names = sorted(self.open)
        if not names:
            return
        name = self.random.choice(names)
        self.on_main()
        place = self.main.path.parent / f"tree{len(self.steps)}"
        self.git("worktree", "add", "--quiet", str(place), name)
        with self.inside(Repo(place)):
            self.open[name] += [self.change() for _ in range(self.random.randint(1, 2))]
            if self.random.random() < 0.3:
                old = self.open[name][-1]
                self.amended(old)
                new = self.made()
                self.carried([old], new)
                self.open[name][-1] = new
            if self.hooks != "on":  # the reflog goes with the worktree
                self.look()
        self.git("worktree", "remove", "--force", str(place))
        shutil.rmtree(place, ignore_errors=True)

    def look(self) -> None:
        self.steps.append("catch up")
        self.graph().catch_up()

    def late(self) -> None:
        known = sorted(sha for sha in self.words if self.here(sha))
        if known:
            self.attach(self.random.choice(known))

    def delete_branch(self) -> None:
        if len(self.open) > 2:
            name = self.random.choice(sorted(self.open))
            self.forget(name)

    def prune(self) -> None:
        """Git forgets what no branch has."""
        self.look()
        self.git("reflog", "expire", "--expire=now", "--all")
        self.git("gc", "--quiet", "--prune=now")
        self.pruned |= {sha for sha in {*self.adds, *self.words} - self.pruned if not self.here(sha)}

    def doings(self) -> list[tuple[int, Callable[[], None]]]:
        """What can be done, each by its weight."""
        return [
            (3, self.commit_on_main), (8, self.start_branch), (3, self.extend), (4, self.amend), (4, self.rebase), (3, self.autosquash),
            (2, self.reorder), (3, self.stop_in_rebase), (3, self.reset_soft), (3, self.cherry_pick), (6, self.revert),
            (2, self.revert_on_branch), (3, self.revert_inside), (2, self.pick_again), (3, self.nest), (3, self.merge), (3, self.squash),
            (5, self.host_merge), (2, self.elsewhere), (5, self.look), (1, self.late), (1, self.delete_branch), (1, self.prune),
        ]  # fmt: skip

    def step(self) -> None:
        doings = self.doings()
        self.random.choices([each for _, each in doings], [weight for weight, _ in doings])[0]()
        self.once |= self.tree()
        self.host.clock = self.main.clock = max(self.host.clock, self.main.clock)
